"""A text of three splits as numbers: the vocabulary by falling frequency, and a smaller one with `<unk>`."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "<unk>"
END = "<eos>"


class Corpus(NamedTuple):
    """The words of the vocabulary, and each split as one int64 array `(tokens,)` of places in it."""

    words: tuple[str, ...]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]

    def smaller(self, vocabulary: int) -> "Corpus":
        """Return the corpus with the first so many words, `<unk>` and `<eos>` among them; other words become `<unk>`.

        The words keep their order. The text must have `<unk>`, as that of WikiText has.
        """
        unknown, end = self.words.index(UNKNOWN), self.words.index(END)
        kept = np.zeros(len(self.words), dtype=np.bool_)
        kept[[unknown, end]] = True
        kept[np.flatnonzero(~kept)[: vocabulary - 2]] = True
        place = np.cumsum(kept) - 1  # (words,) of each old word in the new vocabulary
        place[~kept] = place[unknown]
        words = tuple(word for word, keep in zip(self.words, kept, strict=True) if keep)
        return Corpus(words, place[self.train], place[self.validation], place[self.test])


def read_corpus(train: str, validation: str, test: str) -> Corpus:
    """Return three texts as numbers: split at white space, with `<eos>` at the end of each line, blank ones too.

    The vocabulary is every word of the three, by falling count in train, ties by first appearance.

    >>> corpus = read_corpus("b a a\\n", "c\\n", "a b\\n")
    >>> corpus.words
    ('a', 'b', '<eos>', 'c')
    >>> corpus.train.tolist(), corpus.validation.tolist(), corpus.test.tolist()
    ([1, 0, 0, 2], [3, 2], [0, 1, 2])
    """
    texts = [_tokens(text) for text in (train, validation, test)]
    seen: dict[str, int] = {}
    for tokens in texts:
        for token in dict.fromkeys(tokens):
            seen.setdefault(token, len(seen))
    numbers = [np.fromiter(map(seen.__getitem__, tokens), np.int64, len(tokens)) for tokens in texts]
    order = np.argsort(-np.bincount(numbers[0], minlength=len(seen)), kind="stable")  # (words,)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    by_appearance = list(seen)
    return Corpus(tuple(by_appearance[number] for number in order), *(place[split] for split in numbers))


def _tokens(text: str) -> list[str]:
    if text and not text.endswith("\n"):
        text += "\n"
    return text.replace("\n", f" {END} ").split()
