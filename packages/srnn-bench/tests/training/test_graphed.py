"""Recorded steps: a replay computes what the step itself computes.

`Tape` replaces a CUDA graph where there is no GPU. Like a graph, it repeats the operations of a step on the same
tensors and runs no Python, so that whatever was frozen by mistake shows. `Plain` calls the function again, so that bits
must be those of `Single`. CUDA itself is tested at the end, where there is a GPU.
"""

from functools import cache

import pytest
import torch
from safetensors.torch import load
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from srnn_bench import SGD, Adam, AdamW, Annealing, Conditions, Experiment, Masked, Penalty, Stage, Training
from srnn_bench.training import (
    REHEARSALS,
    CudaRecorder,
    Graphed,
    Member,
    Single,
    Stacked,
    Trainer,
    applied,
    assemble,
    engine_of,
)
from srnn_manifolds import Moduli, Shuffled, Sphere, Trained
from srnn_masks import Bernoulli, apply
from srnn_models import LSTM, ElmanRNN, LanguageModel, PathIntegrator, SequenceModel
from srnn_pruning import OneShot, Pruning
from srnn_tasks import Adding, BaseSource, Batch, Metric, PathIntegration, Task, TaskSpec

CPU = torch.device("cpu")
CLOSE = {"rtol": 1e-3, "atol": 2e-5}  # weights move by 1e-3 and more; float32 rounds by 6e-8, which Adam amplifies
TRAINING = Training(epochs=3, batches=7, batch_size=6, learning_rate=1e-2)
HH = "recurrence.weight_hh"
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


class Plain:
    """Records nothing: a repetition calls the step."""

    fused = False

    def rehearse(self, step):
        return step()

    def record(self, step):
        return step


class Tape(Plain):
    """Repeats the operations of a step on the tensors of its first call, which changes nothing but its results."""

    fused = True

    def __init__(self):
        self.recorded, self.replayed = 0, 0

    def record(self, step):
        operations, before, created = [], {}, []

        class Recording(TorchDispatchMode):
            def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
                kwargs = kwargs or {}
                for each in tensors((args, kwargs)):
                    if id(each) not in before and not any(each is other for other in created):
                        before[id(each)] = each, each.detach().clone()
                result = operation(*args, **kwargs)
                if any(isinstance(each, int | float | bool) for each in tree_flatten(result)[0]):
                    raise RuntimeError(f"{operation} makes the host wait")
                created.extend(tensors(result))
                operations.append((operation, args, kwargs, result))
                return result

        try:
            with Recording():
                value = step()
        finally:
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

    def step():
        y.add_(x * factor[0])
        return y + 1

    tape = Tape()
    replay = tape.record(step)
    assert y == 0, "recording computes nothing"
    x.fill_(5.0)
    factor[0] = 100.0
    assert [float(replay()), float(replay())] == [11.0, 21.0]
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


class Aimed(Task):
    """A loss of the task's own, which reads the weight and the info of a batch."""

    kind: str = "aimed"

    def open(self, *, device, generator):
        return AimedSource(device)


class AimedSource(BaseSource):
    def __init__(self, device):
        metrics = (Metric(name="loss", better="lower"),)
        super().__init__(TaskSpec(inputs=2, outputs=1, loss="mean_squared_error", metrics=metrics), device=device)

    def draw(self, size, *, generator):
        inputs = torch.rand(3, size, 2, generator=generator, device=self.device)
        aim = torch.rand(size, 1, generator=generator, device=self.device)
        return Batch(inputs=inputs, targets=inputs[..., :1], weight=inputs[..., 1], info={"aim": aim})

    def loss(self, outputs, batch):
        return (batch.weight[..., None] * (outputs - batch.targets - batch.info["aim"]).square()).mean()


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
    "lstm": {"model": SequenceModel(recurrence=LSTM(hidden=5), layers=2)},
    "navigation": {**NAVIGATION, "penalties": penalised(Moduli()), "stages": LOTTERY},
    "masks": {
        "masks": (Masked(parameter="*weight*", pattern=Bernoulli(density=0.6)),),
        "stages": (stage(optimizer=AdamW(weight_decay=1.0), pruning=Pruning(sparsity=0.9), clip_norm=0.1),),
    },
    "shuffled, a loss of its own": {"task": Aimed(), "penalties": penalised(Shuffled(base=Moduli()))},
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


def trained(name, recorder=None, device=CPU):
    """Train an experiment, recorded if there is a recorder; a note that it cannot be recorded fails the test."""
    member = Member(assemble(experiment(**EXPERIMENTS[name]), 2, device))
    engine = Single([member.parts], device)
    if recorder is not None:
        engine = Graphed([member.parts], device, recorder, on_note=pytest.fail)
    Trainer([member], engine, device=device, keep_weights=True).train()
    return member


single = cache(trained)


def outcome(member):
    """Return all measurements but times and memory."""
    stages = [(each.name, each.densities, each.steps, each.metrics) for each in member.finished]
    return member.diverged, stages, [[epoch.model_dump() for epoch in each.history] for each in member.finished]


def check_agree(got, expected, close=CLOSE):
    """Check that two runs differ by no more than rounding, and that whatever is counted is equal."""
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
        weights = load(got.weights[name])
        for tensor, content in load(data).items():
            torch.testing.assert_close(weights[tensor], content, **close)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_plain_recorder_gives_the_bits_of_single_steps(name):
    member = trained(name, Plain())
    assert outcome(member) == outcome(single(name))
    assert member.weights == single(name).weights


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_replays_agree_with_single_steps(name):
    tape = Tape()
    member = trained(name, tape)
    assert tape.replayed > 0
    check_agree(member, single(name))


def test_the_experiments_above_contain_what_could_be_frozen_by_mistake():
    """Learning rates change, embeddings move, masks tighten, and a window is short."""
    rates = [epoch.learning_rate for epoch in single("text").finished[0].history]
    assert len(set(rates)) > 1
    assert TextSource("cpu").at(7).steps == 2
    moved = single("trained embedding").weights
    points = [load(moved[name])[f"points.{HH}"] for name in ("sparse", "frozen", "alone")]
    assert torch.equal(points[0], points[1])
    assert (points[1] - points[2]).abs().max() > 1e-3
    densities = [epoch.density for epoch in single("masks").finished[0].history]
    assert 0.5 < densities[0] < 0.7
    assert densities[0] > densities[1] > densities[2]


# --- the engine, step by step -----------------------------------------------------------------------------------------


def engine(recorder=None, changes=NAVIGATION, on_note=pytest.fail):
    parts = [assemble(experiment(**changes), 0, CPU)]
    started = Single(parts, CPU) if recorder is None else Graphed(parts, CPU, recorder, on_note=on_note)
    started.begin(0)
    return started


def losses(engine, number):
    return torch.cat([torch.empty(0, 2, dtype=torch.float64), *[engine.step().cpu() for _ in range(number)]])


def check_same_steps(one, other, number):
    torch.testing.assert_close(losses(one, number), losses(other, number), **CLOSE)
    for name, parameter in other.parameters.items():
        torch.testing.assert_close(one.parameters[name], parameter, **CLOSE)


def test_it_records_after_the_rehearsals_and_replays_from_then_on():
    tape = Tape()
    graphed = engine(tape)
    losses(graphed, REHEARSALS)
    assert (tape.recorded, tape.replayed) == (0, 0)
    losses(graphed, 4)
    assert (tape.recorded, tape.replayed) == (1, 4)
    graphed.begin(0)
    losses(graphed, REHEARSALS)
    assert tape.recorded == 1


def test_the_losses_of_a_step_are_not_overwritten_by_the_next():
    graphed = engine(Tape())
    kept = [graphed.step() for _ in range(8)]
    torch.testing.assert_close(torch.cat(kept), losses(engine(), 8), **CLOSE)
    assert len({float(each[0, 0]) for each in kept}) == 8


def test_it_records_again_when_masks_have_changed():
    changes = TEXT | {"masks": (Masked(parameter="*weight_hh*", pattern=Bernoulli(density=0.8)),)}
    tape = Tape()
    graphed, expected = engine(tape, changes), engine(None, changes)
    name = "recurrence.layers.0.weight_hh"
    for each in (graphed, expected):
        losses(each, 5)
        mask = torch.rand(each.parameters[name].shape, generator=torch.Generator().manual_seed(0)) < 0.5
        apply(each.parts.model, {name: mask})
        each.masks_changed()
    check_same_steps(graphed, expected, 10)
    assert tape.recorded == 2


def test_a_learning_rate_changes_without_a_new_recording():
    tape = Tape()
    graphed, expected = (engine(each, EXPERIMENTS["trained embedding"]) for each in (tape, None))
    for _ in range(3):
        check_same_steps(graphed, expected, 4)
        for each in (graphed, expected):
            each.scale_learning_rates(0.5, 0.1)
        assert graphed.learning_rate == expected.learning_rate
    points = [each.parts.penalties.trained[f"points.{HH}"] for each in (graphed, expected)]
    torch.testing.assert_close(*points, **CLOSE)
    assert tape.recorded == 1


def test_a_short_window_is_trained_on_without_the_recording():
    tape = Tape()
    graphed, expected = engine(tape, TEXT), engine(None, TEXT)
    check_same_steps(graphed, expected, 20)
    torch.testing.assert_close(graphed.state, expected.state.detach(), **CLOSE)
    assert tape.recorded == 1
    assert tape.replayed == 20 - REHEARSALS - 2  # two short windows


@pytest.mark.parametrize("changes", [EXPERIMENTS["trained embedding"], TEXT], ids=["navigation", "text"])
@pytest.mark.parametrize("after", [1, REHEARSALS + 3])
@pytest.mark.parametrize("kinds", [("graphed", "graphed"), ("graphed", "single"), ("single", "graphed")], ids=str)
def test_it_resumes_from_a_state_of_its_own_or_of_single(kinds, after, changes):
    first, second = (engine(Tape() if kind == "graphed" else None, changes) for kind in kinds)
    expected = engine(None, changes)
    for each in (first, expected):
        losses(each, after)
        each.scale_learning_rates(0.5, 0.25)
    parts = first.parts
    states = first.state_dict(), parts.model.state_dict(), parts.penalties.state_dict(), dict(parts.source.state_dict())
    state, *others = tree_map(lambda leaf: leaf.clone() if isinstance(leaf, torch.Tensor) else leaf, states)
    losses(first, 5)  # must not matter any more
    for part, its_state in zip((second.parts.model, second.parts.penalties, second.parts.source), others, strict=True):
        part.load_state_dict(its_state)
    second.load_state_dict(state)
    check_same_steps(second, expected, 7)
    assert second.learning_rate == expected.learning_rate


def test_its_state_holds_the_options_of_single():
    graphed, expected = engine(Tape()), engine()
    losses(graphed, 5), losses(expected, 5)
    ours, its = (each.state_dict() for each in (graphed, expected))
    assert ours["optimizer"]["param_groups"] == its["optimizer"]["param_groups"]
    assert torch.equal(ours["generator"], its["generator"])


# --- what cannot be recorded ------------------------------------------------------------------------------------------


class Broken(TorchDispatchMode):
    """Fails at the operation after the first `left`."""

    def __init__(self, left):
        super().__init__()
        self.left = left

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("operation not permitted\nwhen stream is capturing")
        return operation(*args, **(kwargs or {}))


class Refusing(Tape):
    """Breaks off each recording after some operations."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def record(self, step):
        def broken():
            with Broken(self.after):
                return step()

        return super().record(broken)


@pytest.mark.parametrize("after", [2, 60])
@pytest.mark.parametrize("changes", [NAVIGATION, TEXT], ids=["navigation", "text"])
def test_a_step_that_cannot_be_recorded_is_taken_without_a_recording(changes, after):
    recorder, notes = Refusing(after), []
    graphed, expected = engine(recorder, changes, notes.append), engine(None, changes)
    check_same_steps(graphed, expected, 12)
    graphed.scale_learning_rates(0.5, 0.5), expected.scale_learning_rates(0.5, 0.5)
    check_same_steps(graphed, expected, 3)
    assert graphed.state_dict()["optimizer"]["param_groups"] == expected.state_dict()["optimizer"]["param_groups"]
    for each in (graphed, expected):
        each.begin(0)
    check_same_steps(graphed, expected, 5)
    assert notes == ["stage 'only': steps are not recorded from now on: operation not permitted"]
    assert recorder.recorded == 0


# --- which engine -----------------------------------------------------------------------------------------------------


def test_steps_are_recorded_only_on_a_gpu_and_only_of_a_single_run():
    parts = [assemble(experiment(), seed, CPU) for seed in range(2)]
    assert type(engine_of(parts[:1], CPU, True, print)) is Single
    assert type(engine_of(parts, CPU, True, print)) is Stacked
    assert type(engine_of(parts[:1], torch.device("cuda"), False, print)) is Single


# --- CUDA itself ------------------------------------------------------------------------------------------------------

GPU = {"rtol": 2e-3, "atol": 1e-4}


@needs_gpu
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_cuda_graphs_agree_with_single_steps(name):
    device = torch.device("cuda")
    check_agree(trained(name, CudaRecorder(device), device), trained(name, device=device), GPU)


@needs_gpu
@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_cuda_graphs_at_lower_precision(precision):
    device = torch.device("cuda")
    value = experiment(**NAVIGATION, penalties=penalised(Moduli()))
    with applied(Conditions(str(device), precision)):
        one = Single([assemble(value, 0, device)], device)
        other = engine_of([assemble(value, 0, device)], device, True, pytest.fail)
        one.begin(0), other.begin(0)
        torch.testing.assert_close(losses(other, 20), losses(one, 20), rtol=1e-2, atol=1e-3)
        assert other.replay is not None


@needs_gpu
def test_nothing_in_a_cuda_replay_waits():
    device = torch.device("cuda")
    graphed = Graphed([assemble(experiment(**NAVIGATION), 0, device)], device, CudaRecorder(device))
    graphed.begin(0)
    losses(graphed, REHEARSALS + 1)
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses(graphed, 5)
    finally:
        torch.cuda.set_sync_debug_mode(before)


@needs_gpu
def test_a_step_that_waits_for_the_gpu_is_taken_without_a_cuda_graph():
    device, notes = torch.device("cuda"), []
    parts = assemble(experiment(**NAVIGATION), 0, device)
    parts.model.register_forward_hook(lambda module, args, outputs: outputs[0].sum().item() and None)
    graphed = Graphed([parts], device, CudaRecorder(device), on_note=notes.append)
    graphed.begin(0)
    expected = Single([assemble(experiment(**NAVIGATION), 0, device)], device)
    expected.begin(0)
    torch.testing.assert_close(losses(graphed, 8), losses(expected, 8), **GPU)
    assert len(notes) == 1
