"""Verdicts under other readings: which claims each variant changes, and that they are those of tables written so."""

from dataclasses import replace
from statistics import fmean

import pytest

from srnn_bench import Cell, Conditions, Experiment, Result, Stage, StepsTo, Summary, Table, Training
from srnn_bench.tables import Claim, Contrast, FilledCell, beats, beyond, judge, matches, sensitivity, within
from srnn_bench.training import describe
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding

TRAINING = Training(epochs=4, batches=5, batch_size=2, learning_rate=0.1, evaluate_every=1)
ENVIRONMENT = describe("adding", Conditions("cpu"))
A, B, C = [("row", name) for name in "ABC"]
VALUES = {"A": (1.0, 1.05, 0.98, 1.02), "B": (0.7, 0.72, 0.68, 0.71), "C": (0.45, 0.46, 0.44, 0.47)}
EXPERIMENTS = {
    name: Experiment(
        task=Adding(steps=5 + index, held_out=50),
        model=SequenceModel(recurrence=ElmanRNN(hidden=6)),
        stages=(Stage(name="only", training=TRAINING),),
    )
    for index, name in enumerate(VALUES)
}


def claim(name, *contrasts):
    return Claim(name, f"{name}.", "nowhere", contrasts)


def result_of(name, seed, value, curve=()):
    """Return a run with this value, whose accuracy takes the values of the curve, one per epoch."""
    history = [{"metrics": {"accuracy": each}} for each in curve]
    history = [{"loss": 0.0, "penalty": 0.0, "density": 1.0, "learning_rate": 0.1, **each} for each in history]
    fields = {"densities": {}, "steps": 20, "step_ms": 1.0, "peak_memory_mb": None}
    return Result.model_validate(
        {
            "key": f"{name}{seed}",
            "experiment": EXPERIMENTS[name],
            "seed": seed,
            "status": "done",
            "stages": [{"name": "only", "metrics": {"mse": value}, "history": history, **fields}],
            "environment": ENVIRONMENT,
            "seconds": 1.0,
        }
    )


def summary_of(*claims, metric="mse", curves=None, unit="share", better="lower", values=None):
    """Return the summary of a table of three cells with these claims; with curves, one curve per column."""
    cells = tuple(Cell("row", name, experiment, "only", metric) for name, experiment in EXPERIMENTS.items())
    table = Table("some/table", "quick", "Some table", "nowhere", "Error", unit, better, (0, 1, 2, 3), cells)
    table = replace(table, claims=claims)
    filled = {}
    for cell in cells:
        curve = () if curves is None else curves[cell.column]
        faster = [[(1 + 0.01 * seed) * each for each in curve] for seed in range(4)]  # so that the values vary
        of_column = (values or VALUES)[cell.column]
        results = {seed: result_of(cell.column, seed, value, faster[seed]) for seed, value in enumerate(of_column)}
        filled[cell.place] = FilledCell(cell, results)
    return Summary(table, filled)


def verdicts(row):
    return {name: judgement and judgement.verdict for name, judgement in row.variants.items()}


FACTORS = {"1.25 times", "1.5 times", "2 times"}
MARGINS = {"margins halved", "margins doubled"}
THRESHOLDS = {"threshold 0.4", "threshold 0.6"}


@pytest.mark.parametrize(
    ("contrasts", "variants"),
    [
        ((beats(A, over=B),), set()),
        ((within(A, 3.0, of=B),), FACTORS),
        ((within(A, 2.0, of=B),), FACTORS - {"2 times"}),
        ((beyond(A, 1.5, of=B), beats(A, over=C)), FACTORS - {"1.5 times"}),
        ((Contrast(((*A, 2.0), (*B, -2.0))),), set()),
        ((Contrast(((*A, 1.0), (*B, 2.0))),), set()),
        (matches(A, B, margin=0.1), MARGINS),
        ((Contrast(((*A, 1.0),), bound=0.5),), THRESHOLDS),
        ((Contrast(((*A, -1.0),), bound=-0.5),), THRESHOLDS),
        ((Contrast(((*A, 1.0),), bound=0.7),), set()),
        ((Contrast(((*A, 1.0), (*B, -1.0)), bound=0.5),), MARGINS),
    ],
)
def test_a_variant_shows_only_the_claims_that_it_changes(contrasts, variants):
    other, row = sensitivity(summary_of(claim("C beats A", beats(C, over=A)), claim("one", *contrasts)))
    assert set(row.variants) == variants
    assert other.variants == {}


def test_one_half_is_a_threshold_only_of_shares():
    (row,) = sensitivity(summary_of(claim("one", Contrast(((*A, 1.0),), bound=0.5)), unit="cm"))
    assert row.variants == {}


@pytest.mark.parametrize(
    ("declared", "variant", "written"),
    [
        ((within(A, 1.5, of=B),), "1.25 times", (within(A, 1.25, of=B),)),
        ((beyond(A, 1.5, of=B),), "2 times", (beyond(A, 2.0, of=B),)),
        ((within(C, 0.9, of=B),), "1.25 times", (within(C, 0.8, of=B),)),
        (matches(A, B, margin=0.5), "margins halved", matches(A, B, margin=0.25)),
        (matches(A, B, margin=0.2), "margins doubled", matches(A, B, margin=0.4)),
        ((Contrast(((*C, 1.0),), bound=0.5),), "threshold 0.4", (Contrast(((*C, 1.0),), bound=0.4),)),
        ((Contrast(((*C, -1.0),), bound=-0.5),), "threshold 0.4", (Contrast(((*C, -1.0),), bound=-0.4),)),
    ],
)
def test_a_variant_is_judged_as_a_table_that_declares_it(declared, variant, written):
    unchanged = claim("C beats A", beats(C, over=A))
    row, _ = sensitivity(summary_of(claim("one", *declared), unchanged))
    expected, _ = judge(summary_of(claim("one", *written), unchanged))
    assert row.variants[variant] == expected
    assert row.declared == judge(summary_of(claim("one", *declared), unchanged))[0]


def test_verdicts_move_with_the_factor():
    (row,) = sensitivity(summary_of(claim("one", within(A, 1.5, of=B))))  # the means are 1.44 apart
    assert verdicts(row) == {"1.25 times": "contradicted", "2 times": "supported"}


CURVES = {"A": (0.0, 0.45, 0.55, 0.65), "B": (0.0, 0.0, 0.5, 0.7), "C": (0.0, 0.0, 0.0, 0.45)}  # every 5 steps


def test_steps_are_read_at_other_thresholds():
    summary = summary_of(claim("one", beats(A, over=B)), metric=StepsTo("accuracy", 0.5), curves=CURVES)
    (row,) = sensitivity(summary)
    assert set(row.variants) == THRESHOLDS
    for variant, judgement in row.variants.items():
        read = StepsTo("accuracy", float(variant.split()[1]))
        of_a, of_b = ([read(stage) for stage in summary.cells[place].stages.values()] for place in (A, B))
        assert judgement.estimate == pytest.approx(fmean(of_a) - fmean(of_b))
    at_first = {variant: judgement.estimate for variant, judgement in row.variants.items()}
    assert at_first["threshold 0.4"] < row.declared.estimate < at_first["threshold 0.6"]


def test_a_declared_threshold_other_than_one_half_stays():
    summary = summary_of(claim("one", beats(A, over=B)), metric=StepsTo("accuracy", 0.45), curves=CURVES)
    assert sensitivity(summary)[0].variants == {}
