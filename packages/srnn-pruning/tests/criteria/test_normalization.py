"""Denominators of scores against plain loops over torch's own layers."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from srnn_pruning import SNIP, GraSP, JacobianSpectrum, Pruning, PruningError, prune

NORMALIZATIONS = ["gamma", "data", "rms", "mean_abs"]
normalizations = pytest.mark.parametrize("normalization", NORMALIZATIONS)
T, B = 4, 3


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=[nn.RNN, nn.GRU, nn.LSTM], ids=["rnn", "gru", "lstm"])
def module(request, make_net):
    return make_net(request.param).double()


@pytest.fixture
def inputs():
    return torch.randn(T, B, 3, generator=generator(1), dtype=torch.float64)


def weights_of(module):
    return {name: p for name, p in module.named_parameters() if name.startswith("recurrence.weight")}


def evidence(module, inputs):
    return {"module": module, "loss": lambda: module(inputs).square().mean(), "run": lambda: module(inputs)}


def expected(module, inputs, normalization):
    """Return the denominators by one backward pass per sequence of torch's own layer."""
    if normalization != "data":
        inputs = 0.1 * torch.randn(T, B, 3, generator=generator(), dtype=torch.float32).double()
    weights = weights_of(module)
    single = []
    for sample in range(B):
        outputs, _ = module.recurrence(inputs[:, [sample]])
        single.append(torch.autograd.grad(outputs[-1].sum(), list(weights.values())))
    stacked = [torch.stack(each) for each in zip(*single, strict=True)]
    found = {
        "rms": [each.square().mean(0).sqrt() for each in stacked],
        "mean_abs": [each.abs().mean(0) for each in stacked],
    }.get(normalization, [each.mean(0).abs() for each in stacked])
    epsilon = 1e-8 * torch.cat([each.flatten() for each in found]).median()
    return {name: each + epsilon for name, each in zip(weights, found, strict=True)}


@normalizations
@pytest.mark.parametrize("criterion", [SNIP, GraSP, JacobianSpectrum], ids=lambda each: each.__name__)
def test_scores_are_divided_by_the_sensitivity_of_the_last_hidden_state(module, inputs, normalization, criterion):
    weights = weights_of(module)
    plain = criterion(normalization="none").scores(weights, **evidence(module, inputs))
    found = criterion(normalization=normalization).scores(weights, generator=generator(), **evidence(module, inputs))
    for name, denominator in expected(module, inputs, normalization).items():
        torch.testing.assert_close(found[name], plain[name] / denominator, rtol=1e-9, atol=1e-12)


LENGTHS = [2, 4, 1]


def single_gradients(layer, weights, inputs, start=None):
    """Return d sum_i h_i(S) / dw of each sequence, (B, *shape) each: packed rows of torch's layer, one by one."""
    single = []
    for row, length in enumerate(LENGTHS):
        state = None if start is None else start[:, [row]]
        if state is not None and isinstance(layer, nn.LSTM):
            state = (state, state)
        outputs, _ = layer(inputs[:length, [row]], state)
        single.append(torch.autograd.grad(outputs[-1].sum(), weights))
    return [torch.stack(each) for each in zip(*single, strict=True)]


MOMENTS = {
    "gamma": lambda each: each.mean(0).abs(),
    "data": lambda each: each.mean(0).abs(),
    "rms": lambda each: each.square().mean(0).sqrt(),
    "mean_abs": lambda each: each.abs().mean(0),
}


@normalizations
@pytest.mark.parametrize("criterion", [SNIP, JacobianSpectrum], ids=lambda each: each.__name__)
def test_denominators_of_packed_sequences_from_a_given_state(module, inputs, normalization, criterion):
    """N(0, 0.1) sequences are as long as those of the batch, aligned at their ends, and start from 0."""
    layer, weights = module.recurrence, weights_of(module)
    start = torch.randn(1, B, 6, generator=generator(2), dtype=torch.float64)
    state = (start, start) if isinstance(layer, nn.LSTM) else start
    packed = nn.utils.rnn.pack_padded_sequence(inputs, LENGTHS, enforce_sorted=False)
    run = lambda: layer(packed, state)[1]  # noqa: E731
    loss = lambda: (run()[0] if isinstance(layer, nn.LSTM) else run()).square().mean()  # noqa: E731
    offered = {"module": module, "run": run, "loss": loss}
    plain = criterion(normalization="none").scores(weights, **offered)
    found = criterion(normalization=normalization).scores(weights, generator=generator(), **offered)
    noise = 0.1 * torch.randn(T, B, 3, generator=generator()).double()
    ends = torch.stack([noise[:, row].roll(length - T, 0) for row, length in enumerate(LENGTHS)], dim=1)
    read, first = (inputs, start) if normalization == "data" else (ends, None)
    single = single_gradients(layer, list(weights.values()), read, first)
    check_divided(
        found, plain, {name: MOMENTS[normalization](each) for name, each in zip(weights, single, strict=True)}
    )


def check_divided(found, plain, denominators):
    """Check scores, with an epsilon of 1e-8 of the median of all denominators."""
    epsilon = 1e-8 * torch.cat([each.flatten() for each in denominators.values()]).median()
    for name, denominator in denominators.items():
        torch.testing.assert_close(found[name], plain[name] / (denominator + epsilon), rtol=1e-8, atol=1e-10)


@normalizations
def test_the_denominator_of_a_shared_weight_is_the_sum_over_the_cells(normalization):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.ModuleList([nn.GRU(3, 4), nn.GRU(3, 4)]).double()
    net[1].weight_hh_l0 = net[0].weight_hh_l0
    inputs = torch.randn(T, B, 3, generator=generator(1), dtype=torch.float64)
    weights = {name: p for name, p in net.named_parameters() if "weight" in name}
    loss = lambda: sum(layer(inputs)[0].square().mean() for layer in net)  # noqa: E731
    offered = {"module": net, "run": loss, "loss": loss}
    plain = SNIP().scores(weights, **offered)
    found = SNIP(normalization=normalization).scores(weights, generator=generator(), **offered)
    draws, total = generator(), {}
    for layer in net:
        read = inputs if normalization == "data" else 0.1 * torch.randn(T, B, 3, generator=draws).double()
        names = {name: p for name, p in weights.items() if any(p is each for each in layer.parameters())}
        single = [torch.autograd.grad(layer(read[:, [b]])[0][-1].sum(), list(names.values())) for b in range(B)]
        for name, each in zip(names, zip(*single, strict=True), strict=True):
            total[name] = total.get(name, 0) + MOMENTS[normalization](torch.stack(each))
    check_divided(found, plain, total)


@pytest.mark.parametrize("normalization", ["rms", "mean_abs"])
def test_sequences_of_their_own_length_and_projections(normalization):
    """A packed batch of one length equals the batch; other lengths give other, finite scores."""
    with torch.random.fork_rng():
        layer = nn.LSTM(3, 4, proj_size=2).double()
    draws = generator()
    for parameter in layer.parameters():
        parameter.data.uniform_(-0.8, 0.8, generator=draws)
    inputs = torch.randn(T, B, 3, generator=generator(1), dtype=torch.float64)
    weights = {name: p for name, p in layer.named_parameters() if p.dim() > 1}
    criterion = JacobianSpectrum(normalization=normalization)
    scores = [
        criterion.scores(weights, module=layer, run=run, generator=generator())
        for run in (
            lambda: layer(inputs),
            lambda: layer(nn.utils.rnn.pack_padded_sequence(inputs, [T] * B)),
            lambda: layer(nn.utils.rnn.pack_padded_sequence(inputs, [4, 2, 1])),
        )
    ]
    for name in weights:
        torch.testing.assert_close(scores[0][name], scores[1][name])
        assert scores[2][name].isfinite().all() and not torch.allclose(scores[0][name], scores[2][name])


class OwnCell(nn.Module):
    """h' = tanh(W (h * h) + U x), written so that its products with weights are hidden in the way that is named."""

    def __init__(self, hidden_by="einsum"):
        super().__init__()
        self.hidden_by = hidden_by
        self.steps = 0
        draws = generator(2)
        self.weight = nn.Parameter(torch.empty(3, 3, dtype=torch.float64).uniform_(-0.8, 0.8, generator=draws))
        self.drive = nn.Parameter(torch.empty(3, 2, dtype=torch.float64).uniform_(-0.8, 0.8, generator=draws))

    inputs, hidden, state_size, gate_names = 2, 3, 3, ("h",)

    def matrices(self):
        return {"drive": Matrix("input"), "weight": Matrix("state")}

    def output(self, state):
        return state

    def step(self, x, h):
        self.steps += 1
        h = h * h + 0.5
        zeros = h.new_zeros(len(h), 3)
        recur = {
            "einsum": lambda: torch.einsum("ij,bj->bi", self.weight, h),
            "transposed": lambda: h @ self.weight.T,
            "addmm": lambda: torch.addmm(zeros, h, self.weight.t()),
            "mm": lambda: torch.mm(h, self.weight.t()),
            "matmul": lambda: torch.matmul(h, self.weight.t()),
            "method": lambda: h.matmul(self.weight.t()),
            "linear": lambda: functional.linear(h, self.weight),
            "rows": lambda: torch.cat([functional.linear(h, self.weight[:1]), torch.mm(h, self.weight[1:].t())], 1),
            "columns": lambda: h[:, :2] @ self.weight[:, :2].t() + h[:, 2:] @ self.weight[:, 2:].t(),
            "overlapping": lambda: (
                functional.linear(h, self.weight) + functional.pad(functional.linear(h, self.weight[:1]), (0, 2))
            ),
            "scaled": lambda: functional.linear(h, self.weight * 1.5),
            "function": lambda: _Hidden.apply(h, self.weight),
            "keyword": lambda: functional.linear(h, weight=self.weight),
            "backwards": lambda: h @ self.weight,
            "stacked": lambda: functional.linear(torch.cat([h, h * h]), self.weight).view(2, -1, 3).sum(0),
        }[self.hidden_by]()
        return torch.tanh(recur + x @ self.drive.t())

    def forward(self, inputs, state=None):
        state = inputs.new_zeros(inputs.shape[1], 3) if state is None else state
        states = []
        for x in inputs:
            state = self.step(x, state)
            states.append(state)
        return torch.stack(states), state


class Matrix:
    def __init__(self, source):
        self.source, self.offset = source, 0


class _Hidden(torch.autograd.Function):
    @staticmethod
    def forward(ctx, h, weight):
        ctx.save_for_backward(h, weight)
        return h @ weight.t()

    @staticmethod
    def backward(ctx, gradient):
        h, weight = ctx.saved_tensors
        return gradient @ weight, gradient.t() @ h


RECOGNISED = ["transposed", "addmm", "mm", "matmul", "method", "linear", "rows", "columns"]
HIDDEN = ["einsum", "overlapping", "scaled", "function", "keyword", "backwards", "stacked"]


@pytest.mark.parametrize("normalization", ["rms", "mean_abs"])
@pytest.mark.parametrize("hidden_by", [*RECOGNISED, *HIDDEN])
def test_moments_over_sequences_do_not_depend_on_how_a_cell_is_written(normalization, hidden_by):
    """However the products are written, also where they are not recognised and each sequence is run alone."""
    cell = OwnCell(hidden_by)
    inputs = torch.randn(T, B, 2, generator=generator(1), dtype=torch.float64)
    weights = dict(cell.named_parameters())
    loss = lambda: cell(inputs)[0].square().mean()  # noqa: E731
    offered = {"module": cell, "loss": loss, "run": loss}
    plain = SNIP().scores(weights, **offered)
    cell.steps = 0
    found = SNIP(normalization=normalization).scores(weights, generator=generator(), **offered)
    passes = 3 if hidden_by in RECOGNISED else 3 + B  # loss, run, noise; each sequence alone
    assert cell.steps == passes * T
    noise = 0.1 * torch.randn(T, B, 2, generator=generator()).double()
    single = [torch.autograd.grad(cell(noise[:, [b]])[1].sum(), list(weights.values())) for b in range(B)]
    for name, each in zip(weights, zip(*single, strict=True), strict=True):
        stacked = torch.stack(each)
        moment = stacked.square().mean(0).sqrt() if normalization == "rms" else stacked.abs().mean(0)
        torch.testing.assert_close(found[name], plain[name] / moment, rtol=1e-6, atol=0)


@pytest.mark.parametrize("normalization", ["rms", "mean_abs"])
@pytest.mark.parametrize("hidden_by", ["linear", "einsum"])
def test_moments_over_sequences_of_different_lengths(normalization, hidden_by):
    """Two calls, of 4 steps and of 2, with products that are recognised and with products that are not."""
    cell = OwnCell(hidden_by)
    inputs = torch.randn(T, B, 2, generator=generator(1), dtype=torch.float64)
    weights = dict(cell.named_parameters())
    loss = lambda: cell(inputs)[1].square().mean() + cell(inputs[:2])[1].square().mean()  # noqa: E731
    offered = {"module": cell, "loss": loss, "run": loss}
    plain = SNIP().scores(weights, **offered)
    found = SNIP(normalization=normalization).scores(weights, generator=generator(), **offered)
    noise = 0.1 * torch.randn(T, 2 * B, 2, generator=generator()).double()
    ends = [cell(noise[0 if b < B else 2 :, [b]])[1].sum() for b in range(2 * B)]
    single = [torch.autograd.grad(end, list(weights.values())) for end in ends]
    for name, each in zip(weights, zip(*single, strict=True), strict=True):
        expected = plain[name] / MOMENTS[normalization](torch.stack(each))
        torch.testing.assert_close(found[name], expected, rtol=1e-6, atol=0)


@normalizations
def test_a_hidden_state_that_depends_on_nothing_is_refused(make_net, normalization):
    net = make_net(lambda *sizes: nn.RNN(*sizes, nonlinearity="relu"))
    net.recurrence.bias_ih_l0.data.fill_(-100)
    inputs = torch.zeros(T, B, 3)
    pruning = Pruning(
        sparsity=0.5, criterion=JacobianSpectrum(normalization=normalization), scope=("recurrence.weight*",)
    )
    with pytest.raises(PruningError, match="normalization: expected a last hidden state that depends on some weight"):
        prune(net, pruning, generator=generator(), evidence={"run": lambda: net(inputs)})


def test_0_divided_by_0_is_0(make_net):
    """Inputs that are always 0: neither loss nor hidden state depends on their column."""
    net = make_net(nn.GRU)
    inputs = torch.randn(T, B, 3, generator=generator(1))
    inputs[:, :, 1] = 0
    scores = SNIP(normalization="data").scores(weights_of(net), **evidence(net, inputs))
    assert not scores["recurrence.weight_ih_l0"][:, 1].any()
    assert scores["recurrence.weight_ih_l0"][:, [0, 2]].all()


def test_0_divided_by_0_is_0_in_float16(make_net):
    """1e-8 of a median is 0 in float16, so the division is done in float32."""
    net = make_net(nn.GRU).half()
    inputs = torch.randn(T, B, 3, generator=generator(1)).half()
    inputs[:, :, 1] = 0
    scores = SNIP(normalization="data").scores(weights_of(net), **evidence(net, inputs))
    assert not scores["recurrence.weight_ih_l0"][:, 1].any()
    assert all(score.isfinite().all() for score in scores.values())


@pytest.mark.parametrize("normalization", ["rms", "mean_abs"])
def test_moments_of_small_gradients_in_float16(make_net, normalization):
    """The square of a gradient of 1e-4 is 0 in float16; the moments are those of float32."""
    inputs, found = torch.randn(T, B, 3, generator=generator(1)), []
    for dtype in (torch.float32, torch.float16):
        net = make_net(lambda inputs, hidden: nn.RNN(inputs, hidden, bias=False))
        net.recurrence.weight_ih_l0.data.mul_(2e-3)
        net = net.to(dtype)
        loss = lambda net=net, dtype=dtype: 1e3 * net(inputs.to(dtype)).square().mean()  # noqa: E731
        plain, divided = (
            SNIP(normalization=each).scores(weights_of(net), generator=generator(), module=net, loss=loss, run=loss)
            for each in ("none", normalization)
        )
        name = "recurrence.weight_hh_l0"
        found.append(plain[name].float() / divided[name].float())  # the moment
    exact = plain[name] > 1e-5  # not rounded to few bits before the division
    assert exact.sum() > 10 and found[0].max() < 2e-4
    torch.testing.assert_close(found[1][exact], found[0][exact], rtol=0.1, atol=0)


def test_gamma_of_a_tanh_rnn_without_biases_is_noise(make_net):
    """X -> -x turns every h into -h, so the mean of gamma is 0, and masks of two draws share little.

    They share 9 % with 80 units (5 % by chance), as the scores before the division are larger in some rows and columns;
    the masks of two draws of `rms` share most of their weights.
    """
    net = make_net(lambda inputs, hidden: nn.RNN(inputs, 80, bias=False))
    inputs = torch.randn(28, 64, 3, generator=generator(1))
    weights = weights_of(net)
    for parameter in weights.values():
        parameter.data.normal_(0, 0.1, generator=generator(2))

    def shared(normalization):
        """Return the mean share of weights that masks of density 5 % of two of four draws share."""
        kept = []
        for seed in range(4):
            scores = JacobianSpectrum(normalization=normalization).scores(
                weights, module=net, run=lambda: net.recurrence(inputs), generator=generator(seed)
            )
            flat = torch.cat([score.flatten() for score in scores.values()])
            kept.append(flat >= flat.topk(len(flat) // 20).values[-1])
        pairs = itertools.combinations(kept, 2)
        return float(torch.stack([(one & other).sum() / one.sum() for one, other in pairs]).mean())

    assert 0.05 < shared("gamma") < 0.12
    assert shared("rms") > 0.8


@pytest.mark.parametrize("criterion", [SNIP, GraSP, JacobianSpectrum], ids=lambda each: each.__name__)
def test_what_is_wanted_depends_on_the_normalization(criterion):
    own = () if criterion is JacobianSpectrum else ("loss",)
    assert criterion(normalization="none").wants == (own or ("run",))
    for normalization in NORMALIZATIONS:
        value = criterion(normalization=normalization)
        assert value.wants == (*own, "run")
        assert value.draws == (normalization != "data")
    assert JacobianSpectrum(normalization="none", vector="sign").draws
