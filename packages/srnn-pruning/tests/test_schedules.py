"""Schedules: laws of every member, and the numbers of each."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srnn_pruning import Linear, OneShot, Proportional, PruningError

SCHEDULES = pytest.mark.parametrize(
    "schedule", [Linear(), OneShot(), Proportional()], ids=lambda schedule: schedule.kind
)


@SCHEDULES
@given(epochs=st.integers(1, 60), sparsity=st.floats(0, 1))
def test_never_decreases_and_ends_exactly_at_the_sparsity(schedule, epochs, sparsity):
    fractions = [schedule.fraction(epoch, epochs, sparsity) for epoch in range(1, epochs + 1)]
    assert fractions == sorted(fractions)
    assert fractions[0] >= 0
    assert fractions[-1] == sparsity


@SCHEDULES
@pytest.mark.parametrize("epoch", [0, -1, 6])
def test_epochs_are_counted_from_one(schedule, epoch):
    with pytest.raises(PruningError, match=f"epoch: expected one of 1 to 5, got {epoch}"):
        schedule.fraction(epoch, 5, 0.9)


@given(epochs=st.integers(2, 60), sparsity=st.floats(0.01, 1), data=st.data())
def test_linear_is_the_formula_of_the_paper(epochs, sparsity, data):
    k = data.draw(st.integers(1, epochs))
    exact = Fraction(k - 1) * Fraction(sparsity) / (epochs - 1)
    assert Linear().fraction(k, epochs, sparsity) == pytest.approx(float(exact), rel=1e-15)


def test_linear_begins_at_zero_and_prunes_all_at_once_in_a_single_epoch():
    assert Linear().fraction(1, 30, 0.9) == 0
    assert Linear().fraction(1, 1, 0.9) == 0.9


@given(epochs=st.integers(2, 60), sparsity=st.floats(0.01, 1), data=st.data())
def test_proportional_is_the_formula_of_the_text_code(epochs, sparsity, data):
    k = data.draw(st.integers(2, epochs))
    assert Proportional().fraction(1, epochs, sparsity) == 0
    assert Proportional().fraction(k, epochs, sparsity) == pytest.approx(
        float(Fraction(k) * Fraction(sparsity) / epochs), rel=1e-15
    )


def test_one_shot_prunes_at_its_epoch():
    assert [OneShot(epoch=3).fraction(k, 4, 0.5) for k in range(1, 5)] == [0, 0, 0.5, 0.5]
    assert [OneShot().fraction(k, 3, 0.5) for k in range(1, 4)] == [0.5, 0.5, 0.5]


def test_one_shot_refuses_an_epoch_that_is_never_reached():
    with pytest.raises(PruningError, match="OneShot: expected an epoch within the 3 epochs of the run, got epoch=5"):
        OneShot(epoch=5).fraction(1, 3, 0.9)
