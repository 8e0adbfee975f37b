"""One cognitive task as an environment, with Gymnasium's interface and neurogym's conventions."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cognitive import Cognitive
from ..contract import TaskError
from ._gymnasium import Box, Discrete, Env
from ._picture import picture
from ._single import Stream, choices, period_times

FIXATE = 0
FIELDS = frozenset({"dt", "ring", "sigma", "coherences", "strengths", "timing", "conventions"})
REWARDS = {"abort": -0.1, "correct": 1.0, "fail": 0.0}


class CognitiveEnv(Env[NDArray[np.float32], np.int64]):
    """Trials of one task in an endless sequence: `terminated` and `truncated` are always False.

    The observation `(1 + 2R,)` is the fixation cue and two rings of R units; there is no rule input. Action 0 fixates,
    1 + direction answers.

    Rewards are those of neurogym's Yang tasks. In the fixation period, an action other than 0 is rewarded with `abort`,
    and ends the trial if the argument `abort` is True. In the decision period, the first action other than 0 ends the
    trial. If it is correct at this step, the reward is `correct` and the performance of the trial is 1; otherwise the
    reward is `fail`. Between these periods there is no reward. A trial without an answer ends when its time is over,
    with performance 0, even a no-go trial, where that is correct. In a sequence, only the step of the first answer
    counts.

    `info` contains `new_trial`; `gt`, the correct action for the observation that was acted upon; and, at the last step
    of a trial, `performance` and `trial`, the properties of the trial that starts.

    With `render_mode="rgb_array"`, `render` returns the current step as pixels `(176, 480, 3)`: the two rings with the
    fixation cue in their middle, the last action (green if it was correct, orange if not; the correct one is circled),
    and a bar of the progress of the trial, which is green in the decision period.

    task: its name, such as "dlygo-intr-seql". rewards: replacements for `abort`, `correct` and `fail`. fields: those of
    `srnn_tasks.Cognitive` that concern one task: dt, ring, sigma, coherences, strengths, timing, conventions.

    The class has the many attributes that neurogym's wrappers use. Of the current trial: `ob` `(n, 1 + 2R)`, `gt`
    `(n,)`, `t` and `tmax` (ms), `t_ind`, `start_t`, `end_t` (ms), `start_ind`, `end_ind`, and `trial`, a dict:
    `ground_truth` (the direction of the first answer, or "match" and "non-match"), `respond`, `ring`, `directions`,
    `strengths`, `delay` (ms). Of the task: `dt`, `timing`, `choices`, `rewards`, `abort`, `performance`, `num_tr`.
    """

    metadata = {  # noqa: RUF012
        "render_modes": ["rgb_array"],
        "render_fps": 10,
        "paper_link": "https://arxiv.org/abs/2207.03523",
        "paper_name": "Winning the lottery with neurobiology",
        "tags": ["perceptual", "working memory", "supervised"],
    }

    def __init__(
        self,
        task: str,
        *,
        rewards: Mapping[str, float] | None = None,
        abort: bool = False,
        render_mode: str | None = None,
        **fields: Any,
    ) -> None:
        super().__init__()
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise TaskError(
                f"render_mode: expected 'rgb_array' or None; got {render_mode!r}. The environment draws arrays of "
                "pixels; gymnasium.wrappers.HumanRendering shows these in a window, and RecordVideo in a file"
            )
        self.render_mode = render_mode
        if unknown := sorted(set(fields) - FIELDS):
            raise TaskError(f"fields: expected fields of one task, {', '.join(sorted(FIELDS))}; got {unknown[0]!r}")
        if unknown := sorted(set(rewards or {}) - set(REWARDS)):
            raise TaskError(f"rewards: expected {', '.join(REWARDS)}; got {unknown[0]!r}")
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
        self.rng = np.random.RandomState()  # for neurogym's wrappers only
        self.trial: dict[str, Any] | None = None
        self.t = self.t_ind = self.num_tr = self.performance = 0
        self._stream: Stream | None = None
        self._acted: tuple[int, int] | None = None  # the last action, and the one that was correct
        self._top: Any = self  # the outermost of neurogym's wrappers that start trials

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start a trial. `seed` determines all that follows; without it, the random streams continue.

        options: `step_fn`, with which neurogym's wrappers extend the first observation: it is called with action 0, and
        this step returns the first observation of the trial and has no other effect.
        """
        Env.reset(self, seed=seed)
        if seed is not None or self._stream is None:
            self._restart()
        self.num_tr, self._acted = 0, None
        self._top.new_trial()
        self.t, self.t_ind = -self.dt, -1
        step = (options or {}).get("step_fn") or self._top.step
        observation, *_ = step(FIXATE)
        return observation, {}

    def new_trial(self, **given: Any) -> dict[str, Any]:
        """Start a trial and return its properties, updated by `given`. A given `ground_truth` selects the trial."""
        if self._stream is None:
            self._restart()
        assert self._stream is not None
        ground_truth = given.get("ground_truth")
        if ground_truth is not None and ground_truth not in self.choices:
            raise TaskError(f"ground_truth: expected one of {self.choices}; got {ground_truth!r}")
        trial = self._stream.next(ground_truth)
        self.ob, self.gt = trial.ob, trial.gt
        self.start_ind = {name: begin for name, (begin, _) in trial.spans.items()}
        self.end_ind = {name: end for name, (_, end) in trial.spans.items()}
        self.start_t = {name: step * self.dt for name, step in self.start_ind.items()}
        self.end_t = {name: step * self.dt for name, step in self.end_ind.items()}
        self.tmax = len(trial.gt) * self.dt
        self.t = self.t_ind = self.performance = 0
        self.num_tr += 1
        self.trial = {**trial.properties, **given}
        return self.trial

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Reward the action, given the last observation, and return the next observation."""
        if self.trial is None:
            raise TaskError("step: expected a trial; call reset first")
        reward = 0.0
        info: dict[str, Any] = {"new_trial": False, "gt": FIXATE}
        if self.t_ind >= 0:  # otherwise this is the step in which `reset` shows the first observation
            reward, info = self._reward(int(action))
            self._acted = int(action), info["gt"]
        self.t += self.dt
        self.t_ind += 1
        if info["new_trial"] or self.t >= self.tmax:
            info |= {"new_trial": True, "performance": self.performance}
            info["trial"] = dict(self._top.new_trial())
        current = self._top.unwrapped  # another environment, if a wrapper has switched to it
        return current.ob[current.t_ind].copy(), reward, False, False, info

    def render(self) -> Any:
        """Return the current step as pixels `(176, 480, 3)` uint8 if `render_mode` is "rgb_array", else None."""
        if self.render_mode is None:
            return None
        if self.trial is None:
            raise TaskError("render: expected a trial; call reset first")
        now = max(0, self.t_ind)
        action, correct = (None, None) if self._acted is None else self._acted
        return picture(
            self.ob[now],
            action=action,
            correct=correct,
            progress=(now + 1) / len(self.gt),
            decision=self.start_ind["decision"] <= now < self.end_ind["decision"],
        )

    def in_period(self, period: str, t: int | None = None) -> bool:
        """Return whether time `t` (ms), by default the current time, is in a period."""
        return self.start_t[period] <= (self.t if t is None else t) < self.end_t[period]

    @property
    def gt_now(self) -> int:
        """The correct action at the current step."""
        return int(self.gt[self.t_ind])

    def _reward(self, action: int) -> tuple[float, dict[str, Any]]:
        """Return the reward of an action and the `info` of its step."""
        correct, reward, ends = self.gt_now, 0.0, False
        if action != FIXATE and self.in_period("fixation"):
            reward, ends = self.rewards["abort"], self.abort
        elif action != FIXATE and self.in_period("decision"):
            self.performance, ends = int(action == correct), True
            reward = self.rewards["correct" if action == correct else "fail"]
        return reward, {"new_trial": ends, "gt": correct}

    def _restart(self) -> None:
        """Restart the random streams; their seeds depend on Gymnasium's `np_random` and on the task."""
        task = zlib.crc32(self.cognitive.names[0].encode())  # with one seed, different tasks have different trials
        drawn = int(self.np_random.integers(2**32))
        trial_seed, wrapper_seed = np.random.SeedSequence([drawn, task]).generate_state(2).tolist()
        self._stream = Stream(self.cognitive, trial_seed)
        self.rng = np.random.RandomState(wrapper_seed)


def _bounds(cognitive: Cognitive) -> tuple[float, float]:
    """Return bounds of the inputs: two bumps at one position, and ten standard deviations of noise.

    torch's normal numbers are below 8.6, because they are computed from uniform numbers of at most 53 bits.
    """
    noise = 10 * cognitive.sigma / math.sqrt(cognitive.dt)
    return -noise, max(1.0, 2 * 0.8 * max(1.0, *cognitive.strengths)) + noise


def _name(space: Any, parts: dict[str, Any]) -> None:
    """Set the attribute of a space in which neurogym looks up its parts."""
    space.name = parts
