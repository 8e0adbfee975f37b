"""Groups of neurons on manifolds of their own: arXiv 2406.06290 names it as future work."""

import math
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from ._manifold import check_draw
from ._moduli import Moduli, check_size
from ._penalty import Penalty, Reduction
from ._value import Value


class Group(Value):
    """A `share` of the neurons, and the regularizer of the weights among them."""

    kind: Literal["group"] = "group"
    share: Annotated[float, Field(gt=0, le=1)]
    base: Moduli


class Grouped(Value):
    """Neurons cut, in order, into groups; each group's weights have a `Moduli` of their own, all others cost `between`.

    Shares sum to 1; `sizes` says how many neurons they come to. `between` is in the unit of the inhibitors. All groups
    have one `reduction` and one `power`; the mean is over all entries of the weight.

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
        """That of all groups."""
        return self.groups[0].base.reduction

    @property
    def power(self) -> float:
        """That of all groups."""
        return self.groups[0].base.power

    def sizes(self, n: int) -> tuple[int, ...]:
        """How many of `n` each group has: its share rounded down, and one more for those that lost most by it.

        Of equals the earlier one gets it.
        """
        quotas = [group.share * n for group in self.groups]
        whole = [math.floor(quota) for quota in quotas]
        by_loss = sorted(range(len(quotas)), key=lambda i: round(whole[i] - quotas[i], 9))  # 0.29 * 50 < 14.5
        for i in by_loss[: n - sum(whole)]:
            whole[i] += 1
        return tuple(whole)

    def build(self, neurons: int, *, gates: int = 1, sources: int | None = None, generator: torch.Generator) -> Penalty:
        """The penalty of one weight `(gates * neurons, neurons or sources)`; `sources` are cut by the same shares.

        Group by group, each draws what its `base.build` draws. Points of different manifolds do not fit into one
        tensor: `points` is None, those of group i are the buffers `points_i` and `source_points_i`.
        """
        check_size(neurons, gates, sources)
        cols = neurons if sources is None else sources
        heights, widths = self._cut(neurons, "neurons"), self._cut(cols, "neurons" if sources is None else "sources")
        check_draw(neurons, generator)
        coefficients = torch.full((gates, neurons, cols), self.between, device=generator.device, dtype=torch.float32)
        points: dict[str, Tensor] = {}
        top = left = 0
        for i, (group, height, width) in enumerate(zip(self.groups, heights, widths, strict=True)):
            others = None if sources is None else width
            built = group.base.build(height, gates=gates, sources=others, generator=generator)
            block = built.coefficients.reshape(gates, height, width)
            coefficients[:, top : top + height, left : left + width] = block
            points |= {f"{name}_{i}": held for name, held in built.named_buffers() if name != "coefficients"}
            top, left = top + height, left + width
        penalty = Penalty(coefficients.flatten(0, 1), reduction=self.reduction, power=self.power)
        for name, held in points.items():
            penalty.register_buffer(name, held)
        return penalty

    def _cut(self, n: int, name: str) -> tuple[int, ...]:
        sizes = self.sizes(n)
        if min(sizes) < 1:
            raise ValueError(f"{name}: expected at least one for each group, got {sizes} of {n}")
        return sizes
