"""Options of a stage: learning-rate schedules, frozen parts, regularizers, trained embeddings, a task of its own."""

import pytest
import torch
from safetensors.torch import load

from srnn_bench import SGD, Adam, Annealing, BenchError, Conditions, Experiment, Masked, Penalty, Stage, Training, run
from srnn_bench.training import CheckpointPolicy, Member, Single, Stacked, Trainer, assemble, run_together
from srnn_manifolds import Cheapest, Euclidean, KleinBottle, Moduli, Sphere, Torus, Trained
from srnn_models import ElmanRNN, SequenceModel
from srnn_pruning import Pruning
from srnn_tasks import Adding, BaseSource, Batch, Metric, PathIntegration, Task, TaskSpec

CPU = torch.device("cpu")
HH = "recurrence.weight_hh"
TRAINING = Training(epochs=3, batches=4, batch_size=8, learning_rate=1e-2)


def experiment(*stages, regularizer=None, **fields):
    penalty = () if regularizer is None else (Penalty(parameter=HH, regularizer=regularizer, strength=0.1),)
    usual = {"task": Adding(steps=5, held_out=50), "model": SequenceModel(recurrence=ElmanRNN(hidden=6))}
    return Experiment(**usual | {"penalties": penalty, "stages": stages} | fields)


def trained(one):
    """Return the run after its training."""
    member = Member(assemble(one, 0, CPU))
    Trainer([member], Single([member.parts], CPU), device=CPU).train()
    return member


def weights(member):
    return {name: parameter.detach().clone() for name, parameter in member.parts.model.named_parameters()}


# --- learning rates ---------------------------------------------------------------------------------------------------


class Scripted(Task):
    """A task whose validation losses are given in advance."""

    kind: str = "scripted"
    losses: tuple[float, ...]

    def open(self, *, device, generator):
        return ScriptedSource(self.losses, device)


class ScriptedSource(BaseSource):
    def __init__(self, losses, device):
        metrics = (Metric(name="loss", better="lower"),)
        super().__init__(TaskSpec(inputs=1, outputs=1, loss="mean_squared_error", metrics=metrics), device=device)
        self.losses = iter(losses)

    def draw(self, size, *, generator):
        return Batch(inputs=torch.ones(2, size, 1), targets=torch.ones(2, size, 1))

    def evaluate(self, model, *, split, generator):
        return {"loss": next(self.losses) if split == "validation" else 0.0}


def rates(losses, *annealings, epochs=4):
    """Return the learning rate of every epoch, stage by stage."""
    one = Training(epochs=epochs, batches=1, batch_size=2, learning_rate=20.0, optimizer=SGD(), clip_norm=1e-6)
    stages = [
        Stage(name=f"s{number}", training=one.model_copy(update={"rates": each}))
        for number, each in enumerate(annealings)
    ]
    result = run(experiment(*stages, task=Scripted(losses=losses)), seed=0, conditions=Conditions("cpu"))
    assert result.status == "done", result.reason
    assert [epoch.validation for stage in result.stages for epoch in stage.history] == list(losses)
    return [[epoch.learning_rate for epoch in stage.history] for stage in result.stages]


def test_the_rate_is_divided_after_each_epoch_that_is_not_better_than_the_best():
    # better, equal, better than the last but not than the best, worse
    assert rates((3.0, 2.0, 2.0, 2.5, 2.1, 1.0), Annealing(), epochs=6) == [[20, 20, 20, 5, 1.25, 0.3125]]
    assert rates((3.0, 4.0, 1.0, 2.0), Annealing(factor=2)) == [[20, 20, 10, 10]]


def test_the_best_loss_is_forgotten_or_kept_when_a_stage_begins():
    losses = (1.0, 2.0, 0.5, 3.0, 2.0, 1.0, 0.4, 0.3)
    assert rates(losses, Annealing(), Annealing()) == [[20, 20, 5, 5], [20, 20, 20, 20]]
    assert rates(losses, Annealing(), Annealing(best="kept")) == [[20, 20, 5, 5], [20, 5, 1.25, 1.25]]


def test_the_rate_is_what_the_optimizer_uses():
    """The length of a step of SGD with a clipped gradient is the learning rate times the bound."""
    one = Training(epochs=3, batches=1, batch_size=2, learning_rate=1.0, optimizer=SGD(), clip_norm=1e-3)
    one = one.model_copy(update={"rates": Annealing(factor=10)})
    member = Member(assemble(experiment(Stage(name="s", training=one), task=Scripted(losses=(1.0, 1.0, 1.0))), 0, CPU))
    engine, lengths = Single([member.parts], CPU), []
    step = engine.step

    def measured():
        before = weights(member)
        losses = step()
        after = weights(member)
        lengths.append(sum((after[name] - before[name]).square().sum() for name in after).sqrt().item())
        return losses

    engine.step = measured
    Trainer([member], engine, device=CPU).train()
    assert lengths == pytest.approx([1e-3, 1e-3, 1e-4], rel=2e-2)


def test_annealing_needs_a_loss_and_is_not_stacked():
    one = Stage(name="s", training=TRAINING.model_copy(update={"rates": Annealing()}))
    with pytest.raises(BenchError, match=r"'s': training.rates: annealing needs .* 'loss'; the task has mse"):
        run(experiment(one), seed=0, conditions=Conditions("cpu"))
    with pytest.raises(BenchError, match="stack: expected a constant learning rate"):
        run_together(
            experiment(one, task=Scripted(losses=(1.0,) * 9)),
            (0, 1),
            conditions=Conditions("cpu"),
        )


# --- freezing ---------------------------------------------------------------------------------------------------------


def test_what_is_frozen_stays_and_the_rest_moves():
    first, second = Stage(name="a", training=TRAINING), Stage(name="b", training=TRAINING, freeze=("recurrence.*",))
    before, after = weights(trained(experiment(first))), weights(trained(experiment(first, second)))
    for name in before:
        assert torch.equal(before[name], after[name]) == name.startswith("recurrence."), name


def test_a_frozen_part_trains_again_in_a_later_stage():
    frozen = Stage(name="a", training=TRAINING, freeze=("recurrence.*",))
    one, two = trained(experiment(frozen)), trained(experiment(frozen, Stage(name="b", training=TRAINING)))
    assert not torch.equal(weights(one)[HH], weights(two)[HH])


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        (("points.*",), "freeze: 'points.*' matches no trained parameter; there are recurrence.weight_ih"),
        (("*",), "freeze: expected at least one parameter left to train"),
    ],
)
def test_a_freeze_of_nothing_or_of_everything_is_refused(freeze, message):
    with pytest.raises(BenchError, match=message.replace("*", r"\*")):
        run(experiment(Stage(name="a", training=TRAINING, freeze=freeze)), seed=0, conditions=Conditions("cpu"))


# --- regularizers of a stage ------------------------------------------------------------------------------------------


def coefficients(member):
    return member.parts.penalties.terms[0].coefficients.clone()


def test_a_regularizer_stays_is_drawn_again_or_is_left_out():
    first = Stage(name="a", training=TRAINING)
    second = {"name": "b", "training": TRAINING, "start": "reinitialize"}
    before = coefficients(trained(experiment(first, regularizer=Moduli())))
    same = trained(experiment(first, Stage(**second), regularizer=Moduli()))
    fresh = trained(experiment(first, Stage(**second, regularizer="fresh"), regularizer=Moduli()))
    bare = trained(experiment(first, Stage(**second, regularizer="none"), regularizer=Moduli()))
    assert torch.equal(coefficients(same), before)
    assert not torch.equal(coefficients(fresh), before)
    assert torch.allclose(coefficients(fresh), Moduli().coefficients(fresh.parts.penalties.terms[0].points[0]))
    assert [epoch.penalty for epoch in bare.history] == [0.0] * 3
    assert all(epoch.penalty > 0 for epoch in fresh.history)
    unpenalised = trained(experiment(first, Stage(**second, regularizer="none"), regularizer=Moduli(), penalties=()))
    plain = trained(experiment(first, Stage(**second), penalties=()))
    assert torch.equal(weights(unpenalised)[HH], weights(plain)[HH])


# --- embeddings that train --------------------------------------------------------------------------------------------

MANIFOLDS = [Torus(), KleinBottle(), Sphere(dim=2), Sphere(dim=3), Euclidean(dim=3)]


@pytest.mark.parametrize("manifold", MANIFOLDS, ids=str)
def test_a_trained_embedding_moves_at_every_step_and_stays_on_its_manifold(manifold):
    """Rows of S^n stay at unit norm and still move after the second step."""
    training = TRAINING.model_copy(update={"embedding_learning_rate": 0.05})
    one = experiment(Stage(name="a", training=training), regularizer=Trained(base=Moduli(manifold=manifold)))
    parts = assemble(one, 0, CPU)
    engine, points = Single([parts], CPU), parts.penalties.terms[0].points
    engine.begin(0)
    for _ in range(6):
        before = points.detach().clone()
        engine.step()
        assert parts.penalties.terms[0].points is points
        moved = manifold.distance(before, points.detach())
        assert (moved > 1e-4).float().mean() > 0.9
        torch.testing.assert_close(points.detach(), manifold.retract(points.detach()), atol=1e-5, rtol=0)
        if isinstance(manifold, Sphere):
            torch.testing.assert_close(points.detach().norm(dim=-1), torch.ones(1, 6), atol=1e-5, rtol=0)


def test_embeddings_have_their_own_learning_rate_its_decay_and_no_weight_decay():
    training = TRAINING.model_copy(
        update={"embedding_learning_rate": 0.1, "embedding_decay": 0.5, "optimizer": Adam(weight_decay=0.3)}
    )
    one = experiment(Stage(name="a", training=training), regularizer=Trained(base=Moduli()))
    member = Member(assemble(one, 0, CPU))
    engine = Single([member.parts], CPU)
    Trainer([member], engine, device=CPU).train()
    network, embedding = engine.optimizer.param_groups
    assert (network["lr"], network["weight_decay"]) == (1e-2, 0.3)
    assert embedding["lr"] == pytest.approx(0.1 * 0.5**3) and embedding["weight_decay"] == 0.0
    assert [tuple(parameter.shape) for parameter in embedding["params"]] == [(1, 6, 2)]


def test_a_trained_embedding_is_not_pruned_and_is_kept_with_the_weights():
    stage = Stage(name="a", training=TRAINING, pruning=Pruning(sparsity=0.9))
    one = experiment(stage, regularizer=Trained(base=Moduli()))
    (output,) = run_together(one, (0,), conditions=Conditions("cpu"), policy=CheckpointPolicy(weights=True))
    points = load(output.weights["a"])[f"points.{HH}"]
    assert points.shape == (1, 6, 2)
    assert (points != 0).all()
    assert not any("points" in name for name in output.result.stages[0].densities)
    assert not torch.equal(points, assemble(one, 0, CPU).penalties.terms[0].points)


# --- masks that are drawn from a manifold -----------------------------------------------------------------------------


def test_a_mask_may_come_from_a_manifold():
    pattern = Cheapest(base=Moduli(), density=0.25)
    one = experiment(Stage(name="a", training=TRAINING), masks=(Masked(parameter=HH, pattern=pattern),))
    assert Experiment.model_validate_json(one.model_dump_json()) == one
    result = run(one, seed=0, conditions=Conditions("cpu"))
    assert result.stages[0].densities[HH] == 0.25


def test_a_stage_with_its_own_task_trains_and_is_measured_on_it():
    long, short = Adding(steps=9, held_out=40), Adding(steps=5, held_out=50)
    training = TRAINING.model_copy(update={"evaluate_every": 1})
    first, second = Stage(name="first", training=training), Stage(name="second", training=training)
    both = run(
        experiment(first.model_copy(update={"task": long}), second, task=short), seed=0, conditions=Conditions("cpu")
    )
    alone = run(experiment(first, task=long), seed=0, conditions=Conditions("cpu"))
    assert both.stages[0].metrics == alone.stages[0].metrics, "as if it were the experiment's task"
    assert both.stages[0].history == alone.stages[0].history
    of_long = run(experiment(first, second, task=long), seed=0, conditions=Conditions("cpu"))
    assert both.stages[1].history != of_long.stages[1].history, "the second stage has the experiment's own"


@pytest.mark.parametrize("stacked", [False, True])
def test_a_stage_with_its_own_task_trains_alone_and_stacked(stacked):
    stages = (Stage(name="first", training=TRAINING, task=Adding(steps=9)), Stage(name="second", training=TRAINING))
    jobs = experiment(*stages)
    members = [Member(assemble(jobs, seed, CPU)) for seed in ((0, 1) if stacked else (1,))]
    engine = (Stacked if stacked else Single)([member.parts for member in members], CPU)
    Trainer(members, engine, device=CPU).train()
    alone = run(jobs, seed=1, conditions=Conditions("cpu"))
    for stage, other in zip(members[-1].finished, alone.stages, strict=True):
        assert stage.metrics == pytest.approx(other.metrics, rel=1e-3)


def test_a_task_of_a_stage_must_fit_the_network():
    stage = Stage(name="other", training=TRAINING, task=PathIntegration(place_cells=8))
    with pytest.raises(BenchError, match=r"stage 'other': task: expected outputs = 1 .* got 8"):
        run(experiment(stage), seed=0, conditions=Conditions("cpu"))
