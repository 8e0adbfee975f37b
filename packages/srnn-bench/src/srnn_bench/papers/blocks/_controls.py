"""Where the gain of balanced networks comes from: a table of ours on arXiv 2509.15057.

All blocks of the paper's networks begin at a standard deviation of .05, whatever their size. So its configurations
differ in three things at once: the hidden proportion, the number of hidden units h, and the gain of the recurrence at
the start, g = h s_hh sd^2 / 2. Here g is 1, and either h or the hidden proportion is the same for all.
"""

from __future__ import annotations

from ...tables import Claim, Contrast, Scale, Table, beats
from ._columns import ACCURACY, BEST, OWN, above
from ._networks import EQUATIONS, equation, proportions
from ._rad import accuracies, nets
from ._sizes import INPUTS, OUTPUTS, SIZES
from ._varied import UNIT, at_unit_gain, equal_proportion, equal_units

SHARES = (0.1, 0.25, 0.5, 1.0)  # of the largest hidden proportion, which is that of a dense W_hh

FACTORS = (0.7, 1.0, 1.4)  # of the hidden units

COMMON = 0.85  # of the largest hidden proportion of the fewest units: the proportion of networks that differ in units


def controls(name: str, scale: Scale) -> Table:
    """The paper's configurations with a gain of 1; networks that differ in their hidden proportion or units alone."""
    size = SIZES[scale]
    sizes = INPUTS, OUTPUTS, size.budget
    published = {row: net for row, net in nets(scale).items() if row in EQUATIONS}
    unit = at_unit_gain({row: equation(row, *sizes) for row in EQUATIONS})
    _, largest = proportions(*sizes, hidden=size.hidden)
    shares = {f"{100 * share:g} % of the largest proportion": share * largest for share in SHARES}
    by_proportion = equal_units(sizes, size.hidden, shares)
    units = {f"{factor:g} times the units": round(factor * size.hidden) for factor in FACTORS}
    _, largest = proportions(*sizes, hidden=min(units.values()))
    by_units = equal_proportion(sizes, COMMON * largest, units)
    differing, numbers = list(by_proportion), list(by_units)
    dense, balanced = "dense", "eq. 13"
    claims = (
        Claim(
            "a unit gain helps the dense network",
            "The dense network has a higher accuracy if the gain of its recurrence is 1 at the start.",
            "ours",
            above(dense + UNIT, dense),
        ),
        Claim(
            "half of the deficit of dense is the gain",
            "A unit gain makes up for more than half of the distance of the dense network to the balanced one.",
            "ours",
            (Contrast(((dense + UNIT, BEST, 1.0), (dense, BEST, -0.5), (balanced, BEST, -0.5))),),
        ),
        Claim(
            "balanced beats dense at unit gain",
            "The balanced network has a higher accuracy than the dense one, both with a unit gain.",
            "ours, on Figure 1",
            above(balanced + UNIT, dense + UNIT),
        ),
        Claim(
            "the hidden proportion matters at equal units",
            "With as many hidden units, weights and a unit gain, the network with the largest hidden proportion has a "
            "higher accuracy than that with the smallest.",
            "ours, on section IV",
            (beats((differing[-1], BEST), over=(differing[0], BEST)),),
        ),
        Claim(
            "the units matter at equal hidden proportion",
            "With an equal hidden proportion, as many weights and a unit gain, the network with the most hidden units "
            "has a higher accuracy than that with the fewest.",
            "ours, on section IV",
            (beats((numbers[-1], BEST), over=(numbers[0], BEST)),),
        ),
    )
    note = "With 80 % power five seeds find a difference of 2.4 spreads if a claim stands alone, and 3.7 at the first "
    return ACCURACY.table(
        name,
        scale,
        title=f"Right answers on Random Anomaly Detection by gain, proportion and units, {size.budget:,} weights",
        source=OWN + ": its configurations differ in gain, hidden proportion and units at once",
        cells=accuracies(published | unit | by_proportion | by_units, scale),
        claims=claims,
        note=note + "step of the correction over all claims.",
        seeds=size.control_seeds,
    )
