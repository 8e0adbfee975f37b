"""A run that was stopped anywhere and resumed ends bit for bit like one that was never interrupted."""

from collections.abc import Iterator

import pytest
import torch
from own_criteria import Saliency

from srnn_bench import SGD, AdamW, Annealing, Conditions, DiskError, Experiment, Masked, Penalty, Stage, Training
from srnn_bench.training import (
    CheckpointPolicy,
    Checkpoints,
    Member,
    Single,
    Stacked,
    assemble,
    run_together,
    stream,
)
from srnn_manifolds import L1, Moduli, Trained
from srnn_masks import Bernoulli, FixedInDegree
from srnn_models import ElmanRNN, SequenceModel
from srnn_pruning import Pruning, Random
from srnn_tasks import Adding, BaseSource, Batch, Metric, Task, TaskSpec

TINY = Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2)
RELU = SequenceModel(recurrence=ElmanRNN(hidden=6, nonlinearity="relu"))
MODEL = SequenceModel(recurrence=ElmanRNN(hidden=6))


class Stop(BaseException):
    """Stands for the death of the process."""


# --- tasks whose stream has a position --------------------------------------------------------------------------------


class Drift(Task):
    """A stream that continues from batch to batch: random walks that restart at random times."""

    kind: str = "drift"

    def open(self, *, device, generator):
        return DriftSource(device, generator)


class DriftSource(BaseSource):
    evaluation_batches, evaluation_size = 2, 5

    def __init__(self, device, generator):
        metrics = (Metric(name="loss", better="lower"),)
        super().__init__(
            TaskSpec(inputs=2, outputs=1, carry=True, loss="mean_squared_error", metrics=metrics), device=device
        )
        self.direction = torch.randn(2, generator=generator, device=device)
        self.place, self.drawn = None, 0

    def draw(self, size, *, generator):
        place = torch.zeros(size, 2) if self.place is None or len(self.place) != size else self.place
        reset = torch.rand(size, generator=generator) < (1.0 if self.place is None else 0.3)
        steps = torch.randn(3, size, 2, generator=generator)
        walk = torch.where(reset[:, None], 0.0, place) + steps.cumsum(0)
        self.place, self.drawn = walk[-1], self.drawn + 1
        targets = (walk @ self.direction)[..., None] + 0.1 * (self.drawn % 7)
        return Batch(inputs=steps, targets=targets, reset=reset)

    def evaluate(self, model, *, split, generator):
        state = self.state_dict()
        try:
            self.place = None
            return super().evaluate(model, split=split, generator=generator)
        finally:
            self.load_state_dict(state)

    def state_dict(self):
        return {"place": self.place, "drawn": self.drawn}

    def load_state_dict(self, state):
        self.place, self.drawn = state["place"], state["drawn"]


class Cards(Task):
    """A shuffled deck, dealt card by card and shuffled again, as sequential MNIST does with its images."""

    kind: str = "cards"

    def open(self, *, device, generator):
        return CardsSource(device)


class CardsSource(BaseSource):
    def __init__(self, device):
        metrics = (Metric(name="loss", better="lower"), Metric(name="accuracy", better="higher"))
        super().__init__(TaskSpec(inputs=1, outputs=4, loss="cross_entropy", metrics=metrics), device=device)
        self.order = torch.empty(0, dtype=torch.int64)

    def epoch_batches(self, size):
        return -(-20 // size)

    def draw(self, size, *, generator):
        while len(self.order) < size:
            self.order = torch.cat([self.order, torch.randperm(20, generator=generator)])
        index, self.order = self.order[:size], self.order[size:]
        return self.cards(index)

    def cards(self, index):
        inputs = torch.stack([index / 20, (index % 5) / 5, index % 3 - 1.0])[..., None]  # (T, B, 1)
        weight = torch.zeros(3, len(index))
        weight[-1] = 1.0
        return Batch(inputs=inputs, targets=(index % 4).expand(3, -1), weight=weight)

    def held_out(self, split, *, generator) -> Iterator[Batch]:
        yield self.cards(torch.arange(20))

    def state_dict(self):
        return {"order": self.order}

    def load_state_dict(self, state):
        self.order = state["order"]


class Poisoned(Task):
    """Random sequences; the fourth batch of the run with seed 1 is infinite."""

    kind: str = "poisoned"

    def open(self, *, device, generator):
        return PoisonedSource(device, generator.initial_seed() == stream(1, "task").initial_seed())


class PoisonedSource(BaseSource):
    evaluation_batches, evaluation_size = 1, 5

    def __init__(self, device, poisoned):
        metrics = (Metric(name="loss", better="lower"),)
        super().__init__(TaskSpec(inputs=2, outputs=1, loss="mean_squared_error", metrics=metrics), device=device)
        self.poisoned, self.drawn = poisoned, 0

    def draw(self, size, *, generator):
        inputs = torch.rand(3, size, 2, generator=generator)
        self.drawn += 1
        if self.poisoned and self.drawn == 4:
            inputs[0, 0, 0] = torch.inf
        return Batch(inputs=inputs, targets=inputs[..., :1])

    def state_dict(self):
        return {"drawn": self.drawn}

    def load_state_dict(self, state):
        self.drawn = state["drawn"]


# --- experiments that together use everything that changes during a run -----------------------------------------------


def _stages(*changes):
    return tuple(Stage(**{"name": f"s{number}", "training": TINY} | change) for number, change in enumerate(changes))


def _experiment(**fields):
    return Experiment(**{"task": Adding(steps=5, held_out=50), "model": MODEL} | fields)


def _trained(**changes):
    return TINY.model_copy(update=changes)


HH = "*weight_hh*"
EXPERIMENTS = {
    "trained embedding that slows down, freezes, is drawn again": _experiment(
        penalties=(Penalty(parameter=HH, regularizer=Trained(base=Moduli()), strength=0.1),),
        stages=_stages(
            {"training": _trained(embedding_learning_rate=0.1, embedding_decay=0.5)},
            {"freeze": ("points.*",), "training": _trained(epochs=1)},
            {"start": "reinitialize", "regularizer": "fresh"},
            {"regularizer": "none", "training": _trained(epochs=1)},
        ),
    ),
    "annealing by one of several validation metrics": _experiment(
        task=Cards(),
        stages=_stages(
            {"training": _trained(batches=1, rates=Annealing(), learning_rate=1.0, optimizer=SGD(), evaluate_every=2)},
            {"training": _trained(batches=1, rates=Annealing(best="kept"), learning_rate=1.0, evaluate_every=3)},
        ),
    ),
    "a carried state, a stream with a position, evaluations": _experiment(
        task=Drift(),
        stages=_stages(
            {"training": _trained(evaluate_every=2), "pruning": Pruning(sparsity=0.4)},
            {"training": _trained(evaluate_every=1), "start": "rewind"},
        ),
    ),
    "pruning by magnitude, moduli, lottery": _experiment(
        penalties=(Penalty(parameter=HH, regularizer=Moduli(), strength=0.1),),
        stages=_stages({"pruning": Pruning(sparsity=0.5)}, {"start": "reinitialize"}),
    ),
    "random pruning, AdamW, clipping, rewinding": _experiment(
        masks=(Masked(parameter=HH, pattern=Bernoulli(density=0.7)),),
        stages=_stages(
            {
                "training": _trained(optimizer=AdamW(weight_decay=0.1), clip_norm=0.1, epochs=4),
                "pruning": Pruning(sparsity=0.8, criterion=Random(), ranking="per_matrix"),
            },
            {"start": "rewind", "training": _trained(clip_norm=0.05, epochs=2)},
        ),
    ),
    "momentum, an initial mask, two penalties": _experiment(
        model=RELU,
        masks=(Masked(parameter=HH, pattern=FixedInDegree(degree=2)),),
        penalties=(
            Penalty(parameter=HH, regularizer=L1(), strength=0.1),
            Penalty(parameter=HH, regularizer=Moduli(), strength=0.2),
        ),
        stages=_stages(
            {"training": _trained(optimizer=SGD(momentum=0.9, weight_decay=0.01), clip_norm=1.0)},
            {"training": _trained(optimizer=SGD()), "pruning": Pruning(sparsity=0.9, criterion=Random())},
        ),
    ),
    "a shuffled deck": _experiment(
        task=Cards(), stages=_stages({"training": _trained(batches=None, batch_size=3, epochs=2)}, {})
    ),
    "a criterion that reads data, a carried state, a stream with a position": _experiment(
        task=Drift(),
        penalties=(Penalty(parameter=HH, regularizer=L1(), strength=0.1),),
        stages=_stages(
            {"pruning": Pruning(sparsity=0.5, criterion=Saliency()), "evidence_rows": 8},
            {"pruning": Pruning(sparsity=0.8, criterion=Saliency()), "evidence_rows": 5, "start": "rewind"},
        ),
    ),
    "divergence in the second stage": _experiment(
        model=RELU, stages=_stages({}, {"training": _trained(learning_rate=1e30, batches=5)}, {})
    ),
    "divergence of one run of several": _experiment(
        task=Poisoned(), stages=_stages({"pruning": Pruning(sparsity=0.5)}, {"start": "reinitialize"})
    ),
}


SINGLE, STACKED = (0,), (0, 1, 2)
RUNS = [(name, SINGLE) for name in EXPERIMENTS if not name.endswith("of several")] + [
    (name, STACKED) for name in EXPERIMENTS if not name.startswith("annealing")
]


class Process:
    """The process that trains: it writes a checkpoint after every `every`-th step, and dies at a given place."""

    def __init__(self, monkeypatch, every):
        self.restart()
        for engine in (Single, Stacked):
            monkeypatch.setattr(engine, "step", self.counted(engine.step))
        monkeypatch.setattr(Checkpoints, "due", lambda _: self.steps % every == 0)
        monkeypatch.setattr("os.fsync", lambda _: None)  # the machine itself does not fail here

    def counted(self, step):
        def counted_step(engine):
            if self.steps == self.last_step:
                raise Stop
            self.steps += 1
            return step(engine)

        return counted_step

    def on_epoch(self, end):
        self.epochs += 1
        if self.epochs == self.last_epoch:
            raise Stop

    def restart(self, *, steps=None, epochs=None):
        """Start again, to die before the step after `steps` steps, or after `epochs` epochs of members."""
        self.steps, self.epochs, self.last_step, self.last_epoch = 0, 0, steps, epochs


def outputs_of(experiment, seeds, folder, on_epoch=lambda end: None):
    policy = CheckpointPolicy(folder, every=0.0, weights=True)
    return run_together(
        experiment, seeds, conditions=Conditions("cpu"), policy=policy, on_epoch=on_epoch, on_note=pytest.fail
    )


TIMES_AND_MEMORY = {"step_ms": 0.0, "pruning_ms": 0.0, "peak_memory_mb": None}


def outcome(outputs):
    """Return everything of the results except times and memory, and the weights as bytes."""
    return [
        (
            each.result.status,
            each.result.reason,
            [stage.model_copy(update=TIMES_AND_MEMORY) for stage in each.result.stages],
            each.weights,
        )
        for each in outputs
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seeds"), RUNS)
def test_a_run_stopped_anywhere_ends_like_an_uninterrupted_one(monkeypatch, tmp_path, name, seeds):
    """Checkpoints are written after every third step. Steps after the last checkpoint are lost and taken again."""
    experiment, every = EXPERIMENTS[name], 3
    process = Process(monkeypatch, every)
    expected = outcome(outputs_of(experiment, seeds, None, process.on_epoch))
    steps, epochs = process.steps, process.epochs
    places = [{"steps": number} for number in (1, *range(every + 2, steps, every))]  # as many steps lost as can be
    places += [{"epochs": number} for number in range(1, epochs + 1, len(seeds))]
    for number, place in enumerate(places):
        folder = tmp_path / str(number)
        process.restart(**place)
        with pytest.raises(Stop):
            outputs_of(experiment, seeds, folder, process.on_epoch)
        checkpoint = process.steps // every * every
        process.restart()
        assert outcome(outputs_of(experiment, seeds, folder, process.on_epoch)) == expected, place
        assert process.steps == steps - checkpoint, "steps before the last checkpoint are not taken again"


@pytest.mark.parametrize(("name", "seeds"), RUNS)
def test_a_run_stopped_after_every_step_ends_like_an_uninterrupted_one(monkeypatch, tmp_path, name, seeds):
    process = Process(monkeypatch, 1)
    expected = outcome(outputs_of(EXPERIMENTS[name], seeds, None))
    for _ in range(process.steps - 1):
        process.restart(steps=1)
        with pytest.raises(Stop):
            outputs_of(EXPERIMENTS[name], seeds, tmp_path)
    process.restart()
    assert outcome(outputs_of(EXPERIMENTS[name], seeds, tmp_path)) == expected
    assert process.steps == 1, "one step is left to take"


def test_the_experiments_above_diverge_where_they_should():
    (single,) = outputs_of(EXPERIMENTS["divergence in the second stage"], SINGLE, None)
    assert (single.result.status, list(single.weights)) == ("diverged", ["s0"])
    several = outputs_of(EXPERIMENTS["divergence of one run of several"], STACKED, None)
    assert [each.result.status for each in several] == ["done", "diverged", "done"]


@pytest.mark.parametrize("change", [{"threads": 2}, {"precision": "tf32"}, {"engine": "dense"}, {"weights": False}])
def test_a_checkpoint_written_under_other_conditions_is_ignored(monkeypatch, tmp_path, change):
    process = Process(monkeypatch, 1)
    process.restart(steps=5)
    experiment = EXPERIMENTS["a shuffled deck"]
    with pytest.raises(Stop):
        outputs_of(experiment, SINGLE, tmp_path)
    process.restart()
    notes = []
    policy = CheckpointPolicy(tmp_path, every=0.0, weights=change.pop("weights", True))
    run_together(experiment, SINGLE, conditions=Conditions("cpu", **change), policy=policy, on_note=notes.append)
    assert process.steps == 2 * 7 + 3 * 2
    assert notes and all("written under other conditions" in text for text in notes)


def test_another_seed_or_stack_has_its_own_checkpoints(tmp_path):
    policy = CheckpointPolicy(tmp_path)
    folders = {policy.folder(keys) for keys in (["a"], ["b"], ["a", "b"], ["b", "a"], ["a", "b", "c"])}
    assert len(folders) == 5
    assert all(folder.parent == tmp_path for folder in folders)


def test_a_disk_that_cannot_be_written_stops_the_run_and_is_not_a_failed_result(tmp_path):
    (tmp_path / "file").write_text("in the place of a folder")
    with pytest.raises(DiskError, match="file"):
        outputs_of(EXPERIMENTS["a shuffled deck"], SINGLE, tmp_path / "file")


def test_the_state_of_a_run_has_all_its_parts():
    state = Member(
        assemble(EXPERIMENTS["random pruning, AdamW, clipping, rewinding"], 0, torch.device("cpu"))
    ).state_dict()
    assert list(state) == [
        *(
            "history",
            "finished",
            "weights",
            "diverged",
            "best",
            "engines",
            "masks",
            "model",
            "penalties",
            "source",
            "sources",
        ),
        "pruning",
    ]
    assert list(state["pruning"]) == ["s0"]
