"""The engines of srnn-models under the masks of srnn-masks and the criteria of srnn-pruning: as the loop, always."""

import copy
import pickle
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import srnn_masks
from srnn_models import GRU, LSTM, ElmanRNN, LeakyRNN, SequenceModel, accelerate, decelerate
from srnn_pruning import SNIP, GraSP, JacobianSpectrum, Magnitude

SPEC = SimpleNamespace(inputs=3, outputs=2, start=None, tokens=False)
CELLS = {
    "elman": ElmanRNN(hidden=6),
    "leaky": LeakyRNN(hidden=6, alpha=0.3, nonlinearity="tanh"),
    "gru": GRU(hidden=6),
    "lstm": LSTM(hidden=6),
}
cells = pytest.mark.parametrize("cell", CELLS)
HH = "recurrence.weight_hh"


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def mask(network, seed=0):
    return {HH: torch.rand(network.get_parameter(HH).shape, generator=generator(seed)) < 0.4}


def pair(cell):
    """Two equal networks with a mask on W_hh: one by the edges, one by the loop."""
    networks = []
    for engine in ("sparse", "loop"):
        network = SequenceModel(recurrence=CELLS[cell]).build(SPEC, generator=generator()).double()
        srnn_masks.apply(network, mask(network))
        networks.append(accelerate(network, engine))
    return networks


def loss(network, seed=1):
    outputs, last = network(normal(5, 4, 3, seed=seed).to(network.readout.weight.dtype))
    return outputs.sin().square().sum() + last.square().sum()


def optimizer(network):
    return torch.optim.AdamW(network.parameters(), lr=0.05)


def step(network, adam):
    adam.zero_grad()
    loss(network).backward()
    adam.step()


@cells
def test_training_with_changing_masks_ends_where_the_loop_ends(cell):
    networks = pair(cell)
    for network in networks:
        adam = optimizer(network)
        for number in range(100):
            if number in (20, 50):
                srnn_masks.replace(network, mask(network, seed=number))
            step(network, adam)
    ours, theirs = networks
    assert ours.recurrence.acceleration.used == ("sparse",)
    for our, their in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(our, their, rtol=1e-6, atol=1e-8)


@cells
def test_dense_gradients_after_the_forward_pass(cell):
    ours, theirs = (srnn_masks.dense_gradients(network, loss(network))[HH] for network in pair(cell))
    torch.testing.assert_close(ours, theirs)
    assert ours[~mask(pair(cell)[0])[HH]].all()


@cells
def test_lifted_blocks(cell):
    found = []
    for network in pair(cell):
        value = loss(network)
        with srnn_masks.lifted(network):
            value.backward()
            inside = network.get_parameter(HH).grad.clone()
        outside = network.get_parameter(HH).grad.clone()
        assert not hasattr(network.recurrence.weight_hh_mask, "lifted")
        network.zero_grad()
        loss(network).backward()
        found.append((inside, outside, network.get_parameter(HH).grad))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)
    inside, outside, _ = found[0]
    assert not torch.equal(inside, outside)


@cells
@pytest.mark.parametrize("criterion", [Magnitude(), SNIP(), GraSP(), JacobianSpectrum()], ids=lambda each: each.kind)
def test_criteria_score_as_on_the_loop(cell, criterion):
    found = []
    for network in pair(cell):
        names = [HH, "recurrence.weight_ih"]
        scores = criterion.scores(
            {name: network.get_parameter(name) for name in names},
            module=network,
            generator=generator(3),
            loss=lambda network=network: loss(network),
            run=lambda network=network: network(normal(5, 4, 3)),
        )
        found.append(scores)
    for name in found[0]:
        torch.testing.assert_close(found[0][name], found[1][name], rtol=1e-8, atol=1e-12)


def train(networks):
    for network in networks:
        step(network, optimizer(network))
    return networks


def change_mask(networks):
    for network in networks:
        current = network.recurrence.weight_hh_mask
        srnn_masks.replace(network, {HH: current.roll(1, 0)})
    return networks


def change_mask_between_forward_and_backward(networks):
    for network in networks:
        value = loss(network)
        network.zero_grad()
        with torch.no_grad():
            network.recurrence.weight_hh_mask.fill_(True)  # written by hand: the weight stays as it is
        value.backward()
    ours, theirs = networks
    torch.testing.assert_close(ours.get_parameter(HH).grad, theirs.get_parameter(HH).grad)
    return networks


def lift(networks):
    ours, theirs = (srnn_masks.dense_gradients(network, loss(network)) for network in networks)
    torch.testing.assert_close(ours[HH], theirs[HH])
    return networks


def load(networks):
    state = copy.deepcopy(networks[1].state_dict())
    state[HH + "_mask"] = state[HH + "_mask"].roll(1, 1)
    for network in networks:
        network.load_state_dict(state)
    return networks


def assign(networks):
    for network in networks:
        network.load_state_dict(copy.deepcopy(networks[1].state_dict()), assign=True)
    return networks


def release(networks):
    for network in networks:
        srnn_masks.apply(network, srnn_masks.release(network))
    return networks


def copies(networks):
    return copy.deepcopy(networks)


def pickles(networks):
    return pickle.loads(pickle.dumps(networks))


def there_and_back(networks):
    return [network.float().double() for network in networks]


def functional(networks):
    for network in networks:
        twice = {name: 2 * tensor.detach() for name, tensor in network.named_parameters()}
        ours = torch.func.functional_call(network, twice, (normal(5, 4, 3),))[0]
        theirs = torch.func.functional_call(decelerate(copy.deepcopy(network)), twice, (normal(5, 4, 3),))[0]
        torch.testing.assert_close(ours, theirs)
    return networks


def stepped(networks):
    with torch.no_grad():
        ours, theirs = (network.step(normal(4, 3))[1] for network in networks)
    torch.testing.assert_close(ours, theirs)
    return networks


ACTIONS = [
    train,
    change_mask,
    change_mask_between_forward_and_backward,
    lift,
    load,
    assign,
    release,
    copies,
    pickles,
    there_and_back,
    functional,
    stepped,
]


@pytest.mark.filterwarnings("ignore:.*runs the loop here. torch.func.functional_call:UserWarning")
@settings(max_examples=25, deadline=None)
@given(cell=st.sampled_from(list(CELLS)), actions=st.lists(st.sampled_from(ACTIONS), max_size=8))
def test_any_sequence_of_changes_leaves_the_engine_right(cell, actions):
    networks = pair(cell)
    for action in actions:
        networks = action(networks)
        found = []
        for network in networks:
            value = loss(network)
            network.zero_grad()
            value.backward()
            found.append([value, *(parameter.grad for parameter in network.parameters())])
        for ours, theirs in zip(*found, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    assert "loop" not in set(networks[0].recurrence.acceleration.used) - ({"loop"} if functional in actions else set())
