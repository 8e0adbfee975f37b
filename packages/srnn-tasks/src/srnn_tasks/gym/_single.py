"""Single trials of one task, as arrays, with neurogym's names of their periods."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..cognitive import Cognitive, Decision, DelayedDecision, Family, Match, Reaction, Rule

BLOCK = 64  # trials drawn at once; drawing a single one takes almost as long


@dataclass(frozen=True)
class Trial:
    """One trial of n steps.

    ob: `(n, 1 + 2R)` float32, the inputs without rule inputs. gt: `(n,)` int64, the correct action at each step.
    spans: name of each period -> its first step and the step after its last. properties: see `CognitiveEnv`.
    """

    ob: NDArray[np.float32]
    gt: NDArray[np.int64]
    spans: dict[str, tuple[int, int]]
    properties: dict[str, Any]


class Stream:
    """An endless sequence of trials of the single task in `cognitive`, determined by `seed`."""

    def __init__(self, cognitive: Cognitive, seed: int) -> None:
        self.cognitive, self.rule = cognitive, Rule.parse(cognitive.names[0])
        self.generator = torch.Generator().manual_seed(seed)
        self.source = cognitive.open(device="cpu", generator=self.generator)
        self._waiting: deque[Trial] = deque()
        self._last_ring: int | None = None

    def next(self, ground_truth: object = None) -> Trial:
        """Return the next trial or, with a ground truth, the next trial that has it; the trials between are dropped."""
        while True:
            if not self._waiting:
                self._waiting.extend(self._block())
            trial = self._waiting.popleft()
            if ground_truth is None or trial.properties["ground_truth"] == ground_truth:
                return trial

    def _block(self) -> list[Trial]:
        trials = self.source.drawer.draw(torch.zeros(1, BLOCK, dtype=torch.int64), generator=self.generator)
        lengths = trials.lengths[0]  # (K, 5) steps of the periods
        batch = self.source.show(trials, int(lengths.sum()), generator=self.generator)
        channels = 1 + 2 * self.cognitive.ring  # without rule inputs
        ob, gt = batch.inputs[:, 0, :channels].numpy(), batch.targets[:, 0].numpy()
        first_answer = (trials.base + trials.displaced)[0].remainder(self.cognitive.ring)  # (K,)
        block, begin = [], 0
        for k in range(BLOCK):
            marks = [0, *lengths[k].cumsum(0).tolist()]
            end = begin + marks[-1]
            properties = {
                "ground_truth": self._ground_truth(int(first_answer[k]), bool(trials.respond[0, k])),
                "respond": bool(trials.respond[0, k]),
                "ring": int(trials.ring[0, k]),
                "directions": trials.directions[0, k].tolist(),
                "strengths": trials.strengths[0, k].tolist(),
                "delay": (marks[3] - marks[2]) * self.cognitive.dt,
            }
            spans = {name: (marks[i], marks[i + 1]) for name, i in period_names(self.rule.family).items()}
            block.append(Trial(ob[begin:end].copy(), gt[begin:end].copy(), spans, properties))
            begin = end
        if self.cognitive.conventions.order == "alternating" and block[0].properties["ring"] == self._last_ring:
            del block[0]  # rings alternate from block to block, too
        self._last_ring = block[-1].properties["ring"]
        return block

    def _ground_truth(self, direction: int, respond: bool) -> int | str:
        family = self.rule.family
        if isinstance(family, Match):
            return "match" if respond == family.on_match else "non-match"
        return direction


def choices(cognitive: Cognitive) -> list[Any]:
    """Return the possible ground truths of a trial, all equally likely."""
    if isinstance(Rule.parse(cognitive.names[0]).family, Match):
        return ["match", "non-match"]
    return list(range(cognitive.ring))


def period_names(family: Family) -> dict[str, int]:
    """Return neurogym's names of the periods of a family, in order, and the index of each in `PERIODS`."""
    if isinstance(family, Reaction):
        names: tuple[str | None, ...] = ("fixation", None, None, None, "decision")
    elif isinstance(family, Match):
        names = ("fixation", "sample", "delay", "test", "decision")
    elif isinstance(family, DelayedDecision):
        names = ("fixation", "stim1", "delay", "stim2", "decision")
    elif isinstance(family, Decision):
        names = ("fixation", "stimulus", None, None, "decision")
    else:
        names = ("fixation", "stimulus", "delay", None, "decision")
    return {name: number for number, name in enumerate(names) if name is not None}


def period_times(cognitive: Cognitive) -> dict[str, Any]:
    """Return the durations of the periods in neurogym's form: milliseconds, or the distribution they are drawn from."""
    rule, timing = Rule.parse(cognitive.names[0]), cognitive.timing
    spans = rule.periods(timing, cognitive.conventions)
    times: dict[str, Any] = {}
    for name, number in period_names(rule.family).items():
        low, high = spans[number]
        times[name] = low if low == high else ("uniform", (low, high))
    fixed = isinstance(rule.family, DelayedDecision) and cognitive.conventions.decision_interval == "fixed"
    if rule.interval and not fixed:
        times["delay"] = ("choice", list(range(0, timing.longest_interval + 1, timing.unit)))
    return times
