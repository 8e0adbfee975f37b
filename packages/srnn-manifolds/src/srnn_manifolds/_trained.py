"""Trained embeddings (arXiv 2406.06290, Table 3 and appendix H): the neurons move on the manifold while they learn."""

from typing import Any, Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.func import grad_and_value

from ._inhibitors import Diffusion
from ._manifold import BLOCK
from ._moduli import Moduli
from ._value import Value

CACHED = (
    1 << 18
)  # numbers held by one temporary on the CPU, 1 MiB in float32: three times as fast as 16 MiB at N = 4096


class Trained(Value):
    """The regularizer `base` with an embedding that is trained with the weights.

    A monotone inhibitor is refused, because it leaves nothing to find. Where far costs more (`Diffusion`), the points
    fall into one place, where every weight costs f(0). Where near costs more (`Reversed(base=Diffusion(...))`), they
    flee: on R^n until no pair costs anything, on a closed manifold into a few heaps far apart.

    `Ricker` and a reversed ring or sinusoid are not monotone, but cheapest at distance 0: neurons that are drawn near
    each other draw together.

    >>> penalty = Trained(base=Moduli()).build(100, generator=torch.Generator().manual_seed(0))
    >>> [(name, tuple(points.shape)) for name, points in penalty.named_parameters()]
    [('points', (1, 100, 2))]
    """

    kind: Literal["trained"] = "trained"
    base: Moduli

    @model_validator(mode="after")
    def _not_monotone(self) -> Self:
        inhibitor = self.base.inhibitor
        if inhibitor.monotone:
            end = "fall into one place" if isinstance(inhibitor, Diffusion) else "flee from each other"
            raise ValueError(
                f"base.inhibitor: expected one that is not monotone, got {inhibitor!r}: all trained points would {end}"
            )
        return self

    def build(
        self, neurons: int, *, gates: int = 1, sources: int | None = None, generator: torch.Generator
    ) -> "TrainedPenalty":
        """The penalty of one weight `(gates * neurons, neurons or sources)`; it begins as that of `base`."""
        return TrainedPenalty(self.base, *self.base.draw(neurons, gates=gates, sources=sources, generator=generator))


class TrainedPenalty(nn.Module):
    """A `Penalty` whose coefficients are computed at each call, from `points` that are a parameter.

    `points` `(gates, neurons, coordinates)` and, where the columns are another population, `source_points` `(gates,
    sources, coordinates)` belong into the optimizer; call `retract_` after each of its steps. Their gradient is tangent
    to the manifold. With `offset="empirical"` the smallest coefficient is subtracted as a number, without gradient:
    else training would raise it, the cost of the cheapest pair, to lower all others.

    Nothing of the size of the weight is kept but its gradient, and gradients are made once: there are none of second
    order.

    >>> from srnn_manifolds import Sphere
    >>> penalty = TrainedPenalty(Moduli(manifold=Sphere()), torch.eye(3)[None])
    >>> penalty(torch.ones(3, 3)).backward()
    >>> tuple(penalty.points.grad.shape)
    (1, 3, 3)
    """

    points: nn.Parameter
    source_points: nn.Parameter | None

    def __init__(self, base: Moduli, points: Tensor, source_points: Tensor | None = None) -> None:
        super().__init__()
        cols = points.shape[1] if source_points is None else source_points.shape[1]
        self.base = base
        self.shape = (points.shape[0] * points.shape[1], cols)
        self.points = nn.Parameter(points.detach().clone())
        self.source_points = None if source_points is None else nn.Parameter(source_points.detach().clone())

    def forward(self, weight: Tensor) -> Tensor:
        """The penalty `()` of a weight `(rows, cols)`."""
        if tuple(weight.shape) != self.shape:
            raise ValueError(f"weight: expected shape {self.shape}, got {tuple(weight.shape)}")
        columns = self.points if self.source_points is None else self.source_points
        gates = zip(self.points, columns, torch.split(weight, self.points.shape[1]), strict=True)
        sums = [_Sum.apply(self.base, *gate)[0] for gate in gates]  # type: ignore[no-untyped-call]
        total = torch.stack(sums).sum()  # ()
        return total / weight.numel() if self.base.reduction == "mean" else total

    @torch.no_grad()
    def retract_(self) -> None:
        """Put all points back onto the manifold, in place: the optimizer goes on with the same parameters."""
        for points in self.parameters():
            points.copy_(self.base.manifold.retract(points))

    @property
    def coefficients(self) -> Tensor:
        """The coefficients `(rows, cols)` of the points as they are now, without gradient."""
        with torch.no_grad():
            if self.source_points is None:
                return torch.cat([self.base.coefficients(points) for points in self.points])
            pairs = zip(self.points, self.source_points, strict=True)
            return torch.cat([self.base.coefficients(*pair) for pair in pairs])

    def mean_coefficient(self) -> float:
        """The mean coefficient now over all entries of the weight: the coefficient of an L1 of the same strength."""
        return self.coefficients.mean(dtype=torch.float64).item()

    def extra_repr(self) -> str:
        """The shape of the weight, and what is trained."""
        return f"shape={self.shape}, base={self.base!r}"


class _Sum(torch.autograd.Function):
    """The sum of f(d) |w|^power over one gate, with its gradients, block after block of rows.

    They are made together, because a graph over all N^2 pairs holds some twenty tensors of that size.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(base: Moduli, points: Tensor, columns: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The sum `()` and its slopes along points `(N, coordinates)`, columns `(S, coordinates)`, weight `(N, S)`."""
        manifold, inhibitor = base.manifold, base.inhibitor
        rows = max(1, (CACHED if points.device.type == "cpu" else BLOCK) // columns.numel())
        blocks = list(zip(torch.split(points, rows), torch.split(weight, rows), strict=True))
        floor = torch.zeros_like(columns[0, 0])
        if base.offset == "empirical":
            floor = torch.stack([inhibitor(manifold.cross(a, columns)).amin() for a, _ in blocks]).amin()

        def measure(a: Tensor, b: Tensor, w: Tensor) -> Tensor:  # (r, coordinates), (S, coordinates), (r, S) to ()
            costs = inhibitor(manifold.distance(a.unsqueeze(-2), b)) - floor  # (r, S)
            return (costs * w.abs().pow(base.power)).sum()

        sums, along_points, along_weight, along_columns = [], [], [], torch.zeros_like(columns)
        for a, w in blocks:
            slopes, value = grad_and_value(measure, argnums=(0, 1, 2))(a, columns, w)
            sums.append(value)
            along_points.append(slopes[0])
            along_columns = along_columns + slopes[1]
            along_weight.append(slopes[2])
        return (
            torch.stack(sums).sum(),
            manifold.tangent(points, torch.cat(along_points)),
            manifold.tangent(columns, along_columns),
            torch.cat(along_weight),
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*output[1:])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(slope * held for held in ctx.saved_tensors)
