"""`srnn doctor`, `srnn --version` and `python -m srnn_bench`."""

import subprocess
import sys
from importlib import metadata
from importlib.metadata import version

from srnn_bench import PACKAGES


def test_the_installation_is_described(srnn, tmp_path, tiny, monkeypatch):
    monkeypatch.delenv("SRNN_DATA", raising=False)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "nowhere"))
    code, out, err = srnn("doctor")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert all(f"{package} {version(package)}" in lines for package in PACKAGES)
    assert any(line.startswith("WikiText-2 not found") for line in lines)
    assert any(line.startswith("MNIST not found") for line in lines)
    assert any("srnn-tasks[neurogym] " in line for line in lines)
    assert f"{tmp_path / 'results'}: no results yet; writable" in lines
    assert list(tmp_path.iterdir()) == [], "it creates nothing"


def test_the_store_and_broken_plug_ins_are_described(srnn, tmp_path, tiny, monkeypatch):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    srnn("run", "mine.json", "--device", "cpu", "--jobs", "1")
    folder = tmp_path / "broken-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[srnn.trackers]\nlost = no_such_module_of_test:Lost\n")
    monkeypatch.syspath_prepend(tmp_path)
    out = srnn("doctor")[1]
    assert "runs: 1 done" in out
    assert "broken: tracker lost of broken 1.0: ModuleNotFoundError" in out


def test_the_version_is_printed(srnn):
    assert srnn("--version")[1] == f"srnn-bench {version('srnn-bench')}\n"
    command = [sys.executable, "-m", "srnn_bench", "--version"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == f"srnn-bench {version('srnn-bench')}\n"


def test_an_extra_of_an_extra_is_missing_where_its_package_is(srnn, monkeypatch):
    def without_ripser(name, found=metadata.distribution):
        if name == "ripser":
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(metadata, "distribution", without_ripser)
    lines = [" ".join(line.split()) for line in srnn("doctor")[1].splitlines() if "[topology]" in line]
    assert len(lines) == 2 and all('missing; install with: pip install "ripser' in line for line in lines), lines
