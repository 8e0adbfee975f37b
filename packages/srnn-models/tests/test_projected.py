"""The LSTM with projection against torch's and against a loop over its equations."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from srnn_models import LSTM, Glorot, Matrix, ModelError, Normal, ProjectedLSTM, SequenceModel, TorchUniform


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def spec(inputs=3, outputs=2, start=None, tokens=False):
    return SimpleNamespace(inputs=inputs, outputs=outputs, start=start, tokens=tokens)


def built(model, inputs=3, outputs=2, seed=0):
    return model.build(spec(inputs, outputs), generator=generator(seed)).double()


def weights(network):
    return sum(parameter.numel() for parameter in network.parameters() if parameter.dim() == 2)


@pytest.mark.parametrize("carried", [False, True])
@pytest.mark.parametrize("bias", [True, False])
def test_equals_the_lstm_of_torch_forward_and_gradients(bias, carried):
    network = built(ProjectedLSTM(hidden=6, bias=bias))
    with torch.random.fork_rng():
        twin = nn.LSTM(3, 6, proj_size=2, bias=bias).double()
    names = [name.removeprefix("recurrence.") for name, _ in network.named_parameters()]
    assert [f"{name}_l0" for name in names] == [name for name, _ in twin.named_parameters()]
    with torch.no_grad():
        for name in names:
            twin.get_parameter(f"{name}_l0").copy_(network.recurrence.get_parameter(name))
    x, state = normal(5, 4, 3), normal(4, 8, seed=2) if carried else None
    outputs, last = network(x, state=state)
    expected, ends = twin(x, tuple(part[None] for part in state.split((2, 6), dim=1)) if carried else None)
    torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(last, torch.cat(ends, dim=2)[0], rtol=1e-12, atol=1e-12)
    ours, theirs = (
        torch.autograd.grad(y.square().sum(), list(module.parameters()))
        for y, module in ((outputs, network), (expected, twin))
    )
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def slowly(module, x):
    """Return the outputs of inputs (T, B, I), from one matrix per gate, a row of the batch at a time."""
    outputs, cells = module.state_sizes
    state = [(x.new_zeros(outputs), x.new_zeros(cells)) for _ in range(x.shape[1])]
    rows = []
    for t in range(len(x)):
        for b, (h, c) in enumerate(state):
            a = {}
            for number, gate in enumerate("ifgo"):
                part = slice(number * cells, (number + 1) * cells)
                a[gate] = module.weight_ih[part] @ x[t, b] + module.weight_hh[part] @ h
                a[gate] = a[gate] + module.bias_ih[part] + module.bias_hh[part]
            c = c / (1 + torch.exp(-a["f"])) + torch.tanh(a["g"]) / (1 + torch.exp(-a["i"]))
            state[b] = (module.weight_hr @ (torch.tanh(c) / (1 + torch.exp(-a["o"]))), c)
        rows.append(torch.stack([h for h, _ in state]))
    return torch.stack(rows)


@settings(max_examples=20, deadline=None)
@given(sizes=st.tuples(*[st.integers(1, 4)] * 5), seed=st.integers(0, 2**31))
def test_equals_the_equations_also_where_the_projection_is_not_smaller(sizes, seed):
    """Torch has no projection to N numbers or more."""
    steps, batch, inputs, hidden, outputs = sizes
    network = built(ProjectedLSTM(hidden=hidden), inputs, outputs, seed)
    x = normal(steps, batch, inputs, seed=seed)
    torch.testing.assert_close(network(x)[0], slowly(network.recurrence, x), rtol=1e-12, atol=1e-12)


def test_the_numbers_of_weights_at_equal_budgets():
    """Of 100,000 weights with 2,500 inputs and 10 outputs: torch needs N > 10. Sizes for 46 inputs and 26 outputs."""
    network = ProjectedLSTM(hidden=11).build(spec(2500, 10), generator=generator())
    assert weights(network) == 110_550
    assert sum(parameter.numel() for parameter in network.parameters()) == 110_638
    assert network.recurrence.weight_hh.numel() == 440
    ordinary = SequenceModel(recurrence=LSTM(hidden=10)).build(spec(2500, 10), generator=generator())
    assert weights(ordinary) == 100_500
    for hidden, count in ((31, 9_982), (621, 199_962), (1242, 399_924)):
        network = ProjectedLSTM(hidden=hidden).build(spec(46, 26), generator=generator())
        assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_sizes_and_matrices():
    model = ProjectedLSTM(hidden=6)
    network = built(model)
    assert (model.hidden, network.hidden, network.recurrence.hidden, network.recurrence.state_size) == (6, 6, 2, 8)
    assert network.matrices() == {
        "recurrence.weight_ih": Matrix(gates=4),
        "recurrence.weight_hh": Matrix(gates=4, source="state"),
        "recurrence.weight_hr": Matrix(source="step"),
    }
    assert network.recurrence.gate_names == ("i", "f", "g", "o")
    assert repr(network.recurrence) == "ProjectedLSTMModule(3 -> 6 -> 2, bias=True)"


def test_weights_are_drawn_from_the_distribution_in_the_order_of_the_parameters():
    """The bits of stored runs. The bound of the default is that of torch, 1/sqrt(N)."""
    for model, bound in ((ProjectedLSTM(hidden=4), 1 / 2), (ProjectedLSTM(hidden=9, bias=False), 1 / 3)):
        module = model.build(spec(), generator=generator(2)).recurrence
        draw = generator(2)
        for parameter in module.parameters():
            assert torch.equal(parameter, torch.empty(parameter.shape).uniform_(-bound, bound, generator=draw))
    assert ProjectedLSTM(hidden=4, initialization=TorchUniform()) == ProjectedLSTM(hidden=4)
    narrow = ProjectedLSTM(hidden=40, initialization=Normal(sd=0.01)).build(spec(), generator=generator()).recurrence
    assert narrow.weight_hr.std().item() == pytest.approx(0.01, rel=0.3)
    assert not narrow.bias_ih.any() and not narrow.bias_hh.any()


def test_the_fans_of_a_gate_are_those_of_its_matrix():
    module = ProjectedLSTM(hidden=60, initialization=Glorot()).build(spec(90, 50), generator=generator()).recurrence
    for name, fans in (("weight_ih", 90 + 60), ("weight_hh", 50 + 60), ("weight_hr", 60 + 50)):
        assert module.get_parameter(name).abs().max().item() == pytest.approx((6 / fans) ** 0.5, rel=5e-3)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (spec(start=5), "ProjectedLSTM: expected a task without start code, got spec.start=5"),
        (spec(tokens=True), "ProjectedLSTM: expected float inputs .* got spec.tokens=True"),
        (spec(outputs=0), "ProjectedLSTM: expected a positive spec.outputs, got 0"),
    ],
)
def test_build_raises_for_a_task_that_does_not_fit(task, message):
    with pytest.raises(ModelError, match=message):
        ProjectedLSTM(hidden=4).build(task, generator=generator())


def test_a_start_code_is_refused():
    with pytest.raises(ModelError, match="ProjectedLSTM: expected start=None"):
        built(ProjectedLSTM(hidden=4))(normal(5, 4, 3), start=torch.zeros(4, 5))
