"""The base class of all criteria. The family is open: a subclass of `Criterion` in any package is a criterion too."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .._errors import PruningError
from .._value import Value

_EVIDENCE = {
    "loss": "a function without arguments that runs the module on the pruning batch and returns the scalar loss",
    "run": "a function without arguments that runs the module on the pruning batch",
}


class Criterion(Value):
    """Scores weights; the lowest scores are pruned first.

    `scores` gets the parameters in scope and, by keyword, the evidence it takes; it ignores the rest. `prune` offers:

    - `module`: the module that the parameters belong to;
    - `fraction`: the share of entries that will be absent, and `groups`, the sets of entries that are ranked together,
      as one dict per set from parameter names to slices of their rows;
    - `loss` and `run`, if the caller of `prune` gave them: functions without arguments that run the module on the
      pruning batch, the same batch at each call. `loss()` returns the scalar loss with its graph; what `run()` returns
      is ignored. Call one only if `wants` names it: the module is prepared and restored only then.

    While a criterion that wants evidence scores, the module is in evaluation mode, gradients are enabled, all weights
    in scope require them, and cuDNN is off, because it cannot differentiate twice. Afterwards `prune` restores the
    module. Scores of such a criterion that are 0 for every weight are an error.

    A subclass of another package defines `scores`, fields for its parameters, and a `kind` whose only value is the
    import path of the class, `module:Class`, which is written to the JSON of a `Pruning` and imported on load. SNIP
    would be

        class Sensitivity(Criterion):
            kind: Literal["my_package:Sensitivity"] = "my_package:Sensitivity"

            @property
            def wants(self):
                return ("loss",)

            def scores(self, parameters, *, generator=None, loss=None, **evidence):
                self.check_evidence({"loss": loss})
                gradients = torch.autograd.grad(loss(), list(parameters.values()))
                return {
                    name: (weight * gradient).abs().detach()
                    for (name, weight), gradient in zip(parameters.items(), gradients, strict=True)
                }
    """

    @property
    def wants(self) -> tuple[str, ...]:
        """Names of the evidence that `scores` cannot do without: "loss", "run", or those of the caller's own."""
        return ()

    @property
    def draws(self) -> bool:
        """Whether the scores are random, so that a generator is needed."""
        return False

    def scores(
        self, parameters: Mapping[str, Tensor], *, generator: torch.Generator | None = None, **evidence: Any
    ) -> dict[str, Tensor]:
        """Return one score per entry, of each parameter's shape and device; the highest are kept."""
        raise NotImplementedError

    def check_generator(self, generator: torch.Generator | None) -> None:
        """Raise PruningError if there is no generator and the criterion draws at random, or it is none of torch's."""
        if generator is not None and not isinstance(generator, torch.Generator):
            raise PruningError(f"generator: expected a torch.Generator or None, got {generator!r}")
        if self.draws and generator is None:
            raise PruningError(
                f"generator: {type(self).__name__} draws at random, expected a torch.Generator, got None"
            )

    def check_evidence(self, evidence: Mapping[str, Any]) -> None:
        """Raise PruningError if something that the criterion wants is missing."""
        for name in self.wants:
            if evidence.get(name) is None:
                given = sorted(key for key, value in evidence.items() if value is not None)
                raise PruningError(
                    f"evidence: {type(self).__name__} needs {name!r}: expected {_EVIDENCE.get(name, 'a value')}, "
                    f"got evidence {given or 'none'}"
                )
