"""The training of one run, or of several that advance together: a loop over stages, epochs and steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from srnn_pruning import reinitialize, rewind

from ..experiment import Annealing, EpochEnd
from ._checkpoint import Checkpoints
from ._device import reset_peak_memory, synchronize
from ._engine import Engine
from ._evidence import evidence_of
from ._initial import fit_initial_weights
from ._measure import Diverged, measure_epoch, measure_stage, weights_file
from ._member import Member
from ._plans import Plan
from ._position import Position
from ._streams import stream


class Trainer:
    """Trains runs of one experiment together, in place, through all their stages.

    A run that diverges stops; the others continue.

    Args:
        members: The runs.
        engine: Takes their training steps.
        device: Their device.
        on_epoch: Called after each epoch of each run.
        checkpoints: Where checkpoints are written when they are due. A trainer that finds one resumes from it, and on a
            CPU ends with the bits of a training that was never interrupted. None for no checkpoints.
        keep_weights: Whether to keep weights and masks at the end of each stage in the members.
    """

    def __init__(
        self,
        members: Sequence[Member],
        engine: Engine,
        *,
        device: torch.device,
        on_epoch: Callable[[EpochEnd], None] = lambda end: None,
        checkpoints: Checkpoints | None = None,
        keep_weights: bool = False,
    ) -> None:
        self.members, self.engine, self.device = members, engine, device
        self.on_epoch, self.checkpoints, self.keep_weights = on_epoch, checkpoints, keep_weights
        self.position = Position()
        self._clock = time.perf_counter()

    @property
    def alive(self) -> list[Member]:
        """The runs that have not diverged."""
        return [member for member in self.members if member.diverged is None]

    @property
    def plan(self) -> Plan:
        """The current stage; what differs between seeds is that of the first run."""
        return self.members[0].parts.plans[self.position.stage]

    def train(self) -> None:
        """Train to the end of the last stage, or until every run has diverged."""
        self._clock = time.perf_counter()
        stages = len(self.members[0].parts.plans)
        resumed = self._resume()
        while self.position.stage < stages and self.alive:
            if not resumed:
                self._begin_stage()
            resumed = False
            while self.position.epoch <= self.plan.stage.training.epochs and self.alive:
                if self.position.batch == 0:
                    self._begin_epoch()
                self._train_epoch()
                self._end_epoch()
                self.position.epoch, self.position.batch = self.position.epoch + 1, 0
            self._end_stage()
            self.position = Position(stage=self.position.stage + 1, seconds=self.position.seconds)
        self._record_time()

    def _begin_stage(self) -> None:
        for member in self.alive:
            _begin_stage_of(member, member.parts.plans[self.position.stage])
        self.engine.begin(self.position.stage)
        reset_peak_memory(self.device)

    def _begin_epoch(self) -> None:
        if self.plan.pruner is not None:
            self._prune()
            self.engine.masks_changed()
            for member in self.alive:
                member.recurrences.masks_changed()
        self._record_time()
        self.position.epoch_seconds.append(0.0)
        self.position.total = torch.zeros(len(self.members), 2, dtype=torch.float64, device=self.device)

    def _prune(self) -> None:
        """Prune every run at the start of the current epoch, and record how long it takes."""
        stage, epoch = self.position.stage, self.position.epoch
        synchronize(self.device)
        begin = time.perf_counter()
        for member in self.alive:
            pruner = member.parts.plans[stage].pruner
            if pruner is not None:
                wanted = pruner.pruning.criterion.wants
                evidence = evidence_of(member.parts, stage, epoch, self.device) if wanted else None
                pruner.step(epoch, evidence=evidence)
        synchronize(self.device)
        self.position.pruning_seconds += time.perf_counter() - begin

    def _train_epoch(self) -> None:
        for member in self.members:
            member.parts.model.train()
        assert self.position.total is not None
        while self.position.batch < self.plan.batches:
            self.position.total += self.engine.step()
            self.position.batch += 1
            if self.checkpoints is not None and self.checkpoints.due():
                self._record_time(steps=True)
                self.checkpoints.write(self._state())
                self._clock = time.perf_counter()  # the time of writing is not counted

    def _end_epoch(self) -> None:
        """Measure every run, and scale the learning rates."""
        assert self.position.total is not None
        stage, number, training = self.plan.stage, self.position.epoch, self.plan.stage.training
        means = (self.position.total / self.plan.batches).tolist()  # the only wait for the device in an epoch
        self._record_time(steps=True)
        learning_rate, factor = self.engine.learning_rate, 1.0
        for member, (loss, penalty) in zip(self.members, means, strict=True):
            if member.diverged is not None:
                continue
            try:
                epoch = measure_epoch(
                    member,
                    self.position.stage,
                    number,
                    loss=loss,
                    penalty=penalty,
                    learning_rate=learning_rate,
                    device=self.device,
                )
            except Diverged as error:
                member.diverged = str(error)
                continue
            member.history.append(epoch)
            self.on_epoch(EpochEnd(member.parts.seed, stage.name, number, training.epochs, epoch))
            if isinstance(training.rates, Annealing) and epoch.validation is not None:
                factor = factor if member.record_if_best(epoch.validation) else 1 / training.rates.factor
        self.engine.scale_learning_rates(factor, factor * training.embedding_decay)

    def _end_stage(self) -> None:
        name = self.plan.stage.name
        runs = len(self.members)
        step_ms = 1000 * self.position.steady_seconds / (self.plan.batches * runs)
        pruning_ms = 1000 * self.position.pruning_seconds / runs
        for member in self.alive:
            try:
                result = measure_stage(
                    member, self.position.stage, step_ms=step_ms, pruning_ms=pruning_ms, device=self.device
                )
                member.finished.append(result)
            except Diverged as error:
                member.diverged = str(error)
                continue
            if self.keep_weights:
                member.weights[name] = weights_file(member, name)

    def _record_time(self, *, steps: bool = False) -> None:
        """Add the time since the last call to the total, and to the current epoch if it was spent on `steps`."""
        now = time.perf_counter()
        self.position.seconds += now - self._clock
        if steps:
            self.position.epoch_seconds[-1] += now - self._clock
        self._clock = now

    def _state(self) -> dict[str, Any]:
        return {
            "position": dict(vars(self.position)),
            "members": [member.state_dict() for member in self.members],
            "engine": self.engine.state_dict(),
        }

    def _resume(self) -> bool:
        """Resume from the last checkpoint, if there is one; return whether there was."""
        state = None if self.checkpoints is None else self.checkpoints.read()
        if state is None:
            return False
        for member, its_state in zip(self.members, state["members"], strict=True):
            member.load_state_dict(its_state)
        self.position = Position(**state["position"])
        assert self.position.total is not None
        self.position.total = self.position.total.to(self.device)
        self.engine.begin(self.position.stage)
        self.engine.masks_changed()
        self.engine.load_state_dict(state["engine"])
        return True


def _begin_stage_of(member: Member, plan: Plan) -> None:
    """Set weights, penalties and the best validation loss of a run to those that a stage begins with."""
    parts, stage = member.parts, plan.stage
    if stage.start == "reinitialize":
        reinitialize(parts.model, generator=stream(parts.seed, "reinitialize", stage.name))
        fit_initial_weights(parts.model, parts.fan_in, parts.balanced)
    elif stage.start == "rewind":
        rewind(parts.model, parts.original)
    member.history = []
    member.recurrences.begin_stage()
    if plan.penalties is not None:
        parts.penalties.load_state_dict(plan.penalties.state_dict())
    rates = stage.training.rates
    if isinstance(rates, Annealing) and rates.best == "reset":
        member.best = None
