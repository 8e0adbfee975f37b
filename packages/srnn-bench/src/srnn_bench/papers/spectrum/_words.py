"""What the tables of arXiv 1912.00120 on text share: sizes at each scale, the word model, plans and remarks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from srnn_models import AnyRecurrence, Glorot, LanguageModel
from srnn_pruning import Pruning
from srnn_tasks import WikiText

from ...experiment import Experiment, Stage, Training
from ...tables import Cell, Claim, FilledCell, Place, Plan, Scale, Table
from .local_text import LocalText

TRAINED = "train_perplexity"

SHARE = 0.01  # of the training windows, on which the text measures the training perplexity

FROZEN = ("embedding.weight",)


@dataclass(frozen=True)
class Words:
    """Sizes of the experiments on text at one scale.

    - `task`: WikiText-2. `unigram`: perplexity of its unigram model on the test text, for comparison.
    - `hidden`, `embedding`: of the LSTM of Table 4. `gru`: units of the GRU of Table 5.
    - `training`: of Tables 4 and 5; `corpora`: steps on WikiText-103 and One Billion Words.
    - `treebank`: units of the GRUs of the published Table 5; the first is the one that is pruned.
    """

    task: WikiText
    unigram: float
    hidden: int
    embedding: int
    gru: int
    training: Training
    corpora: tuple[int, int]
    treebank: tuple[int, int, int]
    treebank_embedding: int
    seeds: tuple[int, ...]
    gru_seeds: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Number of training steps."""
        assert self.training.batches is not None
        return self.training.epochs * self.training.batches

    @property
    def looks(self) -> tuple[int, ...]:
        """Steps at the ends of the epochs, at which the perplexity is measured."""
        return tuple(self.steps // self.training.epochs * epoch for epoch in range(1, self.training.epochs + 1))


def training_of(epochs: int, batches: int, batch_size: int = 64) -> Training:
    """Return a training with an evaluation after every epoch."""
    return Training(epochs=epochs, batches=batches, batch_size=batch_size, learning_rate=1e-3, evaluate_every=1)


WORDS: dict[Scale, Words] = {
    "smoke": Words(
        task=WikiText(
            vocabulary=200,
            steps=10,
            train_tokens=3000,
            evaluation_tokens=2000,
            evaluation_rows=4,
            train_share=0.1,
        ),
        unigram=20.23,
        hidden=8,
        embedding=4,
        gru=8,
        training=training_of(3, 2, batch_size=4),
        corpora=(6, 6),
        treebank=(8, 6, 4),
        treebank_embedding=4,
        seeds=(0, 1),
        gru_seeds=(0, 1),
    ),
    "quick": Words(
        task=WikiText(vocabulary=2000, steps=20, evaluation_rows=64, train_share=SHARE),
        unigram=109.67,
        hidden=200,
        embedding=40,
        gru=200,
        training=training_of(8, 204),  # 1,632 steps are one pass
        corpora=(1632, 1632),
        treebank=(200, 50, 25),
        treebank_embedding=100,
        seeds=(3, 4, 5, 6, 7),
        gru_seeds=(3, 4, 5),
    ),
    "paper": Words(
        task=WikiText(steps=20, evaluation_rows=64, train_share=SHARE),
        unigram=914.43,
        hidden=2000,
        embedding=400,
        gru=800,
        training=training_of(20, 1000),
        corpora=(12_000, 30_000),
        treebank=(800, 200, 100),
        treebank_embedding=400,
        seeds=(3, 4, 5, 6, 7),
        gru_seeds=(3, 4, 5),
    ),
}


def experiment(
    task: WikiText | LocalText, recurrence: AnyRecurrence, embedding: int, training: Training, pruning: Pruning | None
) -> Experiment:
    """Return the training of a word model in one stage, `trained`, with a frozen embedding."""
    model = LanguageModel(recurrence=recurrence, embedding=embedding, readout_initialization=Glorot())
    return Experiment(
        task=task, model=model, stages=(Stage(name="trained", training=training, pruning=pruning, freeze=FROZEN),)
    )


def perplexities(
    name: str,
    scale: Scale,
    *,
    title: str,
    source: str,
    cells: Sequence[Cell],
    claims: Sequence[Claim] = (),
    plan: Plan,
    remarks: Callable[[Mapping[Place, FilledCell]], Sequence[str]],
) -> Table:
    return Table(
        name=name,
        scale=scale,
        title=title,
        source=source,
        metric="Perplexity",
        unit="words",
        better="lower",
        seeds=plan.seeds or WORDS[scale].seeds,
        cells=tuple(cells),
        claims=tuple(claims),
        plan=plan,
        remarks=remarks,
    )


def plan_of(scale: Scale, seeds: tuple[int, ...], note: str) -> Plan:
    """Return the plan of a table, with a margin of one point of perplexity; a smoke run fixes no seeds."""
    fixed = () if scale == "smoke" else seeds
    return Plan(seeds=fixed, margin=1.0, note=f"{note} The margin of one point of perplexity is our choice.")


def unigram_remark(words: Words) -> Callable[[Mapping[Place, FilledCell]], Sequence[str]]:
    """Return the remark of a table that states the perplexity of the unigram model."""

    def remarks(cells: Mapping[Place, FilledCell]) -> Sequence[str]:
        return [f"the unigram model of the training text has a perplexity of {words.unigram:g} on the test text"]

    return remarks


def not_run(folders: Sequence[str]) -> Callable[[Mapping[Place, FilledCell]], Sequence[str]]:
    """Return the remark of a table without runs that says which files its experiments need."""

    def remarks(cells: Mapping[Place, FilledCell]) -> Sequence[str]:
        if any(cell.n for cell in cells.values()):
            return []
        return [
            "Not run: data. The repository does not have these texts; to run the experiments, put train.txt, valid.txt "
            f"and test.txt into the folders {', '.join(folders)} of SRNN_DATA."
        ]

    return remarks
