"""The Jacobian spectrum against a closed form, finite differences, double backward, and torch's own layers."""

import itertools

import pytest
import torch
from torch import nn

from srnn_pruning import JacobianSpectrum, Pruning, PruningError, chi, prune, recurrences, sequences

LAYERS = {
    "tanh": (nn.RNN, {}),
    "relu": (nn.RNN, {"nonlinearity": "relu"}),
    "gru": (nn.GRU, {}),
    "gru without biases": (nn.GRU, {"bias": False}),
    "lstm": (nn.LSTM, {}),
    "projected": (nn.LSTM, {"proj_size": 2}),
    "reversed": (nn.GRU, {"bidirectional": True, "num_layers": 2}),
}
layers = pytest.mark.parametrize("layer", LAYERS)
variants = pytest.mark.parametrize(
    ("vector", "state"), list(itertools.product(["ones", "sign", "frobenius"], ["h", "hc"]))
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def made(kind, *sizes, seed=0, **options):
    """Return a module of torch in float64 with weights U(-0.8, 0.8), so that nothing is close to linear."""
    with torch.random.fork_rng():
        module = kind(*sizes, **options).double()
    draws = generator(seed)
    for parameter in module.parameters():
        parameter.data.uniform_(-0.8, 0.8, generator=draws)
    return module


def weights_of(module):
    return {name: parameter for name, parameter in module.named_parameters() if parameter.dim() > 1}


def scored(module, run, **fields):
    """Return un-normalised scores."""
    criterion = JacobianSpectrum(normalization="none", **fields)
    return criterion.scores(weights_of(module), module=module, run=run, generator=generator())


def close(actual, expected, tolerance=1e-10):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, rtol=tolerance, atol=tolerance)


def history(module, inputs):
    """Return the inputs and the states (h, pre-activations) of a tanh RNN without biases, as lists of (B, ...)."""
    h, steps = inputs.new_zeros(inputs.shape[1], module.hidden_size), []
    for x in inputs:
        y = torch.tanh(x @ module.weight_ih_l0.T + h @ module.weight_hh_l0.T).detach()
        steps.append((x, h, y))
        h = y
    return steps


@pytest.mark.parametrize("last", [1, 2, 4, 9])
def test_closed_form_of_the_explicit_derivative_of_a_tanh_rnn(last):
    """||J1||^2 = sum_i s_i^2 r_i^2 with s = 1 - y^2, r_i = sum_j W_ij; the transitions end at S, S-1, ..., S-last+1."""
    module, inputs = made(nn.RNN, 3, 5, bias=False), normal(6, 4, 3)
    expected = {name: torch.zeros_like(weight) for name, weight in weights_of(module).items()}
    r = module.weight_hh_l0.detach().sum(1)
    for x, h, y in history(module, inputs)[-last:]:
        s = 1 - y**2  # (B, N)
        common = -4 * s**2 * y * r**2  # (B, N)
        hidden = (2 * s**2 * r)[:, :, None] + common[:, :, None] * h[:, None, :]  # (B, N, N)
        expected["weight_hh_l0"] += hidden.mean(0).abs()
        expected["weight_ih_l0"] += (common[:, :, None] * x[:, None, :]).mean(0).abs()
    close(scored(module, lambda: module(inputs), last=last, derivative="explicit"), expected)


@pytest.mark.parametrize("last", [1, 4, 9])
def test_closed_form_of_the_total_derivative_of_a_tanh_rnn(last):
    """The sensitivities dh(t)/dW are carried forward in time, weight by weight and sample by sample."""
    module, inputs = made(nn.RNN, 2, 3, bias=False), normal(6, 3, 2)
    weight, size, batch = module.weight_hh_l0.detach(), 3, 3
    r = weight.sum(1)
    expected = {name: torch.zeros_like(each) for name, each in weights_of(module).items()}
    steps = history(module, inputs)
    for name in expected:
        rows, columns = expected[name].shape
        for i, j in itertools.product(range(rows), range(columns)):
            carried = torch.zeros(batch, size, dtype=torch.float64)  # dh/dw
            for number, (x, h, y) in enumerate(steps):
                read = h if name == "weight_hh_l0" else x
                s = 1 - y**2
                pre = carried @ weight.T  # d(pre-activation)/dw
                pre[:, i] += read[:, j]
                slope = -2 * y * s * pre  # ds/dw
                change = 2 * s * slope * r**2  # of sum_i s_i^2 r_i^2, where r depends on w too
                if name == "weight_hh_l0":
                    change[:, i] += 2 * s[:, i] ** 2 * r[i]
                if number >= len(steps) - last:
                    expected[name][i, j] += change.sum(1).mean().abs()
                carried = s * pre
    close(scored(module, lambda: module(inputs), last=last), expected)


def torch_step(module, layer, x, state):
    """Run one step of torch's own layer from a state (B, S), as a function that `jacobian` can differentiate."""
    if isinstance(module, nn.LSTM):
        size = state.shape[1] - module.hidden_size
        _, (h, c) = layer(x[None], (state[None, :, :size].contiguous(), state[None, :, size:].contiguous()))
        return torch.cat([h[0], c[0]], dim=1)
    return layer(x[None], state[None])[1][0]


def torch_chis(module, inputs, size, last):
    """Return ||J1||^2, averaged over the batch, of each of the last transitions of torch's own layer, latest first."""
    state = inputs.new_zeros(inputs.shape[1], recurrences(module)["l0"].state_size)
    chis = []
    for x in inputs:
        total = 0.0
        for sample in range(len(state)):
            step = lambda h, x=x, sample=sample: torch_step(module, module, x[None, sample], h)[0]  # noqa: E731
            jacobian = torch.autograd.functional.jacobian(step, state[None, sample])[:, 0]  # (S, S)
            total += float(jacobian[:size, :size].sum(1).square().sum()) / len(state)
        chis.append(total)
        with torch.no_grad():
            state = torch_step(module, module, x, state)
    return chis[::-1][:last]


@pytest.mark.parametrize("layer", ["tanh", "gru", "lstm", "projected"])
@pytest.mark.parametrize("part", ["h", "hc"])
def test_finite_differences_of_torchs_own_layers_confirm_the_total_derivative(layer, part):
    kind, options = LAYERS[layer]
    module, inputs, step = made(kind, 2, 3, **options), normal(3, 2, 2), 1e-5
    cell = recurrences(module)["l0"]
    size = cell.hidden if part == "h" else cell.state_size
    expected = {}
    for name, weight in weights_of(module).items():
        expected[name] = torch.zeros_like(weight)
        for place in itertools.product(*map(range, weight.shape)):
            before = weight.data[place].item()
            values = []
            for sign in (1, -1):
                weight.data[place] = before + sign * step
                values.append(torch_chis(module, inputs, size, last=2))
            weight.data[place] = before
            expected[name][place] = sum(abs(up - down) / (2 * step) for up, down in zip(*values, strict=True))
    close(scored(module, lambda: module(inputs), last=2, state=part), expected, tolerance=1e-7)


def double_backward(cell, x, state, size, vector):
    """Return J v per sample by two backward passes: g = J^T u is linear in u, and d<g, v>/du is J v."""
    leaf = state.detach().requires_grad_(True)
    after = cell.step(x, leaf)[:, :size]
    u = torch.zeros_like(after, requires_grad=True)
    (pulled,) = torch.autograd.grad(after, leaf, u, create_graph=True)
    (image,) = torch.autograd.grad((pulled[:, :size] * vector).sum(), u, create_graph=True)
    return image


def sum_of_squares(cell, x, state, size, vector, signs):
    batch = len(state)
    if vector == "ones":
        vectors = [torch.ones(batch, size, dtype=torch.float64)]
    elif vector == "sign":
        vectors = [signs]
    else:
        vectors = [unit.expand(batch, size) for unit in torch.eye(size, dtype=torch.float64)]
    return sum(double_backward(cell, x, state, size, each).square().sum(1).mean() for each in vectors)


@layers
@variants
def test_forward_mode_and_double_backward_agree(layer, vector, state):
    kind, options = LAYERS[layer]
    module, inputs = made(kind, 2, 3, **options), normal(5, 4, 2)
    run = lambda: module(inputs)  # noqa: E731
    cells = recurrences(module)
    seen = sequences(module, cells, run)
    found = scored(module, run, last=1, vector=vector, state=state, derivative="explicit")
    values = chi(module, run, last=1, vector=vector, state=state, generator=generator())
    draws = generator()
    for key, cell in cells.items():
        size = cell.hidden if state == "h" else cell.state_size
        signs = 2.0 * torch.randint(2, (4, size), generator=draws).double() - 1
        before = seen[key].state
        with torch.no_grad():
            for x in seen[key].inputs[:-1]:
                before = cell.step(x, before)
        expected = sum_of_squares(cell, seen[key].inputs[-1], before, size, vector, signs)
        assert values[key] == pytest.approx(expected.item() / size, rel=1e-12)
        names = [name for group in cell.weights.values() for name in group]
        gradients = torch.autograd.grad(
            expected, [module.get_parameter(name) for name in names], materialize_grads=True
        )
        for name, gradient in zip(names, gradients, strict=True):
            torch.testing.assert_close(found[name], gradient.abs(), rtol=1e-10, atol=1e-14)


def test_ones_is_neither_the_transposed_product_nor_the_frobenius_norm():
    module, x, state = made(nn.RNN, 2, 4), normal(1, 1, 2), normal(1, 1, 4, seed=2)
    run = lambda: module(x, state)  # noqa: E731
    step = lambda h: module(x, h[None, None])[1].flatten()  # noqa: E731
    jacobian = torch.autograd.functional.jacobian(step, state.flatten())
    expected = {
        "ones": jacobian.sum(1).square().sum() / 4,
        "transposed": jacobian.sum(0).square().sum() / 4,
        "frobenius": jacobian.square().sum() / 4,
    }
    assert len({round(float(value), 3) for value in expected.values()}) == 3
    assert chi(module, run)["l0"] == pytest.approx(float(expected["ones"]), rel=1e-12)
    assert chi(module, run, vector="frobenius")["l0"] == pytest.approx(float(expected["frobenius"]), rel=1e-12)


def test_random_signs_average_to_the_frobenius_norm():
    module, inputs = made(nn.GRU, 2, 5), normal(3, 4, 2)
    draws = generator(5)
    mean = sum(chi(module, lambda: module(inputs), vector="sign", generator=draws)["l0"] for _ in range(400)) / 400
    assert mean == pytest.approx(chi(module, lambda: module(inputs), vector="frobenius")["l0"], rel=0.05)


def test_unit_vectors_that_do_not_fit_one_batch_are_split():
    """Above 1,024 pairs of samples and vectors; small and large batches of the same samples have one chi."""
    module, inputs = made(nn.RNN, 2, 24), normal(2, 3, 2)
    many = inputs.repeat(1, 100, 1)  # three vectors at a time
    one, other = (chi(module, lambda x=x: module(x), vector="frobenius")["l0"] for x in (inputs, many))
    assert one == pytest.approx(other, rel=1e-12)
    few, more = (scored(module, lambda x=x: module(x), vector="frobenius", last=1) for x in (inputs, many))
    close(few, more)


def test_a_sequence_shorter_than_last_has_fewer_transitions():
    module, inputs = made(nn.GRU, 2, 3), normal(3, 2, 2)
    close(scored(module, lambda: module(inputs)), scored(module, lambda: module(inputs), last=3), 0)
    only = scored(module, lambda: module(inputs[:1]))
    close(only, scored(module, lambda: module(inputs[:1]), derivative="explicit"), 0)  # the first state is fixed
    assert any(score.any() for score in only.values())


def test_a_batch_of_one_and_a_batch_of_the_same_sample_agree():
    module, inputs = made(nn.LSTM, 2, 3), normal(5, 1, 2)
    close(scored(module, lambda: module(inputs)), scored(module, lambda: module(inputs.repeat(1, 7, 1))))


def test_the_mean_is_taken_over_the_batch_before_the_absolute_value():
    module, inputs = made(nn.GRU, 2, 3), normal(4, 2, 2)
    both = scored(module, lambda: module(inputs), last=1)
    single = [scored(module, lambda i=i: module(inputs[:, [i]]), last=1) for i in range(2)]
    for name, score in both.items():
        one, other = (each[name] for each in single)
        close({"": torch.minimum((score - (one + other) / 2).abs(), (score - (one - other).abs() / 2).abs())},
              {"": torch.zeros_like(score)})  # a + b or a - b, by their signs  # fmt: skip
        assert (score < (one + other) / 2 - 1e-9).any()


def test_packed_sequences_count_from_their_own_ends():
    """Transition u exists in sequences of more than u steps only; the mean is over these."""
    module, inputs, lengths = made(nn.GRU, 2, 3), normal(5, 3, 2), [5, 2, 1]
    packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths)
    run = lambda: module(packed)  # noqa: E731
    means = []
    for u in range(5):
        values = [
            chi(module, lambda b=b, end=n - u: module(inputs[:end, [b]]), last=1)["l0"]
            for b, n in enumerate(lengths)
            if n > u
        ]
        means.append(sum(values) / len(values))
    for last in (1, 2, 4, 5):
        assert chi(module, run, last=last)["l0"] == pytest.approx(sum(means[:last]) / last, rel=1e-12)
    assert chi(module, run)["l0"] == chi(module, run, last=5)["l0"] == chi(module, run, last=9)["l0"]
    alone = scored(module, lambda: module(inputs[:, [0]]), last=5)
    packed_scores = scored(module, run, last=5)
    assert any(not torch.allclose(alone[name], packed_scores[name]) for name in alone)
    one = nn.utils.rnn.pack_padded_sequence(inputs[:4, [0, 0]], [4, 4])
    close(scored(module, lambda: module(one)), scored(module, lambda: module(inputs[:4, [0]])))


def test_each_layer_scores_its_own_weights_with_its_inputs_fixed():
    """Two layers in one module score as the second alone on the outputs of the first."""
    module, inputs = made(nn.GRU, 2, 3, num_layers=2), normal(4, 2, 2)
    first, second = made(nn.GRU, 2, 3), made(nn.GRU, 3, 3)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        for number, layer in enumerate((first, second)):
            getattr(layer, f"{name}_l0").data.copy_(getattr(module, f"{name}_l{number}"))
    outputs = first(inputs)[0].detach()
    found = scored(module, lambda: module(inputs))
    for number, (layer, x) in enumerate(((first, inputs), (second, outputs))):
        expected = scored(layer, lambda layer=layer, x=x: layer(x))
        close({name: found[name.replace("l0", f"l{number}")] for name in expected}, expected)


def test_a_weight_that_two_layers_share_gets_the_scores_of_both():
    module, inputs = made(nn.RNN, 3, 3, num_layers=2), normal(4, 2, 3)
    apart = scored(module, lambda: module(inputs))
    tied = made(nn.RNN, 3, 3, num_layers=2)
    tied.weight_hh_l1 = tied.weight_hh_l0
    module.weight_hh_l1.data.copy_(module.weight_hh_l0)
    apart = scored(module, lambda: module(inputs))
    found = scored(tied, lambda: tied(inputs))
    assert list(found) == ["weight_ih_l0", "weight_hh_l0", "weight_ih_l1"]
    torch.testing.assert_close(found["weight_hh_l0"], apart["weight_hh_l0"] + apart["weight_hh_l1"])


def test_only_weights_in_scope_are_scored():
    module, inputs = made(nn.GRU, 2, 3), normal(4, 2, 2)
    weights = {"weight_hh_l0": module.weight_hh_l0}
    criterion = JacobianSpectrum(normalization="none")
    found = criterion.scores(weights, module=module, run=lambda: module(inputs))
    close(found, {"weight_hh_l0": scored(module, lambda: module(inputs))["weight_hh_l0"]})


def test_a_weight_that_belongs_to_no_recurrence_is_named(make_net):
    net = make_net(nn.GRU)
    with pytest.raises(PruningError, match=r"readout.weight: expected a weight of the recurrences \['recurrence.l0'\]"):
        prune(
            net,
            Pruning(sparsity=0.5, criterion=JacobianSpectrum()),
            evidence={"run": lambda: net(torch.ones(2, 1, 3))},
            generator=generator(),
        )
    with pytest.raises(PruningError, match="module: expected the module that the parameters belong to, got None"):
        JacobianSpectrum(normalization="none").scores(weights_of(net), run=lambda: None)


def test_a_module_without_recurrence_is_refused():
    layer = nn.utils.skip_init(nn.Linear, 2, 2)
    with pytest.raises(PruningError, match="Linear: expected a recurrent layer"):
        prune(
            layer,
            Pruning(sparsity=0.5, criterion=JacobianSpectrum()),
            evidence={"run": lambda: layer(torch.ones(2))},
            generator=generator(),
        )


def test_chi_is_finite_for_its_options_and_leaves_the_module_alone():
    module, inputs = made(nn.LSTM, 2, 3, num_layers=2, dropout=0.5), normal(4, 2, 2)
    module.train()
    before = {name: parameter.clone() for name, parameter in module.state_dict().items()}
    values = chi(module, lambda: module(inputs), state="hc")
    assert list(values) == ["l0", "l1"] and all(value > 0 for value in values.values())
    assert values == chi(module, lambda: module(inputs), state="hc")  # no dropout
    assert module.training and all(torch.equal(each, before[name]) for name, each in module.state_dict().items())
    with pytest.raises(PruningError, match="generator: random signs are drawn"):
        chi(module, lambda: module(inputs), vector="sign")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vector": "One"}, "vector: expected one of 'ones', 'sign', 'frobenius', got 'One'"),
        ({"state": "c"}, "state: expected one of 'h', 'hc', got 'c'"),
        ({"last": 0}, "last: expected a number of transitions of at least 1, or None for all, got 0"),
        ({"last": -1}, "last: .* got -1"),
        ({"last": 1.5}, "last: .* got 1.5"),
        ({"last": True}, "last: .* got True"),
    ],
)
def test_chi_refuses_what_it_does_not_know(options, message):
    module = made(nn.RNN, 2, 3)
    with pytest.raises(PruningError, match=message):
        chi(module, lambda: module(normal(4, 2, 2)), **options)


def test_the_score_is_the_gradient_of_n_chi():
    """Two layers of different widths: the factor N is in the scores, but not in chi."""
    for size in (2, 5):
        module, inputs, step = made(nn.RNN, 2, size), normal(3, 2, 2), 1e-6
        weight = module.weight_hh_l0.data
        score, values = scored(module, lambda module=module: module(inputs), last=1)["weight_hh_l0"][0, 1], []  # noqa: B023
        for sign in (1, -1):
            weight[0, 1] += sign * step
            values.append(chi(module, lambda module=module: module(inputs), last=1)["l0"])  # noqa: B023
            weight[0, 1] -= sign * step
        assert float(score) == pytest.approx(size * abs(values[0] - values[1]) / (2 * step), rel=1e-6)
