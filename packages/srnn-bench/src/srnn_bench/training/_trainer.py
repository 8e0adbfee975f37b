"""The training of one run, or of several that advance together: stages, epochs, pruning, measurement, checkpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from safetensors.torch import save

from srnn_pruning import densities, reinitialize, rewind

from ..experiment import Annealing, Epoch, EpochEnd, StageResult
from ._checkpoint import Checkpoints
from ._device import peak_memory_mb, reset_peak_memory
from ._engine import Engine
from ._measure import SCOPE, Diverged, check_finite, check_weights, mean_density, present
from ._member import Member, Position, improves
from ._parts import settle
from ._streams import stream


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
        on_epoch: Callable[[EpochEnd], None],
        checkpoints: Checkpoints | None = None,
        keep_weights: bool = False,
    ) -> None:
        self.members, self.engine, self.device = members, engine, device
        self.on_epoch, self.checkpoints, self.keep_weights = on_epoch, checkpoints, keep_weights
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
            self.on_epoch(EpochEnd(member.parts.seed, stage, self.at.epoch, epochs, epoch))
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
