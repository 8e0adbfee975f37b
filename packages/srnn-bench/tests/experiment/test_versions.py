"""Which versions a result records, and which differences make it stale."""

from importlib.metadata import version

from srnn_bench import Conditions, Environment
from srnn_bench.experiment import difference_between, packages_of, versions_differ
from srnn_bench.training import describe

PLUGIN = """
from typing import ClassVar, Literal
from srnn_tasks import Adding

class Simulated(Adding):
    kind: Literal["simulated_plugin:Simulated"] = "simulated_plugin:Simulated"
    packages: ClassVar[tuple[str, ...]] = ("numpy", "no-such-simulator")
"""


def test_a_result_records_the_packages_that_its_task_declares(tmp_path, monkeypatch):
    six = packages_of("adding")
    assert set(six) == {"srnn-manifolds", "srnn-masks", "srnn-pruning", "srnn-models", "srnn-tasks", "srnn-bench"}
    (tmp_path / "simulated_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    assert packages_of("simulated_plugin:Simulated") == six | {"numpy": version("numpy")}


def test_a_kind_that_is_not_installed_has_the_six_packages():
    assert packages_of("no_such_task") == packages_of("adding")


def test_another_version_makes_a_result_stale_and_a_package_that_is_missing_here_does_not():
    now = {"srnn-tasks": "0.2.0", "mujoco": "4.0.0"}
    assert versions_differ(now, now) is None
    assert versions_differ(now | {"mujoco": "2.3.7"}, now) == "mujoco 2.3.7, now 4.0.0"
    assert versions_differ({"srnn-tasks": "0.2.0"}, now) == "mujoco absent, now 4.0.0"
    assert versions_differ(now, {"srnn-tasks": "0.2.0"}) is None
    assert versions_differ(now, {"srnn-tasks": "0.3.0"}) == "srnn-tasks 0.2.0, now 0.3.0"


def test_a_result_of_another_engine_differs():
    recorded, now = (describe("adding", Conditions("cpu", engine=engine)) for engine in ("sparse", "loop"))
    assert difference_between(recorded, recorded) is None
    assert difference_between(recorded, now) == "engine sparse, now loop"


def test_an_environment_of_an_earlier_version_has_the_loop():
    written = describe("adding", Conditions("cpu")).model_dump()
    del written["engine"]
    assert Environment.model_validate(written).engine == "loop"
