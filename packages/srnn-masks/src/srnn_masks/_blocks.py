"""Block RNNs as six densities and three sizes: number of weights per block, hidden proportion, masks.

Hershey & Paffenroth, "Balancing sparse RNNs with hyperparameterization benefiting meta-learning" (arXiv 2509.15057),
equations 5 and 10 to 12. Hidden units and outputs each read inputs x, hidden units h and outputs y, through one matrix
per pair:

    H' = relu(W_hx X + W_hh H + W_hy Y + b_h),    Y' = W_yx X + W_yh H + W_yy Y + b_y

The paper calls the share of present entries "sparsity"; here it is a density. Biases are not counted.
"""

from typing import Literal

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from ._errors import MaskError
from .patterns import Bernoulli, Density, UniformRandom, Value


class Densities(Value):
    """Share of present entries of each of the six blocks; blocks that are not named are dense.

    The name of a block is target, then source: `hx` is W_hx (N, I), which hidden units read inputs through.

    >>> Densities(hx=0.08).hh  # equation 13 of the paper
    1.0
    """

    kind: Literal["block_densities"] = "block_densities"
    hx: Density = 1.0
    hh: Density = 1.0
    hy: Density = 1.0
    yx: Density = 1.0
    yh: Density = 1.0
    yy: Density = 1.0

    @classmethod
    def uniform(cls, density: float) -> "Densities":
        """Return the same density for all blocks."""
        return cls(hx=density, hh=density, hy=density, yx=density, yh=density, yy=density)


class Blocks(Value):
    """A block RNN of `inputs` I, `hidden` N and `outputs` O, with the density of each block.

    `hidden` may be a fraction, such as the exact solution for a number of weights (`sized`, `balance`); then counts are
    expected values. Masks need a whole number: see `rounded`.

    >>> blocks = Blocks(inputs=2500, hidden=145, outputs=10, densities=Densities(hx=0.2, yx=0.2, yh=0.2))
    >>> blocks.counts["hx"], blocks.total, round(blocks.hidden_proportion, 4)
    (72500.0, 100365.0, 0.2214)
    """

    kind: Literal["blocks"] = "blocks"
    inputs: PositiveInt
    hidden: PositiveFloat
    outputs: PositiveInt
    densities: Densities = Densities()

    @property
    def counts(self) -> dict[str, float]:
        """Expected number of weights of each block, rows * cols * density (eq. 10), by name: "hx", ..., "yy"."""
        return {name: rows * cols * getattr(self.densities, name) for name, (rows, cols) in self._shapes().items()}

    @property
    def total(self) -> float:
        """Expected number of weights P_T of all six blocks (eq. 11)."""
        return sum(self.counts.values())

    @property
    def density(self) -> float:
        """Share of present entries of all blocks together, P_T / ((h + y) (x + h + y))."""
        return self.total / sum(rows * cols for rows, cols in self._shapes().values())

    @property
    def hidden_proportion(self) -> float:
        """Share of the weights of the hidden units that read hidden units, P_hh / (P_hx + P_hh + P_hy) (eq. 12).

        Raises MaskError if hidden units have no weights: all three densities are 0.
        """
        counts = self.counts
        row = counts["hx"] + counts["hh"] + counts["hy"]
        if not row:
            raise MaskError(
                f"Blocks.hidden_proportion: expected a density above 0 of hx, hh or hy, got {self.densities!r}"
            )
        return counts["hh"] / row

    def rounded(self) -> "Blocks":
        """Return the network with the nearest whole number of hidden units and the same densities.

        As in the paper, the number of weights is then only near the one that was asked for.

        Raises MaskError if that number is 0.
        """
        if not round(self.hidden):
            raise MaskError(
                f"Blocks.rounded: expected at least one hidden unit after rounding, got hidden={self.hidden}"
            )
        return self.model_copy(update={"hidden": float(round(self.hidden))})

    def masks(
        self, pattern: type[Bernoulli] | type[UniformRandom] = Bernoulli, *, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Draw the masks of the six weights, from "weight_hx" (N, I) to "weight_yy" (O, O), ready for `apply`.

        `Bernoulli` draws each entry independently, as the paper does; `UniformRandom` draws exact counts. The masks are
        drawn in the order hx, hh, hy, yx, yh, yy, on the generator's device; those of dense blocks are all True.

        Raises MaskError if `hidden` is a fraction, or if `pattern` is a value instead of a class.
        """
        if not isinstance(pattern, type):
            raise MaskError(
                f"Blocks.masks: expected the class of a pattern, Bernoulli or UniformRandom, got {pattern!r}"
            )
        if not self.hidden.is_integer():
            raise MaskError(
                f"Blocks.masks: expected a whole number of hidden units, got hidden={self.hidden}; use rounded()"
            )
        return {
            f"weight_{name}": pattern(density=getattr(self.densities, name)).mask(
                int(rows), int(cols), generator=generator
            )
            for name, (rows, cols) in self._shapes().items()
        }

    def _shapes(self) -> dict[str, tuple[float, float]]:
        """Return rows and columns of each block by name, the hidden row first."""
        sizes = {"x": float(self.inputs), "h": self.hidden, "y": float(self.outputs)}
        return {target + source: (sizes[target], sizes[source]) for target in "hy" for source in "xhy"}
