"""The recipe for Optuna in docs/optuna.md, run as it is printed."""

import re
from pathlib import Path

import pytest

from srnn_bench import Stage, Training

optuna = pytest.importorskip("optuna")
DOCS = Path(__file__).parents[3] / "docs" / "optuna.md"


def test_the_recipe_finds_values_and_stops_bad_trials(tiny, capsys):
    definition, search = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in definition.splitlines() if line.strip()]) <= 10
    training = Training(epochs=4, batches=5, batch_size=8, learning_rate=1e-2)
    experiment = tiny(penalties=(), stages=(Stage(name="dense", training=training),))
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    names = {"experiment": experiment}
    exec(definition + search, names)
    study = names["study"]
    assert len(study.trials) == 20
    states = {trial.state for trial in study.trials}
    assert states == {optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED}
    stopped = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.PRUNED]
    assert all(len(trial.intermediate_values) < 4 for trial in stopped)
    worst = max(trial.value for trial in study.trials if trial.value is not None)
    assert study.best_value < worst and study.best_params.keys() == {"hidden", "rate"}
    assert "hidden" in capsys.readouterr().out
