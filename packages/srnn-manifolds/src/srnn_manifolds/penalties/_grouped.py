"""Groups of neurons, each on its own manifold: future work of arXiv 2406.06290."""

import math
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from .._checks import check_generator
from .._errors import ManifoldError
from .._value import Value
from ._moduli import Moduli, check_size
from ._penalty import Penalty, Reduction


class Group(Value):
    """A `share` of the neurons, and the regularizer `base` of the weights among them."""

    kind: Literal["group"] = "group"
    share: Annotated[float, Field(gt=0, le=1)]
    base: Moduli


class Grouped(Value):
    """Neurons split, in order, into groups; each group has its own `Moduli`, and weights between groups cost `between`.

    Shares sum to 1; `sizes` converts them to numbers of neurons. `between` is in the unit of the inhibitors. All groups
    have the same `reduction` and `power`; the mean is over all entries of the weight.

    >>> halves = Grouped(groups=(Group(share=0.5, base=Moduli()), Group(share=0.5, base=Moduli())), between=80)
    >>> halves.sizes(5)
    (3, 2)
    >>> halves.build(5, generator=torch.Generator().manual_seed(0)).coefficients[:3, 3:].unique()
    tensor([80.])
    """

    kind: Literal["grouped"] = "grouped"
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    between: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        total = math.fsum(group.share for group in self.groups)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"groups: expected shares that sum to 1, got {total}")
        for name in ("reduction", "power"):
            got = [getattr(group.base, name) for group in self.groups]
            if len(set(got)) > 1:
                raise ValueError(f"groups: expected the same {name} in all, got {got}")
        return self

    @property
    def reduction(self) -> Reduction:
        """Common to all groups."""
        return self.groups[0].base.reduction

    @property
    def power(self) -> float:
        """Common to all groups."""
        return self.groups[0].base.power

    def sizes(self, n: int) -> tuple[int, ...]:
        """Return how many of `n` neurons each group gets: largest-remainder method, ties go to earlier groups."""
        quotas = [group.share * n for group in self.groups]
        whole = [math.floor(quota) for quota in quotas]
        by_remainder = sorted(range(len(quotas)), key=lambda i: round(whole[i] - quotas[i], 9))  # 0.29 * 50 < 14.5
        for i in by_remainder[: n - sum(whole)]:
            whole[i] += 1
        return tuple(whole)

    def build(self, neurons: int, *, gates: int = 1, sources: int | None = None, generator: torch.Generator) -> Penalty:
        """Return the penalty of one weight `(gates * neurons, neurons or sources)`; the same shares split `sources`.

        Each group in turn draws what its `base.build` draws. Points of different manifolds do not fit into one tensor:
        `points` is None, and the points of group i are the buffers `points_i` and `source_points_i`.

        Raises ManifoldError as `Moduli.build` does, or if a group gets no neuron or source.
        """
        check_size(neurons, gates, sources)
        cols = neurons if sources is None else sources
        heights, widths = (
            self._split(neurons, "neurons"),
            self._split(cols, "neurons" if sources is None else "sources"),
        )
        check_generator(generator)
        coefficients = torch.full((gates, neurons, cols), self.between, device=generator.device, dtype=torch.float32)
        points: dict[str, Tensor] = {}
        top = left = 0
        for i, (group, height, width) in enumerate(zip(self.groups, heights, widths, strict=True)):
            group_sources = None if sources is None else width
            penalty = group.base.build(height, gates=gates, sources=group_sources, generator=generator)
            block = penalty.coefficients.reshape(gates, height, width)
            coefficients[:, top : top + height, left : left + width] = block
            points |= {f"{name}_{i}": buffer for name, buffer in penalty.named_buffers() if name != "coefficients"}
            top, left = top + height, left + width
        penalty = Penalty(coefficients.flatten(0, 1), reduction=self.reduction, power=self.power)
        for name, buffer in points.items():
            penalty.register_buffer(name, buffer)
        return penalty

    def _split(self, n: int, name: str) -> tuple[int, ...]:
        sizes = self.sizes(n)
        if min(sizes) < 1:
            raise ManifoldError(f"{name}: expected at least one for each group, got {sizes} of {n}")
        return sizes
