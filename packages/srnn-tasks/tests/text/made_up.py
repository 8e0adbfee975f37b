"""A made-up text in three splits, read as the authors' code reads a file, and a task that reads it."""

import random
from functools import cache
from typing import Literal

import torch

from srnn_tasks import WikiText, WikiTextSource
from srnn_tasks.text import Corpus, TextFiles, read_corpus

SPLITS = ("train", "validation", "test")
FILES = ("made.train.tokens", "made.valid.tokens", "made.test.tokens")


def made_text(seed: int, lines: int) -> str:
    """Return lines of up to 12 words, frequent and rare ones, some of them blank."""
    draw = random.Random(seed)
    words = ["the", ",", "<unk>", "of", "é", "@-@", *(f"word{i}" for i in range(40))]
    shares = [1 / (i + 2) for i in range(len(words))]
    rows = [draw.choices(words, shares, k=draw.choice([0, 0, 3, 7, 12])) for _ in range(lines)]
    return "".join(" " + " ".join([*row, ""]) + "\n" if row else " \n" for row in rows)


def slow_tokens(text: str) -> list[str]:
    """Return the words of a text line by line, as the authors' code reads a file."""
    tokens = []
    for line in text.split("\n")[:-1]:
        for word in line.split(" "):
            if word != "":
                tokens.append(word)
        tokens.append("<eos>")
    return tokens


TEXTS = {
    "train": made_text(1, 300),
    "validation": made_text(2, 50),
    "test": made_text(3, 70) + "only in test\n",
}
WORDS = {split: slow_tokens(text) for split, text in TEXTS.items()}
MADE_UP = TextFiles(
    title="Made-up text",
    subfolder="made-up",
    files=FILES,
    dataset=("somebody/made-up", "v1"),
    tokens=(len(WORDS["train"]), len(WORDS["validation"]), len(WORDS["test"])),
    words=len({word for words in WORDS.values() for word in words}),
)


@cache
def corpus() -> Corpus:
    return read_corpus(*(TEXTS[split] for split in SPLITS))


class MadeUp(WikiText):
    """The task of WikiText on the made-up text."""

    kind: Literal["made_up"] = "made_up"  # type: ignore[assignment]

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> WikiTextSource:
        return WikiTextSource(self, corpus(), device=device)
