"""Shows trials: where each is at each step, its inputs, its right answer and its meaning (facts sheet, section 2)."""

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
    """Where rows of trials `(B, K)` are at each step; all `(T, B)`.

    trial: number of the trial in its row; number: among all of the batch, row after row. period: 0 to 5 (padding).
    elapsed: steps since the period began. left: steps of the trial that are still to come, below 0 in padding.
    """

    trial: Tensor
    number: Tensor
    period: Tensor
    elapsed: Tensor
    left: Tensor


def places(trials: Trials, steps: int, offset: Tensor | None = None) -> Places:
    """Lay trials `(B, K)` one after the other; offset `(B,)`: steps of the first one that are over already."""
    rows, each = trials.slot.shape
    ends = trials.lengths.flatten(1).cumsum(1)  # (B, 5K) of all periods; one of no length ends with the one before
    if offset is not None:
        ends = ends - offset[:, None]
    step = torch.arange(steps, device=ends.device).expand(rows, -1).contiguous()  # (B, T)
    number = torch.searchsorted(ends, step, right=True)  # of the period; 5K in padding
    trial = number.div(5, rounding_mode="floor").clamp_(max=each - 1)
    begins = functional.pad(ends, (1, 0)).gather(1, number)  # the first period begins at 0, or before
    if offset is not None:
        begins = torch.where(number == 0, -offset[:, None], begins)
    left = ends[:, 4::5].gather(1, trial) - step - 1
    in_batch = trial + torch.arange(rows, device=ends.device)[:, None] * each
    by_row = (trial, in_batch, number - 5 * trial, step - begins, left)  # (B, T) each
    return Places(*(held.T.contiguous() for held in by_row))


def last(trials: Trials, steps: int, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Return which of the trials `(B, K)` stands at the step behind the last, and how many of its steps are over.

    Both `(B,)`. Of the first, `offset` `(B,)` steps are over. Where all end before, it is the last, and it is over.
    """
    total = trials.lengths.sum(-1)  # (B, K)
    ends = total.cumsum(1) - offset[:, None]
    number = torch.searchsorted(ends, torch.full_like(ends[:, :1], steps), right=True)[:, 0]
    number = number.clamp(max=ends.shape[1] - 1)
    row = torch.arange(len(number), device=ends.device)
    over = steps - (ends - total)[row, number]
    return number, over.minimum(total[row, number])


def at(tensor: Tensor, where: Places) -> Tensor:
    """Return what the trials of rows have, `(B, K, ...)`, at each step: `(T, B, ...)`."""
    chosen = tensor.flatten(0, 1).index_select(0, where.number.flatten())
    return chosen.view(*where.number.shape, *tensor.shape[2:])


def show(
    trials: Trials, where: Places, rules: Tensor, channels: int, world: World, *, generator: torch.Generator
) -> Tensor:
    """Return the inputs `(T, B, channels)`: fixation, first ring, second ring, and the rule inputs behind them.

    rules `(B, K, parts)`: which of the rule inputs are on in a trial, up to its end. What is shown does not change
    within a period, but for noise, which is independent for each step and channel, and there only in stimulus periods;
    nothing is clipped. A CPU draws noise for the steps that show it, about a quarter; a GPU for all, since the host
    would have to wait for their number.
    """
    here = (where.number * 6 + where.period).flatten()  # (TB,) the frame of each step
    stimulus = (where.period == STIMULUS) | (where.period == SECOND)
    noisy = (at(trials.noisy, where) & stimulus[..., None]).flatten(0, 1)  # (TB, 3)
    shown = noisy.any(-1).nonzero()[:, 0] if world.device.type == "cpu" else torch.arange(len(here), device=here.device)
    count = trials.slot.numel() * 6
    table = torch.empty(count + len(shown), channels, device=world.device)
    frames, seen = table[:count], table[count:]  # without noise; of the noisy steps
    _draw_frames(frames.view(-1, 6, channels), trials, rules, world)
    torch.index_select(frames, 0, here[shown], out=seen)
    seen[:, : 1 + 2 * world.ring].add_(_noise(noisy[shown], world, generator), alpha=world.sigma / math.sqrt(world.dt))
    here[shown] = torch.arange(count, len(table), device=here.device)
    return table.index_select(0, here).view(*where.number.shape, channels)


def _draw_frames(frames: Tensor, trials: Trials, rules: Tensor, world: World) -> None:
    """Write what is shown in each period of each trial, without noise, into `frames` `(BK, 6, channels)`."""
    sensed = 1 + 2 * world.ring
    ring = torch.arange(world.ring, device=world.device)
    place = trials.directions + torch.stack([trials.shift, torch.zeros_like(trials.shift)], -1)  # (B, K, 2)
    apart = (place[..., None] - ring).remainder(world.ring)  # (B, K, 2, R) directions
    apart = apart.minimum(world.ring - apart) * (2 * math.pi / world.ring / WIDTH)
    bump = HEIGHT * torch.exp(apart.square() / -2)
    frames.zero_()
    frames[:, :DECISION, 0] = 1.0
    number = torch.arange(len(frames), device=world.device)
    for one in range(2):
        on_rings = trials.strengths[:, :, one, :, None] * bump[:, :, one, None]  # (B, K, 2, R)
        frames[number, trials.shown[:, :, one].flatten(), 1:sensed] += on_rings.flatten(0, 1).flatten(1)
    frames[:, :PADDING].scatter_(2, sensed + rules.flatten(0, 1)[:, None].expand(-1, PADDING, -1), 1.0)


def _noise(noisy: Tensor, world: World, generator: torch.Generator) -> Tensor:
    """Draw normal numbers `(n, 1 + 2R)`, 0 where `noisy` `(n, 3)` says no of cue and rings."""
    noise = torch.randn(len(noisy), 1 + 2 * world.ring, generator=generator, device=world.device)
    for group, channels in enumerate((slice(0, 1), slice(1, 1 + world.ring), slice(1 + world.ring, None))):
        noise[:, channels] *= noisy[:, group, None]
    return noise


def meaning(trials: Trials, where: Places, world: World) -> dict[str, Tensor]:
    """Return what each step means: the `info` of `Cognitive`."""
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
    """Return the right action of each step, `(T, B)`: 0 to fixate, 1 + direction in the decision of a go trial."""
    action = 1 + info["answer"]
    if world.conventions.wrap == "action":
        action = action.remainder(world.ring)
    return torch.where((info["period"] == DECISION) & info["respond"], action, FIXATION)
