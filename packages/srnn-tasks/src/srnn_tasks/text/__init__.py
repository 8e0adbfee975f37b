"""Language modelling: texts are read from files, turned into token numbers, and predicted word by word."""

from ._corpus import Corpus as Corpus
from ._corpus import read_corpus as read_corpus
from ._wikitext import WikiText as WikiText
from ._wikitext import WikiTextSource as WikiTextSource
from ._wikitext_files import load_wikitext as load_wikitext

__all__ = ["Corpus", "WikiText", "WikiTextSource", "load_wikitext", "read_corpus"]
