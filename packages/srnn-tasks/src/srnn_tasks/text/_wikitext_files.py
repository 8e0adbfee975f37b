"""The text of WikiText-2 (Merity et al. 2016), word level: token files, or the data set of Hugging Face."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from .._data_files import find_files, from_datasets, read_bytes
from ._corpus import Corpus, read_corpus

FILES = {"train": "wiki.train.tokens", "validation": "wiki.valid.tokens", "test": "wiki.test.tokens"}
DATASET = ("Salesforce/wikitext", "wikitext-2-v1")
TOKENS = {"train": 2_088_628, "validation": 217_646, "test": 245_569}  # with `<eos>`
WORDS = 33_278


def load_wikitext() -> Corpus:
    """Return WikiText-2 from the first place that has it; an error tells every place that was tried.

    It is read once a process.
    """
    found, looked = find_files("wikitext-2", tuple(FILES.values()))
    if len(found) == len(FILES):
        train, validation, test = (found[name].resolve() for name in FILES.values())
        return _checked(_read(train, validation, test), "SRNN_DATA")
    return _checked(_download(looked), f"datasets.load_dataset{DATASET}")


@lru_cache(maxsize=1)
def _read(train: Path, validation: Path, test: Path) -> Corpus:
    return read_corpus(*(_text(path) for path in (train, validation, test)))


@lru_cache(maxsize=1)
def _download(looked: str) -> Corpus:
    files = f"the three files {', '.join(FILES.values())} (raw, or .gz) in it or in its subfolder wikitext-2"
    return from_datasets("WikiText-2", DATASET, _converted, looked=looked, files=files)


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8; got {error}") from error


def _converted(splits: Any) -> Corpus:
    """Return the corpus of the data set of Hugging Face, which has one row a line, blank lines included."""
    texts = ("".join(row.strip() + "\n" for row in splits[split]["text"]) for split in FILES)
    return read_corpus(*texts)


def _checked(corpus: Corpus, origin: str) -> Corpus:
    found = {split: len(getattr(corpus, split)) for split in TOKENS}
    for split, count in TOKENS.items():
        if found[split] != count:
            raise ValueError(f"WikiText-2 from {origin}: expected {count} tokens of {split}; got {found[split]}")
    if len(corpus.words) != WORDS:
        raise ValueError(f"WikiText-2 from {origin}: expected {WORDS} words; got {len(corpus.words)}")
    return corpus
