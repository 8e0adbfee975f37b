"""Readings of a finished stage: against plain loops and numpy, refusals, and remarks on lower bounds."""

import dataclasses
import math
from bisect import bisect_left

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srnn_bench import BenchError, Cell, Stage, Store, Table, Training, summarise
from srnn_bench.experiment import Conditions, Epoch, Result, StageResult
from srnn_bench.tables import (
    AtStep,
    Best,
    FilledCell,
    HeldOut,
    Reading,
    StepsTo,
    Summary,
    WeightsPresent,
    evaluations,
)
from srnn_bench.training import describe

EVALUATED = Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2, evaluate_every=2)


def stage_of(values, *, batches=10, metric="accuracy", **fields):
    """Return a stage whose epochs have these values of a metric, None for an epoch without evaluation."""
    history = tuple(
        Epoch(loss=1.0, penalty=0.0, density=1.0, metrics={} if value is None else {metric: value, "other": -1.0})
        for value in values
    )
    usual = {
        "name": "only",
        "metrics": {"mse": 2.5, "accuracy": 0.75},
        "densities": {},
        "history": history,
        "steps": batches * len(values),
        "step_ms": 1.0,
        "peak_memory_mb": None,
        "present": {"recurrence.weight_ih": 7, "recurrence.weight_hh": 20, "readout.weight": 100},
    }
    return StageResult(**usual | fields)


CURVE = stage_of([None, 0.2, None, 0.6, 0.4, 0.9])  # evaluated at steps 20, 40, 50, 60

READ = [  # one line per reading: the reading, its number of CURVE, its name
    (HeldOut("mse"), 2.5, "mse"),
    (StepsTo("accuracy", 0.5), 35.0, "steps to validation accuracy >= 0.5"),
    (StepsTo("accuracy", 0.6), 40.0, "steps to validation accuracy >= 0.6"),
    (StepsTo("accuracy", 0.75), 57.0, "steps to validation accuracy >= 0.75"),
    (StepsTo("accuracy", 0.9), 60.0, "steps to validation accuracy >= 0.9"),
    (StepsTo("accuracy", 0.95), 60.0, "steps to validation accuracy >= 0.95"),
    (StepsTo("accuracy", 0.1), 20.0, "steps to validation accuracy >= 0.1"),
    (StepsTo("accuracy", 0.3, better="lower"), 20.0, "steps to validation accuracy <= 0.3"),
    (StepsTo("accuracy", 0.1, better="lower"), 60.0, "steps to validation accuracy <= 0.1"),
    (AtStep("accuracy", 20), 0.2, "validation accuracy at step 20"),
    (AtStep("accuracy", 25), 0.3, "validation accuracy at step 25"),
    (AtStep("accuracy", 45), 0.5, "validation accuracy at step 45"),
    (AtStep("accuracy", 60), 0.9, "validation accuracy at step 60"),
    (Best("accuracy", "higher"), 0.9, "best validation accuracy"),
    (Best("accuracy", "lower"), 0.2, "best validation accuracy"),
    (Best("other", "lower"), -1.0, "best validation other"),
    (WeightsPresent(("*weight_hh*",)), 20.0, "weights present of *weight_hh*"),
    (WeightsPresent(("*weight*",)), 127.0, "weights present of *weight*"),
    (WeightsPresent(("*weight_hh*", "recurrence.*")), 27.0, "weights present of *weight_hh*, recurrence.*"),
]


@pytest.mark.parametrize(("read", "value", "name"), READ, ids=[name for _, _, name in READ])
def test_a_reading_is_a_value_with_a_name_that_reads_a_number(read, value, name):
    assert read(CURVE) == pytest.approx(value, rel=1e-12)
    assert str(read) == name
    assert read == dataclasses.replace(read) and hash(read) == hash(dataclasses.replace(read))


def test_a_name_is_a_metric_on_held_out_data(tiny):
    def cell_of(metric):
        return Cell("r", "c", tiny(), "sparse", metric)

    assert cell_of("accuracy").reading == HeldOut("accuracy")
    assert cell_of("accuracy").reading(CURVE) == 0.75, "not the validation metric"
    assert cell_of(AtStep("accuracy", 20)).reading == AtStep("accuracy", 20)


def test_whether_a_threshold_was_reached():
    for threshold, better, reached in [
        (0.9, "higher", True),  # at the very last evaluation
        (0.91, "higher", False),
        (0.6, "higher", True),  # left again later
        (0.2, "lower", True),
        (0.19, "lower", False),
    ]:
        assert StepsTo("accuracy", threshold, better).is_bound(CURVE) is not reached


def test_evaluations_are_at_their_optimizer_steps():
    assert evaluations(CURVE, "accuracy") == [(20, 0.2), (40, 0.6), (50, 0.4), (60, 0.9)]
    assert evaluations(CURVE, "mse") == []
    assert evaluations(stage_of([], steps=0), "accuracy") == []


SHARES = st.integers(0, 64).map(lambda number: number / 64)
COURSES = st.tuples(st.lists(st.one_of(st.none(), SHARES), max_size=11), SHARES).map(
    lambda parts: [*parts[0], parts[1]]
)


@given(COURSES, SHARES, st.integers(1, 7), st.sampled_from(["higher", "lower"]))
def test_steps_to_a_threshold_are_found_by_walking_the_curve(values, threshold, batches, better):
    """The oracle interpolates with numpy on a fine grid and finds the first point that reaches the threshold."""
    stage, sign = stage_of(values, batches=batches), 1 if better == "higher" else -1
    places = [batches * number for number, value in enumerate(values, 1) if value is not None]
    heights = [value for value in values if value is not None]
    grid = numpy.unique(numpy.concatenate([numpy.linspace(places[0], places[-1], 40_001), places]))
    there = sign * numpy.interp(grid, places, heights) >= sign * threshold - 1e-12
    read = StepsTo("accuracy", threshold, better)
    assert read.is_bound(stage) == (not there.any())
    if there.any():
        step = (places[-1] - places[0]) / 40_000 + 1e-9
        assert read(stage) == pytest.approx(float(grid[there.argmax()]), abs=2 * step)
    else:
        assert read(stage) == stage.steps == batches * len(values)


@given(COURSES, SHARES)
def test_negated_values_reach_the_negated_threshold_at_the_same_step(values, threshold):
    turned = stage_of([None if value is None else -value for value in values])
    assert StepsTo("accuracy", threshold)(stage_of(values)) == StepsTo("accuracy", -threshold, "lower")(turned)


@given(COURSES, st.integers(1, 120))
def test_the_value_at_a_step_is_that_of_numpy(values, steps):
    stage = stage_of(values)
    places = [10 * number for number, value in enumerate(values, 1) if value is not None]
    if places[0] <= steps <= places[-1]:
        expected = numpy.interp(steps, places, [value for value in values if value is not None])
        assert AtStep("accuracy", steps)(stage) == pytest.approx(float(expected), abs=1e-12)
        assert places[max(0, bisect_left(places, steps) - 1)] <= steps
    else:
        with pytest.raises(BenchError, match=f"at step {steps}: .* from step {places[0]} to step {places[-1]}"):
            AtStep("accuracy", steps)(stage)


@given(COURSES, SHARES)
def test_the_curve_equals_the_threshold_at_the_steps_to_it(values, threshold):
    stage, read = stage_of([-0.5, *values, 1.5], batches=64), StepsTo("accuracy", threshold)
    course = numpy.array(evaluations(stage, "accuracy"))
    assert numpy.interp(read(stage), course[:, 0], course[:, 1]) == pytest.approx(threshold, abs=1e-9)


# Refusals

BARE = stage_of([None, None], present={})


@pytest.mark.parametrize(
    ("read", "stage", "message"),
    [
        (HeldOut("error"), CURVE, r"stage 'only' has no metric 'error', only mse, accuracy.*--refresh"),
        (StepsTo("error", 0.5), CURVE, r"error >= 0.5: stage 'only' has no .*'error'.* of accuracy, other;.*--refresh"),
        (StepsTo("accuracy", 0.5), BARE, r"only of nothing; its training needs evaluate_every.*--refresh"),
        (Best("accuracy", "higher"), BARE, r"best validation accuracy: stage 'only' has no evaluations of 'accuracy'"),
        (AtStep("accuracy", 5), BARE, r"at step 5: stage 'only' has no evaluations of 'accuracy'.*--refresh"),
        (AtStep("accuracy", 61), CURVE, r"at step 61: expected a step between .*'only', from step 20 to step 60"),
        (AtStep("accuracy", 19), CURVE, r"at step 19: expected a step between .*'only', from step 20 to step 60"),
        (
            WeightsPresent(("*",)),
            BARE,
            r"present of \*: stage 'only' has no weight counts.* older version.*--refresh",
        ),
        (
            WeightsPresent(("*hh*", "*xx*")),
            CURVE,
            r"'\*xx\*' matches no weight matrix of stage 'only'; .*weight_ih.*readout",
        ),
    ],
    ids=str,
)
def test_what_a_stage_does_not_contain_is_named(read, stage, message):
    with pytest.raises(BenchError, match=message):
        read(stage)
    if read.guides():
        with pytest.raises(BenchError, match=message):
            read.is_bound(stage)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StepsTo("a", math.nan), "StepsTo: expected a finite threshold, got nan"),
        (lambda: StepsTo("a", 0.5, "best"), "StepsTo: expected better to be 'lower' or 'higher', got 'best'"),
        (lambda: Best("a", "largest"), "Best: expected better to be 'lower' or 'higher', got 'largest'"),
        (lambda: AtStep("a", 0), "AtStep: expected at least 1 step, got 0"),
        (lambda: WeightsPresent("*weight*"), r"WeightsPresent: expected a tuple of globs, got '\*weight\*'"),
        (lambda: WeightsPresent(()), r"WeightsPresent: expected a tuple of globs, got \(\)"),
    ],
)
def test_a_meaningless_reading_is_refused(make, message):
    with pytest.raises(BenchError, match=message):
        make()


# Readings in tables


def table_of(*cells, better="lower", **fields):
    return Table("some/table", "quick", "Some", "nowhere", "M", "u", better, (0, 1, 2), cells, **fields)


@pytest.fixture
def evaluated(tiny):
    """Return a function that builds the tiny experiment, evaluated while it trains, with some fields changed."""
    return lambda **changes: tiny(stages=(Stage(name="only", training=EVALUATED),), penalties=(), **changes)


def summary_of(cell, *stages):
    """Return the summary of a table of one cell whose runs have these stages, one per seed."""
    environment = describe("adding", Conditions("cpu"))
    results = {}
    for seed, stage in enumerate(stages):
        status = "diverged" if stage is None else "done"
        fields = {"key": cell.experiment.key(seed), "experiment": cell.experiment, "seed": seed, "status": status}
        stages_of_run = () if stage is None else (stage,)
        results[seed] = Result(**fields, stages=stages_of_run, environment=environment, seconds=1.0)
    return Summary(table_of(cell), {(cell.row, cell.column): FilledCell(cell, results)})


@dataclasses.dataclass(frozen=True)
class Doubled(Reading):
    """A reading of a learning curve that does not name its metric."""

    read: Reading

    def __call__(self, stage):
        return 2 * self.read(stage)

    def __str__(self):
        return f"twice {self.read}"

    @property
    def needs_course(self):
        return self.read.needs_course


def test_a_reading_of_a_learning_curve_names_its_metric(evaluated):
    with pytest.raises(BenchError, match=r"twice validation accuracy at step 2 needs a learning curve.*as `course`"):
        table_of(Cell("r", "c", evaluated(), "only", Doubled(AtStep("accuracy", 2))))


def test_the_number_in_the_table_is_the_reading_times_the_factor(evaluated):
    slow = stage_of([0.0, 0.0, 0.25, 0.75])
    for read, factor, values in [
        ("accuracy", 100.0, {0: 75.0, 1: 75.0}),
        (StepsTo("accuracy", 0.5), 1.0, {0: 35.0, 1: 35.0}),
        (StepsTo("accuracy", 0.6), 2.0, {0: 80.0, 1: 74.0}),
        (AtStep("accuracy", 40), 100.0, {0: 60.0, 1: 75.0}),
        (Best("accuracy", "lower"), 100.0, {0: 20.0, 1: 0.0}),
        (WeightsPresent(("readout.*",)), 0.5, {0: 50.0, 1: 50.0}),
    ]:
        (cell,) = summary_of(Cell("r", "c", evaluated(), "only", read, factor=factor), CURVE, slow).cells.values()
        assert cell.values == {seed: pytest.approx(value) for seed, value in values.items()}
        cell.check()


def test_remarks_count_the_runs_that_never_reached_the_threshold(evaluated):
    never, never_longer, there = stage_of([0.1] * 4), stage_of([0.1] * 5), stage_of([0.1, 0.1, 0.1, 0.5])
    cell = Cell("dense", "A", evaluated(), "only", StepsTo("accuracy", 0.5))
    for stages, message in [
        ((there, there), []),
        ((there, never), ["1 of 2 runs of dense, A did not reach 0.5 within 40 steps; it counts with 40"]),
        ((never, never, there), ["2 of 3 runs of dense, A did not reach 0.5 within 40 steps; they count with 40"]),
        ((never,), ["1 of 1 run of dense, A did not reach 0.5 within 40 steps; it counts with 40"]),
        ((never, None), ["1 of 1 run of dense, A did not reach 0.5 within 40 steps; it counts with 40"]),
        (
            (never_longer, never, never),
            [
                "2 of 3 runs of dense, A did not reach 0.5 within 40 steps; they count with 40",
                "1 of 3 runs of dense, A did not reach 0.5 within 50 steps; it counts with 50",
            ],
        ),
    ]:
        summary = summary_of(cell, *stages)
        assert list(summary.remarks) == message
        table = dataclasses.replace(summary.table, remarks=lambda cells: [f"{len(cells)} cell"])
        assert list(dataclasses.replace(summary, table=table).remarks) == ["1 cell", *message]
    (filled,) = summary_of(cell, never, there, None, never).cells.values()
    assert filled.censored == {0: never, 3: never} and filled.values == {0: 40.0, 1: 40.0, 3: 40.0}
    other = dataclasses.replace(cell, metric=AtStep("accuracy", 20))
    for unbounded in (summary_of(other, never), summary_of(dataclasses.replace(cell, metric="mse"), never)):
        assert list(unbounded.remarks) == []


def test_a_result_that_cannot_be_read_is_named(evaluated, tmp_path):
    one, store = evaluated(), Store(tmp_path)
    stage = stage_of([None, 0.5, 0.25], batches=2, metric="mse", present={"recurrence.weight_hh": 36})
    fields = {"key": one.key(0), "experiment": one, "seed": 0, "status": "done", "stages": (stage,), "seconds": 1.0}
    result = Result(**fields, environment=describe("adding", Conditions("cpu")))
    store.put(result)
    steps, count = StepsTo("mse", 0.0, "lower"), WeightsPresent(("*hh*",))
    read = {metric: table_of(Cell("r", "c", one, "only", metric)) for metric in (steps, count, AtStep("mse", 4))}
    assert summarise(read[steps], store).cells["r", "c"].values == {0: 6.0}
    assert summarise(read[count], store).cells["r", "c"].values == {0: 36.0}
    stage = stage.model_copy(update={"present": {}})
    store.put(result.model_copy(update={"stages": (stage,)}))
    with pytest.raises(BenchError, match=rf"run {one.key(0)}: weights present of .*`srnn run --refresh`"):
        summarise(read[count], store)
    store.put(result.model_copy(update={"stages": (stage.model_copy(update={"history": stage.history[:1]}),)}))
    for metric in (steps, AtStep("mse", 4)):
        with pytest.raises(BenchError, match=rf"run {one.key(0)}: .* no evaluations of 'mse'.*`srnn run --refresh`"):
            summarise(read[metric], store)


def test_a_cell_that_could_never_be_read_is_refused(evaluated, tiny):
    bare = tiny(penalties=())
    for metric in (StepsTo("mse", 0.1, "lower"), AtStep("mse", 4)):
        assert table_of(Cell("r", "c", evaluated(), "only", metric))
        with pytest.raises(BenchError, match=r"r, c of table 'some/table': .*mse.* training.evaluate_every .*'sparse'"):
            table_of(Cell("r", "c", bare, "sparse", metric))
    with pytest.raises(
        BenchError, match=r"expected better='lower' for steps to validation mse <= 0\.1, got better='higher'"
    ):
        table_of(Cell("r", "c", evaluated(), "only", StepsTo("mse", 0.1, "lower")), better="higher")
    assert table_of(Cell("r", "c", evaluated(), "only", AtStep("mse", 4)), better="higher")
    assert table_of(Cell("r", "c", bare, "sparse", WeightsPresent(("*",))), better="higher")
