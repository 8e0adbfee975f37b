"""The rows of Table 2 of arXiv 1912.00120: ways of pruning, each with its initialisation and normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from srnn_models import AnyInitialization, Glorot
from srnn_pruning import SNIP, GraSP, JacobianSpectrum, Pruning

from ._networks import RANDOM as RANDOM_SCORES
from ._networks import gain, literal, magnitude_as_printed, magnitude_compressed, pruned


class Scheme(NamedTuple):
    """An initialisation, a pruning, and the row of the paper that has it ("" for none)."""

    initialization: AnyInitialization
    pruning: Pruning | None
    printed: str = ""


N, G, EQUAL_GAIN = "N(0, 0.1)", "Glorot", "N(0, 2/√N)"

CRITERIA: Mapping[str, type[SNIP | GraSP | JacobianSpectrum]] = {
    "SNIP": SNIP,
    "GraSP": GraSP,
    "ours": JacobianSpectrum,
}

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


OURS, RANDOM = named("ours", N, normalised=True), f"random, {N}"  # as published

LOSS_BASED = {scheme: named(scheme, G, normalised=True) for scheme in ("SNIP", "GraSP")}  # as published, normalised


def _criterion(scheme: str, *, normalised: bool) -> SNIP | GraSP | JacobianSpectrum:
    return CRITERIA[scheme](normalization="gamma" if normalised else "none")


def schemes(hidden: int) -> dict[str, Scheme]:
    """Return the rows of Table 2 for a number of units."""
    starts = {N: literal(), G: Glorot(), EQUAL_GAIN: gain(hidden)}
    rows = {
        named(scheme, start, normalised=normalised): Scheme(
            starts[start],
            pruned(_criterion(scheme, normalised=normalised)),
            _PRINTED.get((scheme, start, normalised), ""),
        )
        for scheme in CRITERIA
        for start in (N, G)
        for normalised in (False, True)
    }
    widest = gain(hidden) == literal()  # at 400 units both are the paper's
    rows[named("ours", EQUAL_GAIN, normalised=True)] = Scheme(
        starts[EQUAL_GAIN], pruned(_criterion("ours", normalised=True)), "ours" if widest else ""
    )
    for start, initialization in starts.items():
        printed = "random" if start == N or (start != G and widest) else ""
        rows[f"random, {start}"] = Scheme(initialization, pruned(RANDOM_SCORES), printed)
    for start in (N, EQUAL_GAIN):
        rows[f"dense, {start}"] = Scheme(starts[start], None)
    rows["L2, as printed"] = Scheme(starts[N], magnitude_as_printed(), "L2")
    rows["L2, compressed"] = Scheme(starts[N], magnitude_compressed(), "L2")
    return rows
