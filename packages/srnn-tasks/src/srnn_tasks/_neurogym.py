"""Any environment of neurogym as a task: its trials, one after the other, cut into windows, as its `Dataset` does."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, NoReturn

import numpy as np
import torch
from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, PlainSerializer, PositiveInt, model_validator
from torch import Tensor

from .contract import BaseSource, Batch, Metric, Split, Task, TaskSpec, check_generator, check_split


class FrozenDict(dict[str, Any]):
    """A dict that hashes and does not change; lists in it are tuples, dicts are of this class.

    >>> held = FrozenDict(timing={"delay": 500}, cohs=[25.6, 51.2])
    >>> held
    {'timing': {'delay': 500}, 'cohs': (25.6, 51.2)}
    >>> hash(held) == hash(FrozenDict(cohs=(25.6, 51.2), timing={"delay": 500}))
    True
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__({name: _frozen(value) for name, value in dict(*args, **kwargs).items()})

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("arguments: this dict is part of a frozen value")

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return FrozenDict(value)
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


Arguments = Annotated[
    dict[str, JsonValue],
    BeforeValidator(_plain),
    AfterValidator(_frozen),
    PlainSerializer(_plain, dict[str, JsonValue]),
]


class Neurogym(Task):
    """An environment of neurogym, learned from its ground truth `gt`. Needs the extra: `srnn-tasks[neurogym]`.

    Each row `(T,)` of a batch is an environment of its own and begins with a trial; one follows the other, and the
    last is cut off after `steps`. Actions of a `Discrete` space are classes, those of a `Box` values.
    `info` has `trial` `(T, B)`, its number in the row, and `decision` `(T, B)`, whether the step is of a period named
    "decision" or asks for an action other than 0; `decision_accuracy` is the share right of those steps.

    environment: as in `neurogym.make`. arguments: of the environment, as JSON can hold them. dt: milliseconds a step,
    or None for what the environment takes by itself. evaluation_rows: rows of a held-out split, which is one batch.

    A row follows from its seed, with one limit: what an environment draws while it is made, before it can be seeded,
    differs from row to row and from run to run. In neurogym 2.3.1 that is the length of the first block of
    `HierarchicalReasoning-v0`, and the stimuli of `AnnubesEnv-v0` unless it is given a `random_seed`, which then is
    that of every row.

    >>> task = Neurogym(environment="GoNogo-v0", arguments={"timing": {"delay": 300}})
    >>> Neurogym.model_validate_json(task.model_dump_json()) == task
    True
    """

    kind: Literal["neurogym"] = "neurogym"
    environment: Annotated[str, Field(min_length=1)] = "PerceptualDecisionMaking-v0"
    arguments: Arguments = Field(default={}, validate_default=True)
    dt: PositiveInt | None = None
    steps: PositiveInt = 100
    evaluation_rows: PositiveInt = 200

    @model_validator(mode="after")
    def _one_dt(self) -> Neurogym:
        if "dt" in self.arguments:
            raise ValueError("arguments: dt is a field of its own")
        return self

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> NeurogymSource:
        """Return the source; the generator is not drawn from."""
        return NeurogymSource(self, device=device, generator=generator)


class NeurogymSource(BaseSource):
    """Rows of trials of an environment of neurogym."""

    def __init__(self, task: Neurogym, *, device: torch.device | str, generator: torch.Generator) -> None:
        check_generator(generator, device)
        self.task = task
        with _guarded(0):
            env = self._make()
        observations, actions = env.observation_space.shape, env.action_space
        self.classes = hasattr(actions, "n")
        if observations is None or len(observations) != 1:
            raise ValueError(f"environment: {task.environment!r} shows {env.observation_space}; expected a flat Box")
        if not self.classes and (actions.shape is None or len(actions.shape) != 1):
            raise ValueError(f"environment: {task.environment!r} acts in {actions}; expected Discrete or a flat Box")
        loss = Metric(name="loss", better="lower", unit="nats" if self.classes else "")
        shares = (Metric(name="decision_accuracy", better="higher"), Metric(name="accuracy", better="higher"))
        spec = TaskSpec(
            inputs=observations[0],
            outputs=int(actions.n) if self.classes else actions.shape[0],
            loss="cross_entropy" if self.classes else "mean_squared_error",
            metrics=(*shares, loss) if self.classes else (loss,),
        )
        super().__init__(spec, device=device)
        with _guarded(0):
            self._row(0)  # an environment that is not of this kind is refused now

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next training batch of `size` rows."""
        seeds = torch.randint(2**31, (size,), generator=generator, device=self.device).tolist()
        rows = []
        for seed in seeds:
            with _guarded(seed):
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
            right = (outputs.argmax(-1) == batch.targets).to(outputs.dtype)  # (T, B)
            decision = batch.info["decision"]
            measures["decision_accuracy"] = (right * decision).sum() / decision.sum()
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
            raise ImportError("Neurogym needs neurogym: pip install 'srnn-tasks[neurogym]'") from error
        arguments = _plain(self.task.arguments) | ({} if self.task.dt is None else {"dt": self.task.dt})
        try:
            return neurogym.make(self.task.environment, **arguments)
        except Exception as error:
            raise ValueError(f"environment: neurogym cannot make {self.task.environment!r}: {error}") from error

    def _row(self, seed: int) -> tuple[Any, Any, Any, Any]:
        """Return inputs `(T, I)`, targets `(T,)` or `(T, O)`, and the two entries of `info` `(T,)`."""
        env, name = self._make(), self.task.environment
        _seed(env, np.random.SeedSequence(seed))
        try:
            env.reset()
            new_trial = env.get_wrapper_attr("new_trial")
            parts: list[tuple[Any, Any, Any, Any]] = []
            steps = 0
            while steps < self.task.steps:
                new_trial()
                now = env.unwrapped  # of several environments the one whose trial it is
                inputs, targets = now.ob.copy(), now.gt.copy()
                decision = np.zeros(len(inputs), dtype=bool)
                if "decision" in now.start_ind:
                    decision[now.start_ind["decision"] : now.end_ind["decision"]] = True
                if self.classes:
                    decision |= targets != 0
                parts.append((inputs, targets, np.full(len(inputs), len(parts)), decision))
                steps += len(inputs)
        except AttributeError as error:
            raise ValueError(
                f"environment: {name!r} has no trials with a ground truth, new_trial, ob and gt: {error}"
            ) from error
        inputs, targets, trial, decision = (
            np.concatenate(part)[: self.task.steps] for part in zip(*parts, strict=True)
        )
        if self.classes and not 0 <= targets.min() <= targets.max() < self.spec.outputs:
            raise ValueError(
                f"environment: {name!r} has {self.spec.outputs} actions, "
                f"but its ground truth goes from {targets.min()} to {targets.max()}"
            )
        return inputs, targets, trial, decision


def _seed(env: Any, seeds: np.random.SeedSequence) -> None:
    """Seed an environment; those that it schedules get seeds of their own, where neurogym gives all the same."""
    env.get_wrapper_attr("seed")(int(seeds.generate_state(1)[0]))
    try:
        children = env.get_wrapper_attr("envs")
    except AttributeError:
        return
    for child, its in zip(children, seeds.spawn(len(children)), strict=True):
        _seed(child, its)


@contextmanager
def _guarded(seed: int) -> Iterator[None]:
    """Within: numpy's global generator is seeded, since some environments draw from it. After: as it was before.

    Gymnasium's warnings of what neurogym 2.3.1 does in every environment are left out.
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
