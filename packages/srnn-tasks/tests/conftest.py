import random
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch

from srnn_tasks.text import _wikitext_files

TOKEN_FILES = {"train": "wiki.train.tokens", "validation": "wiki.valid.tokens", "test": "wiki.test.tokens"}


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a distribution for one test: dist-info with entry points, and its modules, in a folder on sys.path."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def make(
        name: str,
        points: Mapping[str, str],
        modules: Mapping[str, str] | None = None,
        group: str = "srnn.tasks",
    ) -> None:
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{kind} = {target}" for kind, target in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
        for module, text in (modules or {}).items():
            (tmp_path / f"{module}.py").write_text(text)

    yield make
    for module in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]


def made_text(seed: int, lines: int) -> str:
    """Return lines of up to 12 made-up words, frequent and rare ones, some of them blank."""
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


@pytest.fixture
def made_texts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A made-up text of three splits, whose counts stand in for those of WikiText-2."""
    texts = {"train": made_text(1, 300), "validation": made_text(2, 50), "test": made_text(3, 70)}
    texts["test"] += "only in test\n"
    tokens = {split: slow_tokens(text) for split, text in texts.items()}
    monkeypatch.setattr(_wikitext_files, "TOKENS", {split: len(found) for split, found in tokens.items()})
    monkeypatch.setattr(_wikitext_files, "WORDS", len({word for found in tokens.values() for word in found}))
    return texts


@pytest.fixture
def made_tokens(made_texts: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The words of the made-up text, which lies in the files that SRNN_DATA leads to."""
    for split, text in made_texts.items():
        (tmp_path / TOKEN_FILES[split]).write_bytes(text.encode())
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    return {split: slow_tokens(text) for split, text in made_texts.items()}
