"""Any environment of neurogym as a task: consecutive trials, cut into windows, as neurogym's `Dataset` does."""

from __future__ import annotations

import difflib
import importlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field, PositiveInt, field_validator, model_validator
from torch import Tensor

from ._frozen_dict import FrozenJson, to_plain
from .cognitive import environment as class_of_neurogym
from .contract import BaseSource, Batch, Metric, Split, Task, TaskError, TaskSpec, check_generator, check_split


class Neurogym(Task):
    """An environment of neurogym, learned from its ground truth `gt`. Requires the extra `srnn-tasks[neurogym]`.

    Each row `(T,)` of a batch is a separate environment and begins with a new trial; trials follow each other, and the
    last one is cut off after `steps`. Actions of a `Discrete` space are classes, those of a `Box` are values.
    `info` contains `trial` `(T, B)`, the number of the trial in its row, and `decision` `(T, B)`, which is True in a
    period named "decision" and where the correct action is not 0; `decision_accuracy` is the fraction correct there.

    environment: as in `neurogym.make`; a class of it, such as "GoNogo", gets "-v0". arguments: of the
    environment, restricted to JSON values. dt: milliseconds per step, or None for the environment's default.
    evaluation_rows: rows of a held-out split, which is one batch.

    A row is determined by its seed, with one exception: what an environment draws in its constructor, before it can be
    seeded, differs from row to row and from run to run. In neurogym 2.3.1 these are the length of the first block of
    `HierarchicalReasoning-v0`, and the stimuli of `AnnubesEnv-v0` unless it gets a `random_seed`, which then applies
    to every row.

    >>> task = Neurogym(environment="GoNogo-v0", arguments={"timing": {"delay": 300}})
    >>> Neurogym.model_validate_json(task.model_dump_json()) == task
    True
    """

    kind: Literal["neurogym"] = "neurogym"
    environment: Annotated[str, Field(min_length=1)] = "PerceptualDecisionMaking-v0"
    arguments: FrozenJson = Field(default={}, validate_default=True)
    dt: PositiveInt | None = None
    steps: PositiveInt = 100
    evaluation_rows: PositiveInt = 200

    @field_validator("environment")
    @classmethod
    def _with_version(cls, environment: str) -> str:
        """Add the version to a class of neurogym; ids of others may have none."""
        known = class_of_neurogym(environment) == environment or re.fullmatch(r"yang19\.\w+", environment)
        return f"{environment}-v0" if known else environment

    @model_validator(mode="after")
    def _one_dt(self) -> Neurogym:
        if "dt" in self.arguments:
            raise ValueError("arguments: expected no dt, which is a separate field of the task")
        return self

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> NeurogymSource:
        """Return the source; it draws nothing from the generator."""
        return NeurogymSource(self, device=device, generator=generator)


class NeurogymSource(BaseSource):
    """Rows of trials of an environment of neurogym."""

    def __init__(self, task: Neurogym, *, device: torch.device | str, generator: torch.Generator) -> None:
        check_generator(generator, device)
        self.task = task
        with _numpy_seeded(0):
            env = self._make()
        observations, actions = env.observation_space.shape, env.action_space
        self.classes = hasattr(actions, "n")
        if observations is None or len(observations) != 1:
            raise TaskError(
                f"environment: expected {task.environment!r} to have a flat Box of observations; "
                f"got {env.observation_space}"
            )
        if not self.classes and (actions.shape is None or len(actions.shape) != 1):
            raise TaskError(
                f"environment: expected {task.environment!r} to have Discrete actions or a flat Box; got {actions}"
            )
        loss = Metric(name="loss", better="lower", unit="nats" if self.classes else "")
        accuracies = (Metric(name="decision_accuracy", better="higher"), Metric(name="accuracy", better="higher"))
        spec = TaskSpec(
            inputs=observations[0],
            outputs=int(actions.n) if self.classes else actions.shape[0],
            loss="cross_entropy" if self.classes else "mean_squared_error",
            metrics=(*accuracies, loss) if self.classes else (loss,),
        )
        super().__init__(spec, device=device)
        with _numpy_seeded(0):
            self._row(0)  # raises now if the environment has no trials with a ground truth

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next training batch of `size` rows."""
        seeds = torch.randint(2**31, (size,), generator=generator, device=self.device).tolist()
        rows = []
        for seed in seeds:
            with _numpy_seeded(seed):
                rows.append(self._row(seed))
        inputs, targets, trial, decision = (np.stack(part, 1) for part in zip(*rows, strict=True))  # (T, B, ...)
        return Batch(
            inputs=self._tensor(inputs).float(),
            targets=self._tensor(targets).long() if self.classes else self._tensor(targets).float(),
            info={"trial": self._tensor(trial), "decision": self._tensor(decision)},
        )

    def measure(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return every metric of one batch; `decision_accuracy` is NaN if no step is a decision."""
        measures = super().measure(outputs, batch)
        if self.classes:
            correct = (outputs.argmax(-1) == batch.targets).to(outputs.dtype)  # (T, B)
            decision = batch.info["decision"]
            measures["decision_accuracy"] = (correct * decision).sum() / decision.sum()
        return measures

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield the one batch of a held-out split."""
        check_split(split)
        yield self.draw(self.task.evaluation_rows, generator=generator)

    def _tensor(self, values: Any) -> Tensor:
        return torch.from_numpy(values).to(self.device)

    def _make(self) -> Any:
        try:
            neurogym: Any = importlib.import_module("neurogym")
        except ImportError as error:
            raise TaskError("Neurogym requires neurogym: pip install 'srnn-tasks[neurogym]'") from error
        arguments = to_plain(self.task.arguments) | ({} if self.task.dt is None else {"dt": self.task.dt})
        try:
            return neurogym.make(self.task.environment, **arguments)
        except Exception as error:
            name, known = self.task.environment, _environments()
            near = [] if name in known else difflib.get_close_matches(name, known)
            hint = f". Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise TaskError(f"environment: neurogym cannot make {name!r}: {error}{hint}") from error

    def _row(self, seed: int) -> tuple[Any, Any, Any, Any]:
        """Return inputs `(T, I)`, targets `(T,)` or `(T, O)`, and the two entries of `info` `(T,)`."""
        env, name = self._make(), self.task.environment
        _seed(env, np.random.SeedSequence(seed))
        try:
            env.reset()
            new_trial = env.get_wrapper_attr("new_trial")
            trials: list[tuple[Any, Any, Any, Any]] = []
            steps = 0
            while steps < self.task.steps:
                new_trial()
                current = env.unwrapped  # if the environment schedules others, the one that runs this trial
                inputs, targets = current.ob.copy(), current.gt.copy()
                decision = np.zeros(len(inputs), dtype=bool)
                if "decision" in current.start_ind:
                    decision[current.start_ind["decision"] : current.end_ind["decision"]] = True
                if self.classes:
                    decision |= targets != 0
                trials.append((inputs, targets, np.full(len(inputs), len(trials)), decision))
                steps += len(inputs)
        except AttributeError as error:
            raise TaskError(
                f"environment: expected {name!r} to have trials with a ground truth (new_trial, ob, gt): {error}"
            ) from error
        inputs, targets, trial, decision = (
            np.concatenate(part)[: self.task.steps] for part in zip(*trials, strict=True)
        )
        if self.classes and not 0 <= targets.min() <= targets.max() < self.spec.outputs:
            raise TaskError(
                f"environment: expected the ground truth of {name!r} to be in its {self.spec.outputs} actions; "
                f"got {targets.min()} to {targets.max()}"
            )
        return inputs, targets, trial, decision


def _environments() -> list[str]:
    """Return the ids of neurogym's environments, which it registers with Gymnasium."""
    registry = importlib.import_module("gymnasium").registry
    return [name for name, spec in registry.items() if str(getattr(spec, "entry_point", "")).startswith("neurogym.")]


def _seed(env: Any, seeds: np.random.SeedSequence) -> None:
    """Seed an environment. Scheduled environments get different seeds; neurogym gives all of them the same one."""
    env.get_wrapper_attr("seed")(int(seeds.generate_state(1)[0]))
    try:
        children = env.get_wrapper_attr("envs")
    except AttributeError:
        return
    for child, child_seeds in zip(children, seeds.spawn(len(children)), strict=True):
        _seed(child, child_seeds)


@contextmanager
def _numpy_seeded(seed: int) -> Iterator[None]:
    """Seed numpy's global generator, which some environments draw from, and restore it on exit.

    Also suppresses Gymnasium's warnings about what neurogym 2.3.1 does in every environment.
    """
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*The environment creator metadata doesn't include `render_modes`")
            warnings.filterwarnings("ignore", ".*to get variables from other wrappers is deprecated")
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
