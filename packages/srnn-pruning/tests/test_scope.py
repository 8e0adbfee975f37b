"""The scope: globs, biases, ties, and densities."""

import pytest
import torch
from torch import nn

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
