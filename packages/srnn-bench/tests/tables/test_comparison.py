"""Comparisons of any two experiments, against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from srnn_bench import Conditions, Result, StageResult
from srnn_bench.tables import Cell, FilledCell, compare, holm
from srnn_bench.training import describe

ENVIRONMENT = describe("adding", Conditions("cpu"))
A, B, C = [1.0, 1.2, 1.1, 0.9, 1.05], [2.0, 2.3, 1.9, 2.2], [1.05, 1.3, 0.8, 1.0, 1.2]


@pytest.fixture
def cell_of(tiny):
    """Return a function that gives a cell with these values; None stands for a run that diverged."""

    def make(values):
        results = {}
        for seed, value in enumerate(values):
            stage = {"name": "sparse", "metrics": {"mse": value}, "densities": {}, "history": ()}
            stages = [] if value is None else [StageResult(**stage, steps=1, step_ms=1.0, peak_memory_mb=None)]
            results[seed] = Result(
                key=tiny().key(seed),
                experiment=tiny(),
                seed=seed,
                status="done" if stages else "diverged",
                stages=stages,
                environment=ENVIRONMENT,
                seconds=1.0,
            )
        return FilledCell(Cell("a", "mse", tiny(), "sparse", "mse"), results)

    return make


def test_every_pair_is_tested_and_corrected_over_all_pairs(cell_of):
    samples = {"a": A, "b": B, "c": C}
    pairs = compare({name: cell_of(values) for name, values in samples.items()})
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    for pair in pairs:
        first, second = samples[pair.first], samples[pair.second]
        t, df = stats.ttest_ind(first, second, equal_var=False).statistic, min(len(first), len(second)) - 1
        half = stats.t.isf(0.025, df) * np.hypot(stats.sem(first), stats.sem(second))
        difference = np.mean(first) - np.mean(second)
        assert pair.p == pytest.approx(2 * stats.t.sf(abs(t), df))
        assert pair.test.interval == pytest.approx((difference - half, difference + half))
        assert pair.n == (len(samples[pair.first]), len(samples[pair.second]))
    assert [pair.p_holm for pair in pairs] == pytest.approx(holm([pair.p for pair in pairs]))
    assert pairs[0].conclusion == "the mean of a is lower than that of b"
    assert pairs[2].conclusion == "the mean of c is lower than that of b"
    size = pairs[1].detectable
    assert pairs[1].conclusion == f"no difference found; a difference of {size:.2g} would be detected with 80 % power"
    spreads = [stats.tstd(values) for values in (A, C)]
    random = np.random.default_rng(1)
    draws = [random.normal(mean, sd, (4000, 5)) for mean, sd in zip((0.0, size), spreads, strict=True)]
    t = stats.ttest_ind(*draws, axis=1, equal_var=False).statistic
    found = abs(t) > stats.t.isf(0.05 / 3 / 2, 4)
    assert found.mean() == pytest.approx(0.8, abs=0.03), "at the first step of three comparisons"


def test_a_difference_that_the_correction_removes_is_named(cell_of):
    cells = {
        name: cell_of([1.0 + shift, 1.1 + shift, 1.2 + shift])
        for name, shift in zip("abcd", (0, 0.38, 0.1, 0.15), strict=True)
    }
    pair = compare(cells)[0]
    assert pair.p < 0.05 < pair.p_holm
    assert pair.conclusion.startswith("no difference found after correction; ")


def test_what_cannot_be_tested_says_why_and_does_not_count_in_the_correction(cell_of):
    one, same, other = cell_of([1.0]), cell_of([2.0, 2.0]), cell_of([2.0, 2.0, 2.0])
    pairs = compare({"a": cell_of(A), "b": cell_of(B), "one": one, "same": same, "other": other})
    by_names = {(pair.first, pair.second): pair for pair in pairs}
    assert by_names["a", "one"].conclusion == "not tested: needs at least two values of each"
    assert by_names["same", "other"].conclusion == "not tested: the values do not vary"
    tested = [pair for pair in pairs if pair.test is not None]
    assert [pair.p_holm for pair in tested] == pytest.approx(holm([pair.p for pair in tested]))
    assert {pair.p_holm for pair in pairs if pair.test is None} == {None}


def test_runs_without_a_value_are_named(cell_of):
    (pair,) = compare({"a": cell_of(A), "b": cell_of([*B, None, None])})
    assert (pair.n, pair.lost) == ((5, 4), (0, 2))
    assert pair.conclusion == ("the mean of a is lower than that of b, among the runs with a value: 2 of 11 have none")
    assert compare({"a": cell_of(A)}) == []
