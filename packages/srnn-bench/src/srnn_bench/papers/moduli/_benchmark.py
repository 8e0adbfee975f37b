"""What the tables of a benchmark share: its task, network and training, and how a regularizer becomes cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from srnn_manifolds import AnyRegularizer, Trained
from srnn_models import AnyModel
from srnn_pruning import AnySchedule, Pruning
from srnn_tasks import Task

from ...experiment import Experiment, Penalty, Stage, Training
from ...tables import Cell, Published
from ._presets import CORRECTED, PAPER, REFERENCE, Preset

EVERYTHING = ("*weight*",)

RECURRENT = ("*weight_hh*",)


@dataclass(frozen=True)
class Variant:
    """A reading of the paper, and which weights are ranked and pruned: all, as published, or W_hh alone."""

    suffix: str
    preset: Preset = CORRECTED
    scope: tuple[str, ...] = EVERYTHING
    brief: bool = False  # whether the tables have rows of the setup's main sparsity only
    note: str = ""

    def title(self, text: str) -> str:
        """Return the title of a table, with what is particular to this variant."""
        return f"{text} ({self.note})" if self.note else text


PUBLISHED = Variant("")

RECURRENT_ALONE = Variant("-hh", scope=RECURRENT, brief=True, note="W_hh alone is ranked and pruned")

READINGS = (
    Variant("-reference", preset=REFERENCE, note="preset reference: what the published code does"),
    Variant("-paper", preset=PAPER, note="preset paper: the text, taken literally"),
)


@dataclass(frozen=True)
class Benchmark:
    """A benchmark at one scale in one variant.

    `others` are what every network carries besides, at the same strength: globs and regularizers.
    """

    task: Task
    model: AnyModel
    training: Training
    strength: float
    metric: str
    variant: Variant
    schedule: AnySchedule
    sparsities: tuple[float, ...]
    main: float  # the one that the claims are about
    others: tuple[tuple[str, AnyRegularizer], ...] = ()
    parameter: str = "*weight_hh*"
    lottery: Literal["same", "fresh"] = "same"  # the embedding of its regularizer
    factor: float = 1.0  # from the metric to the table's number
    closing: Training | None = None  # after pruning, at the final mask and with embeddings that do not move

    def experiment(self, regularizer: AnyRegularizer | None, *stages: Stage) -> Experiment:
        """Return the experiment with this regularizer of the recurrent weights."""
        own = () if regularizer is None else ((self.parameter, regularizer),)
        penalties = tuple(
            Penalty(parameter=glob, regularizer=each, strength=self.strength) for glob, each in (*own, *self.others)
        )
        return Experiment(task=self.task, model=self.model, penalties=penalties, stages=stages)

    @property
    def rows(self) -> tuple[float, ...]:
        """The sparsities that the tables show."""
        return (self.main,) if self.variant.brief else self.sparsities

    def dense(self, regularizer: AnyRegularizer | None) -> Experiment:
        """Return the experiment without pruning; its stage is `dense`."""
        return self.experiment(regularizer, Stage(name="dense", training=self.training))

    def pruned(self, regularizer: AnyRegularizer | None, sparsity: float) -> Experiment:
        """Return the experiment with the stages `sparse`, `closed` where there is one, and `lottery`."""
        pruning = Pruning(sparsity=sparsity, schedule=self.schedule, scope=self.variant.scope)
        stages = [Stage(name="sparse", training=self.training, pruning=pruning)]
        if self.closing is not None:
            still = ("points.*",) if isinstance(regularizer, Trained) else ()
            stages.append(Stage(name="closed", training=self.closing, freeze=still))
        stages.append(Stage(name="lottery", training=self.training, start="reinitialize", regularizer=self.lottery))
        return self.experiment(regularizer, *stages)

    def cell(
        self, row: str, column: str, experiment: Experiment, stage: str, published: Published | None = None
    ) -> Cell:
        """Return a place of a table."""
        return Cell(row, column, experiment, stage, self.metric, published, self.factor)


MULTIPLES = (10.0, 1.0, 0.1, 0.01)  # of the strength of the main tables: lambda 1 to 0.001 at the paper's 0.1

SWEEP = "strength x 1 is {:g} before the mean or sum, 0.1 in the paper, whose tables have 1, 0.1, 0.01, 0.001"


def by_strength(
    setup: Benchmark,
    columns: Mapping[str, AnyRegularizer | None],
    published: Mapping[str, Mapping[str, tuple[float, ...]]],
    factor: float = 1.0,
) -> list[Cell]:
    """Return the cells at 90 % sparsity, a row for every strength and stage; the paper has single trials."""
    cells = []
    for number, multiple in enumerate(MULTIPLES):
        stronger = replace(setup, strength=setup.strength * multiple)
        experiments = {column: stronger.pruned(regularizer, 0.9) for column, regularizer in columns.items()}
        for row in ("90% sparse", "90% lottery"):
            for column, experiment in experiments.items():
                number_of_paper = Published(factor * published[row][column][number], None, 1)
                place = f"{row}, strength x {multiple:g}"
                cells.append(setup.cell(place, column, experiment, row.split()[1], number_of_paper))
    return cells


def baseline(
    setup: Benchmark,
    columns: Mapping[str, AnyRegularizer | None],
    published: Callable[[str, str], Published | None] | None = None,
) -> list[Cell]:
    """Return the row of networks that are not pruned."""
    return [
        setup.cell("Baseline", column, setup.dense(regularizer), "dense", published and published("Baseline", column))
        for column, regularizer in columns.items()
    ]


def pruned(
    setup: Benchmark,
    columns: Mapping[str, AnyRegularizer | None],
    published: Callable[[str, str], Published | None] | None = None,
) -> list[Cell]:
    """Return two rows a sparsity: the networks pruned while they train, and new ones trained at their masks."""
    cells = []
    for sparsity in setup.rows:
        experiments = {column: setup.pruned(regularizer, sparsity) for column, regularizer in columns.items()}
        end = "sparse" if setup.closing is None else "closed"
        for name, stage in (("sparse", end), ("lottery", "lottery")):
            row = f"{100 * sparsity:g}% {name}"
            cells += [
                setup.cell(row, column, experiment, stage, published and published(row, column))
                for column, experiment in experiments.items()
            ]
    return cells
