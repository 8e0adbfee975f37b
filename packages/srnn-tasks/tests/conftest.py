import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch

from srnn_tasks.robotics import record

TOKEN_FILES = {"train": "wiki.train.tokens", "validation": "wiki.valid.tokens", "test": "wiki.test.tokens"}


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Let the tests, and the processes that they start, store what they render in a folder of their own."""
    before, folder = os.environ.get("SRNN_CACHE"), tmp_path_factory.mktemp("cache")
    os.environ["SRNN_CACHE"] = str(folder)
    yield folder
    os.environ.pop("SRNN_CACHE")
    if before is not None:
        os.environ["SRNN_CACHE"] = before


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


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of Minari data sets with 60 episodes of the expert of the hammer task, mean actions; about 20 s."""
    folder = tmp_path_factory.mktemp("minari")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(folder))
        record(60)
        yield folder
