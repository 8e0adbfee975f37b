"""The weighted sum of all penalties of an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from srnn_manifolds import TrainedPenalty


class Penalties(nn.Module):
    """The sum of strength times penalty over all penalised parameters."""

    def __init__(self, terms: Sequence[tuple[float, str, nn.Module]]) -> None:
        super().__init__()
        self.strengths = [strength for strength, _, _ in terms]
        self.names = [name for _, name, _ in terms]
        self.terms = nn.ModuleList([term for _, _, term in terms])

    @property
    def embeddings(self) -> dict[str, Tensor]:
        """Where the neurons sit, `(gates, N, coordinates)`, by `points.` and the name of what is penalised.

        The columns of a matrix that is not recurrent sit at that name with `.sources` behind it.
        """
        found: dict[str, Tensor] = {}
        for name, term in zip(self.names, self.terms, strict=True):
            for place, points in (("", "points"), (".sources", "source_points")):
                held = getattr(term, points, None)
                if isinstance(held, Tensor):
                    found[f"points.{name}{place}"] = held
        return found

    @property
    def trained(self) -> dict[str, nn.Parameter]:
        """The embeddings that are trained."""
        return {name: held for name, held in self.embeddings.items() if isinstance(held, nn.Parameter)}

    def retract_(self) -> None:
        """Put every trained embedding back on its manifold, in place."""
        for term in self.terms:
            if isinstance(term, TrainedPenalty):
                term.retract_()

    def forward(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted sum, a scalar, of parameters by their full names."""
        value = next(iter(parameters.values())).new_zeros(())
        for strength, name, term in zip(self.strengths, self.names, self.terms, strict=True):
            value = value + strength * term(parameters[name])
        return value
