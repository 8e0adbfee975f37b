import doctest
import importlib
import pkgutil

import pytest

import srnn_tasks

MODULES = sorted(module.name for module in pkgutil.walk_packages(srnn_tasks.__path__, "srnn_tasks."))


def test_there_are_doctests() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(examples) >= 10


@pytest.mark.parametrize("name", ["srnn_tasks", *MODULES])
def test_the_examples_in_docstrings_are_true(name: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(importlib.import_module(name), optionflags=flags).failed == 0
