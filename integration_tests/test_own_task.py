"""The README of srnn-tasks leads from nothing to a trained task of one's own: its blocks, saved as it says, work."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from srnn_bench import Store

README = Path(__file__).parents[1] / "packages" / "srnn-tasks" / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def block(language: str, marker: str) -> str:
    """Return the only block of the README in a language that contains a text."""
    guide = README.read_text(encoding="utf-8").partition("## Write your own task")[2]
    (found,) = [body for kind, body in BLOCK.findall(guide) if kind == language and marker in body]
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the files of the README, from which this process can import them too."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "parity", raising=False)
    (tmp_path / "parity.py").write_text(block("python", "class Parity(Task)"))
    (tmp_path / "experiment.json").write_text(block("json", "parity:Parity"))
    return tmp_path


def srnn(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("srnn")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env={**os.environ, **variables})


def test_a_task_of_the_current_folder_is_trained_and_reported(folder):
    run = srnn("run", "experiment.json", "--device", "cpu", folder=folder)
    assert run.returncode == 0, run.stderr
    (result,) = Store(folder / "results")
    assert result.status == "done"
    assert result.stages[0].metrics["accuracy"] > 0.7, "chance is 0.5"
    assert srnn("report", folder=folder).returncode == 0


def test_the_kind_must_be_the_name_by_which_it_is_found(folder):
    text = (folder / "parity.py").read_text().replace("parity:Parity", "parity")
    (folder / "parity.py").write_text(text)
    run = srnn("run", "experiment.json", folder=folder)
    assert run.returncode == 2
    assert 'Write kind: Literal["parity:Parity"] = "parity:Parity"' in " ".join(run.stderr.split())


def test_a_package_with_an_entry_point_is_listed(folder):
    """Install the package as pip would: its module on the path, and the entry points of its pyproject.toml."""
    import tomllib

    pyproject = tomllib.loads(block("toml", "srnn.tasks"))
    project = pyproject["project"]
    assert pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"] == ["parity.py"]
    text = (folder / "parity.py").read_text().replace('"parity:Parity"', '"parity"')
    (folder / "parity.py").write_text(text)
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = [f"{name} = {target}" for name, target in project["entry-points"]["srnn.tasks"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[srnn.tasks]", *points, ""]))
    listed = srnn("list", folder=folder / info.name, PYTHONPATH=str(folder))
    assert "parity-task 0.1.0: ok" in listed.stdout, listed.stderr
