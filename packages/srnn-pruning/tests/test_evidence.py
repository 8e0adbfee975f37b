"""Evidence: what criteria are offered, and that scoring leaves the module as it was."""

import copy
from typing import ClassVar, Literal

import pytest
import torch
from torch import nn

import srnn_masks
from srnn_pruning import (
    SNIP,
    Criterion,
    GraSP,
    JacobianSpectrum,
    Magnitude,
    Pruner,
    Pruning,
    PruningError,
    Random,
    Shuffled,
    chi,
    prune,
)

SCOPE = ("rnn.weight*",)
WANTING = [
    SNIP(),
    SNIP(normalization="gamma"),
    GraSP(),
    GraSP(normalization="rms"),
    JacobianSpectrum(),
    JacobianSpectrum(vector="frobenius", state="hc", derivative="explicit", normalization="mean_abs"),
    Shuffled(base=JacobianSpectrum(normalization="data")),
]
wanting = pytest.mark.parametrize("criterion", WANTING, ids=lambda criterion: criterion.kind)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class Net(nn.Module):
    """Modules with modes, buffers, frozen weights and random numbers, as users have them."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.norm = nn.BatchNorm1d(3)
            self.rnn = nn.LSTM(3, 5, num_layers=2, dropout=0.5, batch_first=True)
            self.dropout = nn.Dropout(0.5)
            self.readout = nn.Linear(5, 2)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("carried", torch.zeros(2))
        self.norm.eval()  # a mode of its own

    def forward(self, inputs):
        self.calls += 1
        self.carried = self.carried + 1
        noise = torch.rand(())  # from the global generator
        outputs, _ = self.rnn(self.norm(inputs.transpose(1, 2)).transpose(1, 2))
        return self.readout(self.dropout(outputs)) + 0 * noise


def trained_for_a_step(frozen=()):
    """Return a network in training, with gradients, a mask and frozen weights, and a batch."""
    net, batch = Net(), torch.randn(4, 6, 3, generator=generator(1))
    with torch.random.fork_rng():
        net(batch).square().mean().backward()
    net.calls.zero_()
    mask = torch.rand(20, 5, generator=generator(2)) < 0.8
    srnn_masks.apply(net, {"rnn.weight_hh_l0": mask})
    for name in frozen:
        net.get_parameter(name).requires_grad_(False)
    return net, batch


def state_of(net):
    """Return everything that must not change."""
    return copy.deepcopy(
        {
            "values": dict(net.state_dict()),
            "grads": {name: p.grad for name, p in net.named_parameters()},
            "flags": {name: p.requires_grad for name, p in net.named_parameters()},
            "modes": {name: module.training for name, module in net.named_modules()},
            "hooks": {
                name: [len(module._forward_hooks), len(module._forward_pre_hooks)]
                for name, module in net.named_modules()
            },
            "global": torch.get_rng_state(),
            "cudnn": torch.backends.cudnn.enabled,
            "grad mode": torch.is_grad_enabled(),
        }
    )


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        if isinstance(value, dict):
            assert_same(value, other[key])
        elif isinstance(value, torch.Tensor):
            assert torch.equal(value, other[key]), key
        else:
            assert value == other[key], key


@wanting
@pytest.mark.parametrize("frozen", [(), ("rnn.weight_hh_l0", "rnn.weight_ih_l1")], ids=["all", "frozen"])
def test_scoring_leaves_the_module_as_it_was(criterion, frozen):
    net, batch = trained_for_a_step(frozen)
    before, gradients = state_of(net), {name: p.grad for name, p in net.named_parameters()}
    modes = []

    def loss():
        modes.append((net.training, net.dropout.training, torch.is_grad_enabled(), torch.backends.cudnn.enabled))
        return net(batch).square().mean()

    with torch.no_grad():
        before["grad mode"] = False
        masks = prune(
            net,
            Pruning(sparsity=0, criterion=criterion, scope=SCOPE),
            fraction=0.25,
            generator=generator(),
            evidence={"loss": loss},
        )
        after = state_of(net)
    assert modes and set(modes) == {(False, False, True, False)}
    for key in ("flags", "modes", "global", "cudnn", "grad mode"):
        assert_same({key: before[key]}, {key: after[key]})
    for name, parameter in net.named_parameters():
        mask = masks.get(name, torch.ones_like(parameter, dtype=torch.bool))
        assert torch.equal(parameter, before["values"][name] * mask)
        assert parameter.grad is gradients[name]
        assert torch.equal(parameter.grad, before["grads"][name] * mask)
    for name in ("calls", "carried", "norm.running_mean", "norm.num_batches_tracked"):
        assert torch.equal(net.state_dict()[name], before["values"][name]), name


@wanting
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_error_in_the_closures_changes_nothing(criterion, when):
    net, batch = trained_for_a_step(("rnn.weight_hh_l0",))
    before = state_of(net)

    def fail():
        if when == "after":
            net(batch).square().mean().backward()
            torch.rand(3)
            net.readout.bias.data.add_(1)  # leaves the version of the parameter unchanged
            net.carried.data.add_(1)
            with torch.no_grad():
                net.readout.weight.add_(1)
            net.train()(batch)
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        prune(
            net,
            Pruning(sparsity=0.5, criterion=criterion, scope=SCOPE),
            generator=generator(),
            evidence={"loss": fail},
        )
    assert_same(before, state_of(net))


def write_to_weight(net):
    net.rnn.weight_hh_l0.data.mul_(2)


def replace_weight(net):
    net.rnn.weight_hh_l0.data = net.rnn.weight_hh_l0.data * 2


def shrink_bias(net):
    net.readout.bias.data = net.readout.bias.data[:1].clone()


def write_to_buffer(net):
    net.calls.data.fill_(7)


def write_nan(net):
    net.carried.data.fill_(float("nan"))


def train_batch_norm(net):
    net.train()(torch.randn(4, 6, 3, generator=generator(3)))


WRITES = [write_to_weight, replace_weight, shrink_bias, write_to_buffer, write_nan, train_batch_norm]


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
@pytest.mark.parametrize("fails", [False, True])
def test_writes_that_torch_does_not_count_are_undone(write, fails):
    """Writes to `.data` and the statistics of a BatchNorm do not raise the version of a tensor."""
    net, batch = trained_for_a_step()
    net.carried[0] = float("nan")  # a value that differs from itself
    before = copy.deepcopy(net.state_dict())

    def loss():
        value = net(batch).square().mean()
        write(net)
        if fails:
            raise RuntimeError("no data")
        return value

    pruning = Pruning(sparsity=0.5, criterion=SNIP(), scope=SCOPE)
    masks = {}
    if fails:
        with pytest.raises(RuntimeError, match="no data"):
            prune(net, pruning, evidence={"loss": loss})
    else:
        masks = prune(net, pruning, evidence={"loss": loss})
    for name, value in before.items():
        found = net.state_dict()[name]
        if name in net.state_dict() and not name.endswith("_mask"):
            value = value * masks[name] if name in masks else value
            torch.testing.assert_close(found, value, rtol=0, atol=0, equal_nan=True, msg=name)


def test_tensors_that_did_not_change_are_not_written_to():
    """A copy onto itself would raise the version, and a graph that the caller holds could not be differentiated."""
    net, batch = trained_for_a_step()
    net.eval()
    with torch.random.fork_rng():
        graph = net(batch).square().mean()
    chi(net, lambda: net.rnn(batch))
    graph.backward()


@wanting
def test_frozen_weights_are_scored_as_others(criterion):
    found = []
    for frozen in ((), ("rnn.weight_hh_l0", "rnn.weight_ih_l1")):
        net, batch = trained_for_a_step(frozen)
        loss = lambda net=net, batch=batch: net(batch).square().mean()  # noqa: E731
        pruning = Pruning(sparsity=0.6, criterion=criterion, scope=SCOPE)
        found.append(prune(net, pruning, generator=generator(), evidence={"loss": loss}))
    assert all(torch.equal(mask, found[1][name]) for name, mask in found[0].items())


@wanting
def test_missing_evidence_is_noticed_before_anything_is_drawn_or_changed(criterion):
    net, batch = trained_for_a_step()
    pruning = Pruning(sparsity=0.5, criterion=criterion, scope=SCOPE)
    before, draws = state_of(net), generator()
    missing = "loss" if "loss" in criterion.wants else "run"
    message = f"evidence: {type(criterion).__name__} needs '{missing}': expected a function without arguments"
    pruner = Pruner(net, pruning, epochs=2, generator=draws)
    for evidence in (None, {}, {missing: None}, {"other": 1}):
        with pytest.raises(PruningError, match=message):
            prune(net, pruning, generator=draws, evidence=evidence)
        with pytest.raises(PruningError, match=message):
            pruner.step(evidence=evidence)
    if missing == "loss":
        with pytest.raises(PruningError, match=r"got evidence \['run'\]"):
            prune(net, pruning, generator=draws, evidence={"run": lambda: net(batch)})
    with pytest.raises(PruningError, match=message):
        criterion.scores({"rnn.weight_hh_l0": net.rnn.weight_hh_l0}, module=net, generator=draws)
    assert torch.equal(draws.get_state(), generator().get_state()) and pruner.epoch == 0
    assert_same(before, state_of(net))


def test_a_missing_generator_is_noticed_before_a_closure_is_called():
    net, _ = trained_for_a_step()
    calls = []
    for criterion in WANTING:
        if criterion.draws:
            with pytest.raises(PruningError, match=r"generator: .* draws at random, expected a torch.Generator"):
                prune(net, Pruning(sparsity=0.5, criterion=criterion, scope=SCOPE), evidence={"loss": calls.append})
    assert not calls


def test_run_is_the_loss_where_only_that_is_given():
    found, calls = [], []
    for name in ("loss", "run"):
        net, batch = trained_for_a_step()

        def call(net=net, batch=batch, name=name):
            calls.append(name)
            return net(batch).square().mean()

        pruning = Pruning(sparsity=0.5, criterion=JacobianSpectrum(normalization="none"), scope=SCOPE)
        found.append(prune(net, pruning, evidence={name: call}))
    assert calls == ["loss", "run"]
    assert all(torch.equal(mask, found[1][name]) for name, mask in found[0].items())


def test_closures_are_called_only_when_needed():
    calls = []
    net, batch = trained_for_a_step()
    evidence = {
        "loss": lambda: calls.append("loss") or net(batch).square().mean(),
        "run": lambda: calls.append("run") or net(batch),
    }
    expected = {
        Magnitude(): [],
        Random(): [],
        SNIP(): ["loss"],
        GraSP(): ["loss"],
        SNIP(normalization="data"): ["loss", "run"],
        JacobianSpectrum(): ["run"],
        Shuffled(base=SNIP()): ["loss"],
    }
    for number, (criterion, names) in enumerate(expected.items()):
        pruning = Pruning(sparsity=0.9, criterion=criterion, scope=SCOPE)
        prune(net, pruning, fraction=0.3 + 0.05 * number, generator=generator(), evidence=evidence)
        assert calls == names, criterion
        calls.clear()
        prune(net, pruning, fraction=0.1, generator=generator(), evidence=evidence)  # nothing to prune
        assert calls == []


@wanting
@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_nothing_and_everything(criterion, fraction):
    net, batch = trained_for_a_step()
    pruning = Pruning(sparsity=0.5, criterion=criterion, scope=SCOPE)
    evidence = {"loss": lambda: net(batch).square().mean()}
    masks = prune(net, pruning, fraction=fraction, generator=generator(), evidence=evidence)
    if fraction:
        assert not any(mask.any() for mask in masks.values())
    else:
        assert torch.equal(masks["rnn.weight_hh_l0"], srnn_masks.masks(net)["rnn.weight_hh_l0"])
        assert all(mask.all() for name, mask in masks.items() if name != "rnn.weight_hh_l0")


@wanting
def test_nan_scores_are_refused_before_anything_changes(criterion):
    net, batch = trained_for_a_step()
    before = state_of(net)
    batch[0, 0, 0] = float("nan")
    message = (
        r"rnn.weight_\w+: expected scores that can be ranked, got \d+ NaN of \d+; NaN or infinite weights: none in "
        "scope, but the batch, the loss or other weights may contain some$"
    )
    with pytest.raises(PruningError, match=message):
        prune(
            net,
            Pruning(sparsity=0.5, criterion=criterion, scope=SCOPE),
            generator=generator(),
            evidence={"loss": lambda: net(batch).square().mean()},
        )
    assert_same(before, state_of(net))


@pytest.mark.parametrize("normalization", ["gamma", "data", "rms", "mean_abs", "none"])
@pytest.mark.parametrize("kind", [SNIP, GraSP, JacobianSpectrum], ids=lambda kind: kind.__name__)
def test_nan_weights_are_named_with_their_number(kind, normalization):
    net, batch = trained_for_a_step()
    with torch.no_grad():
        net.rnn.weight_ih_l0[3, 1:] = torch.tensor([float("nan"), float("inf")])
    before = torch.random.get_rng_state()
    with pytest.raises(
        PruningError, match=r"got \d+ NaN of \d+; NaN or infinite weights: rnn.weight_ih_l0 has 2 of 60$"
    ):
        prune(
            net,
            Pruning(sparsity=0.5, criterion=kind(normalization=normalization), scope=SCOPE),
            generator=generator(),
            evidence={"loss": lambda: net(batch).square().mean()},
        )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert int((~net.rnn.weight_ih_l0.isfinite()).sum()) == 2


@pytest.mark.parametrize("criterion", [SNIP(), GraSP(), Shuffled(base=SNIP())], ids=lambda criterion: criterion.kind)
def test_scores_that_are_all_0_are_refused_unless_nothing_is_ranked(criterion):
    """A loss that does not touch the weights in scope would have them removed by position."""
    net, batch = trained_for_a_step()
    before = state_of(net)
    evidence = {"loss": lambda: net.readout(net.rnn(batch)[0].detach()).square().mean()}
    pruning = Pruning(sparsity=0.5, criterion=criterion, scope=SCOPE)
    message = (
        f"scores: expected some that differ from 0, got 0 for every weight from {type(criterion).__name__}: the loss"
    )
    with pytest.raises(PruningError, match=message):
        prune(net, pruning, generator=generator(), evidence=evidence)
    assert_same(before, state_of(net))
    prune(net, pruning, fraction=0, generator=generator(), evidence=evidence)
    masks = prune(net, pruning, fraction=1, generator=generator(), evidence=evidence)
    assert not any(mask.any() for mask in masks.values())


def test_dead_units_have_no_spectrum():
    with torch.random.fork_rng():
        layer = nn.RNN(3, 4, nonlinearity="relu")
    layer.bias_ih_l0.data.fill_(-100)
    run = lambda: layer(torch.ones(3, 2, 3))  # noqa: E731
    pruning = Pruning(sparsity=0.5, criterion=JacobianSpectrum(normalization="none"))
    with pytest.raises(PruningError, match="got 0 for every weight from JacobianSpectrum: the recurrent Jacobians"):
        prune(layer, pruning, evidence={"run": run})


def test_weights_of_0_are_still_pruned_by_magnitude():
    layer = nn.utils.skip_init(nn.Linear, 4, 2)
    layer.weight.data.zero_()
    assert int(prune(layer, Pruning(sparsity=0.5))["weight"].sum()) == 4


def test_what_is_no_evidence_is_refused():
    net, _ = trained_for_a_step()
    pruning = Pruning(sparsity=0.5, criterion=SNIP(), scope=SCOPE)
    for evidence, message in [
        ({"loss": 3}, "evidence: 'loss': expected a function without arguments that runs the module, got 3"),
        ({"loss": lambda: None, "run": "x"}, "evidence: 'run': expected a function .* got 'x'"),
        (3, "evidence: expected a mapping from names such as 'loss' to values, got 3"),
    ]:
        with pytest.raises(PruningError, match=message):
            prune(net, pruning, evidence=evidence)


def test_weights_that_autograd_cannot_record_are_named():
    with torch.random.fork_rng(), torch.inference_mode():
        made = nn.RNN(3, 4)
    inputs = torch.ones(5, 2, 3)
    evidence = {"loss": lambda: made(inputs)[0].sum()}
    for criterion in (SNIP(), JacobianSpectrum()):
        with pytest.raises(PruningError, match=r"weight_ih_l0: .* got one created under torch.inference_mode"):
            prune(made, Pruning(sparsity=0.5, criterion=criterion), generator=generator(), evidence=evidence)
    assert int((made.weight_hh_l0 == 0).sum()) == 0


def test_lazy_parameters_are_named():
    with torch.random.fork_rng():
        net = nn.Sequential(nn.Linear(3, 4), nn.LazyLinear(2))
    loss = lambda: net(torch.ones(2, 3)).sum()  # noqa: E731
    message = "1.weight: expected a weight with a shape, got a lazy parameter; run the module once first"
    for criterion, scope in ((SNIP(), "0.weight"), (Magnitude(), "*weight")):
        with pytest.raises(PruningError, match=message):
            prune(net, Pruning(sparsity=0.5, criterion=criterion, scope=(scope,)), evidence={"loss": loss})
    assert int(prune(net, Pruning(sparsity=0.5, scope=("0.weight",)))["0.weight"].sum()) == 6


class Counting(Criterion):
    """A criterion of the user that wants evidence of its own."""

    kind: Literal["test_evidence:Counting"] = "test_evidence:Counting"

    @property
    def wants(self):
        return ("weights_of_units",)

    def scores(self, parameters, *, generator=None, weights_of_units=None, **evidence):
        return {name: weights_of_units[:, None].expand_as(p) for name, p in parameters.items()}


def test_evidence_may_be_anything_that_a_criterion_names(pruning_by):
    layer = nn.utils.skip_init(nn.Linear, 2, 4)
    layer.weight.data.fill_(1)
    with pytest.raises(PruningError, match="Counting needs 'weights_of_units': expected a value, got evidence none"):
        prune(layer, pruning_by(Counting()))
    masks = prune(layer, pruning_by(Counting()), evidence={"weights_of_units": torch.tensor([0.0, 3, 1, 2])})
    assert masks["weight"].tolist() == [[False] * 2, [True] * 2, [False] * 2, [True] * 2]


def test_a_user_criterion_with_a_class_variable_still_draws(make_net, pruning_by):
    """`draws` was a class variable; one that is set so is honoured."""

    class Drawing(Criterion):
        draws: ClassVar[bool] = True

    with pytest.raises(PruningError, match="generator: Drawing draws at random"):
        prune(make_net(), pruning_by(Drawing()))


def test_a_criterion_that_wants_no_evidence_leaves_the_module_alone():
    """Weights out of scope are not copied, so a lazy one, which has no values, is no obstacle."""
    net = nn.ModuleDict({"rnn": nn.utils.skip_init(nn.GRUCell, 3, 4), "head": nn.LazyLinear(2)})
    pruning = Pruning(sparsity=0.5, criterion=Random(), scope=("rnn.weight*",))
    calls = []
    evidence = {"loss": lambda: calls.append("loss")}
    masks = prune(net, pruning, generator=torch.Generator().manual_seed(0), evidence=evidence)
    assert sum(int(mask.sum()) for mask in masks.values()) == 42 and not calls
    with pytest.raises(PruningError, match=r"head.weight: expected a weight with a shape, got a lazy parameter"):
        prune(net, pruning.model_copy(update={"sparsity": 0.7, "criterion": SNIP()}), evidence=evidence)


def test_one_infinite_weight_is_named():
    net = nn.utils.skip_init(nn.GRUCell, 3, 4)
    for parameter in net.parameters():
        parameter.data.fill_(0.1)
    net.weight_hh.data[0, 0] = float("inf")
    inputs, state = torch.ones(2, 3), torch.zeros(2, 4)
    evidence = {"loss": lambda: net(inputs, state).sum()}
    with pytest.raises(PruningError, match=r"NaN or infinite weights: weight_hh has 1 of 48$"):
        prune(net, Pruning(sparsity=0.5, criterion=SNIP()), evidence=evidence)
