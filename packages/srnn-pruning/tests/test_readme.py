"""The README's python blocks run in order in one namespace, and print what their text blocks say."""

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
from pathlib import Path

import pytest
import torch

import srnn_pruning

README = Path(__file__).parents[1] / "README.md"


def test_readme_runs_as_printed():
    blocks = re.findall(r"```(python|text)\n(.*?)```", README.read_text(), re.DOTALL)
    assert any(language == "python" for language, _ in blocks)
    namespace, printed = {}, ""
    for language, body in blocks:
        if language == "text":
            assert printed == body
            continue
        with contextlib.redirect_stdout(io.StringIO()) as out, torch.random.fork_rng():
            exec(compile(body, str(README), "exec"), namespace)
        printed = out.getvalue()


MODULES = [module.name for module in pkgutil.iter_modules(srnn_pruning.__path__, "srnn_pruning.")]


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_public_names_exist_and_are_all_in_the_readme():
    assert len(set(srnn_pruning.__all__)) == len(srnn_pruning.__all__)
    for name in srnn_pruning.__all__:
        assert hasattr(srnn_pruning, name), name
        assert f"| `{name}` |" in README.read_text(), name
