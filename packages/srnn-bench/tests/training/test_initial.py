"""Masks and signs of an experiment, and the initial weights under them."""

import math

import pytest
import torch

from srnn_bench import BenchError, Masked, Signed, Stage, Training
from srnn_bench.training import Member, Single, Stacked, Trainer, assemble
from srnn_masks import Dale, FixedInDegree, Locality, signs
from srnn_models import GRU, Glorot, LeakyRNN, Normal, SequenceModel

CPU = torch.device("cpu")
TRAINING = Training(epochs=2, batches=20, batch_size=8, learning_rate=3e-2)
ONE = (Stage(name="one", training=TRAINING),)
NAME = "recurrence.weight_hh"


@pytest.fixture
def masked(tiny):
    """Give a function that returns the tiny experiment with a mask and signs on 25 leaky units."""

    def make(initialization="masked", signed="balanced", stages=ONE, **changes):
        return tiny(
            model=SequenceModel(recurrence=LeakyRNN(hidden=25)),
            penalties=(),
            masks=(Masked(parameter=NAME, pattern=Locality(sheet=(5, 5), radius=1), initialization=initialization),),
            signs=(Signed(parameter="*weight_hh*", initialization=signed),),
            stages=stages,
            **changes,
        )

    return make


def trained(experiment, seeds, stacked):
    members = [Member(assemble(experiment, seed, CPU)) for seed in seeds]
    parts = [member.parts for member in members]
    engine = Stacked(parts, CPU) if stacked else Single(parts, CPU)
    Trainer(members, engine, device=CPU).train()
    return [part.model for part in parts]


def test_fan_in_gives_each_row_the_norm_of_a_row_drawn_for_its_own_entries(tiny):
    def weight(pattern, initialization):
        masks = (Masked(parameter=NAME, pattern=pattern, initialization=initialization),)
        experiment = tiny(model=SequenceModel(recurrence=LeakyRNN(hidden=400)), masks=masks, penalties=())
        return assemble(experiment, 0, CPU).model.recurrence.weight_hh.detach()

    for pattern in (Locality(sheet=(20, 20), radius=2), FixedInDegree(degree=13)):
        plain, corrected = weight(pattern, "masked"), weight(pattern, "fan_in")
        torch.testing.assert_close(corrected, plain * math.sqrt(400 / 13))
        gain = torch.linalg.eigvals(plain).abs().max(), torch.linalg.eigvals(corrected).abs().max()
        assert gain[0] < 0.2 and gain[1] > 0.5, "a mask shrinks the gain by the root of the density"


def test_the_key_of_an_experiment_without_signs_is_what_it_was(tiny):
    experiment = tiny(masks=(Masked(parameter=NAME, pattern=FixedInDegree(degree=2)),))
    data = experiment.model_dump(mode="json")
    del data["signs"], data["masks"][0]["initialization"]
    assert type(experiment).model_validate(data).key(0) == experiment.key(0)
    assert experiment.key(0) != experiment.model_copy(update={"signs": (Signed(parameter=NAME),)}).key(0)


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("initialization", ["masked", "fan_in"])
def test_signs_and_mask_hold_through_training_and_lottery(masked, initialization, stacked):
    stages = (Stage(name="one", training=TRAINING), Stage(name="two", training=TRAINING, start="reinitialize"))
    (model,) = trained(masked(initialization, stages=stages), [3], stacked)
    sign, weight = signs(model)[NAME], model.recurrence.weight_hh.detach()
    assert int((sign > 0).sum()) == 20
    assert (weight * sign >= 0).all()
    assert (weight[~Locality(sheet=(5, 5), radius=1).mask(25, 25)] == 0).all()
    assert (weight != 0).sum() > 60, "the lottery drew all entries, not only those with the right sign"


def test_seeds_draw_their_own_signs_and_a_stack_gives_what_single_runs_give(masked):
    experiment = masked()
    together = trained(experiment, [0, 1], stacked=True)
    for seed, model in zip([0, 1], together, strict=True):
        (alone,) = trained(experiment, [seed], stacked=False)
        assert torch.equal(signs(alone)[NAME], signs(model)[NAME])
        torch.testing.assert_close(model.recurrence.weight_hh, alone.recurrence.weight_hh, rtol=1e-3, atol=1e-4)
    assert not torch.equal(signs(together[0])[NAME], signs(together[1])[NAME])


def test_new_weights_are_balanced_or_kept_as_the_experiment_says(masked):
    balanced, kept = (
        assemble(masked(signed=each), 0, CPU).model.recurrence.weight_hh.detach() for each in ("balanced", "signed")
    )
    both = (balanced > 0).any(1) & (balanced < 0).any(1)
    assert both.any() and not both.all()
    torch.testing.assert_close(balanced[both].sum(1), torch.zeros(int(both.sum())), rtol=0, atol=1e-5)
    torch.testing.assert_close(balanced.norm(dim=1), kept.norm(dim=1))
    assert kept[both].sum(1).abs().max() > 0.05


def test_new_weights_of_a_stage_have_the_initial_distribution(tiny):
    """They differ from those of the start, and their deviations are sd, and sqrt(2 / (N + O)) in the read-out."""
    still = Training(epochs=1, batches=1, batch_size=4, learning_rate=1e-12)
    stages = (Stage(name="one", training=still), Stage(name="two", training=still, start="reinitialize"))
    recurrence = GRU(hidden=40, initialization=Normal(sd=0.7))
    model = SequenceModel(recurrence=recurrence, readout_initialization=Glorot())
    experiment = tiny(model=model, penalties=(), stages=stages)
    start = assemble(experiment, 0, CPU).model
    (end,) = trained(experiment, [0], stacked=False)
    for network in (start, end):
        assert network.recurrence.weight_hh.std().item() == pytest.approx(0.7, rel=0.05)
        bound = math.sqrt(6 / sum(network.readout.weight.shape))
        assert 0.8 * bound < network.readout.weight.abs().max() <= bound * (1 + 1e-6)
        assert network.recurrence.bias_hh.abs().max() < 1e-6 and network.readout.bias.abs().max() < 1e-6
    assert (start.recurrence.weight_hh - end.recurrence.weight_hh).abs().mean() > 0.5


def test_parameters_of_one_width_share_their_signs(tiny):
    model = SequenceModel(recurrence=LeakyRNN(hidden=12))
    both = (Signed(parameter="*weight_hh*", law=Dale(excitatory=0.5)), Signed(parameter="readout.weight"))
    assert list(signs(assemble(tiny(model=model, penalties=(), signs=both[:1]), 0, CPU).model)) == [NAME]
    one = tiny(model=model, penalties=(), signs=(Signed(parameter="*weight*h*", law=Dale(excitatory=0.5)),))
    assert set(signs(assemble(one, 0, CPU).model)) == {NAME, "recurrence.weight_ih"}
    shared = tiny(model=model, penalties=(), signs=(Signed(parameter="r*.weight*", law=Dale(excitatory=0.5)),))
    drawn = signs(assemble(shared, 0, CPU).model)
    assert torch.equal(drawn[NAME], drawn["readout.weight"]), "a unit has one sign"


def test_a_glob_that_matches_nothing_is_refused(tiny):
    with pytest.raises(BenchError, match=r"signs\.0\.parameter: '\*nothing\*' matches no weight matrix"):
        assemble(tiny(signs=(Signed(parameter="*nothing*"),)), 0, CPU)
