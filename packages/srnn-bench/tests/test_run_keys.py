"""Run keys are those of the stored runs: every table at every scale, and one experiment per kind of value.

`data/run_keys.json` was written by `data/write_run_keys.py` with commit ad71c72.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from srnn_bench import Experiment, Table, papers

KEYS = json.loads((Path(__file__).parent / "data" / "run_keys.json").read_text())


def tables(scale: str) -> Iterator[Table]:
    """Yield every table of the papers at one scale."""
    for name in papers.table_names():
        yield papers.table(name, scale)


@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
def test_the_tables_have_their_stored_run_keys(scale):
    stored = {name: scales[scale] for name, scales in KEYS["tables"].items()}
    found = {}
    for table in tables(scale):
        keys = sorted({job.key for job in table.jobs()})
        found[table.name] = {"runs": len(keys), "sha256": hashlib.sha256("\n".join(keys).encode()).hexdigest()}
    assert {name: found.get(name) for name in stored} == stored


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
