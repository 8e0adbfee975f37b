"""How the words of a text become numbers."""

from collections import Counter

import numpy as np
import pytest

from srnn_tasks.text import Corpus, read_corpus

from .made_up import SPLITS, WORDS, corpus


def spelled(read: Corpus) -> dict[str, list[str]]:
    return {split: [read.words[i] for i in getattr(read, split)] for split in SPLITS}


def slow_vocabulary(tokens: dict[str, list[str]]) -> list[str]:
    """Every word, by decreasing count in train; ties are in order of appearance."""
    everything = tokens["train"] + tokens["validation"] + tokens["test"]
    counts = Counter(tokens["train"])
    return sorted(set(everything), key=lambda word: (-counts[word], everything.index(word)))


def test_the_whole_text_is_read() -> None:
    assert spelled(corpus()) == WORDS
    assert list(corpus().words) == slow_vocabulary(WORDS)
    assert corpus().train.dtype == np.int64


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ""),
        ("\n", "<eos>"),
        (" \n \n", "<eos> <eos>"),
        (" a  b \n", "a b <eos>"),
        ("a\tb\r\nc\r\n", "a b <eos> c <eos>"),
        ("a\n\nb", "a <eos> <eos> b <eos>"),
        ("a\x0bb\x85c\u2028d\n", "a b c d <eos>"),  # white space, but no line ends
    ],
)
def test_a_line_is_its_words_and_an_end(text: str, tokens: str) -> None:
    assert spelled(read_corpus("x\n", text, ""))["validation"] == tokens.split()


def test_words_are_ordered_by_count_in_train_then_by_first_appearance() -> None:
    read = read_corpus("c b b\na c\n", "e d a a a a\n", "f d\n")
    assert read.words == ("c", "b", "<eos>", "a", "e", "d", "f")


@pytest.mark.parametrize("vocabulary", [2, 3, 5, 17, 40])
def test_a_smaller_vocabulary_keeps_the_most_frequent_words(vocabulary: int) -> None:
    smaller = corpus().smaller(vocabulary)
    order = slow_vocabulary(WORDS)
    others = [word for word in order if word not in ("<unk>", "<eos>")][: vocabulary - 2]
    kept = {"<unk>", "<eos>", *others}
    assert list(smaller.words) == [word for word in order if word in kept]
    assert len(smaller.words) == vocabulary
    expected = {split: [word if word in kept else "<unk>" for word in tokens] for split, tokens in WORDS.items()}
    assert spelled(smaller) == expected


def test_the_whole_vocabulary_is_a_smaller_one_too() -> None:
    whole = corpus()
    again = whole.smaller(len(whole.words))
    assert again.words == whole.words
    assert np.array_equal(again.train, whole.train)
