"""Recorded steps: a replay computes what the step itself computes.

`Tape` stands for a CUDA graph where there is no GPU. As a graph does, it repeats the operations of a step on the very
tensors that they had, and runs no Python: what is baked in and should not be shows. `Plain` calls the function again,
so that bits must be those of `Single`. CUDA itself is tested at the end, where there is a GPU.
"""

import pytest
import torch
from safetensors.torch import load
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from srnn_bench import SGD, Adam, AdamW, Conditions, Experiment, Masked, Penalty, Stage, Training
from srnn_bench.experiment import Annealing
from srnn_bench.training import (
    REHEARSALS,
    CheckpointPolicy,
    CudaRecorder,
    Graphed,
    Parts,
    Penalties,
    Plain,
    Plan,
    Single,
    Stacked,
    _run,
    applied,
    assemble,
    engine_of,
    run_together,
)
from srnn_manifolds import Moduli, Shuffled, Sphere, Trained
from srnn_masks import Bernoulli, apply
from srnn_models import LSTM, ElmanRNN, LanguageModel, PathIntegrator, SequenceModel
from srnn_pruning import OneShot, Pruning
from srnn_tasks import Adding, BaseSource, Batch, Metric, PathIntegration, Task, TaskSpec

CPU = torch.device("cpu")
CLOSE = {"rtol": 1e-3, "atol": 2e-5}  # weights move by 1e-3 and more; float32 rounds by 6e-8, Adam makes more of it
TRAINING = Training(epochs=3, batches=7, batch_size=6, learning_rate=1e-2)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


class Tape(Plain):
    """Repeats the operations of a function on the tensors of its first call, which leaves no trace but its results."""

    fused = True

    def __init__(self):
        self.recorded, self.replayed = 0, 0

    def record(self, function, generator=None):
        operations, before, made = [], {}, []

        class Recording(TorchDispatchMode):
            def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
                kwargs = kwargs or {}
                for each in tensors((args, kwargs)):
                    if id(each) not in before and not any(each is other for other in made):
                        before[id(each)] = each, each.detach().clone()
                result = operation(*args, **kwargs)
                if any(isinstance(each, int | float | bool) for each in tree_flatten(result)[0]):
                    raise RuntimeError(f"{operation} makes the host wait")
                made.extend(tensors(result))
                operations.append((operation, args, kwargs, result))
                return result

        state = generator.get_state() if generator is not None else None
        try:
            with Recording():
                value = function()
        finally:
            if generator is not None:
                generator.set_state(state)
            with torch.no_grad():
                for each, content in before.values():
                    each.copy_(content)
        self.recorded += 1

        @torch.no_grad()
        def replay():
            self.replayed += 1
            for operation, args, kwargs, result in operations:
                again = operation(*args, **kwargs)
                for place, tensor in zip(tensors(result), tensors(again), strict=True):
                    if place.data_ptr() != tensor.data_ptr():  # neither a view nor in place
                        place.copy_(tensor)
            return value

        return replay


def tensors(nest):
    return [each for each in tree_flatten(nest)[0] if isinstance(each, torch.Tensor)]


def test_the_tape_is_as_strict_as_a_graph():
    x, y, factor = torch.tensor(3.0), torch.tensor(0.0), [2.0]
    generator = torch.Generator().manual_seed(0)

    def function():
        y.add_(x * factor[0])
        return torch.rand(1, generator=generator) + y

    tape = Tape()
    replay = tape.record(function, generator)
    assert y == 0, "recording computes nothing"
    x.fill_(5.0)
    factor[0] = 100.0
    expected = torch.rand(2, generator=torch.Generator().manual_seed(0))
    values = [float(replay()), float(replay())]
    assert values == [float(expected[0] + 10), float(expected[1] + 20)]
    with pytest.raises(RuntimeError, match="makes the host wait"):
        tape.record(lambda: x.item())


# --- whole runs -------------------------------------------------------------------------------------------------------


def stage(name="only", *, start="continue", pruning=None, freeze=(), regularizer="same", **training):
    training = TRAINING.model_copy(update=training)
    return Stage(name=name, start=start, pruning=pruning, freeze=freeze, regularizer=regularizer, training=training)


def experiment(**changes):
    fields = {
        "task": Adding(steps=5, held_out=50),
        "model": SequenceModel(recurrence=ElmanRNN(hidden=9)),
        "stages": (stage(),),
    }
    return Experiment(**fields | changes)


def penalised(regularizer, strength=0.1):
    return (Penalty(parameter="*weight_hh*", regularizer=regularizer, strength=strength),)


class Text(Task):
    """A stream with a position and a carried state, whose last window of a pass is short, as WikiText's is."""

    kind: str = "text"

    def open(self, *, device, generator):
        return TextSource(device)


class TextSource(BaseSource):
    def __init__(self, device):
        names = [Metric(name="loss", better="lower")]
        spec = TaskSpec(inputs=5, outputs=5, tokens=True, carry=True, loss="cross_entropy", metrics=tuple(names))
        super().__init__(spec, device=device)
        generator = torch.Generator().manual_seed(1)
        self.text = torch.randint(5, (31, 3), generator=generator).to(device)  # 30 targets: 7 windows of 4, one of 2
        self.window = 0

    def draw(self, size, *, generator):
        batch = self.at(self.window)
        self.window = (self.window + 1) % 8
        return batch

    def at(self, window):
        targets = self.text[1:][4 * window : 4 * window + 4]
        reset = torch.full((3,), window == 0, device=self.text.device)
        return Batch(inputs=self.text[4 * window :][: len(targets)], targets=targets, reset=reset)

    def held_out(self, split, *, generator):
        return map(self.at, range(8))

    def state_dict(self):
        return {"window": self.window}

    def load_state_dict(self, state):
        self.window = state["window"]


NAVIGATION = {
    "task": PathIntegration(steps=4, place_cells=12, place_width=0.5, evaluation_size=20),
    "model": PathIntegrator(recurrence=ElmanRNN(hidden=9, nonlinearity="relu", bias=False)),
}
LOTTERY = (
    stage("sparse", pruning=Pruning(sparsity=0.5), optimizer=Adam(weight_decay=0.1)),
    stage("lottery", start="reinitialize", clip_norm=0.05, learning_rate=5e-3),
    stage("again", start="rewind", optimizer=SGD(momentum=0.9), regularizer="fresh"),
    stage("further", pruning=Pruning(sparsity=0.8, schedule=OneShot(epoch=2)), batch_size=3, regularizer="none"),
)
TEXT = {"task": Text(), "model": LanguageModel(recurrence=ElmanRNN(hidden=9, bias="double"), layers=2)}
ANNEALED = Annealing(factor=4.0)

EXPERIMENTS = {
    "plain": {},
    "lstm": {"model": SequenceModel(recurrence=LSTM(hidden=5), layers=2)},
    "navigation": {**NAVIGATION, "penalties": penalised(Moduli()), "stages": LOTTERY},
    "masks": {
        "masks": (Masked(parameter="*weight*", pattern=Bernoulli(density=0.6)),),
        "stages": (stage(optimizer=AdamW(weight_decay=1.0), pruning=Pruning(sparsity=0.9), clip_norm=0.1),),
    },
    "shuffled": {"penalties": penalised(Shuffled(base=Moduli()))},
    "trained embedding": {
        **NAVIGATION,
        "penalties": penalised(Trained(base=Moduli(manifold=Sphere())), 3.0),
        "stages": (
            stage("sparse", embedding_learning_rate=0.05, embedding_decay=0.5, pruning=Pruning(sparsity=0.5)),
            stage("frozen", freeze=("points.*",)),
            stage("alone", freeze=("encoder.*", "recurrence.*", "readout.*")),
        ),
    },
    "text": {
        **TEXT,
        "stages": (
            stage("sparse", optimizer=SGD(), learning_rate=3.0, clip_norm=0.25, rates=ANNEALED, batches=12, epochs=4),
            stage("lottery", start="reinitialize", optimizer=SGD(momentum=0.5), learning_rate=2.0, rates=ANNEALED),
        ),
    },
    "divergence": {
        **NAVIGATION,
        "stages": (stage("first", batches=5), stage("second", optimizer=SGD(), learning_rate=1e30)),
    },
}


@pytest.fixture
def graphed(monkeypatch):
    """Give a function that makes runs go by `Graphed` with a recorder, and returns what was told."""

    def go(recorder, least=1):
        told = []

        def make(parts, device, *_):
            return Graphed(parts, device, recorder, tell=told.append, least=least)

        monkeypatch.setattr(_run, "engine_of", make)
        return told

    return go


def made(value, device="cpu"):
    (one,) = run_together(
        value,
        (3,),
        conditions=Conditions(device),
        policy=CheckpointPolicy(weights=True),
    )
    return one


def outcome(one):
    """Return all of a result but times, memory and the environment; the weights apart."""
    result = one.result
    stages = [(each.name, each.densities, each.steps, each.metrics) for each in result.stages]
    histories = [[epoch.model_dump() for epoch in each.history] for each in result.stages]
    return (result.status, result.reason), stages, histories


@pytest.mark.parametrize("changes", EXPERIMENTS.values(), ids=EXPERIMENTS.keys())
def test_a_plain_recorder_gives_the_bits_of_single_steps(changes, graphed):
    value = experiment(**changes)
    expected = made(value)
    told = graphed(Plain())
    got = made(value)
    assert outcome(got) == outcome(expected)
    assert got.weights == expected.weights
    assert not told


@pytest.mark.parametrize("changes", EXPERIMENTS.values(), ids=EXPERIMENTS.keys())
def test_replays_agree_with_single_steps(changes, graphed):
    value = experiment(**changes)
    expected = made(value)
    tape = Tape()
    told = graphed(tape)
    got = made(value)
    assert not told
    assert tape.replayed > 0
    check_agree(got, expected)


def check_agree(got, expected, close=CLOSE):
    """Check that two runs differ by no more than rounding, and not at all in what is counted."""
    (reason, stages, histories), (its_reason, its_stages, its_histories) = outcome(got), outcome(expected)
    assert reason == its_reason
    for (*counted, metrics), (*its_counted, its_metrics) in zip(stages, its_stages, strict=True):
        assert counted == its_counted
        assert metrics == pytest.approx(its_metrics, rel=close["rtol"])
    for epochs, its_epochs in zip(histories, its_histories, strict=True):
        for epoch, its_epoch in zip(epochs, its_epochs, strict=True):
            measured = [name for name, number in its_epoch.items() if isinstance(number, float)]
            assert [epoch[name] is None for name in epoch] == [its_epoch[name] is None for name in epoch]
            for name in measured:
                assert epoch[name] == pytest.approx(its_epoch[name], rel=close["rtol"], abs=1e-7)
    for name, data in expected.weights.items():
        weights, its_weights = load(got.weights[name]), load(data)
        for tensor, content in its_weights.items():
            torch.testing.assert_close(weights[tensor], content, **close)


def test_the_tests_above_see_what_they_should():
    """The rates change, embeddings move, masks tighten, and a window is short; else they could pass for nothing."""
    text = made(experiment(**EXPERIMENTS["text"])).result.stages[0]
    rates = [epoch.learning_rate for epoch in text.history]
    assert len(set(rates)) > 1
    assert TextSource("cpu").at(7).steps == 2
    moved = made(experiment(**EXPERIMENTS["trained embedding"])).weights
    points = [load(moved[name])["points.recurrence.weight_hh"] for name in ("sparse", "frozen", "alone")]
    assert torch.equal(points[0], points[1])
    assert (points[1] - points[2]).abs().max() > 1e-3
    densities = [epoch.density for epoch in made(experiment(**EXPERIMENTS["masks"])).result.stages[0].history]
    assert 0.5 < densities[0] < 0.7
    assert densities[0] > densities[1] > densities[2]


# --- the engine, step by step -----------------------------------------------------------------------------------------


def engine(recorder, value=None, *, seed=0, parts=None, **how):
    told = []
    parts = parts or assemble(value or experiment(**NAVIGATION), seed, CPU)
    how = {"least": 1, "tell": told.append} | how
    made = Single([parts], CPU) if recorder is None else Graphed([parts], CPU, recorder, **how)
    made.begin(0)
    made.told = told
    return made


def losses(engine, number):
    return torch.cat([torch.empty(0, 2, dtype=torch.float64), *[engine.step().cpu() for _ in range(number)]])


def weights(engine):
    return {name: parameter.detach().clone() for name, parameter in engine.parameters.items()}


def check_same_weights(one, other):
    ours, its = weights(one), weights(other)
    for name in its:
        torch.testing.assert_close(ours[name], its[name], **CLOSE)


def test_it_records_after_the_rehearsals_and_replays_from_then_on():
    tape = Tape()
    graphed = engine(tape)
    losses(graphed, REHEARSALS)
    assert (tape.recorded, tape.replayed) == (0, 0)
    losses(graphed, 4)
    assert (tape.recorded, tape.replayed) == (2, REHEARSALS + 4)  # a draw, to be looked at, and a step
    graphed.begin(0)
    losses(graphed, REHEARSALS)
    assert tape.recorded == 2


def test_what_a_step_returns_stays():
    graphed, single = engine(Tape()), engine(None)
    kept = [graphed.step() for _ in range(8)]
    torch.testing.assert_close(torch.cat(kept), losses(single, 8), **CLOSE)
    assert len({float(each[0, 0]) for each in kept}) == 8


@pytest.mark.parametrize(("masks", "recordings"), [("same", 1), ("tighter", 2)])
def test_it_records_anew_when_masks_have_changed(masks, recordings):
    value = experiment(**TEXT, masks=(Masked(parameter="*weight_hh*", pattern=Bernoulli(density=0.8)),))
    tape = Tape()
    graphed, single = engine(tape, value), engine(None, value)
    for each in (graphed, single):
        losses(each, 5)
        if masks == "tighter":
            shape = each.parameters["recurrence.layers.0.weight_hh"].shape
            mask = torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.5
            apply(each.parts.model, {"recurrence.layers.0.weight_hh": mask})
        each.pruned()
    torch.testing.assert_close(losses(graphed, 10), losses(single, 10), **CLOSE)
    check_same_weights(graphed, single)
    assert tape.recorded == recordings


def test_a_rate_that_slows_does_not_record_anew():
    value = experiment(**EXPERIMENTS["trained embedding"])
    tape = Tape()
    graphed, single = engine(tape, value), engine(None, value)
    for _ in range(3):
        torch.testing.assert_close(losses(graphed, 4), losses(single, 4), **CLOSE)
        for each in (graphed, single):
            each.slow(0.5, 0.1)
        assert graphed.learning_rate == single.learning_rate
    points = [each.parts.penalties.trained["points.recurrence.weight_hh"] for each in (graphed, single)]
    torch.testing.assert_close(*points, **CLOSE)
    check_same_weights(graphed, single)
    assert tape.recorded == 2


def test_a_short_window_is_taken_without_recording_it():
    tape = Tape()
    graphed, single = engine(tape, experiment(**TEXT)), engine(None, experiment(**TEXT))
    torch.testing.assert_close(losses(graphed, 20), losses(single, 20), **CLOSE)
    torch.testing.assert_close(graphed.state, single.state.detach(), **CLOSE)
    assert tape.recorded == 1
    assert tape.replayed == 20 - REHEARSALS - 2  # two short windows


def test_a_stage_too_short_is_not_recorded():
    tape = Tape()
    short = engine(tape, experiment(), least=22)  # 3 epochs of 7 batches
    losses(short, 10)
    pruned = engine(tape, experiment(stages=(stage(pruning=Pruning(sparsity=0.5)),)), least=8)
    losses(pruned, 10)  # 7 steps until masks change
    assert tape.recorded == 0


@pytest.mark.parametrize("value", [EXPERIMENTS["trained embedding"], TEXT], ids=["navigation", "text"])
@pytest.mark.parametrize("after", [0, 1, REHEARSALS + 3])
@pytest.mark.parametrize("second", ["graphed", "single"])
@pytest.mark.parametrize("first", ["graphed", "single"])
def test_it_goes_on_from_a_state_of_its_own_or_of_single(first, second, after, value):
    value = experiment(**value)
    kinds = {"graphed": Tape(), "single": None}
    one, expected = engine(kinds[first], value), engine(None, value)
    losses(one, after)
    losses(expected, after)
    for each in (one, expected):
        each.slow(0.5, 0.25)
    state = tree_map(lambda leaf: leaf.clone() if isinstance(leaf, torch.Tensor) else leaf, one.state_dict())
    parts = one.parts
    held = {kind: each.state_dict() for kind, each in (("model", parts.model), ("penalties", parts.penalties))}
    held = tree_map(torch.clone, held)
    position = dict(parts.source.state_dict())
    losses(one, 5)  # must not matter any more
    other = engine(kinds[second], parts=assemble(value, 0, CPU))
    other.parts.model.load_state_dict(held["model"])
    other.parts.penalties.load_state_dict(held["penalties"])
    other.parts.source.load_state_dict(position)
    other.load_state_dict(state)
    torch.testing.assert_close(losses(other, 7), losses(expected, 7), **CLOSE)
    check_same_weights(other, expected)
    assert other.learning_rate == expected.learning_rate


def test_its_state_holds_the_options_of_single():
    graphed, single = engine(Tape()), engine(None)
    losses(graphed, 5), losses(single, 5)
    ours, its = (each.state_dict() for each in (graphed, single))
    assert ours["optimizer"]["param_groups"] == its["optimizer"]["param_groups"]
    assert torch.equal(ours["generator"], its["generator"])


class Aimed(BaseSource):
    """A loss of its own, that looks at what a batch tells beside inputs and targets."""

    def __init__(self):
        metrics = (Metric(name="loss", better="lower"),)
        super().__init__(TaskSpec(inputs=2, outputs=1, loss="mean_squared_error", metrics=metrics), device="cpu")

    def draw(self, size, *, generator):
        inputs = torch.rand(3, size, 2, generator=generator)
        aim = torch.rand(size, 1, generator=generator)
        return Batch(inputs=inputs, targets=inputs[..., :1], weight=inputs[..., 1], info={"aim": aim})

    def loss(self, outputs, batch):
        return (batch.weight[..., None] * (outputs - batch.targets - batch.info["aim"]).square()).mean()


@pytest.mark.parametrize("recorder", [Plain(), Tape()], ids=["plain", "tape"])
def test_a_loss_sees_all_of_its_batch(recorder):
    graphed, single = (engine(each, parts=parts_of(Aimed())) for each in (recorder, None))
    torch.testing.assert_close(losses(graphed, 9), losses(single, 9), **CLOSE)
    check_same_weights(graphed, single)


# --- what cannot be recorded ------------------------------------------------------------------------------------------


class Refusing(Tape):
    """Breaks off each recording after some operations, or only those that draw, and spoils their generator."""

    def __init__(self, only_draws, after):
        super().__init__()
        self.only_draws, self.after = only_draws, after

    def record(self, function, generator=None):
        if self.only_draws and generator is None:
            return super().record(function)

        def broken():
            with Broken(self.after):
                return function()

        try:
            return super().record(broken, generator)
        finally:
            if generator is not None:
                generator.manual_seed(99)


class Broken(TorchDispatchMode):
    def __init__(self, after):
        super().__init__()
        self.left = after

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("operation not permitted when stream is capturing\nand more of that")
        return operation(*args, **kwargs or {})


REASON = "operation not permitted when stream is capturing"
NO_DRAWS = f"stage 'only': batches are drawn outside of the recorded steps from now on: {REASON}"
NO_STEPS = f"stage 'only': steps are not recorded from now on: {REASON}"
TASKS = {"navigation": NAVIGATION, "text": TEXT, "adding": {"penalties": penalised(Trained(base=Moduli()))}}


@pytest.mark.parametrize("after", [2, 30, 60])
@pytest.mark.parametrize("task", TASKS)
def test_what_cannot_be_recorded_is_taken_step_by_step(task, after):
    value = experiment(**TASKS[task], stages=(stage(), stage("next")))
    recorder = Refusing(only_draws=False, after=after)
    graphed, single = engine(recorder, value), engine(None, value)
    for number in range(2):
        torch.testing.assert_close(losses(graphed, 12), losses(single, 12), **CLOSE)
        for each in (graphed, single):
            each.slow(0.5, 0.5)
        torch.testing.assert_close(losses(graphed, 2), losses(single, 2), **CLOSE)
        check_same_weights(graphed, single)
        if number == 0:
            graphed.begin(1), single.begin(1)
    assert graphed.told == ([] if task == "text" else [NO_DRAWS]) + [NO_STEPS]


def test_where_draws_cannot_be_recorded_training_is():
    recorder = Refusing(only_draws=True, after=2)
    graphed, single = engine(recorder), engine(None)
    torch.testing.assert_close(losses(graphed, 12), losses(single, 12), **CLOSE)
    check_same_weights(graphed, single)
    assert graphed.told == [NO_DRAWS]
    assert (recorder.recorded, recorder.replayed) == (1, 12 - 2 * REHEARSALS)


def parts_of(source):
    model = SequenceModel(recurrence=ElmanRNN(hidden=4)).build(source.spec, generator=torch.Generator())
    plan = Plan(stage(), 7, None, frozenset(name for name, _ in model.named_parameters()), None)
    return Parts(0, source, model, Penalties([]), (plan,), {})


class Growing(BaseSource):
    """Says that it has no position, and has one: each batch is drawn larger than the one before, or longer."""

    def __init__(self, what):
        metrics = (Metric(name="loss", better="lower"),)
        super().__init__(TaskSpec(inputs=2, outputs=1, loss="mean_squared_error", metrics=metrics), device="cpu")
        self.what, self.drawn = what, 0

    def draw(self, size, *, generator):
        self.drawn += 1
        steps = 2 + self.drawn % 5 if self.what == "longer" else 3
        inputs = torch.rand(steps, size, 2, generator=generator)
        factor = self.drawn if self.what == "larger" else 1.0
        if self.what == "waits":
            factor = float(torch.rand((), generator=generator))
        return Batch(inputs=inputs * factor, targets=inputs[..., :1], info={"any": inputs[0]})


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("larger", "expected a recorded draw to give the batches that were drawn, got others"),
        ("longer", "expected a recorded draw to give the batches that were drawn, got others"),
        ("waits", "makes the host wait"),
    ],
)
def test_a_draw_that_a_recording_would_falsify_stays_outside(what, told):
    graphed = engine(Tape(), parts=parts_of(Growing(what)))
    found = losses(graphed, 12)
    assert len(graphed.told) == 1
    assert told in graphed.told[0]
    assert bool(found.isfinite().all())
    if what == "waits":  # else one batch was lost to the recording that failed
        torch.testing.assert_close(found, losses(engine(None, parts=parts_of(Growing(what))), 12), **CLOSE)


# --- which engine -----------------------------------------------------------------------------------------------------


def test_on_a_cpu_steps_are_single_or_stacked():
    parts = [assemble(experiment(), seed, CPU) for seed in range(2)]
    assert type(engine_of(parts[:1], CPU, True, print)) is Single
    assert type(engine_of(parts, CPU, True, print)) is Stacked


def test_on_a_gpu_single_steps_are_recorded_where_that_was_asked_for(monkeypatch):
    assert type(engine_of([assemble(experiment(), 0, CPU)], torch.device("cuda"), False, print)) is Single
    monkeypatch.setattr(_run, "CudaRecorder", lambda device: Tape())
    parts = [assemble(experiment(), 0, CPU)]
    made = engine_of(parts, torch.device("cuda"), True, print)
    assert type(made) is Graphed
    assert made.tell is print


# --- CUDA itself ------------------------------------------------------------------------------------------------------

GPU = {"rtol": 2e-3, "atol": 1e-4}


@needs_gpu
@pytest.mark.parametrize("changes", EXPERIMENTS.values(), ids=EXPERIMENTS.keys())
def test_cuda_graphs_agree_with_single_steps(changes, monkeypatch):
    value = experiment(**changes)
    told = []
    monkeypatch.setattr(_run, "engine_of", lambda parts, device, *_: Single(parts, device))
    expected = made(value, "cuda")
    recorder = []

    def make(parts, device, *_):
        recorder.append(CudaRecorder(device))
        return Graphed(parts, device, recorder[0], tell=told.append, least=1)

    monkeypatch.setattr(_run, "engine_of", make)
    check_agree(made(value, "cuda"), expected, GPU)
    assert not told


@needs_gpu
@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_cuda_graphs_at_lower_precision(precision):
    device = torch.device("cuda")
    value = experiment(**NAVIGATION, penalties=penalised(Moduli()))
    with applied(Conditions(str(device), precision)):
        one = Single([assemble(value, 0, device)], device)
        other = Graphed([assemble(value, 0, device)], device, CudaRecorder(device), tell=pytest.fail, least=1)
        one.begin(0), other.begin(0)
        torch.testing.assert_close(losses(other, 20), losses(one, 20), rtol=1e-2, atol=1e-3)
        assert other.replay is not None


@needs_gpu
def test_a_wait_of_the_host_is_seen_before_anything_is_captured():
    recorder = CudaRecorder(torch.device("cuda"))
    x = torch.ones(3, device="cuda")
    assert recorder.rehearse(lambda: x.sum().item()) == 3.0
    with pytest.raises(RuntimeError, match=r"the host waits for the device \(.*test_graphed.py, line \d+\)"):
        recorder.record(lambda: x.sum().item())
    recorder.rehearse(lambda: x.sum())
    replay = recorder.record(lambda: x.sum())
    x.fill_(2.0)
    assert float(replay()) == 6.0


@needs_gpu
def test_nothing_in_a_replay_waits():
    device = torch.device("cuda")
    graphed = Graphed([assemble(experiment(**NAVIGATION), 0, device)], device, CudaRecorder(device), least=1)
    graphed.begin(0)
    losses(graphed, REHEARSALS + 1)
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses(graphed, 5)
    finally:
        torch.cuda.set_sync_debug_mode(before)
