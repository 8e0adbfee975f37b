"""Language modelling: Tables 4 and 5 of arXiv 1912.00120, and the trainings whose curves are its Figure 5.

WikiText-2 is trained here, for one pass and with fewer units than in the paper. The other corpora are declared with
their files as the source (`LocalText`), so that they run where the files are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from srnn_models import GRU, LSTM, AnyRecurrence, Glorot, He, LanguageModel
from srnn_pruning import Pruning
from srnn_tasks import WikiText

from ...experiment import Experiment, Stage, Training
from ...tables import AtStep, Cell, Claim, Contrast, FilledCell, Place, Plan, Published, Reading, Scale, Table, beats
from . import _published
from ._columns import PRUNINGS, SOURCE
from ._networks import OURS, pruned
from .local_text import LocalText

TRAINED = "train_perplexity"

SHARE = 0.01  # of the training windows, on which the text measures the training perplexity

FROZEN = ("embedding.weight",)

SPARSITIES = (0.0, 0.4, 0.8, 0.95)  # of Table 5 here


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


def _training(epochs: int, batches: int, batch_size: int = 64) -> Training:
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
        training=_training(3, 2, batch_size=4),
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
        training=_training(8, 204),  # 1,632 steps are one pass
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
        training=_training(20, 1000),
        corpora=(12_000, 30_000),
        treebank=(800, 200, 100),
        treebank_embedding=400,
        seeds=(3, 4, 5, 6, 7),
        gru_seeds=(3, 4, 5),
    ),
}


def _experiment(
    task: WikiText | LocalText, recurrence: AnyRecurrence, embedding: int, training: Training, pruning: Pruning | None
) -> Experiment:
    """Return the training of a word model in one stage, `trained`, with a frozen embedding."""
    model = LanguageModel(recurrence=recurrence, embedding=embedding, readout_initialization=Glorot())
    return Experiment(
        task=task, model=model, stages=(Stage(name="trained", training=training, pruning=pruning, freeze=FROZEN),)
    )


def _table(
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


def _plan(scale: Scale, seeds: tuple[int, ...], note: str) -> Plan:
    return Plan(seeds=() if scale == "smoke" else seeds, margin=1.0, note=f"{note} One point of perplexity is ours.")


def _unigram(words: Words) -> Callable[[Mapping[Place, FilledCell]], Sequence[str]]:
    def remarks(cells: Mapping[Place, FilledCell]) -> Sequence[str]:
        return [f"the unigram model of the training text has a perplexity of {words.unigram:g} on the test text"]

    return remarks


def _not_run(folders: Sequence[str]) -> Callable[[Mapping[Place, FilledCell]], Sequence[str]]:
    def remarks(cells: Mapping[Place, FilledCell]) -> Sequence[str]:
        if any(cell.n for cell in cells.values()):
            return []
        return [
            f"not run: data. With train.txt, valid.txt and test.txt in the folders {', '.join(folders)} of SRNN_DATA "
            "the experiments run."
        ]

    return remarks


def table4(name: str, scale: Scale) -> Table:
    """Table 4: LSTMs on WikiText-2, 95 % sparse: training perplexity over training, and that of the test text."""
    words = WORDS[scale]
    recurrence = LSTM(hidden=words.hidden, initialization=He())
    readings: dict[str, str | Reading] = {f"training text, step {step}": AtStep(TRAINED, step) for step in words.looks}
    readings |= {"training text, end": TRAINED, "test text, end": "perplexity"}
    cells = []
    for column, pruning in PRUNINGS.items():
        experiment = _experiment(words.task, recurrence, words.embedding, words.training, pruning)
        for row, reading in readings.items():
            printed = _published.TABLE_4["WikiText-2", column] if row == "training text, end" else None
            cells.append(Cell(row, column, experiment, "trained", reading, _published.number(printed)))
    claims = (
        Claim(
            "ours has a lower perplexity than random",
            "The paper's score has a lower training perplexity than random pruning.",
            "section 3.2 and Table 4",
            (beats(("training text, end", "ours"), over=("training text, end", "random")),),
        ),
        Claim(
            "ours has a lower test perplexity than random",
            "The paper's score has a lower perplexity than random pruning; read as: on the test text.",
            "section 3.2, which reports training perplexities",
            (beats(("test text, end", "ours"), over=("test text, end", "random")),),
        ),
        Claim(
            "ours is faster at first",
            "The paper's score speeds up initial convergence; read as: at the first evaluation its training perplexity "
            "is lower than that of random pruning.",
            "section 3.2",
            (beats((_look(words, 0), "ours"), over=(_look(words, 0), "random")),),
        ),
        Claim(
            "ours is faster throughout",
            "The paper's score maintains its advantage throughout training; read as: at every evaluation its training "
            "perplexity is lower than that of random pruning.",
            "section 3.2",
            tuple(beats((row, "ours"), over=(row, "random")) for row in readings if ", step" in row),
        ),
        Claim(
            "dense is far better",
            "There is still a large gap to the dense network; read as: its training perplexity is lower than that of "
            "the paper's score.",
            "section 3.2 and Table 4",
            (beats(("training text, end", "dense"), over=("training text, end", "ours")),),
        ),
    )
    note = (
        "The paper prints no spreads. Scale quick is meant to decide all claims: five seeds find differences of about "
        "two spreads."
    )
    return _table(
        name,
        scale,
        title=f"Perplexity of LSTMs of {words.hidden} units on WikiText-2, 95 % sparse, over {words.steps} steps",
        source=SOURCE.format(
            "Table 4, at 2,000 units and the full vocabulary after 20,000 steps: training perplexities by its caption, "
            "on a random 1 % of the training text. The difference of ours and dense is printed as +10.61; it is +10.06"
        ),
        cells=cells,
        claims=claims,
        plan=_plan(scale, words.seeds, note),
        remarks=_unigram(words),
    )


def _look(words: Words, number: int) -> str:
    """Return the row of an evaluation during training."""
    return f"training text, step {words.looks[number]}"


def table4_corpora(name: str, scale: Scale) -> Table:
    """Table 4: the two larger corpora, whose files this repository does not have."""
    words = WORDS[scale]
    recurrence = LSTM(hidden=words.hidden, initialization=He())
    vocabularies = (None, 100_000) if scale == "paper" else (words.task.vocabulary, words.task.vocabulary)
    folders = {"WikiText-103": "wikitext-103", "One Billion Words": "one-billion-words"}
    cells = []
    for (row, folder), vocabulary, steps in zip(folders.items(), vocabularies, words.corpora, strict=True):
        task = LocalText(folder=folder, vocabulary=vocabulary, steps=words.task.steps, train_share=0.01)
        training = _training(words.training.epochs, steps // words.training.epochs, words.training.batch_size)
        for column, pruning in PRUNINGS.items():
            experiment = _experiment(task, recurrence, words.embedding, training, pruning)
            published = _published.number(_published.TABLE_4[row, column])
            cells.append(Cell(row, column, experiment, "trained", TRAINED, published))
    return _table(
        name,
        scale,
        title="Training perplexity of LSTMs on larger corpora, 95 % sparse",
        source=SOURCE.format("Table 4, with a sampled softmax of 1,000 words; these experiments have the full one"),
        cells=cells,
        plan=_plan(scale, words.seeds, "No claims."),
        remarks=_not_run(list(folders.values())),
    )


def _weights(hidden: int, embedding: int) -> int:
    """Return the number of weights of a GRU."""
    return 3 * hidden * (embedding + hidden)


def _equal(hidden: int, embedding: int, sparsity: float) -> int:
    """Return the units of the dense GRU whose number of weights is nearest to that of a sparse one."""
    wanted = (1 - sparsity) * hidden * (embedding + hidden)
    return round((math.sqrt(embedding**2 + 4 * wanted) - embedding) / 2)


def table5(name: str, scale: Scale) -> Table:
    """Table 5 on WikiText-2: a GRU by sparsity, and dense GRUs with as many weights."""
    words = WORDS[scale]
    cells = []
    for sparsity in SPARSITIES:
        pruning = pruned(OURS, sparsity) if sparsity else None
        nets = {f"sparse, {100 * sparsity:g} %": (words.gru, pruning)}
        if sparsity:
            nets[f"dense, as many as at {100 * sparsity:g} %"] = (_equal(words.gru, words.embedding, sparsity), None)
        for row, (hidden, chosen) in nets.items():
            recurrence = GRU(hidden=hidden, initialization=He())
            experiment = _experiment(words.task, recurrence, words.embedding, words.training, chosen)
            cells += [
                Cell(row, column, experiment, "trained", metric)
                for column, metric in (("test text", "perplexity"), ("training text", TRAINED))
            ]
    test = "test text"
    steep, flat = ("sparse, 95 %", "sparse, 80 %", 15.0), ("sparse, 40 %", "sparse, 0 %", 40.0)
    claims = (
        Claim(
            "the loss accelerates with sparsity",
            "The loss from sparsity increases dramatically as the share of weights that remain approaches zero; read "
            "as: per point of sparsity the perplexity rises more from 80 to 95 % than from 0 to 40 %.",
            "section 3.2 and Table 5",
            (
                Contrast(
                    (
                        (flat[0], test, steep[2] / flat[2]),
                        (flat[1], test, -steep[2] / flat[2]),
                        (steep[0], test, -1.0),
                        (steep[1], test, 1.0),
                    )
                ),
            ),
        ),
        *(
            Claim(
                f"sparse beats dense at equal weights, {share:g} %",
                f"At {share:g} % sparsity the pruned GRU has a lower perplexity than a dense one with as many weights.",
                reason,
                (beats((f"sparse, {share:g} %", test), over=(f"dense, as many as at {share:g} %", test)),),
            )
            for share, reason in (
                (40, "ours, on Table 5"),
                (80, "section 3.2; at 288k weights Table 5 supports it (194.8 and 196.3)"),
                (95, "section 3.2; at 144k weights Table 5 contradicts it (208.1 and 203.0)"),
            )
        ),
    )
    note = "Three seeds find differences of about three spreads; the paper prints no spreads and no number of runs."
    return _table(
        name,
        scale,
        title=f"Perplexity of GRUs on WikiText-2 by sparsity, {words.gru} units, over {words.steps} steps",
        source=SOURCE.format(
            "Table 5, which has Penn Treebank and 800 units (`table5-treebank`); pruned by the paper's score"
        ),
        cells=cells,
        claims=claims,
        plan=_plan(scale, words.gru_seeds, note),
        remarks=_unigram(words),
    )


def table5_treebank(name: str, scale: Scale) -> Table:
    """Table 5: GRUs on Penn Treebank, whose files this repository does not have."""
    words = WORDS[scale]
    hidden, *smaller = words.treebank
    task = LocalText(folder="ptb", steps=words.task.steps, train_share=0.01)
    nets: dict[str, tuple[int, Pruning | None, float]] = {
        f"{sparsity:g} % sparse": (hidden, pruned(OURS, sparsity / 100) if sparsity else None, printed)
        for sparsity, printed in _published.TABLE_5.items()
    }
    nets |= {
        f"dense, {printed_hidden} units in the paper": (units, None, _published.TABLE_5_DENSE[printed_hidden])
        for printed_hidden, units in zip(_published.TABLE_5_DENSE, smaller, strict=True)
    }
    cells = [
        Cell(
            row,
            "validation text",
            _experiment(
                task,
                GRU(hidden=units, initialization=He()),
                words.treebank_embedding,
                words.training,
                pruning,
            ),
            "trained",
            AtStep("perplexity", words.steps),
            Published(printed),
        )
        for row, (units, pruning, printed) in nets.items()
    ]
    return _table(
        name,
        scale,
        title="Validation perplexity of GRUs on Penn Treebank by sparsity",
        source=SOURCE.format(
            "Table 5, at 800 units with early stopping; these experiments train for a fixed number of steps"
        ),
        cells=cells,
        plan=_plan(scale, words.gru_seeds, "No claims."),
        remarks=_not_run(["ptb"]),
    )
