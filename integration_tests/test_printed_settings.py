"""Every `--set` and `--grid` that a page prints fits the experiments of that page, which can be assembled."""

import re
import sys

import pytest
import torch
from run_readme import ROOT, run

from srnn_bench.cli import main, read_experiment
from srnn_bench.experiment import grid_points, override
from srnn_bench.training import assemble

OPTION = re.compile(r"--(set|grid)\s+(?:'([^']+)'|([^\s`']+=[^\s`']+))")


def assemble_with_each_setting(page, folder):
    """Return the settings that the page prints, after assembling every experiment of the folder with each of them."""
    experiments = [read_experiment(path) for path in sorted(folder.glob("*.json"))]
    assert experiments
    printed = [(option, quoted or bare) for option, quoted, bare in OPTION.findall(page)]
    for option, text in printed:
        points = [point.settings for point in grid_points([text])] if option == "grid" else [[text]]
        for settings in points:
            for experiment in experiments:
                assemble(override(experiment, settings), 0, torch.device("cpu"))
    return [text for _, text in printed]


@pytest.mark.parametrize(("name", "count"), [("README.md", 2), ("packages/srnn-bench/README.md", 5)])
def test_settings_of_readmes(name, count, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    run(ROOT / name)  # writes the experiments
    printed = assemble_with_each_setting((ROOT / name).read_text(encoding="utf-8"), tmp_path)
    assert len(printed) == count, printed
    sys.modules.pop("parity", None)


def test_settings_of_the_notes_of_a_new_experiment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["srnn", "new"])
    monkeypatch.setattr(sys, "path", list(sys.path))  # the command line appends the current folder
    with pytest.raises(SystemExit):
        main()
    assert assemble_with_each_setting((tmp_path / "experiment.md").read_text(encoding="utf-8"), tmp_path)
