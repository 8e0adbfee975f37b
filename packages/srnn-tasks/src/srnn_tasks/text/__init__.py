"""Language modelling: a text is read from files, converted to token numbers, and predicted word by word.

`TextFiles` locates and checks a text, `Corpus` holds its numbers and vocabulary, and a task cuts it into batches.
"""

from ._corpus import Corpus as Corpus
from ._corpus import read_corpus as read_corpus
from ._wikitext import WikiText as WikiText
from ._wikitext import WikiTextSource as WikiTextSource
from ._wikitext_files import WIKITEXT_2 as WIKITEXT_2
from ._wikitext_files import TextFiles as TextFiles
from ._wikitext_files import counts_digest as counts_digest

__all__ = ["WIKITEXT_2", "Corpus", "TextFiles", "WikiText", "WikiTextSource", "counts_digest", "read_corpus"]
