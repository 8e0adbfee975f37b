"""The value that describes a pruning, and one pruning step (arXiv 2406.06290)."""

from collections.abc import Mapping
from contextlib import nullcontext
from numbers import Real
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

import srnn_masks

from ._check_scores import check_not_all_zero, check_numbers
from ._errors import PruningError
from ._evidence import check_recordable, offered, scoring
from ._groups import Group, Ranking, groups
from ._schedules import AnySchedule, Linear
from ._scope import WEIGHTS, in_scope, masks_of
from ._select import select
from ._value import Value
from .criteria import AnyCriterion, Magnitude


class Pruning(Value):
    """What is pruned, how far, by which criterion, when, and how weights are ranked.

    `sparsity`: share of absent entries at the end, in [0, 1].
    `scope`: globs over full parameter names. Biases (fewer than 2 dimensions) are never scored, pruned or counted.
    `ranking`: "global" counts and ranks over all matrices together (as the papers do), so the sparsity of each matrix
    is free; "per_matrix" counts and ranks within each; "per_gate" within the rows of each gate of each weight of a
    recurrence, and within each matrix that belongs to none.

    All entries of a matrix count, and entries that were absent before (e.g. by locality) count as pruned: a matrix that
    is structurally 80 % sparse loses half of its present entries on the way to 90 %, and none on the way to 75 %.

    >>> Pruning(sparsity=0.9, scope=("*weight_hh*",), ranking="per_matrix").schedule
    Linear(kind='linear')
    """

    kind: Literal["pruning"] = "pruning"
    sparsity: Annotated[float, Field(ge=0, le=1)]
    criterion: AnyCriterion = Magnitude()
    schedule: AnySchedule = Linear()
    scope: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] = WEIGHTS
    ranking: Ranking = "global"


def prune(
    module: nn.Module,
    pruning: Pruning,
    *,
    fraction: float | None = None,
    generator: torch.Generator | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> dict[str, Tensor]:
    """Prune weights until `fraction` of the entries in scope is absent (default: `pruning.sparsity`).

    Exactly `round(fraction * entries)` entries are absent afterwards, over all matrices, in each, or in each gate
    (`pruning.ranking`); Python's `round`, so halves go to even. Masks only shrink: if more is absent already, nothing
    happens. Equal scores are removed in the order of the module, row by row, so the result is reproducible. The
    schedule is not used here; see `Pruner`.

    The masks are applied with `srnn_masks`: the weights become and stay 0, and the optimizer keeps its state except for
    removed entries. Matrices that lose nothing are not touched and get no mask.

    Returns the masks of all matrices in scope, bool, of each parameter's shape. `evidence` is passed to the criterion
    by keyword, for criteria that need more than the weights, together with `module`, `fraction` and `groups` (see
    `Criterion`). Where it has a `loss` and no `run`, `run` is the loss. Scoring leaves weights, `.grad`, requires_grad,
    modes, buffers and the global generator as they were.

    Raises PruningError, before anything is drawn or changed, for a fraction outside [0, 1], a missing generator,
    missing evidence, a glob that matches no parameter to prune, or, if the criterion wants evidence, weights created
    under `torch.inference_mode`; and, before anything is changed, for NaN scores, and for scores from evidence that are
    0 for every weight, so that weights would be chosen by their position.

    >>> module = torch.nn.utils.skip_init(torch.nn.Linear, 2, 2)
    >>> _ = module.weight.data.copy_(torch.tensor([[4.0, 3.0], [-2.0, -1.0]]))
    >>> prune(module, Pruning(sparsity=0.5))
    {'weight': tensor([[ True,  True],
            [False, False]])}
    """
    fraction = pruning.sparsity if fraction is None else fraction
    if not isinstance(fraction, Real) or not 0 <= fraction <= 1:
        raise PruningError(f"fraction: expected a share in [0, 1], got {fraction!r}")
    given = offered(evidence)
    pruning.criterion.check_generator(generator)
    pruning.criterion.check_evidence(given)
    parameters = in_scope(module, pruning.scope)
    before = masks_of(module, parameters)
    ranked = groups(module, parameters, pruning.ranking)
    zeros = [round(fraction * sum(part.numel() for part in _parts(before, group))) for group in ranked]
    if all(_absent(before, group) >= count for group, count in zip(ranked, zeros, strict=True)):
        return before
    if pruning.criterion.wants:
        check_recordable(module)
    offers = {"module": module, "fraction": fraction, "groups": ranked, **given}
    with scoring(module, parameters.values()) if pruning.criterion.wants else nullcontext():
        scores = pruning.criterion.scores(parameters, generator=generator, **offers)
    check_numbers(scores, parameters)
    if pruning.criterion.wants and sum(zeros) < sum(mask.numel() for mask in before.values()):
        check_not_all_zero(pruning.criterion, scores, before)
    after = {name: mask.clone() for name, mask in before.items()}
    for group, count in zip(ranked, zeros, strict=True):
        masks = select(_parts(scores, group), _parts(before, group), count)
        for part, mask in zip(_parts(after, group), masks, strict=True):
            part.copy_(mask)
    srnn_masks.apply(module, {name: mask for name, mask in after.items() if not torch.equal(mask, before[name])})
    return after


def _parts(tensors: Mapping[str, Tensor], group: Group) -> list[Tensor]:
    """Return the rows of the tensors that belong to a group."""
    return [tensors[name][rows] for name, rows in group.items()]


def _absent(masks: Mapping[str, Tensor], group: Group) -> int:
    return sum(part.numel() - int(part.count_nonzero()) for part in _parts(masks, group))
