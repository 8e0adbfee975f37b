"""Predictions of the losses of draws: what a forest and a network find in synthetic losses, and claims about them."""

import sys

import numpy as np
import pytest
from scipy import stats
from synthetic_study import fill, filled, study

from srnn_bench import BenchError, Store, summarise
from srnn_bench.tables import Predicts, PredictsBetter, StudyClaim, can_predict, judge, predict, study_losses

INPUTS = {"all": ("x", "y"), "without x": ("y",)}
CLAIMS = (
    StudyClaim("predicts", "A statement.", "Section 1", (Predicts("all"),)),
    StudyClaim("x adds", "A statement.", "Section 1", (PredictsBetter("all", "without x"),)),
    StudyClaim("y predicts", "A statement.", "Section 1", (Predicts("without x"),)),
)


@pytest.fixture(scope="module")
def table(tiny):
    return study(tiny, counts={"one": 70, "other": 50}, inputs=INPUTS, claims=CLAIMS)


@pytest.fixture(scope="module")
def losses_of_x(table):
    """Losses that depend on x alone."""
    x = np.array([draw.features["x"] for draw in table.draws])
    return 0.2 + 0.7 * (2 * x - 1) ** 2 + np.random.default_rng(1).normal(0, 0.02, len(x))


@pytest.fixture(scope="module")
def summary(table, losses_of_x):
    return filled(table, losses_of_x)


@pytest.fixture(scope="module")
def incomplete(table, losses_of_x, tmp_path_factory):
    """The same without the result of one draw."""
    store = Store(tmp_path_factory.mktemp("store"))
    fill(store, table, np.where(np.arange(len(losses_of_x)) == 5, np.nan, losses_of_x))
    return summarise(table, store)


def test_a_forest_finds_the_feature_that_the_loss_depends_on(summary):
    losses = study_losses(summary)
    found = predict(losses, ("x", "y"))
    assert found.r2 == pytest.approx(
        1 - ((found.actual - found.predicted) ** 2).sum() / ((found.actual - found.means) ** 2).sum()
    )
    assert 0.85 < found.r2 < 1 and found.interval[0] < found.r2 < found.interval[1]
    assert found.rank_correlation == pytest.approx(stats.spearmanr(found.actual, found.predicted).statistic)
    assert found.importance["x"] > 1 > 0.1 > abs(found.importance["y"])


def test_no_draw_is_predicted_from_itself(incomplete, losses_of_x):
    found = predict(study_losses(incomplete), ("x",), "network")
    assert found.actual == pytest.approx(np.delete(losses_of_x, 5).clip(max=1.0)), "without a result it is left out"
    means, sizes = np.unique(found.means, return_counts=True)
    assert sorted(sizes) == [23, 24, 24, 24, 24]
    for mean in means:
        assert mean == pytest.approx(found.actual[found.means != mean].mean())


def test_a_network_learns_it_too_and_has_no_importance(summary):
    found = predict(study_losses(summary), ("x",), "network")
    assert found.r2 > 0.5 and found.importance == {}


def test_claims_about_predictions_are_judged(summary):
    predicts, adds, useless = judge(summary)
    assert (predicts.verdict, adds.verdict) == ("supported", "supported")
    assert useless.verdict != "supported" and useless.estimate < 0.1
    losses = study_losses(summary)
    every, without = (predict(losses, INPUTS[name]) for name in ("all", "without x"))
    assert predicts.estimate == pytest.approx(every.r2) and predicts.interval == pytest.approx(every.interval)
    assert adds.estimate == pytest.approx(every.r2 - without.r2)
    gains = (without.actual - without.predicted) ** 2 - (every.actual - every.predicted) ** 2
    assert adds.p == pytest.approx(stats.ttest_1samp(gains, 0).pvalue)


def test_a_missing_draw_leaves_them_undecided(incomplete):
    assert {each.reason for each in judge(incomplete)} == {"1 of the draws that the claim uses have no result, of 120"}


def test_without_scikit_learn_its_name_is_the_reason(summary, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    losses = study_losses(summary)
    assert not can_predict(losses)
    with pytest.raises(BenchError, match=r"predictions need scikit-learn: pip install 'srnn-bench\[study\]'"):
        predict(losses, ("x", "y"))
    judgements = judge(summary)
    assert {each.verdict for each in judgements} == {"undecided"}
    assert {each.reason for each in judgements} == {"predictions need scikit-learn: pip install 'srnn-bench[study]'"}


def test_a_few_draws_are_not_predicted(tiny, tmp_path):
    table = study(tiny, counts={"one": 12}, inputs=INPUTS)
    store = Store(tmp_path)
    fill(store, table, [0.5] * 9 + [np.nan] * 3)
    losses = study_losses(summarise(table, store))
    assert not can_predict(losses)
    with pytest.raises(BenchError, match="expected at least 10 draws with a result, got 9"):
        predict(losses, ("x",))
