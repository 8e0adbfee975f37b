"""Contrasts and claims: how they are written, and which are refused."""

import math

import pytest

from srnn_bench import BenchError, Cell, Table
from srnn_bench.tables import Claim, Contrast, beats, fitting, matches, within

A, B = ("row", "A"), ("row", "B")
SAME = Claim("same", "A is low.", "s", (Contrast(((*A, 1.0),), bound=3.0),))


def test_only_claims_whose_cells_are_in_the_table_fit(tiny):
    cells = [Cell(*A, tiny(), "sparse", "mse")]
    both = Claim("both", "A beats B.", "s", (beats(A, over=B),))
    assert fitting((SAME, both), cells) == (SAME,)
    assert fitting((SAME, both), [*cells, Cell(*B, tiny(), "lottery", "mse")]) == (SAME, both)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ((SAME, SAME), "expected claims with unique names, got 'same' twice"),
        ((Claim("x", "s", "s", (beats(A, over=("row", "Z")),)),), r"claim 'x' .* got \('row', 'Z'\)"),
    ],
)
def test_a_table_refuses_claims_that_do_not_fit(tiny, claims, message):
    cell = Cell(*A, tiny(), "sparse", "mse")
    with pytest.raises(BenchError, match=message):
        Table("some/table", "paper", "Some table", "nowhere", "Error", "cm", "lower", (0,), (cell,), claims=claims)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Contrast(()), "expected terms"),
        (lambda: Contrast(((*A, 0.0),)), "finite weights other than 0"),
        (lambda: Contrast(((*A, math.inf),)), "finite weights other than 0"),
        (lambda: beats(A, over=A), "expected each cell once"),
        (lambda: Contrast(((*A, 1.0),), bound=math.nan), "finite bound"),
        (lambda: matches(A, B, margin=-1.0), "margin >= 0"),
        (lambda: Claim("x", "s", "s", ()), "claim 'x': expected at least one contrast, got none"),
    ],
)
def test_a_meaningless_claim_is_refused(make, message):
    with pytest.raises(BenchError, match=message):
        make()


@pytest.mark.parametrize(
    ("contrast", "text"),
    [
        (beats(A, over=B), "row: A − B"),
        (within(("sparse", "A"), 1.5, of=("dense", "A")), "A: sparse − 1.5 × dense"),
        (Contrast((("a", "b", -1.0), ("c", "d", 2.0))), "−(b, a) + 2 × (d, c)"),
        (Contrast(((*A, 1.0),), bound=3), "row: A"),
    ],
)
def test_a_contrast_is_written_as_a_formula(contrast, text):
    assert str(contrast) == text
