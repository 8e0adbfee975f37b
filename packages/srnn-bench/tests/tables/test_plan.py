"""Plans: what they refuse, and what a table with a plan must have."""

from dataclasses import replace

import pytest

from srnn_bench import BenchError, Cell, Table
from srnn_bench.tables import Plan, override_table


@pytest.fixture
def table(tiny) -> Table:
    return Table(
        name="paper/table",
        scale="quick",
        title="A title",
        source="A paper",
        metric="Error",
        unit="units",
        better="lower",
        seeds=(3, 4, 5),
        cells=(Cell("sparse", "A", tiny(), "sparse", "mse"),),
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seeds": (3, 4, 3)}, "expected fresh seeds for each look, got 3 more than once"),
        ({"seeds": (3, 4), "looks": ((0, 1), (1, 4))}, "got 1, 4 more than once"),
        ({"looks": ((0, 1),)}, "expected the seeds of the next look beside those of earlier looks, got none"),
        ({"margin": 0.0}, "expected a margin above 0, got 0.0"),
        ({"margin": float("inf")}, "expected a margin above 0, got inf"),
        ({"margin": 1.0, "log": True}, "expected a margin above 1, got 1.0"),
        ({"failure_threshold": float("nan")}, "expected a finite failure_threshold, got nan"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(fields, message):
    with pytest.raises(BenchError, match=message):
        Plan(**fields)


def test_a_plan_without_seeds_is_exploratory():
    assert Plan().exploratory and Plan(margin=0.5, failure_threshold=60.0).exploratory
    assert not Plan(seeds=(3, 4), looks=((0, 1, 2),)).exploratory


def test_the_seeds_of_a_table_are_those_of_its_plan(table):
    assert replace(table, plan=Plan(seeds=(3, 4, 5))).plan.seeds == table.seeds
    with pytest.raises(BenchError, match="expected the seeds of its plan"):
        replace(table, plan=Plan(seeds=(3, 4)))


def test_a_table_with_settings_is_no_longer_planned(table):
    planned = replace(table, plan=Plan(seeds=(3, 4, 5), looks=((0,),), margin=0.5, failure_threshold=9.0))
    changed = override_table(planned, ["stages.0.training.learning_rate=0.5"])
    assert changed.plan == Plan(margin=0.5, failure_threshold=9.0)
    assert changed.seeds == table.seeds


def test_a_table_is_alone_in_its_family_by_default(table):
    assert table.family == "paper/table"
    assert replace(table, family="paper/Figure 1").family == "paper/Figure 1"
    assert table.relatives().siblings == table.relatives().readings == ()
