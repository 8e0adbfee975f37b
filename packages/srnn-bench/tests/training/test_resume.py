"""A run that was stopped anywhere and started again ends bit for bit as one that never was."""

from collections.abc import Iterator

import pytest
import torch

from srnn_bench import SGD, AdamW, Annealing, Conditions, Experiment, Masked, Penalty, Stage, Training
from srnn_bench._files import DiskError
from srnn_bench.training import Batches, CheckpointPolicy, Checkpoints, Member, Single, Stacked, run_together
from srnn_manifolds import L1, Moduli, Trained
from srnn_masks import Bernoulli, FixedInDegree
from srnn_models import ElmanRNN, SequenceModel
from srnn_pruning import Pruning, Random
from srnn_tasks import Adding, BaseSource, Batch, Metric, Task, TaskSpec

TINY = Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2)
RELU = SequenceModel(recurrence=ElmanRNN(hidden=6, nonlinearity="relu"))
MODEL = SequenceModel(recurrence=ElmanRNN(hidden=6))


class Stop(BaseException):
    """The end of the process, as far as the engine can see."""


# --- tasks whose stream has a place -----------------------------------------------------------------------------------


class Drift(Task):
    """A stream that goes on from batch to batch: random walks that begin anew at chance times."""

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
        held = self.state_dict()
        try:
            self.place = None
            return super().evaluate(model, split=split, generator=generator)
        finally:
            self.load_state_dict(held)

    def state_dict(self):
        return {"place": self.place, "drawn": self.drawn}

    def load_state_dict(self, state):
        self.place, self.drawn = state["place"], state["drawn"]


class Cards(Task):
    """A shuffled deck, dealt out card by card and shuffled again, as sequential MNIST does with its images."""

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


# --- experiments that together use all that changes while a run goes on ----------------------------------------------


def _stages(*changes):
    return tuple(Stage(**{"name": f"s{number}", "training": TINY} | change) for number, change in enumerate(changes))


def _experiment(**fields):
    return Experiment(**{"task": Adding(steps=5, held_out=50), "model": MODEL} | fields)


def _trained(**changes):
    return TINY.model_copy(update=changes)


HH = "*weight_hh*"
EXPERIMENTS = {
    "trained embedding that slows down, freezes, begins anew": _experiment(
        penalties=(Penalty(parameter=HH, regularizer=Trained(base=Moduli()), strength=0.1),),
        stages=_stages(
            {"training": _trained(embedding_learning_rate=0.1, embedding_decay=0.5)},
            {"freeze": ("points.*",)},
            {"start": "reinitialize", "regularizer": "fresh"},
            {"regularizer": "none"},
        ),
    ),
    "learning rates that go by the validation loss": _experiment(
        task=Cards(),
        stages=_stages(
            {"training": _trained(batches=1, rates=Annealing(), learning_rate=1.0, optimizer=SGD())},
            {"training": _trained(batches=1, rates=Annealing(best="kept"), learning_rate=1.0)},
        ),
    ),
    "learning rates that go by one of many validation metrics": _experiment(
        task=Cards(),
        stages=_stages(
            {"training": _trained(batches=1, rates=Annealing(), learning_rate=1.0, optimizer=SGD(), evaluate_every=2)},
            {"training": _trained(batches=1, evaluate_every=3)},
        ),
    ),
    "evaluations while it trains": _experiment(
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
    "pruning by chance, AdamW, clipping, rewinding": _experiment(
        masks=(Masked(parameter=HH, pattern=Bernoulli(density=0.7)),),
        stages=_stages(
            {
                "training": _trained(optimizer=AdamW(weight_decay=0.1), clip_norm=0.1, epochs=4),
                "pruning": Pruning(sparsity=0.8, criterion=Random(), ranking="per_matrix"),
            },
            {"start": "rewind", "training": _trained(clip_norm=0.05, epochs=2)},
        ),
    ),
    "momentum, a mask from the start, two penalties": _experiment(
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
    "a state and a stream that go on": _experiment(
        task=Drift(), stages=_stages({"pruning": Pruning(sparsity=0.4)}, {"start": "rewind"})
    ),
    "a shuffled deck": _experiment(
        task=Cards(), stages=_stages({"training": _trained(batches=None, batch_size=3, epochs=2)}, {})
    ),
    "divergence in the second stage": _experiment(
        model=RELU, stages=_stages({}, {"training": _trained(learning_rate=1e30, batches=5)}, {})
    ),
}


SINGLE, STACKED = (0,), (0, 1, 2)
RUNS = [  # each by itself and, where that can be, stacked
    (name, seeds)
    for name in EXPERIMENTS
    for seeds in ((SINGLE,) if name.startswith("learning rates") else (SINGLE, STACKED))
]


class Interrupted:
    """The engine, with an end of the process at a place and checkpoints at every `every`-th step."""

    def __init__(self, monkeypatch, every):
        self.steps, self.epochs, self.ends_at, self.ends_after_epoch = 0, 0, None, None
        outer = self
        for engine in (Single, Stacked):
            step = engine.step

            def counted(self, step=step):
                if outer.steps == outer.ends_at:
                    raise Stop
                outer.steps += 1
                return step(self)

            monkeypatch.setattr(engine, "step", counted)
        monkeypatch.setattr(Checkpoints, "due", lambda _: self.steps % every == 0)
        monkeypatch.setattr("os.fsync", lambda _: None)  # no machine dies here

    def progress(self, *_):
        self.epochs += 1
        if self.epochs == self.ends_after_epoch:
            raise Stop

    def again(self, *, steps=None, epochs=None):
        self.steps, self.epochs, self.ends_at, self.ends_after_epoch = 0, 0, steps, epochs


def made(experiment, seeds, folder, on_epoch=lambda end: None, on_note=lambda text: pytest.fail(text)):
    policy = CheckpointPolicy(folder, every=0.0, weights=True)
    return run_together(
        experiment, seeds, conditions=Conditions("cpu"), policy=policy, on_epoch=on_epoch, on_note=on_note
    )


def outcome(together):
    """Return all of the results but times and memory, and the weights as bytes."""
    return [
        (
            each.result.status,
            each.result.reason,
            [stage.model_copy(update={"step_ms": 0.0, "peak_memory_mb": None}) for stage in each.result.stages],
            each.weights,
        )
        for each in together
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seeds", "every"),
    [(name, seeds, every) for name, seeds in RUNS for every in ((1, 3) if seeds == SINGLE else (3,))],
)
def test_a_run_stopped_anywhere_ends_like_an_unbroken_one(monkeypatch, tmp_path, name, seeds, every):
    experiment = EXPERIMENTS[name]
    interrupted = Interrupted(monkeypatch, every)
    expected = outcome(made(experiment, seeds, None, interrupted.progress))
    assert all(weights for *_, weights in expected)
    steps, epochs = interrupted.steps, interrupted.epochs
    places = [{"steps": number} for number in range(steps)] + [{"epochs": number + 1} for number in range(epochs)]
    resumed = 0
    for number, place in enumerate(places):
        folder = tmp_path / str(number)
        interrupted.again(**place)
        with pytest.raises(Stop):
            made(experiment, seeds, folder, interrupted.progress)
        taken = interrupted.steps // every * every
        interrupted.again()
        assert outcome(made(experiment, seeds, folder, interrupted.progress)) == expected, place
        assert interrupted.steps == steps - taken, "what was done before the last checkpoint is not done again"
        resumed += taken > 0
    assert resumed > len(places) / 2


@pytest.mark.parametrize(("name", "seeds"), RUNS)
def test_a_run_stopped_after_every_step_gets_to_the_same_end(monkeypatch, tmp_path, name, seeds):
    interrupted = Interrupted(monkeypatch, 1)
    expected = outcome(made(EXPERIMENTS[name], seeds, None))
    for _ in range(interrupted.steps - 1):
        interrupted.again(steps=1)
        with pytest.raises(Stop):
            made(EXPERIMENTS[name], seeds, tmp_path)
    interrupted.again()
    assert outcome(made(EXPERIMENTS[name], seeds, tmp_path)) == expected
    assert interrupted.steps == 1, "one step is left to take"


def test_a_stack_with_one_member_that_diverges(monkeypatch, tmp_path):
    """One of three runs meets a weight that is infinite; the others go on, also after a new start."""
    interrupted = Interrupted(monkeypatch, 1)
    draw = Batches.__next__

    def poisoned(self):
        batch = draw(self)
        if self.parts.seed == 1 and interrupted.done == 3:
            batch.inputs[0, 0, 0] = torch.inf
        interrupted.done += self.parts.seed == 2
        return batch

    monkeypatch.setattr(Batches, "__next__", poisoned)
    experiment = EXPERIMENTS["pruning by magnitude, moduli, lottery"]
    interrupted.done = 0
    expected = outcome(made(experiment, (0, 1, 2), None))
    assert [status for status, *_ in expected] == ["done", "diverged", "done"]
    steps = interrupted.steps
    assert steps == 12
    for number in range(1, steps):
        interrupted.again(steps=number)
        interrupted.done = 0
        with pytest.raises(Stop):
            made(experiment, (0, 1, 2), tmp_path / str(number))
        interrupted.again()
        interrupted.done = number
        assert outcome(made(experiment, (0, 1, 2), tmp_path / str(number))) == expected


@pytest.mark.parametrize("change", [{"threads": 2}, {"precision": "tf32"}, {"weights": False}])
def test_a_checkpoint_made_otherwise_is_not_taken_up(monkeypatch, tmp_path, change):
    interrupted = Interrupted(monkeypatch, 1)
    interrupted.again(steps=5)
    experiment = EXPERIMENTS["a shuffled deck"]
    with pytest.raises(Stop):
        made(experiment, (0,), tmp_path)
    interrupted.again()
    told = []
    policy = CheckpointPolicy(tmp_path, every=0.0, weights=change.pop("weights", True))
    run_together(experiment, (0,), conditions=Conditions("cpu", **change), policy=policy, on_note=told.append)
    assert interrupted.steps == 2 * 7 + 3 * 2
    assert told and all("made under other conditions" in text for text in told)


def test_another_seed_or_stack_has_checkpoints_of_its_own(tmp_path):
    policy = CheckpointPolicy(tmp_path)
    folders = {policy.folder(keys) for keys in (["a"], ["b"], ["a", "b"], ["b", "a"], ["a", "b", "c"])}
    assert len(folders) == 5
    assert all(folder.parent == tmp_path for folder in folders)


def test_a_disk_that_is_full_stops_the_run_and_is_no_failure_of_it(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("where a folder is expected")
    with pytest.raises(DiskError, match="file"):
        made(EXPERIMENTS["a shuffled deck"], (0,), tmp_path / "file")


def test_the_members_keep_all_that_the_checkpoint_says(monkeypatch, tmp_path):
    """A checkpoint holds every tensor of the run: what was forgotten would be equal by luck in a run so small."""
    interrupted = Interrupted(monkeypatch, 1)
    seen = []
    state_dict = Member.state_dict
    monkeypatch.setattr(Member, "state_dict", lambda self: seen.append(state_dict(self)) or seen[-1])
    made(EXPERIMENTS["pruning by chance, AdamW, clipping, rewinding"], (0,), tmp_path, interrupted.progress)
    assert {"masks", "model", "penalties", "source", "pruning", "weights", "finished", "history"} <= set(seen[-1])
