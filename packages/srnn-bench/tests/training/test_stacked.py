"""Stacked seeds: what a stack of runs computes is what each run computes by itself.

Stacked and single runs make the same sums in another order. Float32 rounds by 6e-8; over the few dozen steps of these
tests, and Adam's division by the size of the gradient, the difference grows to 1e-5 of a weight at most. What is
tested moves weights and losses by 1e-3 and more, so `CLOSE` tells them apart. Masks, densities, epochs and reasons
are equal exactly.
"""

import math
from functools import partial
from types import MethodType

import pytest
import torch
from safetensors.torch import load
from torch import nn

from srnn_bench import SGD, Adam, AdamW, Conditions, Experiment, Job, Masked, Penalty, Stage, Store, Training, sweep
from srnn_bench.experiment import _result as _run
from srnn_bench.sweep import Watcher
from srnn_bench.training import (
    CheckpointPolicy,
    Parts,
    Penalties,
    Plan,
    Single,
    Stacked,
    applied,
    assemble,
    run_together,
)
from srnn_bench.training import _trainer as _train
from srnn_manifolds import L1, Moduli, Shuffled, Sphere, Trained
from srnn_masks import Bernoulli, FixedInDegree, Locality, UniformRandom, masks
from srnn_models import ElmanRNN, PathIntegrator, SequenceModel
from srnn_pruning import Linear, OneShot, Pruning, Random
from srnn_tasks import Adding, BaseSource, Batch, Metric, PathIntegration, TaskSpec

CPU = torch.device("cpu")
CLOSE = {"rtol": 1e-3, "atol": 1e-5}
SEEDS = (3, 0, 11, 4)
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
    "relu": {"model": model({"nonlinearity": "relu"})},
    "no bias": {"model": model({"bias": False}, bias=False)},
    "locality": {"masks": (masked(Locality(sheet=(3, 3), radius=1)),)},
    "in-degree": {"masks": (masked(FixedInDegree(degree=3)), masked(Bernoulli(density=0.5), "readout.weight"))},
    "two masks on one": {"masks": (masked(UniformRandom(density=0.7)), masked(Bernoulli(density=0.7), "*weight*"))},
    "magnitude, global": {"stages": (stage(pruning=Pruning(sparsity=0.6)),)},
    "magnitude, per matrix": {"stages": (stage(pruning=Pruning(sparsity=0.6, ranking="per_matrix")),)},
    "random, one shot": {
        "stages": (stage(pruning=Pruning(sparsity=0.6, criterion=Random(), schedule=OneShot(epoch=2))),)
    },
    "masks that are pruned": {
        "masks": (masked(Bernoulli(density=0.7)),),
        "stages": (stage(pruning=Pruning(sparsity=0.6, schedule=Linear(), scope=("*hh*",))),),
    },
    "moduli": {"penalties": penalised(Moduli())},
    "shuffled": {"penalties": penalised(Shuffled(base=Moduli(reduction="sum")), strength=0.01)},
    "matched l1": {"penalties": penalised(L1(matched=Moduli()))},
    "two penalties on one, masked": {
        "penalties": penalised(L1(power=2.0), Moduli(offset="empirical")),
        "masks": (masked(FixedInDegree(degree=4)),),
    },
    "decay": {"stages": (stage(pruning=Pruning(sparsity=0.6), optimizer=Adam(weight_decay=1.0)),)},
    "adamw": {"stages": (stage(pruning=Pruning(sparsity=0.6), optimizer=AdamW(weight_decay=1.0)),)},
    "sgd": {"stages": (stage(optimizer=SGD(), learning_rate=0.3),)},
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
    "stages": {"penalties": penalised(Moduli()), "stages": LOTTERY},
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
        "stages": (stage("places", freeze=("recurrence.*", "readout.*"), embedding_learning_rate=0.1),),
    },
    "evaluated, pruned": {
        "stages": (stage(evaluate_every=2, pruning=Pruning(sparsity=0.6)), stage("then", evaluate_every=1)),
    },
    "navigation": {**NAVIGATION, "penalties": penalised(Moduli()), "stages": LOTTERY},
}


@pytest.fixture
def masks_of_epochs(monkeypatch):
    """Give a list that gets the masks worn by a network at the end of each of its epochs."""
    seen = []
    mean_density = _train.mean_density
    monkeypatch.setattr(_train, "mean_density", lambda model: (seen.append(masks(model)), mean_density(model))[1])
    return seen


def together(value, seeds=SEEDS, **how):
    return run_together(value, seeds, conditions=Conditions("cpu", **how), policy=CheckpointPolicy(weights=True))


def check_same_masks(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def check_agree(single, stacked, close=CLOSE):
    """Check that two results and their weights differ by no more than rounding, and not at all in what is counted."""
    one, other = single.result, stacked.result
    assert (one.key, one.seed, one.status, one.reason) == (other.key, other.seed, other.status, other.reason)
    approx = partial(pytest.approx, rel=close["rtol"], abs=close["atol"])
    for expected, got in zip(one.stages, other.stages, strict=True):
        assert (expected.name, expected.steps, expected.densities) == (got.name, got.steps, got.densities)
        assert [epoch.density for epoch in expected.history] == [epoch.density for epoch in got.history]
        for field in ("loss", "penalty"):
            values = [[getattr(epoch, field) for epoch in each.history] for each in (expected, got)]
            assert values[0] == approx(values[1])
        assert expected.metrics == approx(got.metrics)
        for epoch, again in zip(expected.history, got.history, strict=True):
            assert epoch.metrics == approx(again.metrics)
        assert expected.present.keys() == got.present.keys()
        weights, others = (load(made.weights[expected.name]) for made in (single, stacked))
        assert weights.keys() == others.keys()
        for name, weight in weights.items():
            if weight.dtype == torch.bool:
                assert torch.equal(weight, others[name])
                assert not others[name.removesuffix("_mask")][~weight].any(), "masked weights are 0"
            else:
                torch.testing.assert_close(weight, others[name], **close)


@pytest.mark.parametrize("changes", EXPERIMENTS.values(), ids=EXPERIMENTS.keys())
def test_a_stack_computes_what_each_run_computes_alone(changes, masks_of_epochs):
    value = experiment(**changes)
    singles, expected = [], []
    for seed in SEEDS:
        singles += together(value, (seed,))
        expected.append(masks_of_epochs.copy())
        masks_of_epochs.clear()
    stacked = together(value)
    for single, made in zip(singles, stacked, strict=True):
        check_agree(single, made)
    assert {made.result.environment.stacked for made in stacked} == {len(SEEDS)}
    for number, held in enumerate(expected):
        for one, other in zip(held, masks_of_epochs[number :: len(SEEDS)], strict=True):
            check_same_masks(one, other)


def test_runs_that_are_compared_are_not_alike():
    """Otherwise the test above could pass with the weights, masks or embeddings of one run for all."""
    one, other = together(experiment(**EXPERIMENTS["two penalties on one, masked"]), SEEDS[:2])
    weights, others = load(one.weights["only"]), load(other.weights["only"])
    assert all((weights[name] != others[name]).any() for name in weights)
    ends = [made.result.stages[0] for made in (one, other)]
    assert abs(ends[0].history[0].penalty - ends[1].history[0].penalty) > 1e-3


def test_a_stack_at_lower_precision():
    """Bfloat16 rounds by 0.4 %, in a stack also between product and sum; a penalty without kink keeps it at that."""
    value = experiment(penalties=penalised(L1(power=2.0)), stages=(stage(optimizer=SGD(), learning_rate=0.1),))
    coarse = {"rtol": 0.03, "atol": 3e-3}
    exact = together(value)
    stacked = together(value, precision="bfloat16")
    for seed, made, other in zip(SEEDS, stacked, exact, strict=True):
        (single,) = together(value, (seed,), precision="bfloat16")
        check_agree(single, made, coarse)
        assert made.result.stages[0].history != other.result.stages[0].history


@pytest.mark.parametrize("how", ["single", "stacked"])
def test_lower_precision_goes_by_the_weights_of_now(how):
    """Autocast keeps its rounded weights as long as it lasts, unless it is told not to."""
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
            info={"nobody": random(1)},
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
    """Check that a stack of the parts takes the same steps as each alone: `parts(seed)` makes one anew."""
    stacked = Stacked([parts(seed) for seed in SEEDS], CPU)
    singles = [Single([parts(seed)], CPU) for seed in SEEDS]
    for engine in (stacked, *singles):
        engine.begin(0)
    for _ in range(number):
        torch.testing.assert_close(stacked.step(), torch.cat([engine.step() for engine in singles]), **CLOSE)
    for held, engine in zip(stacked.parts, singles, strict=True):
        ours, its = held.model.state_dict(), engine.parts.model.state_dict()
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
    for parameter in engine.parameters.values():
        random = torch.randn(parameter.shape, generator=generator)
        parameter.grad = random * sizes.view(-1, *[1] * (random.dim() - 1))
        for number, slices in enumerate(alone):
            slices.append(nn.Parameter(parameter[number].detach().clone()))
            slices[-1].grad = parameter.grad[number].clone()
    before = [parameter.grad[0].clone() for parameter in engine.parameters.values()]
    norms = [float(nn.utils.clip_grad_norm_(slices, limit)) for slices in alone]
    assert norms[0] < limit < norms[2] < norms[3] / 1000
    engine._mask_and_clip()
    for parameter, *slices in zip(engine.parameters.values(), *alone, strict=True):
        for number, one in enumerate(slices):
            torch.testing.assert_close(parameter.grad[number], one.grad, rtol=1e-6, atol=0.0)
    for parameter, small in zip(engine.parameters.values(), before, strict=True):
        assert torch.equal(parameter.grad[0], small), "what is small enough keeps its bits"


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
    gone = []
    for epoch in (1, 2, 3):
        if epoch > 1:  # a stage begins with the masks that are worn
            for each in parts:
                each.plans[0].pruner.step(epoch)
            engine.pruned()
        for _ in range(3):
            engine.step()
            for number, each in enumerate(parts):
                for name, mask in masks(each.model).items():
                    held = each.model.get_parameter(name)
                    assert not held[~mask].any()
                    assert held[mask].all()
                    assert torch.equal(held, engine.parameters[name][number])
                    for moment in engine.optimizer.state[engine.parameters[name]].values():
                        if moment.dim():
                            assert not moment[number][~mask].any()
        gone.append([int((~mask).sum()) for each in parts for mask in masks(each.model).values()])
    assert sum(gone[0]) < sum(gone[1]) < sum(gone[2])


def faulty(monkeypatch, faults):
    """Let runs be faulty by seed, from the moment that they are put together."""

    def assembled(value, seed, device):
        parts = assemble(value, seed, device)
        if seed in faults:
            faults[seed](parts)
        return parts

    monkeypatch.setattr(_run, "assemble", assembled)


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
    parts.source.evaluate = lambda *_, **__: {"mse": math.inf}


def test_a_run_that_diverges_leaves_the_others_bits_alone(monkeypatch):
    """Whenever it does, and it gives the reason of a single run."""
    value = experiment(
        model=model({"nonlinearity": "relu"}),
        penalties=penalised(Moduli()),
        stages=(stage("sparse", pruning=Pruning(sparsity=0.5), clip_norm=1.0), stage("lottery", start="reinitialize")),
    )
    faults = {3: huge, 11: late, 4: unmeasured}
    sound = together(value, range(13))
    faulty(monkeypatch, faults)
    stacked = together(value, range(13))
    for seed, (expected, got) in enumerate(zip(sound, stacked, strict=True)):
        (single,) = together(value, (seed,))
        if seed in faults:
            assert got.result.status == "diverged"
            assert got.result.reason == single.result.reason
            assert got.result.stages == single.result.stages == ()
        else:
            assert got.result.status == "done"
            assert got.weights == expected.weights, "every bit"
            for one, other in zip(expected.result.stages, got.result.stages, strict=True):
                assert (one.metrics, one.history) == (other.metrics, other.history)
    reasons = {seed: stacked[seed].result.reason for seed in faults}
    assert reasons[3] == "loss is nan at stage 'sparse', epoch 1 of 3"
    assert reasons[11] == "loss is nan at stage 'sparse', epoch 3 of 3"
    assert reasons[4] == "mse is inf at stage 'sparse', held-out metrics"


def test_a_run_that_diverges_in_a_later_stage_keeps_what_it_finished(monkeypatch):
    value = experiment(stages=(stage("calm", batches=2), stage("wild", start="reinitialize")))
    faulty(monkeypatch, {0: late})  # the eighth batch is in the second stage's first epoch
    stacked = together(value, (5, 0))
    (single,) = together(value, (0,))
    assert stacked[1].result.reason == "loss is nan at stage 'wild', epoch 1 of 3" == single.result.reason
    check_agree(single, stacked[1])
    assert [made.result.status for made in stacked] == ["done", "diverged"]


def test_when_all_have_diverged_it_ends(monkeypatch):
    faulty(monkeypatch, dict.fromkeys((0, 1), huge))
    seen = []
    made = run_together(
        experiment(model=model({"nonlinearity": "relu"})),
        (0, 1),
        conditions=Conditions("cpu"),
        on_epoch=seen.append,
    )
    assert [each.result.status for each in made] == ["diverged", "diverged"]
    assert seen == []


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


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("hidden", [1, 6, 16, 33, 64, 100])
def test_the_bits_of_a_run_depend_on_its_place_only(hidden, threads):
    """Not on how many others there are, nor on which.

    The place counts, since the product of matrices depends on how they lie in memory; that is why stacks are not cut
    by the number of workers.
    """
    value = experiment(
        model=SequenceModel(recurrence=ElmanRNN(hidden=hidden)),
        masks=(masked(Bernoulli(density=0.6)),),
        penalties=penalised(Moduli()),
        stages=(stage(clip_norm=0.5, batch_size=9),),
    )
    largest = bits(value, range(32), threads)
    for number in (2, 3, 5, 8, 17):
        assert all(map(same_bits, bits(value, range(number), threads), largest))
    others = bits(value, [seed if seed % 3 == 0 else 100 + seed for seed in range(32)], threads)
    assert [same_bits(one, other) for one, other in zip(others, largest, strict=True)] == [
        seed % 3 == 0 for seed in range(32)
    ]


def test_nothing_global_is_touched():
    """The global generator too: see conftest.py."""
    before = torch.get_num_threads(), torch.is_grad_enabled(), torch.get_float32_matmul_precision()
    together(experiment(**EXPERIMENTS["stages"]), threads=2)
    assert (torch.get_num_threads(), torch.is_grad_enabled(), torch.get_float32_matmul_precision()) == before
    assert not torch.is_autocast_enabled("cpu")


# --- what differs between seeds, and what is refused ------------------------------------------------------------------


class Gained(nn.Module):
    """A network with a buffer of its own, drawn for its seed, that is used in one way or another."""

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
    with pytest.raises(ValueError, match="stack: expected buffer gain to be written in place"):
        engine.step()


def test_randomness_in_a_network_is_refused():
    engine = Stacked([gained("random")(seed) for seed in SEEDS], CPU)
    engine.begin(0)
    with pytest.raises(RuntimeError, match="called random operation while in randomness error mode"):
        engine.step()


class Ring(nn.Module):
    """A penalty with a buffer that no state_dict holds."""

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


def test_what_is_loaded_into_a_run_later_counts():
    """A checkpoint is taken up after the engine was made."""
    engine = Stacked([ringed(seed) for seed in SEEDS], CPU)
    engine.begin(0)
    with torch.no_grad():
        engine.parts[1].penalties.terms[0].costs.fill_(0.0)
        engine.parts[2].model.recurrence.weight_hh.fill_(0.0)
    penalties = engine.step()[:, 1]
    assert (penalties > 0).tolist() == [True, False, False, True]


class Fused(nn.Module):
    def __init__(self, source, seed):
        super().__init__()
        with torch.random.fork_rng(devices=[]):  # its constructor draws from the global generator
            self.rnn = nn.GRU(2, 3)

    def forward(self, inputs, start=None, state=None):
        return self.rnn(inputs, state)


def test_fused_cells_are_refused():
    source = Drawn()
    with pytest.raises(ValueError, match="stack: expected cells with an explicit loop, got torch's fused GRU"):
        Stacked([parts_of(source, Fused(source, seed)) for seed in SEEDS], CPU)


class Own(Drawn):
    def loss(self, outputs, batch):
        return outputs.mean()


class Heir(Own):
    pass


class Wrapped:
    """A source that hands on what it does not know itself."""

    def __init__(self, source):
        self.source = source

    def __getattr__(self, name):
        return getattr(self.source, name)


def patched():
    source = Drawn()
    source.loss = lambda outputs, batch: outputs.mean()
    return source


def bound():
    """A source with the base's loss, but of another source."""
    source = Drawn()
    source.loss = MethodType(BaseSource.loss, Drawn(loss="distribution_cross_entropy"))
    return source


@pytest.mark.parametrize("make", [Own, Heir, patched, bound, lambda: Wrapped(Drawn())])
@pytest.mark.parametrize("place", [0, 2])
def test_a_loss_of_the_tasks_own_is_refused(make, place):
    sources = [Drawn(), Drawn(), Drawn()]
    sources[place] = make()
    with pytest.raises(ValueError, match=r"stack: expected the loss of BaseSource, got one of .*'s own"):
        Stacked([parts_of(source, built(source, 0)) for source in sources], CPU)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (lambda source: parts_of(Drawn(loss="distribution_cross_entropy"), built(source, 1)), "expected one spec"),
        (lambda source: parts_of(source, built(source, 1), batches=4), "as many batches for all seeds"),
        (lambda source: parts_of(source, Pair(source, 1)), "expected parameters of one shape"),
        (lambda source: parts_of(source, built(source, 1).double()), "expected parameters of one shape and type"),
        (lambda source: ringed(1), "expected penalties of one shape"),
    ],
    ids=["spec", "epochs", "parameters", "types", "penalties"],
)
def test_runs_that_differ_in_kind_are_refused(parts, said):
    source = Drawn()
    with pytest.raises(ValueError, match=f"stack: .*{said}"):
        Stacked([parts_of(source, built(source, 0)), parts(source)], CPU)


@pytest.mark.parametrize("has", ["weight", "reset"])
@pytest.mark.parametrize("place", [0, 1])
def test_batches_that_differ_in_kind_are_refused(has, place):
    sources = [Drawn(carry=True), Drawn(carry=True)]
    sources[place].has[has] = True
    engine = Stacked([parts_of(source, built(source, 0)) for source in sources], CPU)
    engine.begin(0)
    with pytest.raises(ValueError, match=f"stack: expected batches of one shape and type for all seeds.*{has}"):
        engine.step()


def test_batches_of_other_lengths_are_refused():
    sources = [Drawn(), Drawn()]
    draw = sources[1].draw
    sources[1].draw = lambda size, *, generator: draw(size + 1, generator=generator)
    engine = Stacked([parts_of(source, built(source, 0)) for source in sources], CPU)
    engine.begin(0)
    with pytest.raises(ValueError, match=r"stack: expected batches of one shape.*\(5, 6, 2\).*\(5, 7, 2\)"):
        engine.step()


# --- in a sweep -------------------------------------------------------------------------------------------------------


class Log(Watcher):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def outcomes(store):
    return {result.seed: (result.status, result.stages[0].history, result.stages[0].metrics) for result in store}


def test_what_cannot_be_stacked_is_made_singly_and_it_is_said_why(monkeypatch, tmp_path):
    def own(source, outputs, batch):
        return BaseSource.loss(source, outputs, batch) * 2

    monkeypatch.setattr("srnn_tasks._adding.AddingSource.loss", own)
    jobs = [Job(experiment(), seed, f"seed {seed}") for seed in SEEDS]
    logs = {}
    for how in ("always", "never"):
        logs[how] = Log()
        sweep(jobs, Store(tmp_path / how), conditions=Conditions("cpu"), stack=how, watcher=logs[how])
    stores = [Store(tmp_path / how) for how in ("always", "never")]
    assert outcomes(stores[0]) == outcomes(stores[1])
    assert {result.environment.stacked for result in stores[0]} == {1}
    assert logs["never"].notes == []
    (note,) = logs["always"].notes
    assert note.startswith("seed 3 and 3 more: not stacked, since ValueError: stack: expected the loss of BaseSource")


def test_what_can_be_stacked_is(tmp_path):
    log = Log()
    jobs = [Job(experiment(), seed, f"seed {seed}") for seed in SEEDS]
    sweep(jobs, Store(tmp_path), conditions=Conditions("cpu"), stack="auto", watcher=log)
    assert [result.environment.stacked for result in Store(tmp_path)] == [len(SEEDS)] * len(SEEDS)
    assert log.notes == []
