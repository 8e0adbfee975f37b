"""One cognitive task as an environment: Gymnasium's interface, neurogym's conventions."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cognitive import Cognitive
from ._gymnasium import Box, Discrete, Env
from ._single import Stream, choices, period_times

FIXATE = 0
FIELDS = frozenset({"dt", "ring", "sigma", "coherences", "strengths", "timing", "conventions"})
REWARDS = {"abort": -0.1, "correct": 1.0, "fail": 0.0}


class CognitiveEnv(Env[NDArray[np.float32], np.int64]):
    """Trials of one task, one after the other, without end: `terminated` and `truncated` are always False.

    The observation `(1 + 2R,)` is the fixation cue and two rings of R units; the task has no rule input. Action 0
    fixates, 1 + direction answers.

    Rewards are those of neurogym's Yang tasks. In the fixation period every action but 0 gets `abort`, and ends the
    trial if `abort` is True. In the decision period the first action that is not 0 ends the trial: it gets `correct`,
    and the performance of the trial is 1, if it is the right one at this step; else it gets `fail`. Between the two
    periods nothing is rewarded. A trial without such an action ends when its time is over, with the performance 0:
    also a no-go trial in which that is right. Of a sequence only the step of the first answer counts.

    `info` has `new_trial`; `gt`, the right action for the observation that was acted upon; and in the last step of a
    trial `performance`, and `trial`, the facts of the trial that begins.

    task: its name, such as "dlygo-intr-seql". rewards: instead of some of the above. fields: those of
    `srnn_tasks.Cognitive` that concern one task: dt, ring, sigma, coherences, strengths, timing, conventions.

    neurogym's names, of the trial that is on: `ob` `(n, 1 + 2R)`, `gt` `(n,)`, `t` and `tmax` (ms), `t_ind`,
    `start_t`, `end_t` (ms), `start_ind`, `end_ind`, and `trial`, a dict: `ground_truth` (the direction of the first
    answer, or "match" and "non-match"), `respond`, `ring`, `directions`, `strengths`, `delay` (ms).
    Of the task: `dt`, `timing`, `choices`, `rewards`, `abort`, `performance`, `num_tr`.
    """

    metadata = {  # noqa: RUF012
        "render_modes": [],
        "paper_link": "https://arxiv.org/abs/2207.03523",
        "paper_name": "Winning the lottery with neurobiology",
        "tags": ["perceptual", "working memory", "supervised"],
    }

    def __init__(
        self, task: str, *, rewards: Mapping[str, float] | None = None, abort: bool = False, **fields: Any
    ) -> None:
        super().__init__()
        if unknown := sorted(set(fields) - FIELDS):
            raise ValueError(f"{unknown[0]}: expected a field of one task, {', '.join(sorted(FIELDS))}")
        if unknown := sorted(set(rewards or {}) - set(REWARDS)):
            raise ValueError(f"rewards: expected {', '.join(REWARDS)}; got {unknown[0]!r}")
        self.cognitive = Cognitive(tasks=(task,), **fields)
        self.dt, ring = self.cognitive.dt, self.cognitive.ring
        self.timing, self.choices = period_times(self.cognitive), choices(self.cognitive)
        self.rewards, self.abort = {**REWARDS, **(rewards or {})}, abort
        low, high = _bounds(self.cognitive)
        self.observation_space = Box(low, high, (1 + 2 * ring,), np.float32)
        self.action_space = Discrete(1 + ring)
        first, second = range(1, 1 + ring), range(1 + ring, 1 + 2 * ring)
        _name(self.observation_space, {"fixation": 0, "stimulus_mod1": first, "stimulus_mod2": second})
        _name(self.action_space, {"fixation": FIXATE, "choice": first})
        self.rng = np.random.RandomState()  # what neurogym's wrappers draw from; nothing here does
        self.trial: dict[str, Any] | None = None
        self.t = self.t_ind = self.num_tr = self.performance = 0
        self._stream: Stream | None = None
        self._top: Any = self  # the outermost of neurogym's wrappers that make trials

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin a trial. `seed` decides all that follows; without it the random numbers go on.

        options: `step_fn`, by which neurogym's wrappers add to the first observation: it is called with action 0, and
        this step shows the first observation of the trial and does nothing else.
        """
        Env.reset(self, seed=seed)
        if seed is not None or self._stream is None:
            self._restart()
        self.num_tr = 0
        self._top.new_trial()
        self.t, self.t_ind = -self.dt, -1
        step = (options or {}).get("step_fn") or self._top.step
        observation, *_ = step(FIXATE)
        return observation, {}

    def new_trial(self, **given: Any) -> dict[str, Any]:
        """Begin a trial and return its facts, `given` ones among them; a given `ground_truth` is heeded."""
        if self._stream is None:
            self._restart()
        assert self._stream is not None
        wanted = given.get("ground_truth")
        if wanted is not None and wanted not in self.choices:
            raise ValueError(f"ground_truth: expected one of {self.choices}; got {wanted!r}")
        trial = self._stream.next(wanted)
        self.ob, self.gt = trial.ob, trial.gt
        self.start_ind = {name: begin for name, (begin, _) in trial.spans.items()}
        self.end_ind = {name: end for name, (_, end) in trial.spans.items()}
        self.start_t = {name: step * self.dt for name, step in self.start_ind.items()}
        self.end_t = {name: step * self.dt for name, step in self.end_ind.items()}
        self.tmax = len(trial.gt) * self.dt
        self.t = self.t_ind = self.performance = 0
        self.num_tr += 1
        self.trial = {**trial.facts, **given}
        return self.trial

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Judge the action by the observation shown last, and show the next."""
        if self.trial is None:
            raise ValueError("step: expected a trial; call reset first")
        reward, info = self._judge(int(action)) if self.t_ind >= 0 else self._nothing()
        self.t += self.dt
        self.t_ind += 1
        if info["new_trial"] or self.t >= self.tmax:
            info |= {"new_trial": True, "performance": self.performance}
            info["trial"] = dict(self._top.new_trial())
        now = self._top.unwrapped  # another environment, if a wrapper has changed over to it
        return now.ob[now.t_ind].copy(), reward, False, False, info

    def in_period(self, period: str, t: int | None = None) -> bool:
        """Return whether a time (ms), or the current one, is in a period."""
        return self.start_t[period] <= (self.t if t is None else t) < self.end_t[period]

    @property
    def gt_now(self) -> int:
        """The right action now."""
        return int(self.gt[self.t_ind])

    def _judge(self, action: int) -> tuple[float, dict[str, Any]]:
        right, reward, ends = self.gt_now, 0.0, False
        if action != FIXATE and self.in_period("fixation"):
            reward, ends = self.rewards["abort"], self.abort
        elif action != FIXATE and self.in_period("decision"):
            self.performance, ends = int(action == right), True
            reward = self.rewards["correct" if action == right else "fail"]
        return reward, {"new_trial": ends, "gt": right}

    def _nothing(self) -> tuple[float, dict[str, Any]]:
        """Return what the step of a reset gives."""
        return 0.0, {"new_trial": False, "gt": FIXATE}

    def _restart(self) -> None:
        """Begin new streams of random numbers, which follow from Gymnasium's `np_random` and from the task."""
        task = zlib.crc32(self.cognitive.names[0].encode())  # one seed for several tasks: each its own trials
        drawn = int(self.np_random.integers(2**32))
        mine, wrappers = np.random.SeedSequence([drawn, task]).generate_state(2).tolist()
        self._stream = Stream(self.cognitive, mine)
        self.rng = np.random.RandomState(wrappers)


def _bounds(cognitive: Cognitive) -> tuple[float, float]:
    """Return what no input is below or above: two bumps in one place, and ten standard deviations of noise.

    torch's normal numbers, made from uniform ones of 53 bits at most, stay below 8.6.
    """
    noise = 10 * cognitive.sigma / math.sqrt(cognitive.dt)
    return -noise, max(1.0, 2 * 0.8 * max(1.0, *cognitive.strengths)) + noise


def _name(space: Any, parts: dict[str, Any]) -> None:
    """Give a space the attribute by which neurogym knows its parts."""
    space.name = parts
