"""Masks and signs from initialisation on, and the initial weights under them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from srnn_masks import apply, apply_signs, balance_signs, correct_fan_in

from ..experiment import Experiment
from ._matrices import matching, matrices_of
from ._streams import stream


def apply_masks(model: nn.Module, experiment: Experiment, seed: int) -> tuple[str, ...]:
    """Apply all masks of an experiment, one draw per parameter; return the parameters to correct for their fan-in."""
    matrices = matrices_of(model)
    fan_in: dict[str, None] = {}  # ordered, without repetition
    for number, masked in enumerate(experiment.masks):
        for name, parameter in matching(model, masked.parameter, f"masks.{number}.parameter"):
            generator = stream(seed, "masks", number, name)
            mask = masked.pattern.mask(*parameter.shape, gates=matrices[name].gates, generator=generator)
            apply(model, {name: mask})
            if masked.initialization == "fan_in":
                fan_in[name] = None
    return tuple(fan_in)


def apply_column_signs(model: nn.Module, experiment: Experiment, seed: int) -> tuple[str, ...]:
    """Apply all signs of an experiment, one draw per number of columns; return the parameters to balance."""
    balanced: dict[str, None] = {}
    for number, signed in enumerate(experiment.signs):
        for name, parameter in matching(model, signed.parameter, f"signs.{number}.parameter"):
            columns = parameter.shape[1]
            drawn = signed.law.signs(columns, generator=stream(seed, "signs", number, columns))
            apply_signs(model, {name: drawn.to(parameter)})
            if signed.initialization == "balanced":
                balanced[name] = None
    return tuple(balanced)


def fit_initial_weights(model: nn.Module, fan_in: Sequence[str], balanced: Sequence[str]) -> None:
    """Fit newly drawn weights to their masks and signs, in place: first the fan-in, then excitation and inhibition."""
    if fan_in:
        correct_fan_in(model, *fan_in)
    if balanced:
        balance_signs(model, *balanced)
