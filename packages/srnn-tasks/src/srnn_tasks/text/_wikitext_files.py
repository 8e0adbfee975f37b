"""The text of WikiText-2 (Merity et al. 2016), word level: token files, or the data set of Hugging Face."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .._data_files import find_files, from_datasets, read_bytes
from .._data_search import search
from ..contract import DataSet, TaskError
from ._corpus import UNKNOWN, Corpus, read_corpus

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class TextFiles:
    """A text in three splits: where it is found, and what identifies it.

    subfolder: of `SRNN_DATA`. files: names of the token files of train, validation and test.
    dataset: arguments of `datasets.load_dataset`. tokens: tokens of each split, `<eos>` included.
    words: words of the vocabulary. sha256: `counts_digest` of the corpus, or None to check the counts only.
    """

    title: str
    subfolder: str
    files: tuple[str, str, str]
    dataset: tuple[str, ...]
    tokens: tuple[int, int, int]
    words: int
    sha256: str | None = None

    def load(self) -> Corpus:
        """Return the corpus from the first place that has it; it is read once per process, unless the files change.

        Raises a TaskError if no place has it (the message lists all that were searched) or if it is another text.
        """
        paths, searched = find_files(self.subfolder, self.files)
        if len(paths) == len(self.files):
            versions = tuple(_version(paths[name].resolve()) for name in self.files)
            return _read(self, versions)
        return _download(self, searched)

    def search(self) -> DataSet:
        """Return where the text is, without reading it."""
        return search(self.title, self.subfolder, self.files, self.dataset[0])

    def check(self, corpus: Corpus, origins: tuple[str, str, str]) -> Corpus:
        """Return the corpus, or raise a TaskError if it is another text. origins: where each split comes from."""
        for split, expected, origin in zip(SPLITS, self.tokens, origins, strict=True):
            count = len(getattr(corpus, split))
            if count != expected:
                lost = (
                    f": are there {expected - count} blank lines less at its end?" if 0 < expected - count < 4 else ""
                )
                raise TaskError(f"{self.title} from {origin}: expected {expected} tokens of {split}; got {count}{lost}")
        origin = origins[0] if len(set(origins)) == 1 else ", ".join(origins)
        if len(corpus.words) != self.words:
            raise TaskError(f"{self.title} from {origin}: expected {self.words} words; got {len(corpus.words)}")
        if UNKNOWN not in corpus.words and self.sha256 is not None:
            odd = [word for word in corpus.words if "unk" in word and not word.isalpha()][:3]  # such as &lt;unk&gt;
            raise TaskError(f"{self.title} from {origin}: expected the word {UNKNOWN}; got {', '.join(odd) or 'none'}")
        if self.sha256 is not None and counts_digest(corpus) != self.sha256:
            raise TaskError(
                f"{self.title} from {origin}: expected SHA-256 {self.sha256} of its words and their counts; "
                f"got {counts_digest(corpus)}: some words differ"
            )
        return corpus


def counts_digest(corpus: Corpus) -> str:
    """Return the SHA-256 of each word and its counts in the three splits, whatever the order of the text.

    Byte order marks, line ends and white space do not count.
    """
    splits = (corpus.train, corpus.validation, corpus.test)
    counts = np.stack([np.bincount(split, minlength=len(corpus.words)) for split in splits], axis=1)  # (words, 3)
    lines = sorted(
        f"{word} {' '.join(map(str, row))}\n" for word, row in zip(corpus.words, counts.tolist(), strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


WIKITEXT_2 = TextFiles(
    title="WikiText-2",
    subfolder="wikitext-2",
    files=("wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"),
    dataset=("Salesforce/wikitext", "wikitext-2-v1"),
    tokens=(2_088_628, 217_646, 245_569),
    words=33_278,
    sha256="d520a3c91af102e6e8ba78f73a8de91e7bcb3e30bae29bb806d5b404ce73fe4c",
)


Version = tuple[Path, int, int]  # of a file: path, time of the last change in ns, and bytes


def _version(path: Path) -> Version:
    status = path.stat()
    return path, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=1)
def _read(source: TextFiles, versions: tuple[Version, ...]) -> Corpus:
    """Return the checked corpus of three files. An error is not cached."""
    paths = [path for path, *_ in versions]
    train, validation, test = map(str, paths)
    return source.check(read_corpus(*map(_text, paths)), (train, validation, test))


@lru_cache(maxsize=1)
def _download(source: TextFiles, searched: str) -> Corpus:
    names = ", ".join(source.files)
    files = f"the three files {names} (raw, or .gz) in it or in its subfolder {source.subfolder}"
    corpus = from_datasets(source.title, source.dataset, _converted, searched=searched, files=files)
    origin = f"datasets.load_dataset{source.dataset}"
    return source.check(corpus, (origin, origin, origin))


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode("utf-8-sig")  # with or without a byte order mark
    except UnicodeDecodeError as error:
        raise TaskError(f"{path}: expected text in UTF-8; got {error}") from error


def _converted(splits: Any) -> Corpus:
    """Return the corpus of a data set of Hugging Face, which has one row per line, blank lines included."""
    texts = ("".join(row.strip() + "\n" for row in splits[split]["text"]) for split in SPLITS)
    return read_corpus(*texts)
