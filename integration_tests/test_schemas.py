"""The JSON form of public values is a contract: it changes only with a package's version."""

import json

import pytest
from write_schemas import path_of, snapshot

from srnn_bench import PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_schemas_are_those_of_the_version(package):
    found = snapshot(package)
    path = path_of(package, found["version"])
    assert path.exists(), (
        f"{package} {found['version']} has no {path.name}: run `python integration_tests/write_schemas.py`"
    )
    kept = json.loads(path.read_text())
    assert found["schemas"], f"{package} has no public value"
    changed = [
        name
        for name in {*kept["schemas"], *found["schemas"]}
        if kept["schemas"].get(name) != found["schemas"].get(name)
    ]
    assert not changed, (
        f"the schemas of {sorted(changed)} changed while {package} is still {found['version']}: "
        "raise its version, then run `python integration_tests/write_schemas.py`"
    )


def test_a_changed_value_is_noticed(monkeypatch):
    import srnn_masks

    class Locality(srnn_masks.Locality):
        new_field: int = 0

    monkeypatch.setattr(srnn_masks, "Locality", Locality)
    with pytest.raises(AssertionError, match=r"\['Locality'\] changed while srnn-masks is still"):
        test_schemas_are_those_of_the_version("srnn-masks")


def test_the_snapshot_of_a_package_holds_no_value_of_another():
    definitions = {name for schema in snapshot("srnn-bench")["schemas"].values() for name in schema["$defs"]}
    assert "Stage" in definitions
    assert not definitions & {"Locality", "Moduli", "Pruning", "ElmanRNN", "Torus", "Magnitude"}
