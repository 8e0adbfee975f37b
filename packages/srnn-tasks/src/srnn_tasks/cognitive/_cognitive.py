"""The battery as a task: any mixture of cognitive tasks (Yang et al. 2019; Mod-Cog, arXiv 2207.03523)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import Annotated, Any, Literal

import torch
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)
from torch import Tensor

from ..contract import BaseSource, Batch, Metric, Model, Split, Task, TaskSpec, check_generator, check_split, evaluating
from ._batteries import BATTERIES, Battery
from ._conventions import AnyConventions, Conventions
from ._drawer import Drawer
from ._families import TOLERANCE, YANG
from ._layouts import AnyLayout, OneTrial, Streams
from ._order import balanced, counts, drawn, never_twice
from ._render import actions, last, meaning, places, show
from ._rule import Rule
from ._scores import Scores, score
from ._timing import Timing
from ._trials import PADDING, Trials
from ._world import World


def _known(tasks: object) -> object:
    """Refuse what is neither a battery nor a sequence of names, with one error in place of one for each."""
    if isinstance(tasks, list | tuple):
        return _named(tasks)
    if not isinstance(tasks, str) or tasks not in BATTERIES:
        raise ValueError(f"expected one of {', '.join(BATTERIES)}, or a list of names of tasks; got {tasks!r}")
    return tasks


def _named(tasks: object) -> object:
    """Refuse what is no sequence of names of tasks."""
    if not isinstance(tasks, list | tuple):
        raise ValueError(f"expected a list of names of tasks, got {tasks!r}")
    for name in tasks:
        if not isinstance(name, str):
            raise ValueError(f"expected names of tasks, got {name!r}")
        Rule.parse(name)
    return tasks


def _distinct(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(abs(one - other) < TOLERANCE for one, other in combinations(values, 2)):
        raise ValueError(f"expected values that differ by {TOLERANCE:g} at least, got {values}")
    return values


Names = Annotated[tuple[str, ...], BeforeValidator(_named)]
Share = Annotated[float, Field(gt=0, le=1)]
RAREST = 1e-6  # of the share of the most frequent task
PARTS = (*YANG, "intr", "intl", "seqr", "seql")  # in the order of their inputs


class Cognitive(Task):
    """A mixture of cognitive tasks: fixate, and answer with a direction when the fixation cue goes off.

    Inputs `(T, B, I)`: the fixation cue, R units of each of two rings, and the rule. Targets `(T, B)`: 0 to fixate,
    1 + direction to answer. The weight is 0 in padding.

    `info` says what each step means, `(T, B)` each unless another shape is given: `task`, its number among `names`;
    `trial`, its number in the row; `period`: fixation 0, stimulus 1, delay 2, second stimulus 3, decision 4, padding 5;
    `elapsed`, steps since the period began; `left`, steps of the trial still to come, below 0 in padding; `ring`: 0 or
    1, in families that choose one; `directions` `(T, B, 2)` of two bumps and their `strengths` `(T, B, 2, 2)`, bump by
    ring; `delay` in steps; `respond`, whether there is an answer; `answer`, its direction at this step, or before the
    decision at the first step of it. (Where `Conventions.go_interval` is "stimulus", the first bump is shown beside its
    direction.)

    tasks: the name of a battery, or names of tasks; one that stands twice has two rules. rules: `one_hot`, an input
    for each task, or `parts`, one for each of the 20 base tasks and for IntR, IntL, SeqR and SeqL, which compose.
    untrained: tasks that are evaluated but not trained. proportions: of the tasks in the mixture, equal where None.
    layout: how trials fill the rows.
    dt: milliseconds a step. ring: R. sigma: input noise has the standard deviation sigma / sqrt(dt) a step.
    coherences: of decision tasks, strengths are (1 +- c) / 2. strengths: of delayed decision tasks.
    evaluation_trials: of each task, on a held-out split, as equal in number as can be.

    >>> task = Cognitive(tasks=("dlygo", "dlygo-intr-seql"))
    >>> task.names
    ('dlygo', 'dlygo-intr-seql')
    >>> len(Cognitive(tasks="paper84").names)
    84
    """

    kind: Literal["cognitive"] = "cognitive"
    tasks: Annotated[Battery | tuple[str, ...], BeforeValidator(_known)] = "yang20"
    rules: Literal["one_hot", "parts"] = "one_hot"
    untrained: Names = ()
    proportions: tuple[PositiveFloat, ...] | None = None
    layout: AnyLayout = OneTrial()
    dt: PositiveInt = 100
    ring: Annotated[int, Field(ge=4, multiple_of=2)] = 16
    sigma: NonNegativeFloat = 1.0
    coherences: Annotated[tuple[Share, ...], Field(min_length=1)] = (0.08, 0.16, 0.32, 0.64)
    strengths: Annotated[tuple[PositiveFloat, ...], Field(min_length=2), AfterValidator(_distinct)] = (0.3, 0.6, 1.0)
    timing: Timing = Timing()
    conventions: AnyConventions = Conventions()
    evaluation_trials: PositiveInt = 40

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tasks, in the order of their slots."""
        return BATTERIES[self.tasks] if isinstance(self.tasks, str) else self.tasks

    @model_validator(mode="after")
    def _consistent(self) -> Cognitive:
        if not self.names:
            raise ValueError("tasks: expected a battery or at least one name, got none")
        for name in self.untrained:
            if name not in self.names:
                raise ValueError(f"untrained: {name!r} is not among the tasks {', '.join(self.names)}")
        if set(self.names) <= set(self.untrained):
            raise ValueError("untrained: expected at least one task to be left that trains")
        if self.proportions is not None and len(self.proportions) != len(self.names):
            raise ValueError(
                f"proportions: expected one for each of the {len(self.names)} tasks, got {len(self.proportions)}"
            )
        if self.proportions is not None and min(self.proportions) < RAREST * max(self.proportions):
            raise ValueError(f"proportions: expected each to be at least {RAREST:g} of the greatest")
        if self.proportions is not None and self.conventions.order == "alternating":
            raise ValueError("proportions: by the alternating order all tasks but the last are equally likely")
        for name, value in self.timing:
            for span in value if isinstance(value, tuple) else (value,):
                if 0 < span < self.dt:
                    raise ValueError(f"timing: {name} = {span} ms is shorter than a step, dt = {self.dt} ms")
        if self.timing.unit % self.dt:
            raise ValueError(f"dt: expected a divisor of timing.unit = {self.timing.unit} ms, got {self.dt} ms")
        return self

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> CognitiveSource:
        """Return the source; the generator is drawn from only for delays that stay what they are (`Legacy`)."""
        return CognitiveSource(self, device=device, generator=generator)


@dataclass(frozen=True)
class Held:
    """Where streams stand: the trial that each is in `(B, 1)`, the steps of it that are over `(B,)`, and which ring
    the next trial of each task takes by the alternating order, `(B, slots)`.
    """

    trials: Trials
    over: Tensor
    turn: Tensor


class CognitiveSource(BaseSource):
    """Trials of a mixture of tasks. `rules` `(slots, parts)` are the rule inputs that are on in a trial of a task."""

    evaluation_size = 256

    def __init__(self, task: Cognitive, *, device: torch.device | str, generator: torch.Generator) -> None:
        check_generator(generator, device)
        rules = [Rule.parse(name) for name in task.names]
        codes, wide = _codes(rules, task.rules)
        shares = ["decision_accuracy", "trial_accuracy", "fixation_accuracy"]
        if task.untrained:
            shares += ["untrained_accuracy", "untrained_always_fixate"]
        spec = TaskSpec(
            inputs=1 + 2 * task.ring + wide,
            outputs=1 + task.ring,
            carry=isinstance(task.layout, Streams),
            loss="cross_entropy",
            metrics=(
                *(Metric(name=name, better="higher") for name in shares),
                Metric(name="loss", better="lower", unit="nats"),
                Metric(name="always_fixate", better="higher"),
            ),
        )
        super().__init__(spec, device=device)
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
        trained = torch.tensor([name not in task.untrained for name in task.names])
        given = torch.tensor(task.proportions or [1.0] * len(rules), dtype=torch.float64)
        chances = given / given.max() * trained  # (slots,)
        self._each = 1 if isinstance(task.layout, OneTrial) else self.drawer.enough(task.layout.steps, chances)
        self.trained, self.chances = trained.to(self.device), chances.float().to(self.device)
        self._every = torch.arange(len(rules), device=self.device)
        self._trains = trained.nonzero()[:, 0].to(self.device)
        self._held: Held | None = None

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next training batch of `size` rows."""
        layout, drawer = self.task.layout, self.drawer
        if isinstance(layout, Streams):
            return self._go_on(size, layout.steps, generator)
        steps = drawer.longest if isinstance(layout, OneTrial) else layout.steps
        trials = drawer.draw(self._slots(size, None, generator), generator=generator)
        return self.show(trials, steps, generator=generator)

    def _slots(self, size: int, after: Tensor | None, generator: torch.Generator) -> Tensor:
        """Draw the tasks of the next trials, `(B, K)`; `after` `(B,)` came before."""
        if self.task.conventions.order == "alternating":
            return never_twice(size, self._each, self._trains, after=after, generator=generator)
        return drawn(size, self._each, self.chances, generator=generator)

    def _go_on(self, size: int, steps: int, generator: torch.Generator) -> Batch:
        """Return the next `steps` of the streams; they begin anew where there are as many as never before."""
        held = self._held if self._held is not None and len(self._held.over) == size else None
        turn = self.drawer.turn(size, generator=generator) if held is None else held.turn
        slots = self._slots(size, None if held is None else held.trials.slot[:, 0], generator)
        trials = self.drawer.draw(slots, turn=turn, generator=generator)
        over = torch.zeros(size, dtype=torch.int64, device=self.device)
        if held is not None:
            trials, over = held.trials.then(trials), held.over
        batch = self.show(trials, steps, over, generator=generator)
        number, over = last(trials, steps, over)
        row = torch.arange(size, device=self.device)
        shown = counts(slots, turn.shape[1])  # (B, K, slots)
        new = number - int(held is not None)  # number of the last new trial that was begun, -1 for none
        begun = torch.where(new[:, None] >= 0, shown[row, new.clamp(min=0)], 0)
        self._held = Held(trials.map(lambda tensor: tensor[row, number][:, None]), over, (turn + begun) % 2)
        return replace(batch, reset=torch.full((size,), held is None, device=self.device))

    def show(self, trials: Trials, steps: int, offset: Tensor | None = None, *, generator: torch.Generator) -> Batch:
        """Return `steps` of trials `(B, K)`, one after the other; `offset` `(B,)` steps of the first are over.

        What is behind the last trial is padding.
        """
        where = places(trials, steps, offset)
        info, there = meaning(trials, where, self.world), where.period != PADDING
        rules = self.rules[trials.slot]  # (B, K, parts)
        inputs = show(trials, where, rules, self.spec.inputs, self.world, generator=generator)
        return Batch(inputs=inputs, targets=actions(info, self.world), weight=there.float(), info=info)

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield batches in which every task, untrained ones too, has `evaluation_trials` trials or a few more.

        All are whole, and a row holds no more than a row of the layout surely does; there is padding behind them.
        """
        check_split(split)
        layout, longest = self.task.layout, self.drawer.longest
        wanted = self.task.evaluation_trials * len(self.drawer.rules)
        rows = wanted if isinstance(layout, OneTrial) else -(-wanted // max(1, layout.steps // longest))
        each = -(-wanted // rows)
        slots = balanced(rows, each, self._every, generator=generator)
        for first in range(0, rows, self.evaluation_size):
            trials = self.drawer.draw(slots[first : first + self.evaluation_size], generator=generator)
            yield self.show(trials, each * longest, generator=generator)

    def scores(self, model: Model, *, split: Split, generator: torch.Generator) -> tuple[Scores, float]:
        """Return the counts by slot on a held-out split, and the mean loss, which counts every step alike."""
        self.check_generator(generator)
        total: Scores | None = None
        losses, weights = [], []
        with evaluating(model):
            for batch in self.held_out(split, generator=generator):
                outputs, _ = model(batch.inputs, batch.start, None)  # (T, B, O)
                counted = score(outputs, batch, len(self.drawer.rules))
                total = counted if total is None else total.plus(counted)
                assert batch.weight is not None
                weights.append(batch.weight.sum())
                losses.append(self.loss(outputs, batch) * weights[-1])
        assert total is not None
        return total, float(torch.stack(losses).double().sum() / torch.stack(weights).double().sum())

    def evaluate(self, model: Model, *, split: Split, generator: torch.Generator) -> dict[str, float]:
        """Return the metrics: each share is the mean over tasks, of those that train; `loss` counts all steps."""
        total, loss = self.scores(model, split=split, generator=generator)
        shares = total.by_slot()
        means = {name: float(share[self.trained].mean()) for name, share in shares.items()}
        if self.task.untrained:
            for name, of in (("untrained_accuracy", "decision_accuracy"), ("untrained_always_fixate", "always_fixate")):
                means[name] = float(shares[of][~self.trained].mean())
        means["loss"] = loss
        return {metric.name: means[metric.name] for metric in self.spec.metrics}

    def state_dict(self) -> dict[str, Any]:
        """Return the trials that streams have begun, and how far they are; nothing where rows do not go on."""
        if not self.spec.carry:
            return {}
        if self._held is None:
            return {"begun": False}
        held = {**vars(self._held.trials), "over": self._held.over, "turn": self._held.turn}
        return {"begun": True, **{name: tensor.clone() for name, tensor in held.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        if not self.spec.carry:
            super().load_state_dict(state)
            return
        begun = {*(field.name for field in fields(Trials)), "over", "turn"} if state.get("begun") else set()
        if set(state) != {"begun", *begun}:
            raise ValueError(f"state: expected that of streams of trials; got {sorted(state)}")
        if not begun:
            self._held = None
            return
        held = {name: state[name].to(self.device) for name in begun}
        over, turn = held.pop("over"), held.pop("turn")
        if turn.shape[1] != len(self.task.names):
            raise ValueError(f"state: expected {len(self.task.names)} tasks, got {turn.shape[1]}")
        self._held = Held(Trials(**held), over, turn)


def _codes(rules: list[Rule], kind: str) -> tuple[Tensor, int]:
    """Return the numbers of the rule inputs that are on for each slot, `(slots, parts)`, and how many inputs there are.

    Of parts, a task with fewer than three has its first one again.
    """
    if kind == "one_hot":
        return torch.arange(len(rules))[:, None], len(rules)
    parts = [(rule.parts + 2 * rule.parts[:1])[:3] for rule in rules]
    return torch.tensor([[PARTS.index(part) for part in each] for each in parts]), len(PARTS)
