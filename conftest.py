"""Shared by the tests of all packages: hypothesis profiles, and checks that READMEs and docstring examples run."""

import doctest
import importlib
import pkgutil
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import HealthCheck, settings

# No deadline: machines are shared, and time says nothing about correctness. `--hypothesis-profile=deep` draws ten times
# as many examples as the default.
PROFILE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=30, **PROFILE)
settings.register_profile("deep", max_examples=300, **PROFILE)
settings.load_profile("quick")

README = runpy.run_path(str(Path(__file__).parent / "integration_tests" / "run_readme.py"))


@pytest.fixture
def run_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Return a check that the python blocks of a README run, in order, and print the text block that follows each."""
    monkeypatch.chdir(tmp_path)

    def run(readme: Path) -> None:
        with torch.random.fork_rng(devices=[]):
            README["run"](readme)

    return run


@pytest.fixture
def check_words(run_readme: Callable[[Path], None], request: pytest.FixtureRequest) -> Callable[[ModuleType], None]:
    """Return a check of a package: its README runs and names all public names; its docstring examples run."""

    def check(package: ModuleType) -> None:
        readme = request.path.parents[1] / "README.md"
        text = readme.read_text(encoding="utf-8")
        assert len(set(package.__all__)) == len(package.__all__)
        assert [name for name in package.__all__ if not hasattr(package, name)] == []
        assert [name for name in package.__all__ if f"`{name}" not in text] == [], "not named in the README"
        names = text.partition("## Public names")[2].partition("\n## ")[0]
        said = re.findall(r"`(\w+)[`(]", " ".join(re.findall(r"^\| (`.*?) \|", names, re.MULTILINE)))
        assert [name for name in said if not hasattr(package, name)] == [], "named in the README, but not public"
        run_readme(readme)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            failed, _ = doctest.testmod(importlib.import_module(module.name), optionflags=doctest.ELLIPSIS)
            assert not failed, f"an example in a docstring of {module.name}"

    return check
