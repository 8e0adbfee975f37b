"""The source of a mixture of cognitive tasks: rows of trials, streams that continue, and evaluation by task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from ..contract import (
    BaseSource,
    Batch,
    Model,
    Split,
    TaskError,
    apply_model,
    check_generator,
    check_split,
    evaluating,
)
from ._drawer import Drawer
from ._layouts import OneTrial, Streams
from ._mixture import Mixture
from ._order import balanced, counts, drawn, never_twice
from ._render import actions, last, meaning, places, show
from ._rule import Rule
from ._scores import Scores, score
from ._spec import rule_codes, spec_of
from ._trials import PADDING, Trials
from ._world import World


@dataclass(frozen=True)
class StreamState:
    """The position of B streams of trials.

    trials: the current trial of each, `(B, 1)`. over: steps of it that have been shown, `(B,)`. turn: the ring of the
    next trial of each task, for the alternating order, `(B, slots)`.
    """

    trials: Trials
    over: Tensor
    turn: Tensor


class CognitiveSource(BaseSource):
    """Trials of a mixture of tasks.

    world: what all trials share. drawer: draws trials. rules `(slots, parts)`: the rule inputs that are on in a trial
    of each task. trained, chances `(slots,)`: which tasks are trained, and their relative frequencies.

    The class has more attributes than usual because a batch is drawn without waiting for the device: constants that
    depend on the slots are kept there as tensors.
    """

    evaluation_size = 256

    def __init__(self, task: Mixture, *, device: torch.device | str, generator: torch.Generator) -> None:
        check_generator(generator, device)
        rules = [Rule.parse(name) for name in task.names]
        codes, rule_inputs = rule_codes(rules, task.rules)
        super().__init__(spec_of(task, rule_inputs), device=device)
        self.task = task
        self.world = World(
            dt=task.dt,
            ring=task.ring,
            timing=task.timing,
            conventions=task.conventions,
            coherences=task.coherences,
            strengths=task.strengths,
            sigma=task.sigma,
            device=self.device,
        )
        self.drawer = Drawer(rules, self.world, generator=generator)
        self.rules = codes.to(self.device)
        trained = torch.tensor([name not in task.untrained for name in task.names], device="cpu")
        proportions = torch.tensor(task.proportions or [1.0] * len(rules), dtype=torch.float64, device="cpu")
        chances = proportions / proportions.max() * trained  # (slots,)
        self._per_row = 1 if isinstance(task.layout, OneTrial) else self.drawer.enough(task.layout.steps, chances)
        self.trained, self.chances = trained.to(self.device), chances.float().to(self.device)
        self._all_slots = torch.arange(len(rules), device=self.device)
        self._trained_slots = trained.nonzero()[:, 0].to(self.device)
        self._streams: StreamState | None = None

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next training batch of `size` rows."""
        layout, drawer = self.task.layout, self.drawer
        if isinstance(layout, Streams):
            return self._continue_streams(size, layout.steps, generator)
        steps = drawer.longest if isinstance(layout, OneTrial) else layout.steps
        trials = drawer.draw(self._draw_slots(size, None, generator), generator=generator)
        return self.show(trials, steps, generator=generator)

    def _draw_slots(self, size: int, after: Tensor | None, generator: torch.Generator) -> Tensor:
        """Draw the tasks of the next trials, `(B, K)`; `after` `(B,)` are the tasks of the trials before them."""
        if self.task.conventions.order == "alternating":
            return never_twice(size, self._per_row, self._trained_slots, after=after, generator=generator)
        return drawn(size, self._per_row, self.chances, generator=generator)

    def _continue_streams(self, size: int, steps: int, generator: torch.Generator) -> Batch:
        """Return the next `steps` of the streams; they restart when the batch size changes."""
        state = self._streams if self._streams is not None and len(self._streams.over) == size else None
        turn = self.drawer.turn(size, generator=generator) if state is None else state.turn
        slots = self._draw_slots(size, None if state is None else state.trials.slot[:, 0], generator)
        trials = self.drawer.draw(slots, turn=turn, generator=generator)
        over = torch.zeros(size, dtype=torch.int64, device=self.device)
        if state is not None:
            trials, over = state.trials.append(trials), state.over
        batch = self.show(trials, steps, over, generator=generator)
        number, over = last(trials, steps, over)
        row = torch.arange(size, device=self.device)
        shown = counts(slots, turn.shape[1])  # (B, K, slots)
        new = number - int(state is not None)  # index of the last new trial that was started, -1 for none
        started = torch.where(new[:, None] >= 0, shown[row, new.clamp(min=0)], 0)  # (B, slots)
        current = trials.map(lambda tensor: tensor[row, number][:, None])  # (B, 1)
        self._streams = StreamState(current, over, (turn + started) % 2)
        return replace(batch, reset=torch.full((size,), state is None, device=self.device))

    def show(self, trials: Trials, steps: int, offset: Tensor | None = None, *, generator: torch.Generator) -> Batch:
        """Return a batch that shows trials `(B, K)` in sequence for `steps` steps, followed by padding.

        offset: `(B,)`, steps of the first trial that are skipped.
        """
        where = places(trials, steps, offset)
        info, shown = meaning(trials, where, self.world), where.period != PADDING
        rules = self.rules[trials.slot]  # (B, K, parts)
        inputs = show(trials, where, rules, self.spec.inputs, self.world, generator=generator)  # (T, B, I)
        return Batch(inputs=inputs, targets=actions(info, self.world), weight=shown.float(), info=info)

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield batches with at least `evaluation_trials` trials of every task, untrained tasks included.

        All trials are complete: a row has as many as fit into a row of the layout, and then padding.
        """
        check_split(split)
        layout, longest = self.task.layout, self.drawer.longest
        total = self.task.evaluation_trials * len(self.drawer.rules)
        rows = total if isinstance(layout, OneTrial) else -(-total // max(1, layout.steps // longest))
        per_row = -(-total // rows)
        slots = balanced(rows, per_row, self._all_slots, generator=generator)
        for first in range(0, rows, self.evaluation_size):
            trials = self.drawer.draw(slots[first : first + self.evaluation_size], generator=generator)
            yield self.show(trials, per_row * longest, generator=generator)

    def scores(self, model: Model, *, split: Split, generator: torch.Generator) -> tuple[Scores, float]:
        """Return the counts by slot on a held-out split, and the mean loss over all steps."""
        self.check_generator(generator)
        total: Scores | None = None
        losses, weights = [], []
        with evaluating(model):
            for batch in self.held_out(split, generator=generator):
                outputs, _ = apply_model(model, batch, None, outputs=self.spec.outputs)  # (T, B, O)
                counted = score(outputs, batch, len(self.drawer.rules))
                total = counted if total is None else total.plus(counted)
                assert batch.weight is not None
                weights.append(batch.weight.sum())
                losses.append(self.loss(outputs, batch) * weights[-1])
        assert total is not None
        return total, float(torch.stack(losses).double().sum() / torch.stack(weights).double().sum())

    def evaluate(self, model: Model, *, split: Split, generator: torch.Generator) -> dict[str, float]:
        """Return the metrics: means over the trained tasks, means over the untrained ones, and the loss per step."""
        total, loss = self.scores(model, split=split, generator=generator)
        shares = total.by_slot()
        means = {name: float(share[self.trained].mean()) for name, share in shares.items()}
        if self.task.untrained:
            for name, of in (("untrained_accuracy", "decision_accuracy"), ("untrained_always_fixate", "always_fixate")):
                means[name] = float(shares[of][~self.trained].mean())
        means["loss"] = loss
        return {metric.name: means[metric.name] for metric in self.spec.metrics}

    def state_dict(self) -> dict[str, Any]:
        """Return the current trial of each stream and the position in it; empty if rows do not continue."""
        if not self.spec.carry:
            return {}
        if self._streams is None:
            return {"begun": False}
        state = {**vars(self._streams.trials), "over": self._streams.over, "turn": self._streams.turn}
        return {"begun": True, **{name: tensor.clone() for name, tensor in state.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from what `state_dict` returned."""
        if not self.spec.carry:
            super().load_state_dict(state)
            return
        names = {*(field.name for field in fields(Trials)), "over", "turn"} if state.get("begun") else set()
        if set(state) != {"begun", *names}:
            raise TaskError(f"state: expected the state of streams of trials; got {sorted(state)}")
        if not names:
            self._streams = None
            return
        tensors = {name: state[name].to(self.device) for name in names}
        over, turn = tensors.pop("over"), tensors.pop("turn")
        if turn.shape[1] != len(self.task.names):
            raise TaskError(f"state: expected {len(self.task.names)} tasks; got {turn.shape[1]}")
        self._streams = StreamState(Trials(**tensors), over, turn)
