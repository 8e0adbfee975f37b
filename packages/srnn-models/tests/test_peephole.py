"""The LSTM with peepholes against loops of its own equations; the laws of all cells are in `test_cells.py`."""

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srnn_models import LSTM, Matrix, PeepholeLSTM, SequenceModel


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def slowly(module, x, h, c):
    """Return the h of all steps, the last h and c, from one matrix per gate and source, a row of the batch at a time.

    Shapes: x (T, B, I), h and c (B, N).
    """
    n = module.hidden
    parts = {
        (source, gate): getattr(module, f"weight_{source}h")[k * n : (k + 1) * n]
        for source in "ihc"
        for k, gate in enumerate("ifgo")
    }
    bias = {gate: torch.zeros(n, dtype=x.dtype) for gate in "ifgo"}
    if module.bias_ih is not None:
        for k, gate in enumerate("ifgo"):
            rows = slice(k * n, (k + 1) * n)
            bias[gate] = module.bias_ih[rows] + module.bias_hh[rows]

    def sigmoid(a):
        return 1 / (1 + torch.exp(-a))

    outputs = []
    rows = [(h[b], c[b]) for b in range(len(h))]
    for t in range(len(x)):
        following = []
        for b, (hb, cb) in enumerate(rows):
            a = {g: parts["i", g] @ x[t, b] + parts["h", g] @ hb + bias[g] for g in "ifgo"}
            new = sigmoid(a["f"] + parts["c", "f"] @ cb) * cb
            new = new + sigmoid(a["i"] + parts["c", "i"] @ cb) * torch.tanh(a["g"] + parts["c", "g"] @ cb)
            following.append((sigmoid(a["o"] + parts["c", "o"] @ new) * torch.tanh(new), new))
        rows = following
        outputs.append(torch.stack([hb for hb, _ in rows]))
    return torch.stack(outputs), *(torch.stack(part) for part in zip(*rows, strict=True))


@settings(max_examples=20, deadline=None)
@given(bias=st.booleans(), sizes=st.tuples(*[st.integers(1, 4)] * 4), carried=st.booleans(), seed=st.integers(0, 2**31))
def test_equals_the_equations_gate_by_gate_forward_and_gradients(bias, sizes, carried, seed):
    steps, batch, inputs, hidden = sizes
    module = PeepholeLSTM(hidden=hidden, bias=bias).build(inputs, generator=generator(seed)).double()
    with torch.no_grad():
        module.weight_ch.mul_(3)  # so that the peepholes matter
    x = normal(steps, batch, inputs, seed=seed).requires_grad_()
    h, c = (
        normal(batch, hidden, seed=seed + 1 + n) if carried else torch.zeros(batch, hidden).double() for n in (0, 1)
    )
    states, last = module(x, torch.cat([h, c], dim=1) if carried else None)
    expected, last_h, last_c = slowly(module, x, h, c)
    torch.testing.assert_close(states, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(last, torch.cat([last_h, last_c], dim=1), rtol=1e-12, atol=1e-12)
    weight = normal(steps, batch, hidden, seed=seed + 3)
    leaves = [x, *module.parameters()]
    ours = torch.autograd.grad((states * weight).sum() + last.square().sum(), leaves)
    theirs = torch.autograd.grad((expected * weight).sum() + last_h.square().sum() + last_c.square().sum(), leaves)
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_without_peepholes_it_is_an_lstm(bias):
    module = PeepholeLSTM(hidden=6, bias=bias).build(3, generator=generator())
    lstm = LSTM(hidden=6, bias=bias).build(3, generator=generator())
    names = [name for name, _ in lstm.named_parameters()]
    assert [name for name, _ in module.named_parameters()] == [*names, "weight_ch"]
    assert all(torch.equal(module.get_parameter(name), lstm.get_parameter(name)) for name in names)
    with torch.no_grad():
        module.weight_ch.zero_()
    x = normal(7, 4, 3).float()
    for ours, theirs in zip(module(x), lstm(x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("gate", "rows"), [("i", 0), ("f", 1), ("g", 2), ("o", 3)])
def test_the_output_gate_reads_the_new_cell_state_and_the_others_the_old_one(gate, rows):
    """After one step from c = 0, only the peepholes of o can have had an effect."""
    module = PeepholeLSTM(hidden=5).build(3, generator=generator()).double()
    x = normal(2, 4, 3)
    before = module(x[:1])[1], module(x)[1]
    with torch.no_grad():
        module.weight_ch[rows * 5 : rows * 5 + 5] += 1
    one, two = module(x[:1])[1], module(x)[1]
    assert torch.equal(one, before[0]) == (gate != "o")
    assert torch.equal(one[:, 5:], before[0][:, 5:]), "c does not depend on o within a step"
    assert not torch.equal(two, before[1])


def test_the_number_of_weights_in_the_paper():
    """Table 1 of arXiv 1912.00120: 1.32 million weights of a layer of 400 units, with 28 inputs and no biases."""
    module = PeepholeLSTM(hidden=400, bias=False).build(28, generator=generator())
    assert sum(parameter.numel() for parameter in module.parameters()) == 1_324_800
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    assert shapes == {"weight_ih": (1600, 28), "weight_hh": (1600, 400), "weight_ch": (1600, 400)}


def test_its_matrices_in_a_network():
    model = SequenceModel(recurrence=PeepholeLSTM(hidden=5), layers=2)
    network = model.build(SimpleNamespace(inputs=2, outputs=1, start=None, tokens=False), generator=generator())
    for layer in (0, 1):
        found = {
            name: network.matrices()[f"recurrence.layers.{layer}.{name}"]
            for name in ("weight_ih", "weight_hh", "weight_ch")
        }
        assert found == {"weight_ih": Matrix(4), "weight_hh": Matrix(4, True), "weight_ch": Matrix(4, True)}


def test_the_peepholes_are_drawn_like_the_other_recurrent_weights():
    module = PeepholeLSTM(hidden=64).build(3, generator=generator())
    for name in ("weight_hh", "weight_ch"):
        parameter = module.get_parameter(name)
        assert 0.99 / 8 < parameter.abs().max() <= 1 / 8
        assert parameter.std().item() == pytest.approx(1 / 8 / math.sqrt(3), rel=0.02)
