"""A text in three splits as token numbers, and its vocabulary in order of decreasing frequency."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..contract import TaskError

UNKNOWN = "<unk>"
END = "<eos>"


class Corpus(NamedTuple):
    """The words of the vocabulary, and each split as an int64 array `(tokens,)` of indices into it."""

    words: tuple[str, ...]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]

    def smaller(self, vocabulary: int) -> "Corpus":
        """Return the corpus with the first `vocabulary` words, `<unk>` and `<eos>` included; others become `<unk>`.

        The words keep their order. Raises a TaskError if the text does not contain `<unk>`, as that of WikiText does.
        """
        if UNKNOWN not in self.words:
            raise TaskError(f"vocabulary: a smaller one needs the word {UNKNOWN} for all others; the text has none")
        unknown, end = self.words.index(UNKNOWN), self.words.index(END)
        keep = np.zeros(len(self.words), dtype=np.bool_)
        keep[[unknown, end]] = True
        keep[np.flatnonzero(~keep)[: vocabulary - 2]] = True
        new_index = np.cumsum(keep) - 1  # (words,) of each old word in the new vocabulary
        new_index[~keep] = new_index[unknown]
        words = tuple(word for word, kept in zip(self.words, keep, strict=True) if kept)
        return Corpus(words, new_index[self.train], new_index[self.validation], new_index[self.test])


def read_corpus(train: str, validation: str, test: str) -> Corpus:
    """Return three texts as token numbers: split at white space, with `<eos>` at the end of each line, blank or not.

    The vocabulary has every word of the three texts, by decreasing count in train; ties are in order of appearance.

    >>> corpus = read_corpus("b a a\\n", "c\\n", "a b\\n")
    >>> corpus.words
    ('a', 'b', '<eos>', 'c')
    >>> corpus.train.tolist(), corpus.validation.tolist(), corpus.test.tolist()
    ([1, 0, 0, 2], [3, 2], [0, 1, 2])
    """
    texts = [_tokens(text) for text in (train, validation, test)]
    appearance: dict[str, int] = {}
    for tokens in texts:
        for token in dict.fromkeys(tokens):
            appearance.setdefault(token, len(appearance))
    numbers = [np.fromiter(map(appearance.__getitem__, tokens), np.int64, len(tokens)) for tokens in texts]
    order = np.argsort(-np.bincount(numbers[0], minlength=len(appearance)), kind="stable")  # (words,)
    index = np.empty_like(order)
    index[order] = np.arange(len(order))
    words = list(appearance)
    return Corpus(tuple(words[number] for number in order), *(index[split] for split in numbers))


def _tokens(text: str) -> list[str]:
    if text and not text.endswith("\n"):
        text += "\n"
    return text.replace("\n", f" {END} ").split()
