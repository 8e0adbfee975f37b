"""The Adroit hammer task: a simulated hand of 26 joints drives a nail into a board (Rajeswaran et al. 2018)."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveInt

from ..contract import (
    Batch,
    DataSet,
    Metric,
    Model,
    Outline,
    Split,
    TaskError,
    apply_model,
    check_generator,
    check_split,
    evaluating,
    step_model,
)
from ._episodes import Episodes, load, read, search
from ._imitation import Imitation, ImitationSource
from ._minari import download
from ._packages import SIMULATOR, gymnasium_of
from ._record import ENVIRONMENT, made_by_others, recorded_id
from ._rollout import TOGETHER, Rollout, roll_out

D4RL = "D4RL/hammer/expert-v2"
STEPS, INPUTS, OUTPUTS = 200, 46, 26


class AdroitHammer(Imitation):
    """Imitation of an expert with a hammer, and roll-outs in `AdroitHandHammer-v1`. Requires the extra `[robotics]`.

    Inputs `(200, B, 46)` are observations (joint angles, positions and orientations of hand, hammer and nail), targets
    `(200, B, 26)` the expert's actions. Metrics are `mse` and, on the test split only, two of the roll-outs: `return`,
    the mean over episodes of the summed dense reward, and `success`, the share of episodes with the nail in for more
    than 25 of 200 steps.

    expert: `mean` actions of DAPG's policy, `noisy` ones of the same policy (its own exploration noise, clipped), or
    `d4rl` for Minari's `D4RL/hammer/expert-v2`. The first two are recorded on this machine by `record(episodes)`, with
    the installed simulator; data that another version recorded are refused.
    episodes: number of episodes that are read: all of a recorded data set, the first ones of `d4rl`; 5,000 in the
    paper.
    rollouts: number of episodes in the environment per evaluation, each of at most 200 steps. 0 omits `return` and
    `success`. About 1,000 steps are simulated per second.

    >>> AdroitHammer(episodes=5000).sizes(5000)
    {'train': 4500, 'validation': 250, 'test': 250}
    """

    packages: ClassVar[tuple[str, ...]] = SIMULATOR

    kind: Literal["adroit_hammer"] = "adroit_hammer"
    expert: Literal["mean", "noisy", "d4rl"] = "mean"
    episodes: PositiveInt = 500
    rollouts: NonNegativeInt = 100

    @property
    def dataset(self) -> str:
        """Id of the Minari data set."""
        return D4RL if self.expert == "d4rl" else recorded_id(self.episodes, self.expert)

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> "AdroitHammerSource":
        """Return the source. Reads the data set and copies all episodes to `device`; draws nothing."""
        check_generator(generator, device)
        gymnasium_of("AdroitHammer")
        data = load(self.dataset, user="AdroitHammer", remedy=self._remedy())
        others = None if self.expert == "d4rl" else made_by_others(data)
        if others is not None:
            raise TaskError(
                f"AdroitHammer: expected data set {self.dataset!r} to be recorded with the installed simulator; it was "
                f"recorded with {others}. {self._remedy()}"
            )
        return AdroitHammerSource(self, read(data, self.episodes, user="AdroitHammer"), device=device)

    def data_set(self) -> DataSet:
        """Return whether the data set is in the folder of Minari."""
        return search(f"Adroit hammer, {self.dataset}", self.dataset)

    def outline(self, batch_size: int) -> Outline:
        """Return the sizes: 200 steps, 46 observations, 26 actions, and an epoch of all training episodes."""
        batches = -(-self.sizes(self.episodes)["train"] // batch_size)
        return Outline(inputs=INPUTS, outputs=OUTPUTS, steps=STEPS, epoch_batches=batches)

    def _remedy(self) -> str:
        if self.expert == "d4rl":
            return download(D4RL)
        arguments = f"{self.episodes}" + (", actions='noisy'" if self.expert == "noisy" else "")
        return f'To record it: python -c "from srnn_tasks.robotics import record; record({arguments})"'


class AdroitHammerSource(ImitationSource):
    """Training episodes in shuffled passes, and roll-outs in the environment."""

    def __init__(self, task: AdroitHammer, episodes: Episodes, *, device: torch.device | str) -> None:
        metrics = (
            Metric(name="return", better="higher", splits=("test",)),
            Metric(name="success", better="higher", splits=("test",)),
        )
        super().__init__(task, episodes, device=device, metrics=metrics if task.rollouts else ())
        if (self.spec.inputs, self.spec.outputs) != (INPUTS, OUTPUTS):
            raise TaskError(
                f"AdroitHammer: expected {INPUTS} observations and {OUTPUTS} actions in data set {task.dataset!r}; "
                f"got {self.spec.inputs} and {self.spec.outputs}"
            )
        self.task = task
        self._environments: list[Any] = []

    def evaluate(self, model: Model, *, split: Split, generator: torch.Generator) -> dict[str, float]:
        """Return the mean squared error on a split and, on the test split, return and success of roll-outs."""
        check_split(split)
        scores = self.batch_means(model, ("mse",), split=split, generator=generator)
        if split == "test" and self.task.rollouts:
            count, device = self.task.rollouts, self.device
            seeds = torch.randint(2**31, (count,), generator=generator, device=device).tolist()
            rollouts = self.roll_out(model, seeds)
            scores["return"] = float(np.mean([rollout.total_reward for rollout in rollouts]))
            scores["success"] = float(np.mean([rollout.solved for rollout in rollouts]))
        return scores

    def roll_out(self, model: Model, seeds: Sequence[int]) -> list[Rollout]:
        """Return one episode of a model in the environment per seed of its reset.

        The model is called on one step of up to 25 environments at a time, with the state that it returned before.
        Raises a TaskError for a model that returns no state although its outputs depend on earlier steps.
        """
        gymnasium = gymnasium_of("AdroitHammer")
        while len(self._environments) < min(len(seeds), TOGETHER):
            self._environments.append(gymnasium.make(ENVIRONMENT))
        with evaluating(model):
            self._check_state(model)
            return roll_out(self._policy(model), self._environments, seeds)

    def _policy(self, model: Model) -> Any:
        def act(observations: NDArray[np.float64], state: Any) -> tuple[NDArray[np.float32], Any]:
            inputs = self.scaled(torch.from_numpy(observations).to(self.device, torch.float32))  # (B, I)
            outputs, state = step_model(model, inputs, state, outputs=self.spec.outputs)  # (B, O)
            return outputs.float().clamp(-1, 1).cpu().numpy(), state

        return act

    def _check_state(self, model: Model) -> None:
        """Raise a TaskError if the model returns no state but has a memory: its steps would not be its sequence."""
        middle = slice(STEPS // 2, STEPS // 2 + 2)  # two steps; at the start of an episode all joints are at 0
        inputs = self.scaled(self._observations[middle, :1])  # (2, 1, I)
        targets = self._actions[middle, :1]  # (2, 1, O)
        size = self.spec.outputs
        outputs, state = apply_model(model, Batch(inputs=inputs, targets=targets), None, outputs=size)  # (2, 1, O)
        if state is None and not torch.allclose(
            outputs[1], step_model(model, inputs[1], None, outputs=size)[0], rtol=1e-3, atol=1e-3, equal_nan=True
        ):
            raise TaskError(
                "model: expected a state, as its output at the second step depends on the first; it returned None. A "
                "roll-out passes one step at a time, with the state of the step before"
            )
