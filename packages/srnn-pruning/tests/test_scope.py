"""The scope: globs, biases, ties, and densities."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

import srnn_masks
from srnn_pruning import WEIGHTS, Pruner, Pruning, PruningError, densities, prune


class Tied(nn.Module):
    """Encoder and decoder share one matrix; there are biases and a gain."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.utils.skip_init(nn.Linear, 4, 4)
        self.decoder = nn.utils.skip_init(nn.Linear, 4, 4)
        self.norm = nn.LayerNorm(4)
        self.decoder.weight = self.encoder.weight
        self.encoder.weight.data = torch.arange(1.0, 17.0).reshape(4, 4)


def test_default_scope_is_every_weight_in_the_order_of_the_module(make_net):
    net = make_net(nn.GRU)
    assert list(densities(net)) == ["recurrence.weight_ih_l0", "recurrence.weight_hh_l0", "readout.weight"]
    assert list(densities(net, ["readout*", "*hh*"])) == ["recurrence.weight_hh_l0", "readout.weight"]
    assert list(densities(net, ["*", "*weight*"])) == list(densities(net, WEIGHTS)) == list(densities(net))
    assert Pruning(sparsity=0.5).scope == WEIGHTS


def test_gains_named_weight_do_not_count():
    assert list(densities(Tied())) == ["encoder.weight"]


@pytest.mark.parametrize("glob", ["*weight*", "encoder.*", "decoder.weight"])
def test_tied_parameters_count_once_under_their_first_name(glob):
    module = Tied()
    masks = prune(module, Pruning(sparsity=0.5, scope=(glob,)))
    assert {name: int((~mask).sum()) for name, mask in masks.items()} == {"encoder.weight": 8}
    assert module.decoder.weight is module.encoder.weight
    assert (module.decoder.weight == 0).sum() == 8
    assert densities(module, [glob]) == {"encoder.weight": 0.5}


@pytest.mark.parametrize(
    ("glob", "message"),
    [
        (
            "*weigth*",
            r"scope: expected '\*weigth\*' to match a parameter, got none of \['recurrence.weight_ih_l0', .*\]",
        ),
        (
            "*bias*",
            r"scope: expected '\*bias\*' to match a weight .* got only \['recurrence.bias_ih_l0', .*readout.bias'\]",
        ),
        ("Readout.weight", "expected 'Readout.weight' to match a parameter"),
    ],
)
def test_a_glob_that_matches_nothing_to_prune_is_refused(make_net, glob, message):
    scope = ("*weight*", glob)  # although the other glob matches
    for call in (
        lambda net: densities(net, scope),
        lambda net: prune(net, Pruning(sparsity=0.5, scope=scope)),
        lambda net: Pruner(net, Pruning(sparsity=0.5, scope=scope), epochs=3),
    ):
        net = make_net()
        with pytest.raises(PruningError, match=message):
            call(net)
        assert not srnn_masks.masks(net)


def test_densities_follow_the_masks_and_not_the_values(make_net):
    net = make_net()
    with torch.no_grad():
        net.readout.weight.zero_()
    assert set(densities(net).values()) == {1.0}
    mask = torch.zeros(6, 6, dtype=torch.bool)
    mask[0, :3] = True
    srnn_masks.apply(net, {"recurrence.weight_hh_l0": mask})
    assert densities(net) == {
        "recurrence.weight_ih_l0": 1.0,
        "recurrence.weight_hh_l0": 3 / 36,
        "readout.weight": 1.0,
    }
    assert densities(net, ["*hh*"]) == {"recurrence.weight_hh_l0": 3 / 36}


def test_a_full_name_means_that_parameter_even_with_brackets():
    module = nn.ModuleDict({name: nn.utils.skip_init(nn.Linear, 3, 3) for name in ("a[0]", "a0")})
    nn.init.ones_(module["a[0]"].weight)
    assert list(densities(module, ["a[0].weight"])) == ["a[0].weight"]
    assert list(prune(module, Pruning(sparsity=0.5, scope=("a[0].weight",)))) == ["a[0].weight"]
    assert list(densities(module, ["a[[]0].*"])) == ["a[0].weight"]
    assert list(densities(module, ["a[0].w*"])) == ["a0.weight"]  # a glob


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_matrices_without_entries_have_no_density():
    with torch.random.fork_rng():
        module = nn.Sequential(nn.Linear(3, 0), nn.Linear(0, 2), nn.Linear(2, 3))
        empty = nn.Linear(3, 0)
    for ranking in ("global", "per_matrix"):
        prune(module, Pruning(sparsity=0.5, ranking=ranking))
    assert densities(module) == {"2.weight": 0.5}
    assert prune(empty, Pruning(sparsity=0.5))["weight"].shape == (0, 3) and densities(empty) == {}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    "form",
    [parametrizations.weight_norm, parametrizations.spectral_norm, nn.utils.weight_norm, nn.utils.spectral_norm],
    ids=["weight_norm", "spectral_norm", "old weight_norm", "old spectral_norm"],
)
@pytest.mark.parametrize("first", ["pruning", "parametrization"])
def test_parametrized_weights_count_once_as_they_are_used(form, first):
    with torch.random.fork_rng():
        module = nn.Linear(8, 32)
        if first == "parametrization":
            form(module)
        masks = prune(module, Pruning(sparsity=0.9))
        if first == "pruning":
            form(module)
    assert {name: int((~mask).sum()) for name, mask in masks.items()} == {"weight": round(0.9 * 256)}
    assert densities(module) == {"weight": 26 / 256}
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        module(torch.ones(8)).square().sum().backward()
        optimizer.step()
        module(torch.ones(8))
        weight = module.weight.detach()
        assert weight.isfinite().all() and not weight[~masks["weight"]].any() and weight[masks["weight"]].any()
    again = prune(module, Pruning(sparsity=0.95))
    assert not (again["weight"] & ~masks["weight"]).any() and densities(module) == {"weight": 13 / 256}


def test_the_largest_weights_in_use_are_kept():
    """Not the largest of the parameters that a parametrization is computed from."""

    class Inverse(nn.Module):
        def forward(self, weight):
            return 1 / weight

    module = nn.utils.skip_init(nn.Linear, 2, 2)
    module.weight.data = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    nn.utils.parametrize.register_parametrization(module, "weight", Inverse())
    assert prune(module, Pruning(sparsity=0.5))["weight"].tolist() == [[True, True], [False, False]]
