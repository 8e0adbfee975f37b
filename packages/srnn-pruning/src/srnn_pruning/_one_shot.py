"""Pruning of a recurrent network in one call, before it is trained (arXiv 1912.00120)."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any, get_args

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ._errors import PruningError
from ._groups import Ranking
from ._pruned import Pruned
from ._pruning import Pruning, prune
from ._recurrences import all_cells, recurrences
from ._schedules import OneShot
from ._scope import in_scope, masks_of
from ._summarize import summarize
from ._warn import warn
from .criteria import Criterion


def one_shot(
    model: nn.Module,
    criterion: Criterion,
    *,
    density: float,
    batch: Any = None,
    loss: Callable[[], Tensor] | None = None,
    generator: torch.Generator | None = None,
    scope: str | Iterable[str] | None = None,
    ranking: Ranking = "global",
) -> Pruned:
    """Prune a model once, apply the masks from now on, and return them with a summary of what they leave.

    Args:
        model: Any module that contains `nn.RNN`, `nn.GRU`, `nn.LSTM`, one of their cells, or a recurrence as
            `recurrences` finds them. With `scope`, any module.
        criterion: Scores the weights, e.g. `JacobianSpectrum()`, `SNIP()`, `Random()`.
        density: Share of the weights in scope that stays, in [0, 1]. Exactly `round(sparsity * entries)` go, where the
            sparsity, that of the returned pruning, is 1 - density in decimals: 0.15 for 0.85, not 0.15000000000000002.
        batch: Input on which the model is run for criteria that read data: `x` for `model(x)`, whatever the model
            takes, or `(args, kwargs)`, a tuple and a dict, for `model(*args, **kwargs)`; `((), {...})` for keyword
            arguments only.
        loss: Runs the model on one batch, the same at each call, and returns the scalar loss with its graph. Criteria
            such as SNIP need it; it also serves where only a run is needed.
        generator: Source of randomness for criteria that draw. Default: a new generator with seed 0, so that equal
            calls give equal masks. The global generator is never used.
        scope: Full parameter names or globs of them. Default: the weights of the recurrences; no biases, read-outs or
            embeddings.
        ranking: Whether weights compete over all matrices, within each, or within each gate of each (see `Pruning`).

    Returns:
        The masks, the summary and the pruning. Weights, gradients and mode are left unchanged, except that pruned
        weights are 0 and stay 0 with any optimizer. If the model is already as sparse as asked, nothing is scored or
        removed, and the printed result states it.

    Raises:
        PruningError: Before anything is changed: the model is no module, or has weights on the meta device; the
            criterion needs a batch or a loss that is not given; an argument is out of range or cannot be read; the
            model has no recurrence (and `scope` is not given); or the scores cannot be ranked (NaN, or all 0).

    Warns:
        PruningWarning: If a recurrence keeps no input weight or no projection at all, or no weight of a gate; the
            summary contains these sentences too. If a recurrence is called several times and its state is changed
            between calls, e.g. by a LayerNorm: then each such call starts a sequence for `JacobianSpectrum`.

    >>> from srnn_pruning import Random
    >>> one_shot(nn.utils.skip_init(nn.LSTMCell, 4, 10), Random(), density=0.25)
    Pruned(140 of 560 weights kept)
    """
    _check_model(model)
    if not isinstance(criterion, Criterion):
        raise PruningError(f"criterion: expected a criterion such as SNIP(), got {criterion!r}")
    if isinstance(density, bool) or not isinstance(density, Real) or not 0 <= density <= 1:
        raise PruningError(f"density: expected the share of weights to keep, in [0, 1], got {density!r}")
    if ranking not in get_args(Ranking):
        raise PruningError(f"ranking: expected one of {', '.join(map(repr, get_args(Ranking)))}, got {ranking!r}")
    evidence = _evidence(model, batch, loss)
    _check_evidence(criterion, evidence)
    pruning = _pruning(float(density), criterion, _names(model, scope), ranking)
    if generator is None and criterion.draws:
        generator = torch.Generator().manual_seed(0)
    before = masks_of(model, in_scope(model, pruning.scope))
    masks = prune(model, pruning, fraction=pruning.sparsity, generator=generator, evidence=evidence)
    removed = sum(int((before[name] & ~mask).count_nonzero()) for name, mask in masks.items())
    summary = summarize(model, pruning.scope)
    for text in summary.warnings:
        warn(text)
    return Pruned(masks, summary, pruning.model_dump_json(), removed)


def _check_model(model: Any) -> None:
    """Raise PruningError for what is no module, and for a module without values."""
    if not isinstance(model, nn.Module):
        got = f"the class {model.__name__}; create the model first" if isinstance(model, type) else repr(model)
        raise PruningError(f"model: expected a torch.nn.Module, got {got}")
    for name, parameter in model.named_parameters():
        if parameter.is_meta:
            raise PruningError(
                f"model: expected weights that have values, got {name} on the meta device; create or load the model on "
                "another device first"
            )


def _pruning(density: float, criterion: Criterion, scope: tuple[str, ...], ranking: Ranking) -> Pruning:
    """Return the value that describes the pruning, its sparsity 1 - density in decimals: 0.1 for 0.9, not 0.0999..."""
    sparsity = float(1 - Decimal(repr(density)))
    try:
        return Pruning(sparsity=sparsity, criterion=criterion, schedule=OneShot(), scope=scope, ranking=ranking)
    except ValidationError as error:  # a criterion of another package whose kind is not its import path
        raise PruningError(f"criterion: {error.errors()[0]['msg']}") from error


def _names(model: nn.Module, scope: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the full names of the weights in scope."""
    if scope is None:
        try:
            cells = recurrences(model)
        except PruningError as error:
            if all_cells(model):  # a weight of a recurrence that is computed, which no scope makes readable
                raise
            raise PruningError(f"{error}; to prune other weights, pass scope=") from error
        scope = [name for cell in cells.values() for names in cell.weights.values() for name in names]
    globs = [scope] if isinstance(scope, str) else list(scope) if isinstance(scope, Iterable) else []
    if not globs or not all(isinstance(glob, str) for glob in globs):
        raise PruningError(f"scope: expected a parameter name, a glob, or several of them, got {scope!r}")
    return tuple(in_scope(model, globs))


def _evidence(model: nn.Module, batch: Any, loss: Callable[[], Tensor] | None) -> dict[str, Callable[[], object]]:
    if loss is not None and not callable(loss):
        raise PruningError(
            f"loss: expected a function that runs the model and returns the loss, as in loss=lambda: "
            f"cross_entropy(model(x), y), got {type(loss).__name__}"
        )
    evidence: dict[str, Callable[[], object]] = {}
    if loss is not None:
        evidence["loss"] = loss
    if batch is not None:
        args, kwargs = _arguments(model, batch)
        args = tuple(map(_recordable, args))
        kwargs = {name: _recordable(value) for name, value in kwargs.items()}
        evidence["run"] = lambda: model(*args, **kwargs)
    return evidence


def _arguments(model: nn.Module, batch: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments with which the model is called."""
    if callable(batch) and not isinstance(batch, nn.Module):
        raise PruningError(
            f"batch: expected the input of the model, got the function {batch!r}; pass a function as loss="
        )
    if isinstance(batch, DataLoader):
        raise PruningError(
            "batch: expected the input of the model, got a DataLoader; pass an input that it yields, for keyword "
            "arguments pass ((), {...})"
        )
    if isinstance(batch, Mapping) and _names_arguments(model, batch):
        raise PruningError(
            f"batch: expected the input of the model, got a {type(batch).__name__} of arguments of "
            f"{type(model).__name__}.forward ({', '.join(batch)}); for keyword arguments pass ((), {{...}}), for one "
            "argument that is a dict ((batch,), {})"
        )
    if type(batch) is not tuple:  # a PackedSequence is a tuple of a class of its own
        return (batch,), {}
    if len(batch) == 2 and isinstance(batch[0], tuple) and isinstance(batch[1], dict):
        return batch
    got = ", ".join(type(part).__name__ for part in batch)
    raise PruningError(
        f"batch: expected the input of the model, or (args, kwargs) with a tuple and a dict, got a tuple of ({got}); "
        f"for model(x, y) pass ((x, y), {{}}), for keyword arguments pass ((), {{...}})"
    )


def _names_arguments(model: nn.Module, batch: Mapping[Any, Any]) -> bool:
    """Return whether all keys of a mapping name parameters of the `forward` of a model."""
    parameters = inspect.signature(model.forward).parameters.values()
    names = {each.name for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)}
    return bool(batch) and names.issuperset(batch)


def _recordable(value: Any) -> Any:
    """Return a tensor that autograd can save: a copy, if it was created in inference mode. Other values unchanged."""
    if not isinstance(value, Tensor) or not value.is_inference():
        return value
    with torch.inference_mode(False):
        return value.clone()


def _check_evidence(criterion: Criterion, evidence: dict[str, Callable[[], object]]) -> None:
    """Raise PruningError if the criterion needs evidence that neither `batch` nor `loss` gives."""
    name = type(criterion).__name__
    if "loss" in criterion.wants and "loss" not in evidence:
        got = "a batch without a loss" if evidence else "neither batch nor loss"
        raise PruningError(
            f"loss: {name} needs the loss of a batch, expected loss=lambda: loss_of(model(x), y), got {got}"
        )
    if "run" in criterion.wants and not evidence:
        raise PruningError(f"batch: {name} runs the model, expected batch=x or loss=lambda: ..., got neither")
