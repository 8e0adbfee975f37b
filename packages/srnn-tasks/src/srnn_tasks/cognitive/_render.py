"""Rendering trials: their position at each step, inputs, correct actions and `info`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ._trials import DECISION, FIXATION, PADDING, SECOND, STIMULUS, Trials
from ._world import World

WIDTH = math.pi / 8  # radians: standard deviation of a bump
HEIGHT = 0.8


@dataclass(frozen=True)
class Places:
    """The position of rows of trials `(B, K)` at each step; all `(T, B)`.

    trial: index of the trial in its row; number: its index in the batch, row by row. period: 0 to 5 (padding).
    elapsed: steps since the start of the period. left: remaining steps of the trial, negative in padding.
    """

    trial: Tensor
    number: Tensor
    period: Tensor
    elapsed: Tensor
    left: Tensor


def places(trials: Trials, steps: int, offset: Tensor | None = None) -> Places:
    """Return the positions of trials `(B, K)` in sequence; offset `(B,)`: steps of the first trial that are skipped."""
    rows, each = trials.slot.shape
    ends = trials.lengths.flatten(1).cumsum(1)  # (B, 5K) of all periods; an empty one ends with the one before
    if offset is not None:
        ends = ends - offset[:, None]
    step = torch.arange(steps, device=ends.device).expand(rows, -1).contiguous()  # (B, T)
    number = torch.searchsorted(ends, step, right=True)  # (B, T) of the period; 5K in padding
    trial = number.div(5, rounding_mode="floor").clamp_(max=each - 1)
    begins = functional.pad(ends, (1, 0)).gather(1, number)  # (B, T); the first starts at step 0 or earlier
    if offset is not None:
        begins = torch.where(number == 0, -offset[:, None], begins)
    left = ends[:, 4::5].gather(1, trial) - step - 1
    in_batch = trial + torch.arange(rows, device=ends.device)[:, None] * each
    by_row = (trial, in_batch, number - 5 * trial, step - begins, left)  # (B, T) each
    return Places(*(tensor.T.contiguous() for tensor in by_row))


def last(trials: Trials, steps: int, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Return the current trial of `(B, K)` after `steps` steps, and the number of its steps that are over; both `(B,)`.

    Of the first trial, `offset` `(B,)` steps are skipped. If all trials end earlier, it is the last one, complete.
    """
    total = trials.lengths.sum(-1)  # (B, K)
    ends = total.cumsum(1) - offset[:, None]
    number = torch.searchsorted(ends, torch.full_like(ends[:, :1], steps), right=True)[:, 0]
    number = number.clamp(max=ends.shape[1] - 1)
    row = torch.arange(len(number), device=ends.device)
    over = steps - (ends - total)[row, number]
    return number, over.minimum(total[row, number])


def at(tensor: Tensor, where: Places) -> Tensor:
    """Return a property of trials, `(B, K, ...)`, at each step: `(T, B, ...)`."""
    chosen = tensor.flatten(0, 1).index_select(0, where.number.flatten())
    return chosen.view(*where.number.shape, *tensor.shape[2:])


def show(
    trials: Trials, where: Places, rules: Tensor, channels: int, world: World, *, generator: torch.Generator
) -> Tensor:
    """Return the inputs `(T, B, channels)`: fixation, first ring, second ring, rule inputs.

    rules `(B, K, parts)`: the indices of the rule inputs that are on throughout a trial. Inputs are constant within a
    period except for noise, which is independent for each step and channel and occurs in stimulus periods only; nothing
    is clipped. On a CPU, noise is drawn for the steps that have it, about a quarter; on a GPU for all steps, because
    the host would otherwise wait for their number.
    """
    here = (where.number * 6 + where.period).flatten()  # (TB,) index of the frame at each step
    stimulus = (where.period == STIMULUS) | (where.period == SECOND)
    noisy = (at(trials.noisy, where) & stimulus[..., None]).flatten(0, 1)  # (TB, 3)
    shown = noisy.any(-1).nonzero()[:, 0] if world.device.type == "cpu" else torch.arange(len(here), device=here.device)
    count = trials.slot.numel() * 6
    table = torch.empty(count + len(shown), channels, device=world.device, dtype=torch.float32)
    frames, noisy_steps = table[:count], table[count:]  # frames without noise, and the steps with noise
    _draw_frames(frames.view(-1, 6, channels), trials, rules, world)
    torch.index_select(frames, 0, here[shown], out=noisy_steps)
    noise = _noise(noisy[shown], world, generator)
    noisy_steps[:, : 1 + 2 * world.ring].add_(noise, alpha=world.sigma / math.sqrt(world.dt))
    here[shown] = torch.arange(count, len(table), device=here.device)
    return table.index_select(0, here).view(*where.number.shape, channels)


def _draw_frames(frames: Tensor, trials: Trials, rules: Tensor, world: World) -> None:
    """Write the inputs of each period of each trial, without noise, into `frames` `(BK, 6, channels)`."""
    sensed = 1 + 2 * world.ring
    ring = torch.arange(world.ring, device=world.device)
    position = trials.directions + torch.stack([trials.shift, torch.zeros_like(trials.shift)], -1)  # (B, K, 2)
    apart = (position[..., None] - ring).remainder(world.ring)  # (B, K, 2, R) directions
    apart = apart.minimum(world.ring - apart).float() * (2 * math.pi / world.ring / WIDTH)  # in standard deviations
    bump = HEIGHT * torch.exp(apart.square() / -2)
    frames.zero_()
    frames[:, :DECISION, 0] = 1.0
    number = torch.arange(len(frames), device=world.device)
    for which in range(2):
        on_rings = trials.strengths[:, :, which, :, None] * bump[:, :, which, None]  # (B, K, 2, R)
        frames[number, trials.shown[:, :, which].flatten(), 1:sensed] += on_rings.flatten(0, 1).flatten(1)
    frames[:, :PADDING].scatter_(2, sensed + rules.flatten(0, 1)[:, None].expand(-1, PADDING, -1), 1.0)


def _noise(noisy: Tensor, world: World, generator: torch.Generator) -> Tensor:
    """Draw normal numbers `(n, 1 + 2R)`, set to 0 where `noisy` `(n, 3)` (cue, first ring, second ring) is False."""
    noise = torch.randn(len(noisy), 1 + 2 * world.ring, generator=generator, device=world.device, dtype=torch.float32)
    for group, channels in enumerate((slice(0, 1), slice(1, 1 + world.ring), slice(1 + world.ring, None))):
        noise[:, channels] *= noisy[:, group, None]
    return noise


def meaning(trials: Trials, where: Places, world: World) -> dict[str, Tensor]:
    """Return the `info` of `Cognitive`, which describes each step."""
    drift = torch.where(where.period == DECISION, at(trials.drift, where) * world.units(where.elapsed), 0)
    return {
        "task": at(trials.slot, where),
        "trial": where.trial,
        "period": where.period,
        "elapsed": where.elapsed,
        "left": where.left,
        "ring": at(trials.ring, where),
        "directions": at(trials.directions, where),
        "strengths": at(trials.strengths, where),
        "delay": at(trials.lengths[..., 2], where),
        "respond": at(trials.respond, where),
        "answer": (at(trials.base + trials.displaced, where) + drift).remainder(world.ring),
    }


def actions(info: Mapping[str, Tensor], world: World) -> Tensor:
    """Return the correct action at each step, `(T, B)`: 0 to fixate, 1 + direction in the decision of a go trial."""
    action = 1 + info["answer"]
    if world.conventions.wrap == "action":
        action = action.remainder(world.ring)
    return torch.where((info["period"] == DECISION) & info["respond"], action, FIXATION)
