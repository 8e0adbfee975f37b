"""Taking weights away, at once or epoch by epoch (arXiv 2406.06290; section 4 of the facts sheet)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

import srnn_masks

from ._criteria import AnyCriterion, Magnitude, check_generator
from ._schedules import AnySchedule, Linear
from ._scope import WEIGHTS, in_scope, present
from ._select import select
from ._value import Value


class Pruning(Value):
    """What is pruned, how far, by which criterion, when, and ranked among what.

    `sparsity`: the share of entries that is absent at the end, in [0, 1].
    `scope`: globs over full parameter names. Biases (fewer than 2 dimensions) are never scored, pruned or counted.
    `ranking`: `global` counts and ranks over all matrices together (the papers); the sparsity of each one is then free.
    `per_matrix` counts and ranks within each.

    All entries of a matrix count, and an entry absent before (by locality, say) counts as removed: a matrix which is
    structurally 80 % sparse loses half of what it has on the way to 90 %, and nothing on the way to 75 %.

    >>> Pruning(sparsity=0.9, scope=("*weight_hh*",), ranking="per_matrix").schedule
    Linear(kind='linear')
    """

    kind: Literal["pruning"] = "pruning"
    sparsity: Annotated[float, Field(ge=0, le=1)]
    criterion: AnyCriterion = Magnitude()
    schedule: AnySchedule = Linear()
    scope: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] = WEIGHTS
    ranking: Literal["global", "per_matrix"] = "global"


def prune(
    module: nn.Module,
    pruning: Pruning,
    *,
    fraction: float | None = None,
    generator: torch.Generator | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> dict[str, Tensor]:
    """Remove weights until `fraction` of the entries in scope is absent (`pruning.sparsity`, if not given).

    Exactly `round(fraction * entries)` are absent then, over all matrices or in each (`pruning.ranking`); Python's
    `round`, halves go to even. Masks only shrink: where more is absent already, nothing happens. Equal scores go in the
    order of the module, row by row, so the choice is the same on every run. The schedule is not asked: `Pruner` does.

    The module wears the masks from then on (`srnn_masks`): the weights are 0 at once and stay 0, the optimizer keeps
    its state but for removed entries. Matrices that lose nothing are left as they are, without a mask if they had none.

    Returns the masks of all matrices in scope, bool, of each parameter's shape. `evidence` goes to the criterion by
    keyword, for those which need more than the weights (see `Criterion`).
    Raises ValueError for NaN scores, before anything is changed.

    >>> module = torch.nn.utils.skip_init(torch.nn.Linear, 2, 2)
    >>> _ = module.weight.data.copy_(torch.tensor([[4.0, 3.0], [-2.0, -1.0]]))
    >>> prune(module, Pruning(sparsity=0.5))
    {'weight': tensor([[ True,  True],
            [False, False]])}
    """
    fraction = pruning.sparsity if fraction is None else fraction
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction: expected a share in [0, 1], got {fraction}")
    if pruning.criterion.draws:
        check_generator(pruning.criterion, generator)
    parameters = in_scope(module, pruning.scope)
    before = present(module, parameters)
    groups = [list(parameters)] if pruning.ranking == "global" else [[name] for name in parameters]
    zeros = [round(fraction * sum(parameters[name].numel() for name in group)) for group in groups]
    if all(_absent(before, group) >= count for group, count in zip(groups, zeros, strict=True)):
        return before
    scores = pruning.criterion.scores(parameters, generator=generator, **{"module": module, **(evidence or {})})
    _check_scores(scores)
    after: dict[str, Tensor] = {}
    for group, count in zip(groups, zeros, strict=True):
        masks = select([scores[name] for name in group], [before[name] for name in group], count)
        after.update(zip(group, masks, strict=True))
    srnn_masks.apply(module, {name: mask for name, mask in after.items() if not torch.equal(mask, before[name])})
    return after


class Pruner:
    """Prunes a module at the start of each epoch, as its schedule says.

    It keeps nothing of its own: what is gone is what the masks on the module say, so a run that is loaded with its
    masks goes on where it was. Scope, schedule and generator are checked here, not an hour later.
    """

    def __init__(
        self, module: nn.Module, pruning: Pruning, *, epochs: int, generator: torch.Generator | None = None
    ) -> None:
        in_scope(module, pruning.scope)
        pruning.schedule.fraction(epochs, epochs, pruning.sparsity)
        if pruning.criterion.draws:
            check_generator(pruning.criterion, generator)
        self.module, self.pruning, self.epochs, self.generator = module, pruning, epochs, generator

    def step(self, epoch: int, *, evidence: Mapping[str, Any] | None = None) -> dict[str, Tensor]:
        """Prune for epoch 1 to `epochs`; call it at the start of the epoch. Returns the masks, as `prune` does."""
        fraction = self.pruning.schedule.fraction(epoch, self.epochs, self.pruning.sparsity)
        return prune(self.module, self.pruning, fraction=fraction, generator=self.generator, evidence=evidence)


def _absent(masks: Mapping[str, Tensor], names: list[str]) -> int:
    return sum(masks[name].numel() - int(masks[name].count_nonzero()) for name in names)


def _check_scores(scores: Mapping[str, Tensor]) -> None:
    for name, score in scores.items():
        count = int(score.isnan().count_nonzero())
        if count:
            raise ValueError(f"{name}: expected scores that can be ranked, got {count} NaN of {score.numel()}")
