"""The training of one run, or of several that advance together: stages, epochs, pruning, measurement, checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from safetensors.torch import save
from torch import Tensor, nn

from srnn_masks import masks, replace
from srnn_pruning import densities, reinitialize, rewind

from ._assemble import Parts, settle
from ._checkpoint import Checkpoints
from ._engine import Engine
from ._environment import peak_memory_mb, reset_peak_memory
from ._rates import Annealing
from ._result import Epoch, StageResult
from ._streams import stream

SCOPE = ("*weight*",)
ZERO = 1e-5  # no farther from 0 a weight counts as absent: compatible with the counts in Table 1 of arXiv 2207.03523


class Diverged(Exception):
    """A loss, a weight or a metric is no finite number; the text says which, where and when."""


class Progress(Protocol):
    """What is told after each epoch: seed, stage, its number from 1, how many the stage has, and its means."""

    def __call__(self, seed: int, stage: str, number: int, epochs: int, epoch: Epoch) -> None:
        """Take notice."""


@dataclass
class Member:
    """One of the runs of a trainer, and what it has measured so far; `diverged` says why it goes no further."""

    parts: Parts
    history: list[Epoch] = field(default_factory=list)
    finished: list[StageResult] = field(default_factory=list)
    weights: dict[str, bytes] = field(default_factory=dict)
    diverged: str | None = None
    best: float | None = None  # validation loss, where the learning rate goes by it

    def state_dict(self) -> dict[str, Any]:
        """Return all of this run that changes while it trains."""
        parts = self.parts
        pruners = {plan.stage.name: plan.pruner for plan in parts.plans}
        return {
            "history": [epoch.model_dump() for epoch in self.history],
            "finished": [stage.model_dump() for stage in self.finished],
            "weights": {name: _as_tensor(text) for name, text in self.weights.items()},
            "diverged": self.diverged,
            "best": self.best,
            "masks": masks(parts.model),
            "model": parts.model.state_dict(),
            "penalties": parts.penalties.state_dict(),
            "source": parts.source.state_dict(),
            "sources": {plan.stage.name: plan.source.state_dict() for plan in parts.plans if plan.source is not None},
            "pruning": {name: held.generator.get_state() for name, held in pruners.items() if held and held.generator},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        parts = self.parts
        self.history = [Epoch.model_validate(epoch) for epoch in state["history"]]
        self.finished = [StageResult.model_validate(stage) for stage in state["finished"]]
        self.weights = {name: tensor.numpy().tobytes() for name, tensor in state["weights"].items()}
        self.diverged = state["diverged"]
        self.best = state["best"]
        replace(parts.model, state["masks"])
        parts.model.load_state_dict(state["model"])
        parts.penalties.load_state_dict(state["penalties"])
        parts.source.load_state_dict(state["source"])
        for plan in parts.plans:
            if plan.source is not None:
                plan.source.load_state_dict(state["sources"][plan.stage.name])
            if plan.stage.name in state["pruning"]:
                assert plan.pruner is not None and plan.pruner.generator is not None
                plan.pruner.generator.set_state(state["pruning"][plan.stage.name])


@dataclass
class Position:
    """How far the training is: `batch` batches of an epoch of a stage are done; their sums `(S, 2)`, and the time.

    `epoch_seconds` holds the time of the stage's epochs, the one under way last; `seconds` is all time spent.
    """

    stage: int = 0
    epoch: int = 1
    batch: int = 0
    total: Tensor | None = None
    epoch_seconds: list[float] = field(default_factory=list)
    seconds: float = 0.0


class Trainer:
    """Trains runs of one experiment together, in place, through all their stages.

    A checkpoint is written where `checkpoints` is given and whenever it is due; a trainer that finds one goes on
    from there, and ends with the bits of one that was never interrupted (on a CPU). A run that diverges stops; the
    others go on. With `keep_weights`, the weights and masks at the end of each stage are kept.
    """

    def __init__(
        self,
        members: Sequence[Member],
        engine: Engine,
        *,
        device: torch.device,
        progress: Progress,
        checkpoints: Checkpoints | None = None,
        keep_weights: bool = False,
    ) -> None:
        self.members, self.engine, self.device = members, engine, device
        self.progress, self.checkpoints, self.keep_weights = progress, checkpoints, keep_weights
        self.plans = members[0].parts.plans
        self.at = Position()
        self._clock = time.perf_counter()

    @property
    def alive(self) -> list[Member]:
        """The runs that have not diverged."""
        return [member for member in self.members if member.diverged is None]

    def train(self) -> None:
        """Train to the end of the last stage, or until every run has diverged."""
        self._clock = time.perf_counter()
        resumed = self._resume()
        while self.at.stage < len(self.plans) and self.alive:
            if not resumed:
                self._begin_stage()
            resumed = False
            self._train_stage()
            self._end_stage()
            self.at = Position(stage=self.at.stage + 1, seconds=self.at.seconds)
        self._spend()

    def _begin_stage(self) -> None:
        stage = self.plans[self.at.stage].stage
        for member in self.alive:
            if stage.start == "reinitialize":
                reinitialize(member.parts.model, generator=stream(member.parts.seed, "reinitialize", stage.name))
                settle(member.parts.model, member.parts.fan_in, member.parts.balanced)
            elif stage.start == "rewind":
                rewind(member.parts.model, member.parts.original)
            member.history = []
            plan = member.parts.plans[self.at.stage]
            if plan.penalties is not None:
                member.parts.penalties.load_state_dict(plan.penalties.state_dict())
            rates = stage.training.rates
            if isinstance(rates, Annealing) and rates.best == "reset":
                member.best = None
        self.engine.begin(self.at.stage)
        reset_peak_memory(self.device)

    def _train_stage(self) -> None:
        plan = self.plans[self.at.stage]
        epochs = plan.stage.training.epochs
        while self.at.epoch <= epochs and self.alive:
            if self.at.batch == 0:
                self._begin_epoch()
            self._train_epoch(plan.batches)
            self._end_epoch(plan.stage.name, plan.batches, epochs)
            self.at.epoch, self.at.batch = self.at.epoch + 1, 0

    def _begin_epoch(self) -> None:
        for member in self.alive:
            pruner = member.parts.plans[self.at.stage].pruner
            if pruner is not None:
                pruner.step(self.at.epoch)
        self.engine.pruned()
        self._spend()
        self.at.epoch_seconds.append(0.0)
        self.at.total = torch.zeros(len(self.members), 2, dtype=torch.float64, device=self.device)

    def _train_epoch(self, batches: int) -> None:
        for member in self.members:
            member.parts.model.train()
        assert self.at.total is not None
        while self.at.batch < batches:
            self.at.total += self.engine.step()
            self.at.batch += 1
            if self.checkpoints is not None and self.checkpoints.due():
                self._spend(epoch=True)
                self.checkpoints.write(self._state())
                self._clock = time.perf_counter()

    def _end_epoch(self, stage: str, batches: int, epochs: int) -> None:
        assert self.at.total is not None
        training = self.plans[self.at.stage].stage.training
        rates, factor = training.rates, 1.0
        last = self.at.epoch == epochs
        due = training.evaluate_every is not None and (last or self.at.epoch % training.evaluate_every == 0)
        means = (self.at.total / batches).tolist()  # on the host: the steps' one wait for the device
        self._spend(epoch=True)
        where = f"stage {stage!r}, epoch {self.at.epoch} of {epochs}"
        for member, (loss, penalty) in zip(self.members, means, strict=True):
            if member.diverged is not None:
                continue
            try:
                check_finite({"loss": loss, "penalty": penalty}, where)
                check_weights(member.parts.model, where)
                metrics = self._validate(member) if due or isinstance(rates, Annealing) else {}
                validation = metrics["loss"] if isinstance(rates, Annealing) else None
                measured = metrics if due else {} if validation is None else {"loss": validation}
                check_finite({f"validation {name}": value for name, value in measured.items()}, where)
            except Diverged as error:
                member.diverged = str(error)
                continue
            density = mean_density(member.parts.model)
            rate = None if validation is None else self.engine.learning_rate
            epoch = Epoch(
                loss=loss,
                penalty=penalty,
                density=density,
                validation=validation,
                learning_rate=rate,
                metrics=metrics if due else {},
            )
            member.history.append(epoch)
            self.progress(member.parts.seed, stage, self.at.epoch, epochs, epoch)
            if isinstance(rates, Annealing) and validation is not None and not improves(member, validation):
                factor = 1 / rates.factor
        self.engine.slow(factor, factor * training.embedding_decay)

    def _validate(self, member: Member) -> dict[str, float]:
        """Return all metrics on the validation split: the same draws after every epoch."""
        parts = member.parts
        generator = stream(parts.seed, "validate", device=self.device)
        return parts.source_of(self.at.stage).evaluate(parts.model, split="validation", generator=generator)

    def _end_stage(self) -> None:
        plan = self.plans[self.at.stage]
        epochs = plan.stage.training.epochs
        steady = self.at.epoch_seconds[1:] or self.at.epoch_seconds
        for member in self.alive:
            parts = member.parts
            generator = stream(parts.seed, "evaluate", device=self.device)
            metrics = parts.source_of(self.at.stage).evaluate(parts.model, split="test", generator=generator)
            try:
                check_finite(metrics, f"stage {plan.stage.name!r}, held-out metrics")
            except Diverged as error:
                member.diverged = str(error)
                continue
            stage = StageResult(
                name=plan.stage.name,
                metrics=metrics,
                densities=densities(parts.model, SCOPE),
                history=tuple(member.history),
                steps=epochs * plan.batches,
                step_ms=1000 * sum(steady) / (len(steady) * plan.batches * len(self.members)),
                peak_memory_mb=peak_memory_mb(self.device),
                present=present(parts.model),
            )
            member.finished.append(stage)
            if self.keep_weights:
                tensors = {**parts.model.state_dict(), **parts.penalties.embeddings}
                held = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
                run = json.dumps({"seed": parts.seed, "stage": stage.name})
                # one entry: of several, safetensors changes the order from file to file
                member.weights[stage.name] = save(held, metadata={"run": run})

    def _spend(self, *, epoch: bool = False) -> None:
        """Book the time since the last booking, also to the epoch under way where it was spent on its steps."""
        now = time.perf_counter()
        self.at.seconds += now - self._clock
        if epoch:
            self.at.epoch_seconds[-1] += now - self._clock
        self._clock = now

    def _state(self) -> dict[str, Any]:
        return {
            "position": dict(vars(self.at)),
            "members": [member.state_dict() for member in self.members],
            "engine": self.engine.state_dict(),
        }

    def _resume(self) -> bool:
        """Go on from the last checkpoint, if there is one; say whether there was."""
        state = None if self.checkpoints is None else self.checkpoints.read()
        if state is None:
            return False
        for member, held in zip(self.members, state["members"], strict=True):
            member.load_state_dict(held)
        self.at = Position(**state["position"])
        assert self.at.total is not None
        self.at.total = self.at.total.to(self.device)
        self.engine.begin(self.at.stage)
        self.engine.pruned()
        self.engine.load_state_dict(state["engine"])
        return True


def improves(member: Member, validation: float) -> bool:
    """Whether a validation loss is below the best so far; then it is the best from now on."""
    if member.best is not None and validation >= member.best:
        return False
    member.best = validation
    return True


def mean_density(model: nn.Module) -> float:
    """Return the share of weights present over all weight matrices together."""
    shares = densities(model, SCOPE)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters() if name in shares}
    return sum(shares[name] * size for name, size in sizes.items()) / sum(sizes.values())


def present(model: nn.Module) -> dict[str, int]:
    """Return of each weight matrix the number of entries farther from 0 than `ZERO`."""
    names = densities(model, SCOPE)
    named = model.named_parameters()
    return {name: int((parameter.abs() > ZERO).sum()) for name, parameter in named if name in names}


def check_finite(values: Mapping[str, float], where: str) -> None:
    """Raise Diverged when one of the values is NaN or infinite."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise Diverged(f"{name} is {value} at {where}")


def check_weights(model: nn.Module, where: str) -> None:
    """Raise Diverged when a parameter holds NaN or infinity."""
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise Diverged(f"parameter {name} holds a value that is not finite at {where}")


def _as_tensor(data: bytes) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)
