"""Studies: what they refuse, groups of draws, ranges of a feature, and that published runs give the same numbers."""

import math

import numpy as np
import pandas
import pytest
from synthetic_study import CONSTANT, COUNTS, fill, filled, study

from srnn_bench import BenchError, Cell, Store, Table, summarise
from srnn_bench.store import import_runs, open_results, published_files, read_lines
from srnn_bench.tables import (
    Bins,
    Claim,
    Draw,
    Group,
    LowerLoss,
    Plan,
    Predicts,
    RankCorrelation,
    Relatives,
    ShareUnstable,
    StudyClaim,
    beats,
    bins,
    judge,
    override_table,
    publish,
    study_losses,
)


def claim(*tests, name="a claim"):
    return StudyClaim(name, "A statement.", "Section 1", tests)


@pytest.fixture(scope="module")
def losses():
    """Losses of the 40 draws: learned, at the constant, larger, diverged, and none."""
    values = np.random.default_rng(1).uniform(0.1, 0.9, sum(COUNTS.values()))
    values[[3, 30]] = CONSTANT
    values[7], values[11], values[20] = 1e25, math.inf, math.nan
    return values


@pytest.fixture(scope="module")
def store(tiny, losses, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    fill(store, study(tiny), losses)
    return store


# --- declarations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": (3, 4), "plan": Plan(seeds=(3, 4), failure_threshold=1.0)}, "expected one column and one seed"),
        ({"plan": Plan(seeds=(3,))}, "a plan with a failure threshold, and better='lower', got None and 'lower'"),
        ({"bins": (Bins("z", (0.5,)),)}, "expected features among ('x', 'y'), got 'z'"),
        ({"inputs": {"all": ("x", "w")}}, "expected features among ('x', 'y'), got 'w'"),
        ({"claims": (claim(LowerLoss(Group(("third",)), Group(("one",)))),)}, "presets among ('one', 'other')"),
        ({"claims": (claim(RankCorrelation(Group(), "z")),)}, "expected features among ('x', 'y'), got 'z'"),
        ({"claims": (claim(Predicts("all")),)}, "expected inputs among () in claim 'a claim', got 'all'"),
        (
            {"claims": (Claim("old", "s", "s", (beats(("a", "b"), over=("c", "b")),)),)},
            "StudyClaim for 'old', got a Cl",
        ),
    ],
)
def test_a_study_that_cannot_be_is_refused(tiny, changes, message):
    with pytest.raises(BenchError) as error:
        study(tiny, **changes)
    assert message in str(error.value)


def test_draws_are_the_rows_and_have_the_same_features(tiny):
    whole = study(tiny)
    with pytest.raises(BenchError, match="expected one cell per draw, in their order, got 40 cells and 39 draws"):
        study(tiny, draws=whole.draws[1:])
    other = Draw("other", 15, {"x": 0.1})
    with pytest.raises(BenchError, match="draws with the same features"):
        study(tiny, draws=(*whole.draws[:-1], other))


def test_a_table_refuses_a_claim_about_draws(tiny):
    cell = Cell("a", "b", tiny(), "sparse", "mse")
    with pytest.raises(BenchError, match="expected a Claim or AcrossColumns, got a StudyClaim"):
        Table(
            "p/t", "quick", "t", "s", "m", "u", "lower", (0,), (cell,), claims=(claim(RankCorrelation(Group(), "x")),)
        )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Group((), "x", 0.5, 0.5), "expected low < high, got 0.5 and 0.5"),
        (lambda: Group((), None, 0.5), "expected the name of the feature"),
        (lambda: Bins("x", (0.5, 0.4)), "expected rising edges"),
        (lambda: Bins("x", (0.5,), (1.0,)), "expected 2 published numbers, got 1"),
        (lambda: ShareUnstable(Group(), 1.0, "above"), "expected a share between 0 and 1"),
        (lambda: StudyClaim("c", "s", "s", ()), "expected at least one test"),
    ],
)
def test_parts_that_cannot_be_are_refused(make, message):
    with pytest.raises(BenchError, match=message):
        make()


def test_a_group_contains_its_lower_end_and_not_its_upper_end():
    group = Group(("one",), "x", 0.2, 0.4)
    draws = {x: Draw("one", 0, {"x": x}) for x in (0.1, 0.2, 0.39, 0.4)}
    assert [x for x, draw in draws.items() if draw in group] == [0.2, 0.39]
    assert Draw("other", 0, {"x": 0.3}) not in group and Draw("other", 0, {"x": 0.3}) in Group()
    assert str(group) == "one, x 0.2 to 0.4" and str(Group()) == "all presets"


# --- results ----------------------------------------------------------------------------------------------------------


def test_ranges_are_those_of_pandas(tiny, store, losses):
    table = study(tiny)
    frame = pandas.DataFrame({"x": [draw.features["x"] for draw in table.draws], "loss": losses})
    frame["preset"] = [draw.preset for draw in table.draws]
    frame["range"] = pandas.cut(frame["x"], [-np.inf, 0.25, 0.5, np.inf], right=False)
    frame = frame.dropna()  # a draw without a result
    frame["unstable"] = ~(frame["loss"] < CONSTANT)
    frame["bounded"] = frame["loss"].clip(upper=CONSTANT)
    found = bins(study_losses(summarise(table, store)), table.bins[0])
    groups = [group for _, group in frame.groupby(["range", "preset"], observed=False)]
    assert len(found) == len(groups) == 6
    for each, group in zip(found, groups, strict=True):
        assert (each.n, each.unstable) == (len(group), group["unstable"].sum())
        assert each.bounded_mean == pytest.approx(group["bounded"].mean())
        assert each.median == pytest.approx(group["bounded"].median())
        stable = group.loc[~group["unstable"], "loss"]
        expected = None if group["unstable"].mean() > 0.05 else pytest.approx(stable.mean())
        assert each.mean == expected
    assert [(each.range, each.published, each.published_unstable) for each in found[::2]] == [
        ("below 0.25", 0.5, False),
        ("0.25 to 0.5", None, True),
        ("0.5 or more", 0.7, False),
    ]
    assert any(each.mean is None for each in found) and any(each.mean is not None for each in found)


def test_five_percent_of_unstable_draws_leave_a_mean(tiny):
    table = study(tiny, counts={"one": 40}, bins=(Bins("x", (2.0,)),))
    for unstable, has_mean in ((2, True), (3, False)):
        summary = filled(table, [0.5] * (40 - unstable) + [CONSTANT] * unstable)
        all_draws, none = bins(study_losses(summary), table.bins[0])
        assert (all_draws.n, all_draws.unstable) == (40, unstable)
        assert all_draws.mean == (0.5 if has_mean else None)
        assert (none.n, none.mean, none.bounded_mean, none.median) == (0, None, None, None)


def test_a_draw_without_a_result_is_not_unstable(tiny, store, losses):
    found = study_losses(summarise(study(tiny), store))
    assert np.flatnonzero(~found.present).tolist() == [20]
    assert np.flatnonzero(found.unstable).tolist() == [3, 7, 11, 30]
    assert found.missing([Group(("one",))]) == 1 and found.missing([Group(("other",))]) == 0
    assert np.nanmax(found.bounded) == CONSTANT


def test_published_runs_give_the_same_numbers_as_the_store(tiny, store, tmp_path):
    table = study(tiny, claims=(claim(RankCorrelation(Group(("other",)), "x")),))
    path, _ = publish(table, store, tmp_path / "runs")
    assert path.name == "paper-study-quick.jsonl.gz" and published_files(tmp_path / "runs") == [path]
    before = path.read_bytes()
    publish(table, store, tmp_path / "runs")
    assert path.read_bytes() == before
    imported = Store(tmp_path / "imported")
    import_runs(imported, read_lines([path]))
    summaries = [summarise(table, each) for each in (store, open_results(tmp_path / "runs"), imported)]
    found = [bins(study_losses(summary), table.bins[0]) for summary in summaries]
    assert found[0] == found[1] == found[2]
    judgements = [judge(summary) for summary in summaries]
    assert judgements[0] == judgements[1] == judgements[2]


def test_settings_change_the_experiments_of_a_study(tiny):
    table = study(tiny)
    changed = override_table(table, ["model.recurrence.hidden=7"])
    assert {cell.experiment.model.recurrence.hidden for cell in changed.cells} == {7}
    assert changed.draws == table.draws and changed.plan.exploratory


def test_relatives_of_a_study_without_results_have_none(tiny, tmp_path):
    other = study(tiny, name="paper/other", claims=(claim(RankCorrelation(Group(), "x")),))
    table = study(
        tiny,
        claims=(claim(RankCorrelation(Group(("one",)), "x")),),
        relatives=lambda: Relatives(readings=(other,)),
    )
    assert summarise(table, Store(tmp_path)).readings == {"paper/study": False, "paper/other": False}
