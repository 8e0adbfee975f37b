"""Run keys are those of the stored runs: every table at every scale, and one experiment per kind of value.

`data/run_keys.json` was written by `data/write_run_keys.py` with commit ad71c72.
"""

import hashlib
import json
from pathlib import Path

import pytest

from srnn_bench import Experiment, papers

KEYS = json.loads((Path(__file__).parent / "data" / "run_keys.json").read_text())


@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
def test_the_tables_have_their_stored_run_keys(scale):
    """Tables that were added later are not compared."""
    stored = {name: scales[scale] for name, scales in KEYS["tables"].items()}
    found = {}
    for name in stored:
        keys = sorted({job.key for job in papers.table(name, scale).jobs()})
        found[name] = {"runs": len(keys), "sha256": hashlib.sha256("\n".join(keys).encode()).hexdigest()}
    assert found == stored


@pytest.mark.parametrize("name", KEYS["experiments"])
def test_an_experiment_has_its_stored_keys(name):
    entry = KEYS["experiments"][name]
    experiment = Experiment.model_validate(entry["written"])
    assert {str(seed): key for seed, key in experiment.keys((0, 1, 12345)).items()} == entry["keys"]


@pytest.mark.parametrize("name", KEYS["experiments"])
def test_the_defaults_of_an_experiment_are_the_stored_ones(name):
    entry = KEYS["experiments"][name]
    experiment = Experiment.model_validate(entry["written"])
    complete = Experiment.model_validate(entry["complete"])
    assert complete == experiment
    assert complete.key(0) == entry["keys"]["0"]
