"""The README's python blocks run in order in one namespace, and print what the text block after each says."""

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
from pathlib import Path

import pytest

import srnn_masks

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_readme_runs_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(README.read_text())
    assert sum(language == "python" for language, _ in blocks) >= 3
    namespace, printed, compared = {}, "", 0
    for language, text in blocks:
        if language == "python":
            assert not printed, f"printed but not shown: {printed!r}"
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(text, str(README), "exec"), namespace)
            printed = out.getvalue()
        elif language == "text":
            assert printed == text
            printed, compared = "", compared + 1
    assert not printed and compared


def test_readme_names_all_that_is_public():
    text = README.read_text()
    assert [name for name in srnn_masks.__all__ if f"`{name}" not in text] == []


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(srnn_masks.__path__)])
def test_docstring_examples_run(name):
    module = importlib.import_module(f"srnn_masks.{name}")
    assert doctest.testmod(module).failed == 0
