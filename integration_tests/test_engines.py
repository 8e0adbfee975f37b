"""The engines of srnn-models under the masks of srnn-masks and the criteria of srnn-pruning: as the loop, always.

Of torch's own layers the loop is torch's own forward pass.
"""

import copy
import pickle
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import srnn_masks
from srnn_models import GRU, LSTM, BlockRNN, ElmanRNN, LeakyRNN, SequenceModel, accelerate, decelerate
from srnn_pruning import SNIP, GraSP, JacobianSpectrum, Magnitude

SPEC = SimpleNamespace(inputs=3, outputs=2, start=None, tokens=False)
CELLS = {
    "elman": ElmanRNN(hidden=6),
    "leaky": LeakyRNN(hidden=6, alpha=0.3, nonlinearity="tanh"),
    "gru": GRU(hidden=6),
    "lstm": LSTM(hidden=6),
    "nn.RNN": nn.RNN,
    "nn.GRU": nn.GRU,
    "nn.LSTM": nn.LSTM,
}
cells = pytest.mark.parametrize("cell", CELLS)
with_block = pytest.mark.parametrize("cell", [*CELLS, "block"])  # its engine is "dense"


class Layer(nn.Module):
    """A layer of torch in both directions, and a read-out."""

    def __init__(self, kind):
        super().__init__()
        self.recurrence = kind(3, 6, bidirectional=True)
        self.readout = nn.Linear(12, 2)

    def forward(self, x):
        states, last = self.recurrence(x)
        return self.readout(states), torch.cat(last) if isinstance(last, tuple) else last


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def weights(network, part="hh"):
    """Names of the recurrent weights (or of those of the input)."""
    return [name for name, _ in network.named_parameters() if f"weight_{part}" in name]


def mask(network, seed=0):
    shapes = {name: network.get_parameter(name).shape for name in weights(network)}
    return {name: torch.rand(shape, generator=generator(seed)) < 0.4 for name, shape in shapes.items()}


def built(cell):
    """A network with a mask on each W_hh."""
    value = CELLS.get(cell, cell)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if isinstance(value, type):
            network = Layer(value)
        else:
            model = BlockRNN(hidden=6) if value == "block" else SequenceModel(recurrence=value)
            network = model.build(SPEC, generator=generator())
    srnn_masks.apply(network.double(), mask(network))
    return network


def pair(cell):
    """Two equal networks: one by the edges (all entries, in a block RNN), one as it was built."""
    return [accelerate(built(cell), "dense" if cell == "block" else "sparse"), built(cell)]


def loss(network, seed=1):
    outputs, last = network(normal(5, 4, 3, seed=seed).to(next(network.parameters()).dtype))
    return outputs.sin().square().sum() + last.square().sum()


def optimizer(network):
    return torch.optim.AdamW(network.parameters(), lr=0.05)


def step(network, adam):
    adam.zero_grad()
    loss(network).backward()
    adam.step()


@with_block
def test_training_with_changing_masks_ends_where_the_loop_ends(cell):
    networks = pair(cell)
    for network in networks:
        adam = optimizer(network)
        for number in range(100):
            if number in (20, 50):
                srnn_masks.replace(network, mask(network, seed=number))
            step(network, adam)
    ours, theirs = networks
    assert ours.recurrence.acceleration.used == ("dense" if cell == "block" else "sparse",)
    for our, their in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(our, their, rtol=1e-6, atol=1e-8)


@with_block
def test_dense_gradients_after_the_forward_pass(cell):
    ours, theirs = (srnn_masks.dense_gradients(network, loss(network)) for network in pair(cell))
    for name, present in mask(built(cell)).items():
        torch.testing.assert_close(ours[name], theirs[name])
        absent = ours[name][~present]
        assert absent.any() if cell == "block" else absent.all()  # its units are ReLUs, and some are silent


@with_block
def test_lifted_blocks(cell):
    found = []
    for network in pair(cell):
        name, value = weights(network)[-1], loss(network)
        with srnn_masks.lifted(network):
            value.backward()
            inside = network.get_parameter(name).grad.clone()
        outside = network.get_parameter(name).grad.clone()
        assert not hasattr(network.get_buffer(f"{name}_mask"), "lifted")
        network.zero_grad()
        loss(network).backward()
        found.append((inside, outside, network.get_parameter(name).grad))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)
    inside, outside, _ = found[0]
    assert not torch.equal(inside, outside)


@with_block
@pytest.mark.parametrize("criterion", [Magnitude(), SNIP(), GraSP(), JacobianSpectrum()], ids=lambda each: each.kind)
def test_criteria_score_as_on_the_loop(cell, criterion):
    found = []
    for network in pair(cell):
        names = weights(network) + weights(network, "ih")
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
        srnn_masks.replace(network, {name: each.roll(1, 0) for name, each in srnn_masks.masks(network).items()})
    return networks


def change_mask_between_forward_and_backward(networks):
    for network in networks:
        value = loss(network)
        network.zero_grad()
        with torch.no_grad():
            for name in weights(network):
                network.get_buffer(f"{name}_mask").fill_(True)  # written by hand: the weight stays as it is
        value.backward()
    ours, theirs = networks
    for name in weights(ours):
        torch.testing.assert_close(ours.get_parameter(name).grad, theirs.get_parameter(name).grad)
    return networks


def lift(networks):
    ours, theirs = (srnn_masks.dense_gradients(network, loss(network)) for network in networks)
    for name in weights(networks[0]):
        torch.testing.assert_close(ours[name], theirs[name])
    return networks


def load(networks):
    state = copy.deepcopy(networks[1].state_dict())
    for name in weights(networks[1]):
        state[f"{name}_mask"] = state[f"{name}_mask"].roll(1, 1)
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


def write_uncounted(networks):
    for network in networks:
        for parameter in network.parameters():
            parameter.data.mul_(0.9)
    return networks


def stepped(networks):
    if isinstance(networks[0], Layer):  # torch's layers have no step
        return networks
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
    write_uncounted,
    stepped,
]


@pytest.mark.filterwarnings("ignore:.* here. torch.func.functional_call:UserWarning")
@settings(max_examples=40, deadline=None)
@given(cell=st.sampled_from(list(CELLS)), actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=8))
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
    used = networks[0].recurrence.acceleration.used
    assert set(used) == ({"loop", "sparse"} if functional in actions else {"sparse"})
