"""Inhibitor functions (arXiv 2406.06290, eqs. 6 and 7): the cost of a weight by the distance of its two neurons.

An inhibitor is a value that is called with distances. Costs are at least 0, with a finite gradient at distance 0.
"""

import math
from abc import abstractmethod
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from ._value import Value


class Inhibitor(Value):
    """The cost of a weight as a function of the distance of its two neurons."""

    @abstractmethod
    def __call__(self, distances: Tensor) -> Tensor:
        """Return costs `(...)`, at least 0, at distances `(...)`."""

    @property
    def monotone(self) -> bool:
        """Whether the cost only rises or only falls with distance; `Trained` does not accept such an inhibitor."""
        return False


class DifferenceOfGaussians(Inhibitor):
    """A ring of cheap weights (eq. 7): f(d) = ceiling - g(d), g(d) = amplitude (exp(-d^2 / wide) - exp(-d^2 / narrow)).

    `narrow` and `wide`, s1 and s2 of the paper, are squares of lengths. The defaults are the constants of the
    authors' code; the paper's Figure 2 has amplitude 10, wide 5, narrow 1. Weights at distance 0 and at large distances
    both cost `ceiling`:

    - "peak" (default): the maximum of g, so that the cheapest distance costs 0. The authors' code does this with the
      maximum over the sampled matrix; that is `Moduli(offset="empirical")`.
    - "amplitude": eq. 7 as printed; then every weight has a positive cost.

    >>> ring = DifferenceOfGaussians()
    >>> round(ring.peak, 3), round(ring.peak_distance, 4)
    (81.142, 0.8879)
    >>> [round(cost, 1) for cost in ring(torch.tensor([0.0, 0.5, 0.8879, 2.0, 9.0])).tolist()]
    [81.1, 22.8, 0.0, 36.2, 81.1]
    """

    kind: Literal["difference_of_gaussians"] = "difference_of_gaussians"
    amplitude: Annotated[float, Field(gt=0)] = 100.0
    narrow: Annotated[float, Field(gt=0)] = 0.25
    wide: Annotated[float, Field(gt=0)] = 5.0
    ceiling: Literal["peak", "amplitude"] = "peak"

    @model_validator(mode="after")
    def _wide_above_narrow(self) -> Self:
        if self.wide <= self.narrow:
            raise ValueError(f"wide: expected more than narrow = {self.narrow}, got {self.wide}")
        return self

    @property
    def peak_distance(self) -> float:
        """Distance at which g is largest and a weight is cheapest: the root of g'(d) = 0 with d > 0."""
        return math.sqrt(self.narrow * self.wide / (self.wide - self.narrow) * self._log_ratio)

    @property
    def peak(self) -> float:
        """Maximum of g: amplitude (1 - r) r^(r / (1 - r)), r = narrow / wide."""
        gap = (self.wide - self.narrow) / self.wide  # 1 - r
        return self.amplitude * gap * math.exp(-self.narrow / (self.wide - self.narrow) * self._log_ratio)

    @property
    def _log_ratio(self) -> float:
        """ln(wide / narrow), accurate also if they are close."""
        return -math.log1p((self.narrow - self.wide) / self.wide)

    def __call__(self, distances: Tensor) -> Tensor:
        """Return costs `(...)`, between 0 and `ceiling`, at distances `(...)`."""
        squares = distances.square()
        ring = torch.exp(squares / -self.wide) - torch.exp(squares / -self.narrow)  # between 0 and peak / amplitude
        ceiling = self.peak if self.ceiling == "peak" else self.amplitude
        return (ceiling - self.amplitude * ring).clamp_min(0.0)  # only rounding can go below 0


class Diffusion(Inhibitor):
    """Cost rises with distance: f(d) = amplitude d^power (the paper's c d^n; d^2 in its figures and code).

    `power` is at least 1; below 1, the gradient at distance 0 would be infinite.

    >>> Diffusion()(torch.tensor([0.0, 1.0, 3.0])).tolist()
    [0.0, 1.0, 9.0]
    """

    kind: Literal["diffusion"] = "diffusion"
    amplitude: Annotated[float, Field(gt=0)] = 1.0
    power: Annotated[float, Field(ge=1)] = 2.0

    def __call__(self, distances: Tensor) -> Tensor:
        """Return costs `(...)`, at least 0, at distances `(...)`."""
        costs: Tensor = self.amplitude * distances.pow(self.power)
        return costs

    @property
    def monotone(self) -> bool:
        """True: the cost rises with distance."""
        return True


class Sinusoid(Inhibitor):
    """Several cheap rings: f(d) = amplitude + amplitude cos(frequency d), the paper's c + c cos(mu d).

    `frequency` is in radians per unit of distance. Costs are between 0 and twice the amplitude, the cost at distance
    0.

    >>> [round(cost, 1) for cost in Sinusoid()(torch.tensor([0.0, torch.pi / 4, torch.pi / 2])).tolist()]
    [100.0, 50.0, 0.0]
    """

    kind: Literal["sinusoid"] = "sinusoid"
    amplitude: Annotated[float, Field(gt=0)] = 50.0
    frequency: Annotated[float, Field(gt=0)] = 2.0

    def __call__(self, distances: Tensor) -> Tensor:
        """Return costs `(...)`, between 0 and twice the amplitude, at distances `(...)`."""
        return self.amplitude + self.amplitude * torch.cos(self.frequency * distances)


class Ricker(Inhibitor):
    """Distance 0 is free, a ring around it costs most: f(d) = amplitude (psi(0) - psi(d)), psi of eq. 6 (Ricker).

    psi(d) = 2 / (sqrt(3 width) pi^(1/4)) (1 - d^2 / width^2) exp(-d^2 / (2 width^2)). The paper gives psi as
    a connectivity, not a cost; here its sign is reversed. The cost is largest at d = sqrt(3) width.

    >>> [round(cost, 3) for cost in Ricker()(torch.tensor([0.0, 1.0, 3.0**0.5, 9.0])).tolist()]
    [0.0, 0.867, 1.254, 0.867]
    """

    kind: Literal["ricker"] = "ricker"
    amplitude: Annotated[float, Field(gt=0)] = 1.0
    width: Annotated[float, Field(gt=0)] = 1.0

    def __call__(self, distances: Tensor) -> Tensor:
        """Return costs `(...)`, at least 0, at distances `(...)`."""
        scale = self.amplitude * 2 / (math.sqrt(3 * self.width) * math.pi**0.25)  # psi(0)
        half = ((distances / self.width).square() / 2).clamp_max(1e4)  # beyond, exp(-half) is 0, and inf * 0 is NaN
        # 1 - (1 - 2h) exp(-h), as a sum of two terms that cannot be negative and do not cancel near 0
        costs: Tensor = scale * (2 * half * torch.exp(-half) - torch.expm1(-half))
        return costs


class Reversed(Inhibitor):
    """Another inhibitor reversed: f(d) = ceiling - base(d), and 0 where base(d) exceeds the ceiling.

    With `Moduli(offset="empirical")` and a ceiling that no drawn cost exceeds, the coefficients are max(base) - base
    over the drawn matrix, for any ceiling. The authors' word model does this to d^2, `Diffusion()`, and, in place of a
    sinusoid, to d, `Diffusion(power=1)`.

    >>> Reversed(base=Diffusion(), ceiling=5)(torch.tensor([0.0, 1.0, 3.0])).tolist()
    [5.0, 4.0, 0.0]
    """

    kind: Literal["reversed"] = "reversed"
    base: Annotated[DifferenceOfGaussians | Diffusion | Sinusoid | Ricker, Field(discriminator="kind")]
    ceiling: Annotated[float, Field(gt=0)]

    def __call__(self, distances: Tensor) -> Tensor:
        """Return costs `(...)`, between 0 and `ceiling`, at distances `(...)`."""
        return (self.ceiling - self.base(distances)).clamp_min(0.0)

    @property
    def monotone(self) -> bool:
        """Same as for `base`."""
        return self.base.monotone


AnyInhibitor = Annotated[
    DifferenceOfGaussians | Diffusion | Sinusoid | Ricker | Reversed,
    Field(discriminator="kind"),
]
