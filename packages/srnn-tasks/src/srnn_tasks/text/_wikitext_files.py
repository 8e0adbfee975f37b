"""The text of WikiText-2 (Merity et al. 2016), word level: token files, or the data set of Hugging Face."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .._data_files import find_files, from_datasets, read_bytes
from .._data_search import search
from ..contract import DataSet, TaskError
from ._corpus import Corpus, read_corpus

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class TextFiles:
    """A text in three splits: where it is found, and the counts that identify it.

    subfolder: of `SRNN_DATA`. files: names of the token files of train, validation and test.
    dataset: arguments of `datasets.load_dataset`. tokens: tokens of each split, `<eos>` included.
    words: words of the vocabulary.
    """

    title: str
    subfolder: str
    files: tuple[str, str, str]
    dataset: tuple[str, ...]
    tokens: tuple[int, int, int]
    words: int

    def load(self) -> Corpus:
        """Return the corpus from the first place that has it; it is read once per process.

        Raises a TaskError if no place has it (the message lists all that were searched) or if the counts differ.
        """
        paths, searched = find_files(self.subfolder, self.files)
        if len(paths) == len(self.files):
            return self._checked(_read(*(paths[name].resolve() for name in self.files)), "SRNN_DATA")
        return self._checked(_download(self, searched), f"datasets.load_dataset{self.dataset}")

    def search(self) -> DataSet:
        """Return where the text is, without reading it."""
        return search(self.title, self.subfolder, self.files, self.dataset[0])

    def _checked(self, corpus: Corpus, origin: str) -> Corpus:
        for split, expected in zip(SPLITS, self.tokens, strict=True):
            count = len(getattr(corpus, split))
            if count != expected:
                raise TaskError(f"{self.title} from {origin}: expected {expected} tokens of {split}; got {count}")
        if len(corpus.words) != self.words:
            raise TaskError(f"{self.title} from {origin}: expected {self.words} words; got {len(corpus.words)}")
        return corpus


WIKITEXT_2 = TextFiles(
    title="WikiText-2",
    subfolder="wikitext-2",
    files=("wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"),
    dataset=("Salesforce/wikitext", "wikitext-2-v1"),
    tokens=(2_088_628, 217_646, 245_569),
    words=33_278,
)


@lru_cache(maxsize=1)
def _read(train: Path, validation: Path, test: Path) -> Corpus:
    return read_corpus(*(_text(path) for path in (train, validation, test)))


@lru_cache(maxsize=1)
def _download(source: TextFiles, searched: str) -> Corpus:
    names = ", ".join(source.files)
    files = f"the three files {names} (raw, or .gz) in it or in its subfolder {source.subfolder}"
    return from_datasets(source.title, source.dataset, _converted, searched=searched, files=files)


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise TaskError(f"{path}: expected text in UTF-8; got {error}") from error


def _converted(splits: Any) -> Corpus:
    """Return the corpus of a data set of Hugging Face, which has one row per line, blank lines included."""
    texts = ("".join(row.strip() + "\n" for row in splits[split]["text"]) for split in SPLITS)
    return read_corpus(*texts)
