"""All READMEs work as printed, from top to bottom, in a fresh environment with the one line of installation they print.

READMEs with the same line share an environment. torch, which every package needs and which takes longest to install, is
linked from this environment.
"""

import os
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from run_readme import INSTALL, at_smoke, install_lines, lines_of, run

ROOT = Path(__file__).parents[1]

READMES = (ROOT / "README.md", *sorted(ROOT.glob("packages/*/README.md")))

BY_LINE: dict[str, list[Path]] = {}
for _readme in READMES:
    BY_LINE.setdefault("; ".join(install_lines(_readme)), []).append(_readme)


def test_each_readme_prints_one_line_of_installation():
    assert len(READMES) == 7
    assert all(line.startswith(INSTALL) and ";" not in line for line in BY_LINE)


def with_requirements(name: str) -> dict[str, Distribution]:
    """Return a distribution that is installed here and all that it requires, by name."""
    found: dict[str, Distribution] = {}
    wanted = [name]
    while wanted:
        each = canonicalize_name(wanted.pop())
        if each not in found:
            found[each] = distribution(each)
            needed = map(Requirement, found[each].requires or ())
            wanted += [line.name for line in needed if line.marker is None or line.marker.evaluate({"extra": ""})]
    return found


def link(installed: Distribution, packages: Path) -> None:
    """Link the folders and modules of a distribution into another site-packages, except those that it has."""
    names = {file.parts[0] for file in installed.files or ()} - {"..", "__pycache__"}  # ..: scripts
    for name in names:
        if not (packages / name).exists():
            (packages / name).symlink_to(installed.locate_file(name))


@pytest.mark.slow
@pytest.mark.parametrize("line", BY_LINE, ids=lambda line: line.removeprefix(INSTALL))
def test_readmes_run_as_printed(line, tmp_path):
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for installed in with_requirements("torch").values():
        link(installed, packages)
    kept = ("HOME", "LANG", "SRNN_DATA", "TMPDIR")
    environment = {name: value for name, value in os.environ.items() if name in kept or name.startswith("PIP_")}
    environment |= {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    subprocess.run(["bash", "-c", f"python -m {line} --quiet"], cwd=ROOT, env=environment, check=True)
    for number, readme in enumerate(BY_LINE[line]):
        work = tmp_path / str(number)
        work.mkdir()
        script = [str(folder / "bin" / "python"), str(ROOT / "integration_tests" / "run_readme.py"), str(readme)]
        done = subprocess.run(script, cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, f"{readme}:\n{done.stdout.decode()}"
    shutil.rmtree(folder)


def test_a_block_that_prints_something_else_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text("```python\nprint(1)\n```\n\n```text\n2\n```\n")
    with pytest.raises(AssertionError, match="the README shows"):
        run(readme)
    readme.write_text("```python\nprint(1)\n```\n")
    with pytest.raises(AssertionError, match="does not show it"):
        run(readme)


def test_a_named_block_is_saved_and_console_lines_are_passed_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    readme = tmp_path / "README.md"
    readme.write_text(
        "`saved_by_a_readme.py`:\n\n```python\nvalue = 3\n```\n\n"
        "```python\nfrom saved_by_a_readme import value\nprint(value)\n```\n\n```text\n3\n```\n\n"
        "```console\n$ srnn run a \\\n  b  # both\nx && y\n```\n"
    )
    lines = []
    run(readme, lines.append)
    assert [line.split() for line in lines] == [["srnn", "run", "a", "b"], ["x"], ["y"]]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"{INSTALL}./packages/*", None),
        ("nox", None),
        ("nox -s demo", "nox --no-venv --no-install -s demo -- --scale smoke"),
        ("nox -s bench -- a/b --scale quick", "nox --no-venv --no-install -s bench -- a/b --scale smoke"),
        ("srnn run a/b --scale paper --jobs 2", "srnn run a/b --scale smoke --jobs 2"),
        ("srnn run mine.json", "srnn run mine.json --scale smoke"),
        ("srnn report", "srnn report"),
        ("python -m pip install nox", "python -m pip install nox"),
    ],
)
def test_a_console_line_runs_at_smoke(line, words):
    assert at_smoke(line) == (None if words is None else words.split())
    assert lines_of(f"$ {line}  # why\n") == [line]
