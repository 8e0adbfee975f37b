"""`srnn new`: a file that runs at once, with notes on every field; nothing is overwritten."""

import pytest

from srnn_bench import Experiment
from srnn_bench.cli import read_experiment


@pytest.fixture
def written(srnn, tmp_path):
    """Write a new experiment and return its folder."""
    code, out, err = srnn("new", "mine.json")
    assert (code, err) == (0, "") and "srnn run mine.json" in out
    return tmp_path


def test_the_file_runs(srnn, written):
    code, out, _ = srnn("run", "mine.json", "--device", "cpu", "--jobs", "1", "--set", "stages.0.training.epochs=1")
    assert code == 0 and "1 done" in out


def test_the_notes_have_every_field_that_the_file_and_its_values_have(written):
    notes = (written / "mine.md").read_text(encoding="utf-8")
    experiment = read_experiment(written / "mine.json")
    stage = experiment.stages[0]
    parts = (experiment, experiment.task, experiment.model, experiment.model.recurrence, experiment.masks[0].pattern)
    for part in (*parts, stage, stage.training, stage.training.optimizer):
        for name in type(part).model_fields:
            assert name == "kind" or f"| `{name}` |" in notes
    for kind in ("`wikitext`", "`gru`", "`bernoulli`", "`sgd`"):
        assert f"- {kind}: " in notes, "alternatives"
    assert '"continue", "reinitialize", "rewind"' in notes and "Penalty, absent here" in notes


def test_nothing_is_overwritten(srnn, written):
    (written / "other.md").write_text("mine")
    before = (written / "mine.json").read_bytes()
    for name, message in (
        ("mine.json", "mine.json exists"),
        ("other.json", "other.md exists"),
        ("x.txt", "ends in .json"),
    ):
        code, _, err = srnn("new", name)
        assert code == 2 and message in err
    assert (written / "mine.json").read_bytes() == before and (written / "other.md").read_text() == "mine"
    assert not (written / "other.json").exists()


def test_the_default_name_is_experiment_json(srnn, tmp_path):
    assert srnn("new")[0] == 0
    assert Experiment.model_validate_json((tmp_path / "experiment.json").read_text()).masks
