"""Data for a pruning criterion during training: which batch it gets, and that the training does not notice.

`Onlooker` runs the network on its batch and then scores like `Magnitude`: a run with it must end with the same bits.
"""

import random
import time
from functools import cache

import pytest
import torch
from own_criteria import Labelled, Onlooker, Saliency
from safetensors.torch import load

from srnn_bench import BenchError, Conditions, Experiment, Penalty, Stage, Training, run
from srnn_bench.training import (
    CheckpointPolicy,
    Graphed,
    Member,
    Single,
    Stacked,
    Trainer,
    applied,
    assemble,
    evidence_of,
    run_together,
    stream,
)
from srnn_manifolds import L1
from srnn_masks import masks
from srnn_models import (
    GRU,
    LSTM,
    BlockRNN,
    ElmanRNN,
    LanguageModel,
    PathIntegrator,
    PeepholeLSTM,
    ProjectedLSTM,
    SequenceModel,
)
from srnn_pruning import (
    SNIP,
    GraSP,
    JacobianSpectrum,
    Magnitude,
    OneShot,
    Pruning,
    PruningError,
    Random,
    Shuffled,
)
from srnn_tasks import Adding, Cognitive, PathIntegration, SequentialMNIST, Task, WikiText
from srnn_tasks.cognitive import Streams
from srnn_tasks.images import Mnist, SequentialMNISTSource
from srnn_tasks.text import WikiTextSource, read_corpus

# torch says this when a derivative is first taken forward
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

CPU = torch.device("cpu")
TRAINING = Training(epochs=3, batches=4, batch_size=6, learning_rate=1e-2)
HIDDEN = 7
PRUNED_EPOCHS = TRAINING.epochs - 1  # see `pruned`


# --- tasks without files ----------------------------------------------------------------------------------------------


class Text(Task):
    """A text of 2,000 made-up words, in windows of 5 words; the hidden state is carried."""

    kind: str = "text"

    def open(self, *, device, generator):
        draw = random.Random(0)
        texts = [" ".join(draw.choices("abcdefgh", range(1, 9), k=size)) for size in (2000, 100, 100)]
        return WikiTextSource(WikiText(steps=5, evaluation_rows=2), read_corpus(*texts), device=device)


@cache
def noise():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (70_000, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.randint(10, (70_000,), generator=generator)
    return Mnist(images[:60_000], labels[:60_000], images[60_000:], labels[60_000:])


class Images(Task):
    """Sequential MNIST with noise for images, of which 40 are trained on: a pass ends within an epoch."""

    kind: str = "images"

    def open(self, *, device, generator):
        source = SequentialMNISTSource(SequentialMNIST(validation=59_960), noise(), device=device)
        source.evaluation_size = 10_000
        return source


SEQUENCE = SequenceModel(recurrence=ElmanRNN(hidden=HIDDEN))
TASKS = {
    "adding": (Adding(steps=5, held_out=50), SEQUENCE),
    "navigation": (
        PathIntegration(steps=4, place_cells=12, place_width=0.5, evaluation_size=20),
        PathIntegrator(recurrence=ElmanRNN(hidden=HIDDEN, nonlinearity="relu", bias=False)),
    ),
    "text": (Text(), LanguageModel(recurrence=LSTM(hidden=HIDDEN), layers=2)),
    "images": (Images(), SequenceModel(recurrence=GRU(hidden=HIDDEN))),
    "cognitive": (Cognitive(tasks=("go", "dlygo"), evaluation_trials=2), SEQUENCE),
    "cognitive streams": (
        Cognitive(tasks=("go", "dlygo"), layout=Streams(steps=10), evaluation_trials=2),
        SEQUENCE,
    ),
}


def pruned(criterion, stage="pruned", **changes):
    """Return a stage that prunes at every epoch but the first: the default schedule begins with 0."""
    fields = {"name": stage, "training": TRAINING, "evidence_rows": 6}
    return Stage(**fields | {"pruning": Pruning(sparsity=0.6, criterion=criterion)} | changes)


def experiment(name="adding", criterion=None, **changes):
    task, model = TASKS[name]
    return Experiment(task=task, model=model, stages=(pruned(criterion or Saliency(), **changes),))


CRITERIA = {
    "own": Saliency(),
    "snip": SNIP(),
    "snip, gamma": SNIP(normalization="gamma"),
    "grasp": GraSP(),
    "jacobian spectrum": JacobianSpectrum(),
    "jacobian spectrum, rms": JacobianSpectrum(normalization="rms"),
    "jacobian spectrum, signs": JacobianSpectrum(vector="sign", normalization="none"),
    "shuffled": Shuffled(base=JacobianSpectrum(normalization="data")),
}
CELLS = {"elman": ElmanRNN, "gru": GRU, "lstm": LSTM, "peephole": PeepholeLSTM}
MODELS = {name: SequenceModel(recurrence=cell(hidden=HIDDEN)) for name, cell in CELLS.items()} | {
    "block": BlockRNN(hidden=HIDDEN),
    "projected lstm": ProjectedLSTM(hidden=HIDDEN),
}


def recurrence_pruned(criterion, **how):
    """Return a pruning of the weights of the recurrence at once, before training."""
    return Pruning(sparsity=0.6, criterion=criterion, schedule=OneShot(epoch=1), scope=("recurrence.*",), **how)


# --- the training does not notice -------------------------------------------------------------------------------------


def trained(value, seeds=(0,), **conditions):
    outputs = run_together(
        value, seeds, conditions=Conditions("cpu", **conditions), policy=CheckpointPolicy(weights=True)
    )
    assert all(each.result.status == "done" for each in outputs)
    return outputs


def outcome(outputs):
    times = {"step_ms": 0.0, "pruning_ms": 0.0, "peak_memory_mb": None}
    return [([stage.model_copy(update=times) for stage in each.result.stages], each.weights) for each in outputs]


@pytest.mark.parametrize("rows", [6, 4])
@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)], ids=["single", "stacked"])
@pytest.mark.parametrize("name", TASKS)
def test_a_criterion_that_reads_data_changes_no_bit_of_the_training(name, seeds, rows):
    reading, weights_alone = (
        outcome(trained(experiment(name, criterion, evidence_rows=rows), seeds))
        for criterion in (Onlooker(), Magnitude())
    )
    assert reading == weights_alone


def batches_of(value, seed=0):
    """Return the batches that a run trains on, as lists of tensors."""
    drawn = []

    class Watched(Single):
        def train_on(self, batch):
            fields = (batch.inputs, batch.targets, batch.weight, batch.start, batch.reset)
            drawn.append([field for field in fields if field is not None])
            return super().train_on(batch)

    member = Member(assemble(value, seed, CPU))
    with applied(Conditions("cpu")):
        Trainer([member], Watched([member.parts], CPU), device=CPU).train()
    return drawn


def check_same_batches(value, other_value):
    reading, without = batches_of(value), batches_of(other_value)
    assert len(reading) == len(without) == TRAINING.epochs * TRAINING.batches
    for batch, other in zip(reading, without, strict=True):
        assert len(batch) == len(other) and all(map(torch.equal, batch, other))


@pytest.mark.parametrize("name", TASKS)
def test_the_batches_are_those_of_a_run_with_random_masks(name):
    check_same_batches(experiment(name, Saliency()), experiment(name, Random()))


def test_a_recorded_step_is_recorded_again():
    class Plain:
        """Records nothing: a repetition calls the step."""

        fused = False
        recorded = 0

        def rehearse(self, step):
            return step()

        def record(self, step):
            self.recorded += 1
            return step

    value = experiment("text", training=TRAINING.model_copy(update={"batches": 7}))
    ends = []
    for recorder in (None, Plain()):
        member = Member(assemble(value, 0, CPU))
        engine = (
            Graphed([member.parts], CPU, recorder, on_note=pytest.fail) if recorder else Single([member.parts], CPU)
        )
        Trainer([member], engine, device=CPU, keep_weights=True).train()
        ends.append((member.weights, [stage.metrics for stage in member.finished]))
    assert ends[0] == ends[1]
    assert recorder.recorded == TRAINING.epochs


class Stop(BaseException):
    """Stands for the death of the process."""


@pytest.mark.parametrize("seeds", [(0,), (0, 1)], ids=["single", "stacked"])
@pytest.mark.parametrize("name", ["text", "images"])
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path, name, seeds):
    """`test_resume.py` stops it anywhere."""
    value = experiment(name)

    def stop(end):
        if end.number == 2:
            raise Stop

    policy = CheckpointPolicy(tmp_path, every=0.0, weights=True)
    with pytest.raises(Stop):
        run_together(value, seeds, conditions=Conditions("cpu"), policy=policy, on_epoch=stop)
    assert list(tmp_path.rglob("*.safetensors"))
    resumed = run_together(value, seeds, conditions=Conditions("cpu"), policy=policy, on_note=pytest.fail)
    assert outcome(resumed) == outcome(trained(value, seeds))


def check_same_masks(value, seeds=(3, 0, 11)):
    """Check that runs choose the same masks alone and stacked, and that the masks of two seeds differ."""
    chosen = {}
    for seed, output in zip(seeds, trained(value, seeds), strict=True):
        single, stacked = load(trained(value, (seed,))[0].weights["pruned"]), load(output.weights["pruned"])
        names = [name for name in single if single[name].dtype == torch.bool]
        assert len(names) >= 2
        assert all(torch.equal(single[name], stacked[name]) for name in names)
        chosen[seed] = torch.cat([single[name].flatten() for name in names])
    assert not torch.equal(chosen[seeds[0]], chosen[seeds[1]])


@pytest.mark.parametrize("name", TASKS)
def test_single_and_stacked_runs_choose_the_same_masks_before_training(name):
    check_same_masks(experiment(name, pruning=recurrence_pruned(Saliency())))


@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA.keys())
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_they_do_so_with_every_criterion_and_model(model, criterion):
    task, _ = TASKS["adding"]
    stage = pruned(criterion, pruning=recurrence_pruned(criterion))
    check_same_masks(Experiment(task=task, model=model, stages=(stage,)), (3, 0))


@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA.keys())
def test_the_batches_are_those_of_a_run_with_random_masks_for_every_criterion(criterion):
    check_same_batches(*(experiment("text", each, pruning=recurrence_pruned(each)) for each in (criterion, Random())))


# --- which batch ------------------------------------------------------------------------------------------------------


def opened(value, seed=0, number=0, epoch=1):
    parts = assemble(value, seed, CPU)
    return parts, evidence_of(parts, number, epoch, CPU)


@pytest.mark.parametrize("name", TASKS)
def test_the_evidence_is_the_network_on_a_batch_of_its_own_stream(name):
    value = experiment(name)
    parts, evidence = opened(value, seed=5, epoch=2)
    outputs, loss = evidence["run"](), evidence["loss"]()
    (other,) = [assemble(value, 5, CPU)]  # a source that nothing was drawn from
    batch = next(other.source.batches(6, generator=stream(5, "evidence", "pruned", 2)))
    expected, _ = other.model(batch.inputs, batch.start, None)
    assert torch.equal(outputs, expected)
    assert torch.equal(loss, other.source.loss(expected, batch))
    gradients = torch.autograd.grad(loss, list(parts.model.parameters()))
    assert all(gradient.isfinite().all() for gradient in gradients)


def inputs_of(seed=0, epoch=1, **changes):
    """Return the inputs of the network in both closures."""
    parts, evidence = opened(experiment(**changes), seed, epoch=epoch)
    seen = []
    parts.model.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    evidence["run"](), evidence["loss"]()
    assert torch.equal(seen[0], seen[1])
    return seen[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"training": Training(epochs=8, batches=2, batch_size=9, learning_rate=1.0)},
        {"criterion": Onlooker()},
        {"pruning": Pruning(sparsity=0.9, criterion=Saliency(), schedule=OneShot(epoch=2))},
    ],
    ids=["training", "criterion", "pruning"],
)
def test_the_batch_does_not_depend_on(changes):
    assert torch.equal(inputs_of(**changes), inputs_of())


@pytest.mark.parametrize("changes", [{"seed": 1}, {"epoch": 2}, {"stage": "other"}], ids=["seed", "epoch", "stage"])
def test_the_batch_depends_on(changes):
    assert not torch.equal(inputs_of(**changes), inputs_of())


def test_the_number_of_rows_is_that_of_the_stage():
    assert inputs_of(evidence_rows=17).shape == (5, 17, 2)
    assert Stage(name="a", training=TRAINING).evidence_rows == 64


def test_the_penalty_is_no_part_of_the_loss():
    value = experiment()
    strong = value.model_copy(update={"penalties": (Penalty(parameter="*hh*", regularizer=L1(), strength=1e3),)})
    assert torch.equal(opened(value)[1]["loss"](), opened(strong)[1]["loss"]())


def test_a_stage_with_a_task_of_its_own_is_pruned_on_that_task():
    other = Adding(steps=9, held_out=50)
    value = experiment(task=other)
    outputs = opened(value)[1]["run"]()
    assert outputs.shape == (9, 6, 1)
    trained(value)


@pytest.mark.parametrize(
    ("criterion", "sparsity", "draws"),
    [(Saliency(), 0.6, 1), (Onlooker(), 0.6, 1), (Saliency(), 0.0, 0), (Magnitude(), 0.6, 0), (Random(), 0.6, 0)],
    ids=["asks once", "asks four times", "prunes nothing", "asks for nothing", "random"],
)
@pytest.mark.parametrize("engine", [Single, Stacked])
def test_a_batch_is_drawn_only_when_it_is_asked_for_and_then_once(engine, criterion, sparsity, draws):
    value = experiment(pruning=Pruning(sparsity=sparsity, criterion=criterion), evidence_rows=5)
    sizes = []
    members = [Member(assemble(value, seed, CPU)) for seed in range(1 if engine is Single else 2)]
    for member in members:
        batches = member.parts.source.batches
        member.parts.source.batches = lambda size, batches=batches, **how: sizes.append(size) or batches(size, **how)
    Trainer(members, engine([member.parts for member in members], CPU), device=CPU).train()
    assert sizes.count(5) == draws * PRUNED_EPOCHS * len(members)
    assert sizes.count(6) == len(members)


def test_a_frozen_parameter_is_scored_and_stays_frozen():
    value = experiment(freeze=("recurrence.*",))
    (output,) = trained(value)
    (single,) = output.result.stages
    assert single.densities["recurrence.weight_hh"] < 1
    network = assemble(value, 0, CPU).model
    weights = load(output.weights["pruned"])
    mask = weights["recurrence.weight_hh_mask"]
    assert torch.equal(weights["recurrence.weight_hh"], network.recurrence.weight_hh.detach() * mask)


def test_the_mode_of_the_network_is_that_of_training_again():
    modes = []
    member = Member(assemble(experiment(), 0, CPU))
    member.parts.model.register_forward_hook(lambda module, args, outputs: modes.append(module.training))
    Trainer([member], Single([member.parts], CPU), device=CPU).train()
    training, evaluation = [True] * TRAINING.batches, [False]
    assert modes[: 2 * len(training) + 1] == [*training, *evaluation, *training]


def test_evidence_at_lower_precision():
    (output,) = trained(experiment("images"), precision="bfloat16")
    assert output.result.stages[0].history[-1].density == pytest.approx(0.4, abs=0.01)


# --- mistakes ---------------------------------------------------------------------------------------------------------


def test_evidence_that_no_run_has_is_an_error_before_training():
    ends = []
    stages = (pruned(Magnitude(), "first"), pruned(Labelled(), "second"))
    value = experiment().model_copy(update={"stages": stages})
    with pytest.raises(PruningError, match=r"Labelled needs 'labels'.*'loss', 'run'"):
        run(value, seed=0, conditions=Conditions("cpu"), on_epoch=ends.append)
    assert ends == []


def test_more_rows_than_the_task_has_are_an_error_that_names_the_field():
    ends = []
    value = experiment("text", evidence_rows=1001)
    dense = Stage(name="dense", training=TRAINING, evidence_rows=1001)  # reads none
    value = value.model_copy(update={"stages": (dense, *value.stages)})
    with pytest.raises(BenchError, match=r"stage 'pruned': evidence_rows: size: expected 1 to 1000 rows.*got 1001"):
        run(value, seed=0, conditions=Conditions("cpu"), on_epoch=ends.append)
    assert ends == [], "before anything is trained"
    with pytest.raises(ValueError, match="evidence_rows"):
        Stage(name="a", training=TRAINING, evidence_rows=0)


def test_the_key_of_a_run_does_not_know_the_default():
    stage = pruned(Magnitude())
    plain = stage.model_copy(update={"evidence_rows": 64})
    value = experiment()
    keys = [value.model_copy(update={"stages": (each,)}).key(0) for each in (stage, plain)]
    assert keys[0] != keys[1]
    text = plain.model_dump_json(exclude={"evidence_rows"})
    assert value.model_copy(update={"stages": (Stage.model_validate_json(text),)}).key(0) == keys[1]


# --- what a result says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [(0,), (0, 1)], ids=["single", "stacked"])
@pytest.mark.parametrize(("cell", "gates"), [(ElmanRNN, 1), (GRU, 3), (LSTM, 4), (PeepholeLSTM, 4)])
def test_the_weights_kept_are_counted_by_gate(cell, gates, seeds):
    inputs = {"recurrence.weight_ih": 2, "recurrence.weight_hh": HIDDEN, "recurrence.weight_ch": HIDDEN}
    value = Experiment(
        task=Adding(steps=5, held_out=50),
        model=SequenceModel(recurrence=cell(hidden=HIDDEN)),
        stages=(
            pruned(Saliency(), pruning=recurrence_pruned(Saliency())),
            Stage(name="dense", training=TRAINING),
        ),
    )
    for output in trained(value, seeds):
        weights = load(output.weights["pruned"])
        counts = {}
        matrices = {name: size for name, size in inputs.items() if f"{name}_mask" in weights}
        assert len(matrices) == (3 if cell is PeepholeLSTM else 2)
        for name in matrices:
            mask = weights[f"{name}_mask"].tolist()
            rows = [sum(row) for row in mask]
            counts[name] = tuple(sum(rows[gate * HIDDEN : (gate + 1) * HIDDEN]) for gate in range(gates))
        counts["readout.weight"] = (HIDDEN,)
        first, second = output.result.stages
        assert first.kept == second.kept == counts
        total = gates * HIDDEN * sum(matrices.values())
        assert sum(sum(counts[name]) for name in matrices) == total - round(0.6 * total)


def test_a_dense_network_keeps_all():
    value = Experiment(
        task=Adding(steps=5, held_out=50),
        model=SequenceModel(recurrence=GRU(hidden=4)),
        stages=(Stage(name="dense", training=TRAINING),),
    )
    (output,) = trained(value)
    (stage,) = output.result.stages
    assert stage.kept == {
        "recurrence.weight_ih": (8, 8, 8),
        "recurrence.weight_hh": (16, 16, 16),
        "readout.weight": (4,),
    }
    assert stage.pruning_ms == 0


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)], ids=["single", "stacked"])
def test_the_time_of_pruning_is_that_of_one_run_in_all_epochs(tmp_path, seeds):
    """Also after an interruption, and apart from the time of the steps."""
    slept = 60.0  # ms per run and epoch that prunes
    value = experiment(criterion=Onlooker(seconds=slept / 1000))

    def stop(end):
        if end.number == 2:
            raise Stop

    policy = CheckpointPolicy(tmp_path, every=0.0)
    begin = time.perf_counter()
    with pytest.raises(Stop):
        run_together(value, seeds, conditions=Conditions("cpu"), policy=policy, on_epoch=stop)
    outputs = run_together(value, seeds, conditions=Conditions("cpu"), policy=policy, on_note=pytest.fail)
    passed = 1000 * (time.perf_counter() - begin)
    for output in outputs:
        (stage,) = output.result.stages
        assert PRUNED_EPOCHS * slept <= stage.pruning_ms <= passed / len(seeds)
        assert stage.step_ms < slept
        assert output.result.seconds * 1000 > stage.pruning_ms


def test_masks_that_a_run_starts_with_are_respected():
    """A criterion that reads data prunes on top of them."""
    value = experiment()
    member = Member(assemble(value, 0, CPU))
    Trainer([member], Single([member.parts], CPU), device=CPU).train()
    for name, mask in masks(member.parts.model).items():
        weight = member.parts.model.get_parameter(name)
        assert not weight[~mask].any()
