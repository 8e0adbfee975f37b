"""The penalties of an experiment: built for a model, and added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from srnn_manifolds import TrainedPenalty

from ..experiment import Experiment
from ._matrices import matching, matrices_of
from ._streams import stream


class Penalties(nn.Module):
    """Sum of strength times penalty over all penalised parameters.

    Args:
        terms: Strength, full parameter name and penalty of each term.
    """

    def __init__(self, terms: Sequence[tuple[float, str, nn.Module]]) -> None:
        super().__init__()
        self.strengths = [strength for strength, _, _ in terms]
        self.names = [name for _, name, _ in terms]
        self.terms = nn.ModuleList([term for _, _, term in terms])

    @property
    def embeddings(self) -> dict[str, Tensor]:
        """Points of the neurons on their manifold, (gates, N, coordinates), by `points.<parameter>`.

        The points of the columns of a matrix that is not recurrent are at `points.<parameter>.sources`.
        """
        embeddings: dict[str, Tensor] = {}
        for name, term in zip(self.names, self.terms, strict=True):
            for suffix, attribute in (("", "points"), (".sources", "source_points")):
                points = getattr(term, attribute, None)
                if isinstance(points, Tensor):
                    embeddings[f"points.{name}{suffix}"] = points
        return embeddings

    @property
    def trained(self) -> dict[str, nn.Parameter]:
        """The embeddings that are trained, by the same names."""
        return {name: points for name, points in self.embeddings.items() if isinstance(points, nn.Parameter)}

    def retract_(self) -> None:
        """Retract every trained embedding onto its manifold, in place."""
        for term in self.terms:
            if isinstance(term, TrainedPenalty):
                term.retract_()

    def forward(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted sum, a scalar, given the parameters by full name."""
        value = next(iter(parameters.values())).new_zeros(())
        for strength, name, term in zip(self.strengths, self.names, self.terms, strict=True):
            value = value + strength * term(parameters[name])
        return value


def build_penalties(model: nn.Module, experiment: Experiment, seed: int, *stage: str) -> Penalties:
    """Build every penalty of an experiment; each parameter gets its own draw of points.

    With the name of a `stage`, the points are drawn for that stage. Raises `BenchError` for a glob without a match.
    """
    matrices = matrices_of(model)
    terms: list[tuple[float, str, nn.Module]] = []
    for number, penalty in enumerate(experiment.penalties):
        for name, parameter in matching(model, penalty.parameter, f"penalties.{number}.parameter"):
            rows, columns = parameter.shape
            gates = matrices[name].gates
            term = penalty.regularizer.build(
                rows // gates,
                gates=gates,
                sources=None if matrices[name].recurrent else columns,
                generator=stream(seed, "penalties", number, name, *stage),
            )
            terms.append((penalty.strength, name, term))
    return Penalties(terms)
