"""Interval tasks: a drawn delay that displaces the answer, for any family."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ._trials import DELAY, Trials
from ._world import World

RADIANS_PER_MS = 0.01


def interval(
    trials: Trials, sign: Tensor, is_go: Tensor, is_decision: Tensor, world: World, g: torch.Generator
) -> Trials:
    """Return the trials with a drawn delay that displaces the answer, where `sign` `(n,)` is not 0.

    is_go, is_decision: `(n,)`, whether a trial is of the family Go or DelayedDecision, to which conventions apply.
    """
    timing, conventions, on = world.timing, world.conventions, sign != 0
    units = world.integers(len(sign), timing.longest_interval // timing.unit + 1, generator=g)
    delay = units * timing.unit // world.dt  # (n,) steps
    if conventions.decision_interval == "fixed":
        units = torch.where(is_decision, timing.delay // timing.unit, units)
        delay = torch.where(is_decision, timing.delay // world.dt, delay)
    lengths = trials.lengths.clone()
    lengths[:, DELAY] = torch.where(on, delay, lengths[:, DELAY])
    displaced, shift = sign * units, trials.shift
    if conventions.go_interval == "stimulus":
        turn = (sign * delay).float() * (world.dt * RADIANS_PER_MS * world.ring / (2 * math.pi))  # directions
        displaced, shift = torch.where(is_go, 0, displaced), torch.where(is_go & on, turn, shift)
    return replace(trials, lengths=lengths, displaced=displaced, shift=shift)
