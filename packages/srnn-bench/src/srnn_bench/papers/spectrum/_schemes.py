"""The rows of Table 2 of arXiv 1912.00120: ways of pruning, each with its initialisation and normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from srnn_models import AnyInitialization
from srnn_pruning import AnyCriterion, Pruning

from ._networks import (
    RANDOM,
    gain,
    glorot,
    grasp,
    jacobian,
    literal,
    magnitude_as_printed,
    magnitude_compressed,
    pruned,
    snip,
)


class Scheme(NamedTuple):
    """An initialisation, a pruning, and the row of the paper that has it ("" for none)."""

    initialization: AnyInitialization
    pruning: Pruning | None
    printed: str = ""


N, G = "N(0, 0.1)", "Glorot"

_PRINTED = {
    ("SNIP", N, False): "un-normalised SNIP",
    ("SNIP", G, True): "normalised SNIP",
    ("GraSP", N, False): "un-normalised GraSP",
    ("GraSP", G, True): "normalised GraSP",
    ("ours", N, True): "ours",
}


def named(scheme: str, initialization: str, *, normalised: bool) -> str:
    """Return the name of a row: a way of pruning, its initialisation, and whether it is divided by gamma."""
    return f"{scheme}, {initialization}" + (", gamma" if normalised else "")


def schemes(hidden: int) -> dict[str, Scheme]:
    """Return the rows of Table 2 for a number of units."""
    starts = {N: literal(), G: glorot(hidden), "N(0, 2/√N)": gain(hidden)}
    makers: dict[str, Callable[[bool], AnyCriterion]] = {
        "SNIP": lambda normalised: snip(normalised=normalised),
        "GraSP": lambda normalised: grasp(normalised=normalised),
        "ours": lambda normalised: jacobian(normalised=normalised),
    }
    rows = {
        named(scheme, start, normalised=normalised): Scheme(
            starts[start], pruned(make(normalised)), _PRINTED.get((scheme, start, normalised), "")
        )
        for scheme, make in makers.items()
        for start in (N, G)
        for normalised in (False, True)
    }
    widest = gain(hidden) == literal()  # at 400 units both are the paper's
    rows[named("ours", "N(0, 2/√N)", normalised=True)] = Scheme(
        starts["N(0, 2/√N)"], pruned(jacobian(normalised=True)), "ours" if widest else ""
    )
    for start, initialization in starts.items():
        printed = "random" if start == N or (start != G and widest) else ""
        rows[f"random, {start}"] = Scheme(initialization, pruned(RANDOM), printed)
    for start in (N, "N(0, 2/√N)"):
        rows[f"dense, {start}"] = Scheme(starts[start], None)
    rows["L2, as printed"] = Scheme(starts[N], magnitude_as_printed(), "L2")
    rows["L2, compressed"] = Scheme(starts[N], magnitude_compressed(), "L2")
    return rows
