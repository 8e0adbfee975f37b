"""What the tables of a benchmark share: its task, network, training and pruning, and how its tables are built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from srnn_manifolds import AnyRegularizer, Trained
from srnn_models import AnyModel
from srnn_pruning import AnySchedule, Pruning
from srnn_tasks import Task

from ...experiment import Experiment, Penalty, Stage, Training
from ...tables import Cell, Claim, Plan, Published, Reading, Remarks, Scale, Table, fitting, no_remarks
from ._presets import CORRECTED, LITERAL, REFERENCE, Preset

ALL_WEIGHTS = ("*weight*",)

RECURRENT = ("*weight_hh*",)


@dataclass(frozen=True)
class Variant:
    """A reading of the paper, and which weights are ranked and pruned: all, as published, or W_hh alone."""

    suffix: str
    preset: Preset = CORRECTED
    scope: tuple[str, ...] = ALL_WEIGHTS
    brief: bool = False  # whether the tables have rows for the main sparsity only
    note: str = ""

    def title(self, text: str) -> str:
        """Return the title of a table with the note of this variant."""
        return f"{text} ({self.note})" if self.note else text


PUBLISHED = Variant("")

RECURRENT_ALONE = Variant("-hh", scope=RECURRENT, brief=True, note="W_hh alone is ranked and pruned")

READINGS = (
    Variant("-reference", preset=REFERENCE, note="preset reference: what the published code does"),
    Variant("-paper", preset=LITERAL, note="preset paper: the text, taken literally"),
)


@dataclass(frozen=True)
class Score:
    """The number that the tables show: a metric or reading of a stage times a factor, and how the tables name it."""

    metric: str | Reading
    title: str
    unit: str
    better: Literal["lower", "higher"]
    factor: float = 1.0


@dataclass(frozen=True)
class Sparsification:
    """How networks are pruned, and what follows.

    main: sparsity that the claims are about. lottery: embedding of the regularizer in the lottery stage. closing:
    training after pruning, at the final mask and with fixed embeddings.
    """

    schedule: AnySchedule
    sparsities: tuple[float, ...]
    main: float
    lottery: Literal["same", "fresh"] = "same"
    closing: Training | None = None


@dataclass(frozen=True)
class Benchmark:
    """A benchmark at one scale in one variant.

    Its fields are the lines of Tables 6 and 7 of the paper, so that a table of this package replaces one of them:
    `parameter` and `strength` of the penalty that the columns vary, and `others`, globs and regularizers that every
    network has besides, with the same strength. `plan` has the criteria by which the claims are judged.
    """

    task: Task
    model: AnyModel
    training: Training
    strength: float
    seeds: tuple[int, ...]
    score: Score
    pruning: Sparsification
    variant: Variant
    plan: Plan
    others: tuple[tuple[str, AnyRegularizer], ...] = ()
    parameter: str = "*weight_hh*"
    remarks: Remarks = no_remarks

    @property
    def sparsities(self) -> tuple[float, ...]:
        """Sparsities that the tables of this variant have rows for."""
        return (self.pruning.main,) if self.variant.brief else self.pruning.sparsities

    def experiment(self, regularizer: AnyRegularizer | None, *stages: Stage) -> Experiment:
        """Return the experiment with this regularizer of the recurrent weights."""
        own = () if regularizer is None else ((self.parameter, regularizer),)
        penalties = tuple(
            Penalty(parameter=glob, regularizer=each, strength=self.strength) for glob, each in (*own, *self.others)
        )
        return Experiment(task=self.task, model=self.model, penalties=penalties, stages=stages)

    def dense(self, regularizer: AnyRegularizer | None) -> Experiment:
        """Return the experiment without pruning; its stage is `dense`."""
        return self.experiment(regularizer, Stage(name="dense", training=self.training))

    def pruned(self, regularizer: AnyRegularizer | None, sparsity: float) -> Experiment:
        """Return the experiment with the stages `sparse`, `closed` if there is a closing training, and `lottery`."""
        pruning = Pruning(sparsity=sparsity, schedule=self.pruning.schedule, scope=self.variant.scope)
        stages = [Stage(name="sparse", training=self.training, pruning=pruning)]
        if self.pruning.closing is not None:
            frozen = ("points.*",) if isinstance(regularizer, Trained) else ()
            stages.append(Stage(name="closed", training=self.pruning.closing, freeze=frozen))
        lottery = self.pruning.lottery
        stages.append(Stage(name="lottery", training=self.training, start="reinitialize", regularizer=lottery))
        return self.experiment(regularizer, *stages)

    def cell(
        self, row: str, column: str, experiment: Experiment, stage: str, published: Published | None = None
    ) -> Cell:
        """Return a cell that reads the score of a stage."""
        return Cell(row, column, experiment, stage, self.score.metric, published, self.score.factor)

    def table(
        self, name: str, scale: Scale, *, title: str, source: str, cells: Sequence[Cell], claims: Sequence[Claim] = ()
    ) -> Table:
        """Return a table of these cells, with the claims whose cells are all present."""
        return Table(
            name=name,
            scale=scale,
            title=self.variant.title(title),
            source=source,
            metric=self.score.title,
            unit=self.score.unit,
            better=self.score.better,
            seeds=self.seeds,
            cells=tuple(cells),
            remarks=self.remarks,
            claims=fitting(claims, cells),
            plan=self.plan,
        )
