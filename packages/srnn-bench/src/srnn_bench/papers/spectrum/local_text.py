"""A text in local files: the corpora of arXiv 1912.00120 that this repository does not have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field, PositiveInt

from srnn_tasks import DataSet, Task, TaskError, WikiText
from srnn_tasks.text import Corpus, WikiTextSource, read_corpus

UNKNOWN = "<unk>"


class LocalText(Task):
    """Language modelling on three files of words: the task `WikiText` with another text, which is never downloaded.

    folder: subfolder of the folder that the environment variable SRNN_DATA names. files: names of the texts of train,
    validation and test, in UTF-8; words are split at white space, and each line ends with the word `<eos>`.
    vocabulary: None for all words, or their number, `<unk>` and `<eos>` included: the most frequent ones of train; all
    others become `<unk>`, which the text need not contain.
    steps, evaluation_rows, train_share: as those of `WikiText`.

    The whole text is read into memory.

    >>> LocalText(folder="ptb").files
    ('train.txt', 'valid.txt', 'test.txt')
    """

    kind: Literal["srnn_bench.papers.spectrum.local_text:LocalText"] = "srnn_bench.papers.spectrum.local_text:LocalText"
    folder: Annotated[str, Field(min_length=1)]
    files: tuple[str, str, str] = ("train.txt", "valid.txt", "test.txt")
    vocabulary: Annotated[int, Field(ge=2)] | None = None
    steps: PositiveInt = 20
    evaluation_rows: PositiveInt = 64
    train_share: Annotated[float, Field(ge=0, le=1)] = 0

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> WikiTextSource:
        """Return the source, whose only difference from that of `WikiText` is the text.

        Raises a TaskError that names the files that are not there.
        """
        data_set = self.data_set()
        if data_set.place is None:
            raise TaskError(f"{self.folder}: expected the files {', '.join(self.files)}: {data_set.searched}")
        texts = (self._read(Path(data_set.place) / name) for name in self.files)
        corpus = read_corpus(*texts)
        if self.vocabulary is not None:
            corpus = _with_unknown(corpus).smaller(self.vocabulary)
        task = WikiText(steps=self.steps, evaluation_rows=self.evaluation_rows, train_share=self.train_share)
        return WikiTextSource(task, corpus, device=device)

    def data_set(self) -> DataSet:
        """Return the folder of the files, and None as the place if one of them is missing."""
        root = os.environ.get("SRNN_DATA")
        if not root:
            return DataSet(title=self.folder, place=None, searched="the environment variable SRNN_DATA is not set")
        folder = Path(root) / self.folder
        missing = [name for name in self.files if not (folder / name).is_file()]
        searched = f"{folder} has no {', '.join(missing)}" if missing else str(folder)
        return DataSet(title=self.folder, place=None if missing else str(folder), searched=searched)

    def _read(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise TaskError(f"{path}: expected text in UTF-8; got {error}") from error


def _with_unknown(corpus: Corpus) -> Corpus:
    """Return the corpus with `<unk>` in its vocabulary, as the last word if the text does not contain it."""
    if UNKNOWN in corpus.words:
        return corpus
    splits = (np.asarray(getattr(corpus, split)) for split in ("train", "validation", "test"))
    return Corpus((*corpus.words, UNKNOWN), *splits)
