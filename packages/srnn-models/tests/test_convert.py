"""`to_edges` and `to_dense`: both ways and back, and training that goes on."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from srnn_models import GRU, LSTM, EdgeWeight, ElmanRNN, LeakyRNN, ModelError, PeepholeLSTM, to_dense, to_edges

CELLS = {"elman": ElmanRNN(hidden=5), "leaky": LeakyRNN(hidden=5), "gru": GRU(hidden=5), "lstm": LSTM(hidden=5)}
cells = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
OPTIMIZERS = {
    "Adam": lambda groups: torch.optim.Adam(groups, lr=0.05),
    "Adam, fused, amsgrad": lambda groups: torch.optim.Adam(groups, lr=0.05, fused=True, amsgrad=True),
    "AdamW": lambda groups: torch.optim.AdamW(groups, lr=0.05, weight_decay=0.1),
    "SGD": lambda groups: torch.optim.SGD(groups, lr=0.05),
    "SGD with momentum": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True),
    "RMSprop": lambda groups: torch.optim.RMSprop(groups, lr=0.01, momentum=0.5),
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def masked(cell, seed=0):
    """A module in a model, in float64, with 0 outside of a mask; the masks by name."""
    model = nn.ModuleDict({"rnn": cell.build(3, generator=generator(seed))}).double()
    mask = torch.rand(model["rnn"].weight_hh.shape, generator=generator(3)) < 0.4
    with torch.no_grad():
        model["rnn"].weight_hh.mul_(mask)
    return model, {"rnn.weight_hh": mask}


def groups(model):
    """Two parameter groups, the recurrent weight in the middle of the second one."""
    rnn = model["rnn"]
    return [
        {"params": [rnn.weight_ih], "lr": 0.02},
        {"params": [each for each in rnn.parameters() if each is not rnn.weight_ih]},
    ]


def train(model, optimizer, masks, steps):
    """Train, with the gradient of a dense W_hh masked by hand."""
    rnn = model["rnn"]
    for seed in range(steps):
        optimizer.zero_grad()
        x = torch.randn(4, 3, 3, generator=generator(seed), dtype=torch.float64)
        states, last = rnn(x)
        (states.sin().sum() + last.square().sum()).backward()
        if isinstance(rnn.weight_hh, nn.Parameter):
            rnn.weight_hh.grad.mul_(masks["rnn.weight_hh"])
        optimizer.step()


@cells
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_training_goes_on(cell, make):
    model, masks = masked(cell)
    dense = copy.deepcopy(model)
    ours, theirs = make(groups(model)), make(groups(dense))
    train(dense, theirs, masks, 3)
    train(dense, theirs, masks, 3)
    train(dense, theirs, masks, 3)
    train(model, ours, masks, 3)
    to_edges(model, masks, ours)
    train(model, ours, masks, 3)
    assert to_dense(model, ours).keys() == masks.keys()
    train(model, ours, masks, 3)
    for (name, our), (_, their) in zip(model.named_parameters(), dense.named_parameters(), strict=True):
        torch.testing.assert_close(our, their, rtol=1e-9, atol=1e-11, msg=lambda text, name=name: f"{name}: {text}")


@cells
def test_both_ways_and_back_give_the_same_bits(cell):
    model, masks = masked(cell)
    adam = torch.optim.Adam(groups(model))
    train(model, adam, masks, 2)
    rnn = model["rnn"]
    parameters = {name: each.detach().clone() for name, each in model.named_parameters()}
    gradient, state = rnn.weight_hh.grad.clone(), copy.deepcopy(adam.state_dict())
    to_edges(model, masks, adam)
    assert isinstance(rnn.weight_hh, EdgeWeight)
    assert torch.equal(rnn.weight_hh.values.grad, gradient[masks["rnn.weight_hh"]])
    assert adam.state[rnn.weight_hh.values]["exp_avg"].shape == rnn.weight_hh.values.shape
    assert adam.param_groups[1]["params"][0] is rnn.weight_hh.values
    back = to_dense(model, adam)
    assert back.keys() == masks.keys() and all(torch.equal(back[name], masks[name]) for name in masks)
    assert list(parameters) == [name for name, _ in model.named_parameters()]
    assert all(torch.equal(each, parameters[name]) for name, each in model.named_parameters())
    assert torch.equal(rnn.weight_hh.grad, gradient)
    assert adam.param_groups[1]["params"][0] is rnn.weight_hh
    for key, values in adam.state_dict()["state"].items():
        assert all(torch.equal(value, state["state"][key][name]) for name, value in values.items())


def test_a_frozen_weight_stays_frozen_and_a_named_one_gets_its_name():
    model, masks = masked(ElmanRNN(hidden=5))
    model["rnn"].weight_hh.requires_grad_(False)
    adam = torch.optim.Adam(model.named_parameters())
    to_edges(model, masks, adam)
    assert not model["rnn"].weight_hh.values.requires_grad
    assert adam.param_groups[0]["param_names"] == ["rnn.weight_ih", "rnn.weight_hh.values", "rnn.bias"]
    to_dense(model, adam)
    assert not model["rnn"].weight_hh.requires_grad
    assert adam.param_groups[0]["param_names"] == ["rnn.weight_ih", "rnn.weight_hh", "rnn.bias"]


def test_parameters_are_drawn_in_the_order_of_build_after_both_ways():
    model, masks = masked(GRU(hidden=5))
    to_edges(model, masks)
    to_dense(model)
    fresh = GRU(hidden=5).build(3, generator=generator(9))
    model.float()["rnn"].reset_parameters(generator=generator(9))
    for ours, theirs in zip(model["rnn"].parameters(), fresh.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def change_name(model, masks):
    masks["rnn.weight_ih"] = masks.pop("rnn.weight_hh")


def change_dtype(model, masks):
    masks["rnn.weight_hh"] = masks["rnn.weight_hh"].double()


def change_shape(model, masks):
    masks["rnn.weight_hh"] = masks["rnn.weight_hh"][1:]


def no_module(model, masks):
    masks["other.weight_hh"] = masks["rnn.weight_hh"]


def apply_mask(model, masks):
    model["rnn"].register_buffer("weight_hh_mask", masks["rnn.weight_hh"])


def set_entry(model, masks):
    model["rnn"].weight_hh.data[~masks["rnn.weight_hh"]] = 1


def tie(model, masks):
    model["twin"] = ElmanRNN(hidden=5).build(3, generator=generator()).double()
    model["twin"].weight_hh = model["rnn"].weight_hh


def peephole(model, masks):
    model["rnn"] = PeepholeLSTM(hidden=5).build(3, generator=generator())


def parametrize(model, masks):
    parametrizations.weight_norm(model["rnn"], "weight_hh")


REFUSED = {
    "an input weight": (change_name, "'rnn.weight_ih': expected the weight_hh of an ElmanRNN"),
    "no such module": (no_module, "'other.weight_hh': expected the weight_hh of an ElmanRNN"),
    "a peephole LSTM": (peephole, "'rnn.weight_hh': expected the weight_hh of an ElmanRNN"),
    "a parametrized weight": (parametrize, "'rnn.weight_hh': expected the weight_hh of an ElmanRNN"),
    "a mask of floats": (change_dtype, r"expected torch.bool of shape \(5, 5\), got torch.float64 of shape \(5, 5\)"),
    "a mask of another shape": (
        change_shape,
        r"expected torch.bool of shape \(5, 5\), got torch.bool of shape \(4, 5\)",
    ),
    "an applied mask": (apply_mask, "expected no mask applied, got a buffer weight_hh_mask; pass what"),
    "other entries": (set_entry, r"expected 0 outside the mask, got \d+ other entries"),
    "a tied weight": (tie, "expected a weight of one module, got a tied one"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_converted_is_refused_and_nothing_is_changed(change, message):
    model, masks = masked(ElmanRNN(hidden=5))
    change(model, masks)
    before = list(model.state_dict())
    with pytest.raises(ModelError, match=message):
        to_edges(model, masks)
    assert list(model.state_dict()) == before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (torch.optim.LBFGS, "expected one that keeps its state by parameter, such as Adam, got LBFGS"),
        (torch.optim.Adafactor, r"that Adafactor keeps of rnn.weight_hh: expected shape \(5, 5\), got \("),
    ],
)
def test_optimizers_with_other_state_are_refused(make, message):
    model, masks = masked(ElmanRNN(hidden=5))
    optimizer = make(model.parameters())
    if make is not torch.optim.LBFGS:
        train(model, optimizer, masks, 1)
        model["rnn"].weight_hh.data.mul_(masks["rnn.weight_hh"])
    with pytest.raises(ModelError, match=message):
        to_edges(model, masks, optimizer)
    assert isinstance(model["rnn"].weight_hh, nn.Parameter)


def test_values_with_a_mask_are_refused():
    model, masks = masked(ElmanRNN(hidden=5))
    to_edges(model, masks)
    model["rnn"].weight_hh.register_buffer("values_mask", torch.ones(10, dtype=torch.bool))
    with pytest.raises(ModelError, match=r"'rnn.weight_hh.values': expected no mask applied, got a buffer values_mask"):
        to_dense(model)
    assert isinstance(model["rnn"].weight_hh, EdgeWeight)


def test_a_model_without_edges_is_refused():
    with pytest.raises(ModelError, match="to_dense: expected a model with a recurrence built on edges, got ModuleDict"):
        to_dense(masked(ElmanRNN(hidden=5))[0])
