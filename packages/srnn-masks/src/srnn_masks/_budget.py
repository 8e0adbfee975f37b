"""Sizes of a block RNN with a given number of weights: `sized` for given densities, `balance` for a hidden proportion.

With sizes x, h, y of inputs, hidden units and outputs and densities s, the number of weights is (Hershey & Paffenroth,
"Balancing sparse RNNs with hyperparameterization benefiting meta-learning", arXiv 2509.15057, equations 10 and 11)

    P_T = s_hx h x + s_hh h^2 + s_hy h y + s_yx x y + s_yh y h + s_yy y^2,

which is solved for h. All solutions are exact: h is not rounded.
"""

from math import inf, isfinite, sqrt
from typing import Literal

from ._blocks import Blocks, Densities
from ._errors import MaskError


def sized(inputs: int, outputs: int, budget: float, densities: Densities) -> Blocks:
    """Return the block RNN of `budget` weights with these densities; its `hidden` is exact, in general a fraction.

    h = (-b + sqrt(b^2 + 4 a r)) / 2a with a = s_hh, b = s_hx x + s_hy y + s_yh y and r = P_T - s_yx x y - s_yy y^2.
    Without recurrent weights (a = 0), h = r / b.

    Raises MaskError if W_yx and W_yy alone use the budget (r <= 0), or if no weight depends on h (a = b = 0).

    >>> eq8 = sized(2500, 10, 100_000, Densities(hx=0.2, yx=0.2, yh=0.2))
    >>> round(eq8.hidden, 3), round(eq8.hidden_proportion, 3)
    (144.545, 0.221)
    """
    _check_sizes("sized", inputs, outputs)
    hidden = _hidden("sized", inputs, outputs, budget, densities)
    return Blocks(inputs=inputs, hidden=hidden, outputs=outputs, densities=densities)


def balance(
    inputs: int,
    outputs: int,
    budget: float,
    rule: Literal["proportion", "equal_blocks"] = "proportion",
    proportion: float = 0.5,
) -> Blocks:
    """Return the block RNN of `budget` weights with balanced hidden units: one block is thinned, the others are dense.

    With r = P_T - x y - y^2, the weights that depend on h, the solution of each rule is:

    - "proportion": the hidden proportion is `proportion` (p). Where that of the dense network is below p, W_hx is
      thinned: h^2 / p + y h = r, s_hx = (h (1 - p) / p - y) / x. Where it is above, W_hh is thinned:
      h = r / ((x + y) / (1 - p) + y), s_hh = (x + y) p / ((1 - p) h).
    - "equal_blocks": W_hx and W_hh have equal counts, and the larger of the two is thinned. Where the dense W_hx is
      larger: 2 h^2 + 2 y h = r, s_hx = h / x. Where W_hh is: h = r / (2 (x + y)), s_hh = x / h. The hidden proportion
      is below 1/2. This gives equation 13 of the paper, which rounds s_hx = 7.54 % to 8 % and solves for h again:
      `sized(2500, 10, 100_000, Densities(hx=0.08))` has h = 184.96.

    Raises MaskError where no balance exists. Two inequalities are needed: r > 0, and, to thin W_hx to a proportion,
    h (1 - p) / p > y, since W_hy is dense and hidden units would otherwise read no input.

    >>> hammer = balance(46, 26, 10_000)
    >>> round(hammer.hidden, 1), round(hammer.densities.hx, 3), round(hammer.hidden_proportion, 12)
    (57.6, 0.687, 0.5)
    """
    _check_sizes("balance", inputs, outputs)
    if rule not in ("proportion", "equal_blocks"):
        raise MaskError(f"balance: expected rule='proportion' or 'equal_blocks', got rule={rule!r}")
    if not 0 < proportion < 1:
        raise MaskError(f"balance: expected 0 < proportion < 1, got proportion={proportion}")
    if rule == "equal_blocks" and proportion != 0.5:
        raise MaskError(f"balance: expected no proportion with rule='equal_blocks', got proportion={proportion}")
    hidden = _hidden("balance", inputs, outputs, budget, Densities())
    dense = Blocks(inputs=inputs, hidden=hidden, outputs=outputs)
    free = budget - inputs * outputs - outputs**2
    hidden, densities = _equal(dense, free) if rule == "equal_blocks" else _proportional(dense, free, proportion)
    return Blocks(inputs=inputs, hidden=hidden, outputs=outputs, densities=densities)


def _proportional(dense: Blocks, free: float, proportion: float) -> tuple[float, Densities]:
    """Return h and the densities at a hidden proportion; `free` is r, the number of weights that depend on h."""
    x, y = dense.inputs, dense.outputs
    odds = proportion / (1 - proportion)
    if dense.hidden_proportion > proportion:
        hidden = free / ((x + y) / (1 - proportion) + y)
        return hidden, Densities(hh=min(1.0, (x + y) * odds / hidden))
    hidden = _root(1 / proportion, y, free)
    inputs_read = hidden / odds - y  # present weights of W_hx per hidden unit
    if not inputs_read > 0:
        without = _root(1.0, 2 * y, free)  # the solution where s_hx is 0
        raise MaskError(
            f"balance: expected proportion < {without / (without + y):.6g}, which an empty W_hx gives with inputs={x}, "
            f"outputs={y} and budget={dense.total:.6g}, got proportion={proportion}: thinning W_hx needs "
            f"hidden * (1 - proportion) / proportion > outputs, got {hidden / odds:.6g} <= {y} at hidden={hidden:.6g}"
        )
    return hidden, Densities(hx=min(1.0, inputs_read / x))


def _equal(dense: Blocks, free: float) -> tuple[float, Densities]:
    """Return h and the densities at equal counts of W_hx and W_hh."""
    x, y = dense.inputs, dense.outputs
    if dense.hidden > x:
        hidden = free / (2 * (x + y))
        return hidden, Densities(hh=min(1.0, x / hidden))
    hidden = _root(2.0, 2 * y, free)
    return hidden, Densities(hx=min(1.0, hidden / x))


def _hidden(verb: str, inputs: int, outputs: int, budget: float, densities: Densities) -> float:
    """Return the h that solves the budget; raise MaskError, which names `verb`, if there is none."""
    fixed = densities.yx * inputs * outputs + densities.yy * outputs**2
    if not (isfinite(budget) and budget > fixed):
        sizes = f"inputs={inputs} and outputs={outputs}"
        raise MaskError(f"{verb}: expected budget > {fixed:g}, the weights of W_yx and W_yy for {sizes}, got {budget}")
    linear = densities.hx * inputs + (densities.hy + densities.yh) * outputs
    hidden = _root(densities.hh, linear, budget - fixed)
    if hidden == inf:
        raise MaskError(f"{verb}: expected a density above 0 of hx, hh, hy or yh, got {densities!r}")
    return hidden


def _root(a: float, b: float, r: float) -> float:
    """Return the positive root of a h^2 + b h = r, for a, b >= 0 and r > 0; inf if there is none.

    In this form the sum has no cancellation, and a may be 0.
    """
    denominator = b + sqrt(b * b + 4 * a * r)
    return 2 * r / denominator if denominator else inf


def _check_sizes(verb: str, inputs: int, outputs: int) -> None:
    """Raise MaskError for sizes below 1."""
    for name, size in (("inputs", inputs), ("outputs", outputs)):
        if size < 1:
            raise MaskError(f"{verb}: expected {name} >= 1, got {name}={size}")
