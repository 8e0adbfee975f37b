"""A control: the scores of another criterion, permuted within each gate of each matrix."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import SerializeAsAny
from torch import Tensor, nn

from .._errors import PruningError
from .._groups import gate_rows
from .._open_family import open_family
from .._scope import masks_of
from ._criterion import Criterion
from ._grasp import GraSP
from ._jacobian_spectrum import JacobianSpectrum
from ._magnitude import Magnitude
from ._random import Random
from ._snip import SNIP

_Base = Annotated[SerializeAsAny[Criterion], open_family(Criterion, GraSP, JacobianSpectrum, Magnitude, Random, SNIP)]


class Shuffled(Criterion):
    """The scores of `base`, permuted at random within each gate of each matrix, among the entries that are present.

    As many weights stay in each gate of each matrix as with `base`, at random places. So it shows whether these counts
    alone explain the result of a criterion. The module needs a recurrence, which defines the gates; a weight that
    belongs to none is permuted as a whole.

    >>> Shuffled(base=SNIP()).wants
    ('loss',)
    """

    kind: Literal["shuffled"] = "shuffled"
    base: _Base

    @property
    def wants(self) -> tuple[str, ...]:
        """What the base wants."""
        return self.base.wants

    @property
    def draws(self) -> bool:
        """True: the permutations are random."""
        return True

    def scores(
        self,
        parameters: Mapping[str, Tensor],
        *,
        generator: torch.Generator | None = None,
        module: nn.Module | None = None,
        **evidence: Any,
    ) -> dict[str, Tensor]:
        """Return permuted scores; the base draws first, then the gates in the order of the parameters."""
        self.check_generator(generator)
        self.check_evidence(evidence)
        if module is None:
            raise PruningError("module: expected the module that the parameters belong to, got None")
        assert generator is not None
        scores = self.base.scores(parameters, generator=generator, module=module, **evidence)
        present = masks_of(module, parameters)
        shuffled = {name: score.clone(memory_format=torch.contiguous_format) for name, score in scores.items()}
        for name, gates in gate_rows(module, parameters).items():
            for rows in gates.values():
                mask = present[name][rows]
                values = scores[name][rows][mask]  # (E,)
                order = torch.randperm(len(values), generator=generator, device=generator.device).to(values.device)
                shuffled[name][rows] = shuffled[name][rows].masked_scatter(mask, values[order])
        return shuffled
