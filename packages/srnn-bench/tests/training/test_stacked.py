"""Stacked seeds: a stack of runs computes what each run computes by itself.

Stacked and single runs compute the same sums in another order. Float32 rounds by 6e-8; over the few dozen steps of
these tests, and with Adam's division by the size of the gradient, the difference grows to at most 1e-5 of a weight.
Training moves weights and losses by 1e-3 and more, so that `CLOSE` tells them apart. Masks, densities, epochs and
reasons are equal exactly.
"""

import math
import re
from functools import partial
from types import MethodType

import pytest
import torch
from safetensors.torch import load
from torch import nn

from srnn_bench import (
    SGD,
    Adam,
    AdamW,
    BenchError,
    Conditions,
    Experiment,
    Job,
    Masked,
    Penalty,
    Stage,
    Store,
    Training,
    Watcher,
    sweep,
)
from srnn_bench.training import (
    CheckpointPolicy,
    Member,
    Parts,
    Penalties,
    Plan,
    Single,
    Stacked,
    Trainer,
    applied,
    assemble,
    run_together,
)
from srnn_manifolds import L1, Moduli, Shuffled, Sphere, Trained
from srnn_masks import Bernoulli, FixedInDegree, Locality, UniformRandom, masks
from srnn_models import BlockRNN, ElmanRNN, Glorot, Normal, PathIntegrator, PeepholeLSTM, ProjectedLSTM, SequenceModel
from srnn_pruning import Linear, OneShot, Pruning, Random
from srnn_tasks import Adding, BaseSource, Batch, Cognitive, Metric, PathIntegration, Task, TaskSpec

CPU = torch.device("cpu")
CLOSE = {"rtol": 1e-3, "atol": 1e-5}
SEEDS = (3, 0, 11)
TRAINING = Training(epochs=3, batches=3, batch_size=6, learning_rate=1e-2)
HIDDEN = 9  # a sheet of 3 x 3; no multiple of the width of a vector


def stage(name="only", *, start="continue", pruning=None, regularizer="same", freeze=(), **training):
    return Stage(
        name=name,
        start=start,
        pruning=pruning,
        regularizer=regularizer,
        freeze=freeze,
        training=TRAINING.model_copy(update=training),
    )


def experiment(**changes):
    fields = {
        "task": Adding(steps=5, held_out=50),
        "model": SequenceModel(recurrence=ElmanRNN(hidden=HIDDEN)),
        "stages": (stage(),),
    }
    return Experiment(**fields | changes)


def penalised(*regularizers, strength=0.1):
    """Return penalties that weigh about as much as the task's loss."""
    return tuple(Penalty(parameter="*hh*", regularizer=regularizer, strength=strength) for regularizer in regularizers)


def masked(pattern, parameter="*weight_hh*"):
    return Masked(parameter=parameter, pattern=pattern)


def model(recurrence=None, **how):
    return SequenceModel(recurrence=ElmanRNN(hidden=HIDDEN, **(recurrence or {})), **how)


NAVIGATION = {
    "task": PathIntegration(steps=4, place_cells=12, place_width=0.5, evaluation_size=20),
    "model": PathIntegrator(recurrence=ElmanRNN(hidden=HIDDEN, nonlinearity="relu", bias=False)),
}
LOTTERY = (
    stage("sparse", pruning=Pruning(sparsity=0.5), optimizer=Adam(weight_decay=0.1)),
    stage("lottery", start="reinitialize", clip_norm=0.05, learning_rate=5e-3),
    stage("again", start="rewind", optimizer=SGD(momentum=0.9), batches=2),
    stage("further", pruning=Pruning(sparsity=0.8, schedule=OneShot(epoch=2), criterion=Random()), batch_size=3),
)

EXPERIMENTS = {
    "plain": {},
    "no bias, in-degree": {
        "model": model({"bias": False}, bias=False),
        "masks": (masked(FixedInDegree(degree=3)), masked(Bernoulli(density=0.5), "readout.weight")),
    },
    "two masks on one": {"masks": (masked(UniformRandom(density=0.7)), masked(Bernoulli(density=0.7), "*weight*"))},
    "locality, pruned per matrix": {
        "masks": (masked(Locality(sheet=(3, 3), radius=1)),),
        "stages": (stage(pruning=Pruning(sparsity=0.6, ranking="per_matrix")),),
    },
    "masks that are pruned": {
        "masks": (masked(Bernoulli(density=0.7)),),
        "stages": (stage(pruning=Pruning(sparsity=0.6, schedule=Linear(), scope=("*hh*",))),),
    },
    "shuffled": {"penalties": penalised(Shuffled(base=Moduli(reduction="sum")), strength=0.01)},
    "matched l1": {"penalties": penalised(L1(matched=Moduli()))},
    "two penalties on one, masked": {
        "penalties": penalised(L1(power=2.0), Moduli(offset="empirical")),
        "masks": (masked(FixedInDegree(degree=4)),),
    },
    "adamw": {"stages": (stage(pruning=Pruning(sparsity=0.6), optimizer=AdamW(weight_decay=1.0)),)},
    "momentum": {
        "stages": (
            stage(
                pruning=Pruning(sparsity=0.6),
                optimizer=SGD(momentum=0.9, weight_decay=0.1),
                learning_rate=0.1,
                epochs=4,
            ),
        )
    },
    "clipping": {"stages": (stage(optimizer=SGD(), learning_rate=1.0, clip_norm=0.1),)},
    "trained embedding": {
        "penalties": penalised(Trained(base=Moduli())),
        "stages": (
            stage(embedding_learning_rate=0.1, embedding_decay=0.5),
            stage("still", freeze=("points.*",)),
            stage("fresh", start="reinitialize", regularizer="fresh"),
            stage("bare", regularizer="none"),
        ),
    },
    "sphere, trained, frozen network": {
        "penalties": penalised(Trained(base=Moduli(manifold=Sphere()))),
        "stages": (stage("points", freeze=("recurrence.*", "readout.*"), embedding_learning_rate=0.1),),
    },
    "evaluated, pruned": {
        "stages": (stage(evaluate_every=2, pruning=Pruning(sparsity=0.6)), stage("then", evaluate_every=1)),
    },
    "peepholes, other initial weights": {
        "model": SequenceModel(
            recurrence=PeepholeLSTM(hidden=HIDDEN, initialization=Normal(sd=0.3)), readout_initialization=Glorot()
        ),
        "penalties": (Penalty(parameter="*weight_ch", regularizer=Moduli(), strength=0.1),),
        "masks": (masked(Locality(sheet=(3, 3), radius=1), "*weight_ch"),),
        "stages": LOTTERY,
    },
    "block, masked and penalised": {
        "model": BlockRNN(hidden=HIDDEN, hh=Normal(sd=0.5)),
        "penalties": (*penalised(Moduli()), Penalty(parameter="*weight_hy", regularizer=Moduli(), strength=0.1)),
        "masks": (masked(Bernoulli(density=0.6), "*weight_hx"), masked(UniformRandom(density=0.5))),
        "stages": LOTTERY,
    },
    "block that reads after": {"model": BlockRNN(hidden=HIDDEN, reads="after")},
    "projected lstm": {
        "model": ProjectedLSTM(hidden=HIDDEN),
        "penalties": (*penalised(Moduli()), Penalty(parameter="*weight_hr", regularizer=Moduli(), strength=0.1)),
        "masks": (masked(Bernoulli(density=0.6), "*weight_h*"),),
        "stages": LOTTERY,
    },
    "navigation": {**NAVIGATION, "penalties": penalised(Moduli()), "stages": LOTTERY},
}


class Run:
    """Members trained together, and the masks of each at the end of each of its epochs, by seed."""

    def __init__(self, value, seeds, change=lambda parts: None):
        self.members = {seed: Member(assemble(value, seed, CPU)) for seed in seeds}
        self.masks = {seed: [] for seed in seeds}
        parts = [member.parts for member in self.members.values()]
        for each in parts:
            change(each)
        engine = Stacked(parts, CPU) if len(parts) > 1 else Single(parts, CPU)
        members = list(self.members.values())
        with applied(Conditions("cpu")):
            Trainer(members, engine, device=CPU, on_epoch=self.on_epoch, keep_weights=True).train()

    def on_epoch(self, end):
        self.masks[end.seed].append(masks(self.members[end.seed].parts.model))


def together(value, seeds=SEEDS, **how):
    return run_together(value, seeds, conditions=Conditions("cpu", **how), policy=CheckpointPolicy(weights=True))


def check_same_masks(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def check_agree(single, stacked, weights, other_weights, close=CLOSE):
    """Check that stages and weights of two runs differ by no more than rounding, and what is counted not at all."""
    approx = partial(pytest.approx, rel=close["rtol"], abs=close["atol"])
    for expected, got in zip(single, stacked, strict=True):
        assert (expected.name, expected.steps, expected.densities) == (got.name, got.steps, got.densities)
        assert [epoch.density for epoch in expected.history] == [epoch.density for epoch in got.history]
        for field in ("loss", "penalty"):
            values = [[getattr(epoch, field) for epoch in each.history] for each in (expected, got)]
            assert values[0] == approx(values[1])
        assert expected.metrics == approx(got.metrics)
        for epoch, again in zip(expected.history, got.history, strict=True):
            assert epoch.metrics == approx(again.metrics)
        assert expected.present.keys() == got.present.keys()
        tensors, others = load(weights[expected.name]), load(other_weights[expected.name])
        assert tensors.keys() == others.keys()
        for name, tensor in tensors.items():
            if tensor.dtype == torch.bool:
                assert torch.equal(tensor, others[name])
                assert not others[name.removesuffix("_mask")][~tensor].any(), "masked weights are 0"
            else:
                torch.testing.assert_close(tensor, others[name], **close)


@pytest.mark.parametrize("changes", EXPERIMENTS.values(), ids=EXPERIMENTS.keys())
def test_a_stack_computes_what_each_run_computes_alone(changes):
    value = experiment(**changes)
    stacked = Run(value, SEEDS)
    for seed, other in stacked.members.items():
        alone = Run(value, (seed,))
        single = alone.members[seed]
        assert single.diverged is None and other.diverged is None
        check_agree(single.finished, other.finished, single.weights, other.weights)
        for one, another in zip(alone.masks[seed], stacked.masks[seed], strict=True):
            check_same_masks(one, another)


def test_runs_that_are_compared_are_not_alike():
    """Otherwise the test above could pass with the weights, masks or points of one run for all."""
    one, other = Run(experiment(**EXPERIMENTS["two penalties on one, masked"]), SEEDS[:2]).members.values()
    weights, others = load(one.weights["only"]), load(other.weights["only"])
    assert all((weights[name] != others[name]).any() for name in weights)
    assert abs(one.finished[0].history[0].penalty - other.finished[0].history[0].penalty) > 1e-3


def test_the_results_name_key_seed_status_and_stack():
    value = experiment()
    for seed, output in zip(SEEDS, together(value), strict=True):
        result = output.result
        assert (result.key, result.seed, result.status, result.reason) == (value.key(seed), seed, "done", None)
        assert result.environment.stacked == len(SEEDS)


def test_a_stack_at_lower_precision():
    """Bfloat16 rounds by 0.4 %, in a stack also between product and sum; a penalty without kink keeps it at that."""
    value = experiment(penalties=penalised(L1(power=2.0)), stages=(stage(optimizer=SGD(), learning_rate=0.1),))
    exact = together(value)
    stacked = together(value, precision="bfloat16")
    for seed, output, other in zip(SEEDS, stacked, exact, strict=True):
        (single,) = together(value, (seed,), precision="bfloat16")
        coarse = {"rtol": 0.03, "atol": 3e-3}
        check_agree(single.result.stages, output.result.stages, single.weights, output.weights, coarse)
        assert output.result.stages[0].history != other.result.stages[0].history


@pytest.mark.parametrize("how", ["single", "stacked"])
def test_lower_precision_uses_the_current_weights(how):
    """Autocast would cache the rounded weights, unless its cache is disabled."""
    with applied(Conditions("cpu", "bfloat16")):
        parts = [assemble(experiment(), seed, CPU) for seed in SEEDS[: 1 if how == "single" else 2]]
        engine = {"single": Single, "stacked": Stacked}[how](parts, CPU)
        engine.begin(0)
        batch = next(engine.batches if how == "single" else engine.batches[0])
        for name, parameter in parts[0].model.named_parameters():
            engine.step()
            before, _ = parts[0].model(batch.inputs)
            with torch.no_grad():
                parameter.add_(1.0)
            after, _ = parts[0].model(batch.inputs)
            assert (before != after).any(), name


# --- tasks of every kind ----------------------------------------------------------------------------------------------


class Drawn(BaseSource):
    """Random batches with a given loss, with or without each of the fields that a batch may have."""

    def __init__(self, *, loss="mean_squared_error", weight=False, start=False, carry=False, reset=False, seed=0):
        spec = TaskSpec(
            inputs=2,
            outputs=3,
            start=4 if start else None,
            carry=carry,
            loss=loss,
            metrics=(Metric(name="loss", better="lower"),),
        )
        super().__init__(spec, device="cpu")
        self.has = {"weight": weight, "start": start, "reset": reset}

    def draw(self, size, *, generator):
        def random(*shape):
            return torch.rand(*shape, generator=generator)

        targets = {
            "mean_squared_error": lambda: random(5, size, 3),
            "cross_entropy": lambda: torch.randint(3, (5, size), generator=generator),
            "distribution_cross_entropy": lambda: random(5, size, 3).softmax(-1),
        }[self.spec.loss]()
        return Batch(
            inputs=random(5, size, 2) - 0.5,
            targets=targets,
            weight=random(5, size) * (random(5, size) < 0.5) if self.has["weight"] else None,
            start=random(size, 4) if self.has["start"] else None,
            reset=random(size) < 0.5 if self.has["reset"] else None,
            info={"unused": random(1)},
        )


def parts_of(source, network, penalties=None, seed=0, batches=3, **training):
    trained = frozenset(name for name, _ in network.named_parameters())
    plan = Plan(stage(**training), batches, None, trained, None)
    return Parts(seed, source, network, penalties or Penalties([]), (plan,), {})


def built(source, seed, nonlinearity="tanh"):
    kind = PathIntegrator if source.spec.start else SequenceModel
    value = kind(recurrence=ElmanRNN(hidden=7, nonlinearity=nonlinearity))
    return value.build(source.spec, generator=torch.Generator().manual_seed(seed))


def check_steps_agree(parts, number=5):
    """Check that a stack takes the same steps as each run alone; `parts(seed)` assembles a run."""
    stacked = Stacked([parts(seed) for seed in SEEDS], CPU)
    singles = [Single([parts(seed)], CPU) for seed in SEEDS]
    for engine in (stacked, *singles):
        engine.begin(0)
    for _ in range(number):
        torch.testing.assert_close(stacked.step(), torch.cat([engine.step() for engine in singles]), **CLOSE)
    for each, engine in zip(stacked.parts, singles, strict=True):
        ours, its = each.model.state_dict(), engine.parts.model.state_dict()
        for name in its:
            torch.testing.assert_close(ours[name], its[name], **CLOSE)
    return stacked, singles


TASKS = [
    {"loss": "cross_entropy"},
    {"loss": "cross_entropy", "weight": True},
    {"loss": "mean_squared_error"},
    {"loss": "mean_squared_error", "weight": True},
    {"loss": "distribution_cross_entropy"},
    {"loss": "distribution_cross_entropy", "weight": True, "start": True},
    {"carry": True},
    {"carry": True, "reset": True, "weight": True},
]


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_every_kind_of_task(task):
    def parts(seed):
        source = Drawn(**task)
        return parts_of(source, built(source, seed), seed=seed, learning_rate=0.05)

    stacked, singles = check_steps_agree(parts)
    if task.get("carry"):
        torch.testing.assert_close(stacked.states, torch.stack([engine.state for engine in singles]), **CLOSE)
        assert not stacked.states.requires_grad
    else:
        assert stacked.states is None


class Pair(nn.Module):
    """A network whose state is a nest."""

    def __init__(self, source, seed):
        super().__init__()
        self.inner = built(source, seed)

    def forward(self, inputs, start=None, state=None):
        outputs, last = self.inner(inputs, start, None if state is None else state["all"][0])
        return outputs, {"all": (last, last * 2)}


def test_a_state_may_be_a_nest():
    def parts(seed):
        source = Drawn(carry=True, reset=True)
        return parts_of(source, Pair(source, seed), seed=seed)

    stacked, _ = check_steps_agree(parts)
    assert stacked.states["all"][1].shape == (len(SEEDS), 6, 7)


class Stateless(Pair):
    """A network that gives no state back."""

    def forward(self, inputs, start=None, state=None):
        return self.inner(inputs, start, state)[0], None


def test_a_state_that_is_not_carried_may_be_none():
    def parts(seed):
        source = Drawn()
        return parts_of(source, Stateless(source, seed), seed=seed)

    check_steps_agree(parts)


# --- each slice by itself ---------------------------------------------------------------------------------------------


def test_each_gradient_is_clipped_by_its_own_norm():
    limit = 0.5
    engine = Stacked([assemble(experiment(stages=(stage(clip_norm=limit),)), seed, CPU) for seed in range(4)], CPU)
    engine.begin(0)
    generator = torch.Generator().manual_seed(0)
    sizes = torch.tensor([1e-3, 0.1, 1.0, 1e4])
    alone = [[] for _ in sizes]
    for parameter in engine.network.parameters.values():
        random = torch.randn(parameter.shape, generator=generator)
        parameter.grad = random * sizes.view(-1, *[1] * (random.dim() - 1))
        for number, slices in enumerate(alone):
            slices.append(nn.Parameter(parameter[number].detach().clone()))
            slices[-1].grad = parameter.grad[number].clone()
    before = [parameter.grad[0].clone() for parameter in engine.network.parameters.values()]
    norms = [float(nn.utils.clip_grad_norm_(slices, limit)) for slices in alone]
    assert norms[0] < limit < norms[2] < norms[3] / 1000
    engine.network.mask_and_clip_gradients(limit)
    for parameter, *slices in zip(engine.network.parameters.values(), *alone, strict=True):
        for number, one in enumerate(slices):
            torch.testing.assert_close(parameter.grad[number], one.grad, rtol=1e-6, atol=0.0)
    for parameter, small in zip(engine.network.parameters.values(), before, strict=True):
        assert torch.equal(parameter.grad[0], small), "a gradient below the bound keeps its bits"


@pytest.mark.parametrize(
    "optimizer",
    [Adam(weight_decay=0.5), AdamW(weight_decay=0.5), SGD(momentum=0.9, weight_decay=0.5)],
    ids=lambda optimizer: optimizer.kind,
)
def test_what_is_masked_stays_exactly_0(optimizer):
    """Also what is pruned in the middle of a stage, when the optimizer's moments would move it."""
    value = experiment(
        masks=(masked(Bernoulli(density=0.8)),),
        stages=(stage(pruning=Pruning(sparsity=0.7), optimizer=optimizer),),
    )
    parts = [assemble(value, seed, CPU) for seed in SEEDS]
    engine = Stacked(parts, CPU)
    engine.begin(0)
    removed = []
    for epoch in (1, 2, 3):
        if epoch > 1:  # a stage begins with the masks that are applied
            for each in parts:
                each.plans[0].pruner.step(epoch)
            engine.masks_changed()
        for _ in range(3):
            engine.step()
            for number, each in enumerate(parts):
                for name, mask in masks(each.model).items():
                    weight = each.model.get_parameter(name)
                    assert not weight[~mask].any()
                    assert weight[mask].all()
                    assert torch.equal(weight, engine.network.parameters[name][number])
                    for moment in engine.optimizer.state[engine.network.parameters[name]].values():
                        if moment.dim():
                            assert not moment[number][~mask].any()
        removed.append([int((~mask).sum()) for each in parts for mask in masks(each.model).values()])
    assert sum(removed[0]) < sum(removed[1]) < sum(removed[2])


def huge(parts):
    """Let the weights be so large that the first loss is not finite."""
    with torch.no_grad():
        parts.model.recurrence.weight_hh.fill_(1e20)


def late(parts):
    """Let the targets of a batch in the third epoch be infinite."""
    draw, count = parts.source.draw, 0

    def drawn(size, *, generator):
        nonlocal count
        count += 1
        batch = draw(size, generator=generator)
        return Batch(**vars(batch) | {"targets": batch.targets / (count != 8)})

    parts.source.draw = drawn


def unmeasured(parts):
    """Let the metrics be infinite."""
    parts.source.evaluate = lambda *_, **__: {"mse": math.inf}


def with_faults(faults):
    """Return a function that changes the parts of the runs with these seeds."""
    return lambda parts: faults.get(parts.seed, lambda parts: None)(parts)


def test_a_run_that_diverges_does_not_change_the_bits_of_the_others():
    """The reason is that of a single run."""
    value = experiment(
        model=model({"nonlinearity": "relu"}),
        penalties=penalised(Moduli()),
        stages=(stage("sparse", pruning=Pruning(sparsity=0.5), clip_norm=1.0), stage("lottery", start="reinitialize")),
    )
    faults = {1: huge, 3: late, 4: unmeasured}
    sound = Run(value, range(6)).members
    stacked = Run(value, range(6), with_faults(faults)).members
    for seed, got in stacked.items():
        if seed in faults:
            single = Run(value, (seed,), with_faults(faults)).members[seed]
            assert got.diverged == single.diverged
            assert got.finished == single.finished == []
        else:
            assert got.diverged is None
            assert got.weights == sound[seed].weights, "every bit"
            for one, other in zip(sound[seed].finished, got.finished, strict=True):
                assert (one.metrics, one.history) == (other.metrics, other.history)
    assert stacked[1].diverged == "loss is nan at stage 'sparse', epoch 1 of 3"
    assert stacked[3].diverged == "loss is nan at stage 'sparse', epoch 3 of 3"
    assert stacked[4].diverged == "mse is inf at stage 'sparse', held-out metrics"


def test_a_run_that_diverges_in_a_later_stage_keeps_what_it_finished():
    value = experiment(stages=(stage("calm", batches=2), stage("wild", start="reinitialize")))
    faults = with_faults({0: late})  # the eighth batch is in the second stage's first epoch
    stacked, alone = Run(value, (5, 0), faults).members, Run(value, (0,), faults).members[0]
    assert stacked[0].diverged == "loss is nan at stage 'wild', epoch 1 of 3" == alone.diverged
    check_agree(alone.finished, stacked[0].finished, alone.weights, stacked[0].weights)
    assert stacked[5].diverged is None and len(stacked[5].finished) == 2


def test_training_ends_when_all_runs_have_diverged():
    run = Run(experiment(model=model({"nonlinearity": "relu"})), (0, 1), huge)
    assert all(member.diverged for member in run.members.values())
    assert run.masks == {0: [], 1: []}, "no epoch was finished"


# --- the bits of a run ------------------------------------------------------------------------------------------------


def bits(value, seeds, threads, steps=3):
    """Return losses, penalties and weights of each run of a stack after some steps."""
    with applied(Conditions("cpu", threads=threads)):
        parts = [assemble(value, seed, CPU) for seed in seeds]
        engine = Stacked(parts, CPU)
        engine.begin(0)
        losses = torch.stack([engine.step() for _ in range(steps)], dim=1)  # (S, steps, 2)
        return [
            (losses[number], [weight.detach().clone() for weight in each.model.parameters()])
            for number, each in enumerate(parts)
        ]


def same_bits(one, other):
    return torch.equal(one[0], other[0]) and all(map(torch.equal, one[1], other[1]))


@pytest.mark.parametrize(("hidden", "threads"), [(1, 1), (6, 1), (33, 1), (64, 1), (100, 2)])
def test_the_bits_of_a_run_do_not_depend_on_the_seeds_of_the_others(hidden, threads):
    """They depend on its place and on the number of runs, which decide the memory layout.

    A product of matrices and the vectorised steps of Adam depend on it; this is why stacks are not cut by the number of
    workers.
    """
    value = experiment(
        model=SequenceModel(recurrence=ElmanRNN(hidden=hidden)),
        masks=(masked(Bernoulli(density=0.6)),),
        penalties=penalised(Moduli()),
        stages=(stage(clip_norm=0.5, batch_size=9),),
    )
    largest = bits(value, range(20), threads)
    others = bits(value, [seed if seed % 3 == 0 else 100 + seed for seed in range(20)], threads)
    assert [same_bits(one, other) for one, other in zip(others, largest, strict=True)] == [
        seed % 3 == 0 for seed in range(20)
    ]


def test_nothing_global_is_touched():
    """The global generator too: see conftest.py."""
    before = torch.get_num_threads(), torch.is_grad_enabled(), torch.get_float32_matmul_precision()
    together(experiment(**EXPERIMENTS["two masks on one"]), threads=2)
    assert (torch.get_num_threads(), torch.is_grad_enabled(), torch.get_float32_matmul_precision()) == before
    assert not torch.is_autocast_enabled("cpu")


# --- what differs between seeds, and what is refused ------------------------------------------------------------------


class Gained(nn.Module):
    """A network with a buffer that is drawn for its seed; `use` says how it is used."""

    def __init__(self, source, seed, use, persistent=True):
        super().__init__()
        self.use, self.inner = use, built(source, seed)
        gain = 0.5 + torch.rand(3, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("gain", gain, persistent=persistent)

    def forward(self, inputs, start=None, state=None):
        outputs, state = self.inner(inputs, start, state)
        if self.training and self.use == "in place":
            self.gain.mul_(0.9).add_(outputs.detach().std(dim=(0, 1)))
        if self.training and self.use == "replaced":
            self.gain = self.gain * 0.9
        if self.use == "random":
            outputs = nn.functional.dropout(outputs, training=self.training)
        return outputs * self.gain, state


def gained(use, **how):
    def parts(seed):
        source = Drawn()
        return parts_of(source, Gained(source, seed, use, **how), seed=seed)

    return parts


@pytest.mark.parametrize("persistent", [True, False])
@pytest.mark.parametrize("use", ["constant", "in place"])
def test_each_run_has_its_own_buffers(use, persistent):
    stacked, singles = check_steps_agree(gained(use, persistent=persistent))
    for each, single in zip(stacked.parts, singles, strict=True):
        torch.testing.assert_close(each.model.gain, single.parts.model.gain, **CLOSE)
    assert (stacked.parts[0].model.gain != stacked.parts[1].model.gain).all()


def test_a_buffer_that_is_replaced_is_refused():
    engine = Stacked([gained("replaced")(seed) for seed in SEEDS], CPU)
    engine.begin(0)
    with pytest.raises(BenchError, match="stack: expected buffer gain to be written in place"):
        engine.step()


def test_randomness_in_a_network_is_refused():
    engine = Stacked([gained("random")(seed) for seed in SEEDS], CPU)
    engine.begin(0)
    with pytest.raises(RuntimeError, match="called random operation while in randomness error mode"):
        engine.step()


class Ring(nn.Module):
    """A penalty with a buffer that is not in its state_dict."""

    def __init__(self, seed):
        super().__init__()
        self.register_buffer("costs", torch.rand(7, 7, generator=torch.Generator().manual_seed(seed)), persistent=False)

    def forward(self, weight):
        return (self.costs * weight.square()).sum()


def ringed(seed):
    source = Drawn()
    return parts_of(source, built(source, seed), Penalties([(1.0, "recurrence.weight_hh", Ring(seed))]), seed=seed)


def test_each_run_has_its_own_embedding():
    check_steps_agree(ringed)


def test_a_stack_sees_what_is_loaded_into_a_run_later():
    """A checkpoint is loaded after the engine is created."""
    engine = Stacked([ringed(seed) for seed in SEEDS], CPU)
    engine.begin(0)
    with torch.no_grad():
        engine.parts[1].penalties.terms[0].costs.fill_(0.0)
        engine.parts[2].model.recurrence.weight_hh.fill_(0.0)
    penalties = engine.step()[:, 1]
    assert (penalties > 0).tolist() == [True, False, False]


class Fused(nn.Module):
    def __init__(self, source, seed):
        super().__init__()
        with torch.random.fork_rng(devices=[]):  # its constructor draws from the global generator
            self.rnn = nn.GRU(2, 3)

    def forward(self, inputs, start=None, state=None):
        return self.rnn(inputs, state)


def test_fused_cells_are_refused():
    source = Drawn()
    with pytest.raises(BenchError, match="stack: expected cells with an explicit loop, got torch's fused GRU"):
        Stacked([parts_of(source, Fused(source, seed)) for seed in SEEDS], CPU)


class Own(Drawn):
    def loss(self, outputs, batch):
        return outputs.mean()


class Heir(Own):
    pass


class Wrapped:
    """A source that delegates to another one."""

    def __init__(self, source):
        self.source = source

    def __getattr__(self, name):
        return getattr(self.source, name)


def patched():
    source = Drawn()
    source.loss = lambda outputs, batch: outputs.mean()
    return source


def bound():
    """A source with the loss of BaseSource, bound to another source."""
    source = Drawn()
    source.loss = MethodType(BaseSource.loss, Drawn(loss="distribution_cross_entropy"))
    return source


@pytest.mark.parametrize("make", [Own, Heir, patched, bound, lambda: Wrapped(Drawn())])
@pytest.mark.parametrize("place", [0, 2])
def test_a_loss_of_the_tasks_own_is_refused(make, place):
    sources = [Drawn(), Drawn(), Drawn()]
    sources[place] = make()
    with pytest.raises(BenchError, match=r"stack: expected the loss of BaseSource, got one of .*'s own"):
        Stacked([parts_of(source, built(source, 0)) for source in sources], CPU)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (lambda source: parts_of(Drawn(loss="distribution_cross_entropy"), built(source, 1)), "expected one spec"),
        (
            lambda source: parts_of(source, built(source, 1), batches=4),
            "the same number of batches per epoch for all seeds",
        ),
        (lambda source: parts_of(source, Pair(source, 1)), "expected networks of one kind for all runs"),
        (lambda source: parts_of(source, built(source, 1).double()), "expected parameters of one shape and type"),
        (lambda source: ringed(1), "expected penalties of one shape"),
    ],
    ids=["spec", "epochs", "parameters", "types", "penalties"],
)
def test_runs_that_differ_in_kind_are_refused(parts, message):
    source = Drawn()
    with pytest.raises(BenchError, match=f"stack: .*{message}"):
        Stacked([parts_of(source, built(source, 0)), parts(source)], CPU)


def assembled(seed=0, **changed):
    """Return the parts of a run whose model or training differs in some fields."""
    hidden = changed.pop("hidden", 6)
    task = changed.pop("task", Adding(steps=5, held_out=20))
    training = Training(**{"epochs": 1, "batches": 2, "batch_size": 4, "learning_rate": 0.1} | changed)
    model = SequenceModel(recurrence=ElmanRNN(hidden=hidden))
    return assemble(Experiment(task=task, model=model, stages=(Stage(name="only", training=training),)), seed, CPU)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"learning_rate": 0.2}, "the same stages for all runs, got stages.0.training.learning_rate = 0.1 and 0.2"),
        ({"epochs": 2}, "the same stages for all runs, got stages.0.training.epochs = 1 and 2"),
        ({"clip_norm": 1.0}, "the same stages for all runs, got stages.0.training.clip_norm = None and 1.0"),
        (
            {"optimizer": SGD()},
            "the same stages for all runs, got stages.0.training.optimizer.kind = 'adam' and 'sgd'",
        ),
        ({"hidden": 7}, "parameters of one shape and type for all seeds"),
        ({"task": Cognitive(tasks=("go",))}, "one spec for all seeds"),
    ],
)
def test_runs_of_other_experiments_are_refused(changed, message):
    Stacked([assembled(0), assembled(1)], CPU)
    with pytest.raises(BenchError, match=re.escape(f"stack: expected {message}")):
        Stacked([assembled(0), assembled(1, **changed)], CPU)


@pytest.mark.parametrize("has", ["weight", "reset"])
@pytest.mark.parametrize("place", [0, 1])
def test_batches_that_differ_in_kind_are_refused(has, place):
    sources = [Drawn(carry=True), Drawn(carry=True)]
    sources[place].has[has] = True
    engine = Stacked([parts_of(source, built(source, 0)) for source in sources], CPU)
    engine.begin(0)
    with pytest.raises(BenchError, match=f"stack: expected batches of one shape and type for all seeds.*{has}"):
        engine.step()


def test_batches_of_other_lengths_are_refused():
    sources = [Drawn(), Drawn()]
    draw = sources[1].draw
    sources[1].draw = lambda size, *, generator: draw(size + 1, generator=generator)
    engine = Stacked([parts_of(source, built(source, 0)) for source in sources], CPU)
    engine.begin(0)
    with pytest.raises(BenchError, match=r"stack: expected batches of one shape.*\(5, 6, 2\).*\(5, 7, 2\)"):
        engine.step()


# --- in a sweep -------------------------------------------------------------------------------------------------------


class Doubled(Task):
    """The adding problem with a loss of its own, which cannot be stacked."""

    kind: str = "doubled"

    def open(self, *, device, generator):
        source = Adding(steps=5, held_out=50).open(device=device, generator=generator)
        source.loss = lambda outputs, batch: BaseSource.loss(source, outputs, batch) * 2
        return source


class Log(Watcher):
    def __init__(self):
        self.notes, self.results = [], {}

    def note(self, text):
        self.notes.append(text)

    def ended(self, job, result):
        self.results[job.seed] = result


def swept(value, folder, how):
    """Return the log of a sweep over four seeds, the fewest that `auto` stacks, with `stack=how`."""
    log = Log()
    jobs = [Job(value, seed, f"seed {seed}") for seed in (*SEEDS, 4)]
    sweep(jobs, Store(folder), conditions=Conditions("cpu"), stack=how, watcher=log)
    return log


def test_a_sweep_runs_singly_what_cannot_be_stacked_and_notes_the_reason(tmp_path):
    value = experiment(task=Doubled())
    always, never = (swept(value, tmp_path / how, how) for how in ("always", "never"))
    for seed, result in always.results.items():
        (stage,), (other,) = result.stages, never.results[seed].stages
        assert (result.status, result.environment.stacked) == ("done", 1)
        assert (stage.history, stage.metrics) == (other.history, other.metrics)
    assert len(always.results) == 4
    assert never.notes == []
    (note,) = always.notes
    assert note.startswith("seed 3 and 3 more: ")
    assert "not stacked, because BenchError: stack: expected the loss of BaseSource" in note


def test_a_sweep_stacks_what_can_be_stacked(tmp_path):
    log = swept(experiment(), tmp_path, "auto")
    assert [result.environment.stacked for result in log.results.values()] == [4] * 4
    assert log.notes == []
