"""Trained embeddings (arXiv 2406.06290, Table 3 and appendix H): points move on the manifold during training."""

from typing import Any, Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.func import grad_and_value

from .._errors import ManifoldError
from .._inhibitors import Diffusion
from .._value import Value
from ._moduli import Moduli
from ._penalty import at_least_float32

# Numbers in one temporary. 1 MiB in float32 stays in the CPU's cache: three times as fast as 16 MiB at N = 4096.
_BLOCK_CPU, _BLOCK_GPU = 1 << 18, 1 << 22


class Trained(Value):
    """The regularizer `base` with an embedding that is trained with the weights.

    A monotone inhibitor is refused, because its embedding is degenerate. If the cost rises with distance (`Diffusion`),
    all points collapse to one point, where every weight costs f(0). If it falls (`Reversed(base=Diffusion(...))`), the
    points move apart: on R^n until no pair has a cost, on a closed manifold into a few distant clusters.

    `Ricker` and a reversed ring or sinusoid are not monotone but cheapest at distance 0: neurons that are drawn close
    together collapse locally.

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
            outcome = "collapse to one point" if isinstance(inhibitor, Diffusion) else "move apart without limit"
            raise ValueError(
                f"base.inhibitor: expected one that is not monotone, got {inhibitor!r}: trained points would {outcome}"
            )
        return self

    def build(
        self, neurons: int, *, gates: int = 1, sources: int | None = None, generator: torch.Generator
    ) -> "TrainedPenalty":
        """Return the penalty of one weight `(gates * neurons, neurons or sources)`, initially that of `base`."""
        return TrainedPenalty(self.base, *self.base.draw(neurons, gates=gates, sources=sources, generator=generator))


class TrainedPenalty(nn.Module):
    """A penalty whose coefficients are recomputed at every call from `points`, which are a parameter.

    Pass `points` `(gates, neurons, coordinates)` and, if the columns are another population, `source_points` `(gates,
    sources, coordinates)` to the optimizer, and call `retract_` after each of its steps. Their gradient is tangent to
    the manifold. With `offset="empirical"` the smallest coefficient is subtracted without gradient; otherwise training
    would raise the cost of the cheapest pair to lower all others.

    Of the size of the weight, only its gradient is saved. There are no second-order gradients.

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
        """Return the penalty `()` of a weight `(rows, cols)`, float32 if points and weight are of half precision.

        Raises ManifoldError for another shape.
        """
        if tuple(weight.shape) != self.shape:
            raise ManifoldError(f"weight: expected shape {self.shape}, got {tuple(weight.shape)}")
        weight, points = at_least_float32(weight), at_least_float32(self.points)
        columns = points if self.source_points is None else at_least_float32(self.source_points)
        gates = zip(points, columns, torch.split(weight, self.points.shape[1]), strict=True)
        sums = [_Sum.apply(self.base, *gate)[0] for gate in gates]  # type: ignore[no-untyped-call]
        total = torch.stack(sums).sum()  # ()
        return total / weight.numel() if self.base.reduction == "mean" else total

    @torch.no_grad()
    def retract_(self) -> None:
        """Retract all points to the manifold, in place, so that the optimizer keeps its parameters."""
        for points in self.parameters():
            points.copy_(self.base.manifold.retract(points))

    @property
    def coefficients(self) -> Tensor:
        """Coefficients `(rows, cols)` of the current points, without gradient."""
        with torch.no_grad():
            if self.source_points is None:
                return torch.cat([self.base.coefficients(points) for points in self.points])
            pairs = zip(self.points, self.source_points, strict=True)
            return torch.cat([self.base.coefficients(*pair) for pair in pairs])

    def mean_coefficient(self) -> float:
        """Return the current mean coefficient over all entries: the coefficient of an L1 of the same strength."""
        return self.coefficients.mean(dtype=torch.float64).item()

    def extra_repr(self) -> str:
        """Return the shape of the weight, and the base."""
        return f"shape={self.shape}, base={self.base!r}"


class _Sum(torch.autograd.Function):
    """The sum of f(d) |w|^power over one gate and its gradients, in blocks of rows.

    Both are computed together, because a graph over all N^2 pairs would save about twenty tensors of that size.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(base: Moduli, points: Tensor, columns: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the sum `()` and its gradients by points `(N, dim)`, columns `(S, dim)` and weight `(N, S)`."""
        manifold, inhibitor = base.manifold, base.inhibitor
        rows = max(1, (_BLOCK_CPU if points.device.type == "cpu" else _BLOCK_GPU) // columns.numel())
        blocks = list(zip(torch.split(points, rows), torch.split(weight, rows), strict=True))
        floor = torch.zeros_like(columns[0, 0])
        if base.offset == "empirical":
            floor = torch.stack([inhibitor(manifold.cross(a, columns)).amin() for a, _ in blocks]).amin()

        def measure(a: Tensor, b: Tensor, w: Tensor) -> Tensor:  # (r, coordinates), (S, coordinates), (r, S) to ()
            costs = inhibitor(manifold.distance(a.unsqueeze(-2), b)) - floor  # (r, S)
            return (costs * w.abs().pow(base.power)).sum()

        sums, by_points, by_weight, by_columns = [], [], [], torch.zeros_like(columns)
        for a, w in blocks:
            gradients, value = grad_and_value(measure, argnums=(0, 1, 2))(a, columns, w)
            sums.append(value)
            by_points.append(gradients[0])
            by_columns = by_columns + gradients[1]
            by_weight.append(gradients[2])
        return (
            torch.stack(sums).sum(),
            manifold.tangent(points, torch.cat(by_points)),
            manifold.tangent(columns, by_columns),
            torch.cat(by_weight),
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*output[1:])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(slope * gradient for gradient in ctx.saved_tensors)
