"""Pruning: exact counts, nested masks, and zeros that stay zero."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import srnn_masks
from srnn_pruning import Linear, Magnitude, OneShot, Pruner, Pruning, PruningError, Random, densities, prune

HH = "recurrence.weight_hh_l0"
NAMES = ["recurrence.weight_ih_l0", HH, "readout.weight"]
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.9),
}
optimizers = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
rankings = pytest.mark.parametrize("ranking", ["global", "per_matrix"])
criteria = pytest.mark.parametrize("criterion", [Magnitude(), Random()], ids=lambda criterion: criterion.kind)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def layers(*shapes, seed=0):
    """Matrices of these shapes, normal weights, as a module with parameters `0.weight`, `1.weight`..."""
    module = nn.Sequential(*[nn.utils.skip_init(nn.Linear, columns, rows) for rows, columns in shapes])
    for parameter in module.parameters():
        parameter.data.normal_(generator=generator(seed))
    return module


def zeros(masks):
    return {name: int((~mask).sum()) for name, mask in masks.items()}


def weights(net):
    return {name: parameter for name, parameter in net.named_parameters() if parameter.dim() > 1}


@rankings
@criteria
@given(
    shapes=st.lists(st.tuples(st.integers(1, 7), st.integers(1, 7)), min_size=1, max_size=3),
    epochs=st.integers(1, 6),
    sparsity=st.one_of(st.floats(0, 1), st.sampled_from([0.5, 0.75, 0.9, 0.98, 1.0])),
    seed=st.integers(0, 2**31),
)
def test_counts_are_exact_and_masks_nested_at_every_epoch(ranking, criterion, shapes, epochs, sparsity, seed):
    module = layers(*shapes, seed=seed)
    pruner = Pruner(
        module,
        Pruning(sparsity=sparsity, criterion=criterion, ranking=ranking),
        epochs=epochs,
        generator=generator(seed),
    )
    sizes = {f"{i}.weight": rows * columns for i, (rows, columns) in enumerate(shapes)}
    before = None
    for epoch in range(1, epochs + 1):
        masks = pruner.step(epoch)
        fraction = sparsity if epoch == epochs else (epoch - 1) * sparsity / (epochs - 1)
        absent = zeros(masks)
        if ranking == "global":
            assert sum(absent.values()) == round(fraction * sum(sizes.values()))
        else:
            assert absent == {name: round(fraction * size) for name, size in sizes.items()}
        for name, mask in masks.items():
            parameter = module.get_parameter(name)
            assert torch.equal(parameter == 0, ~mask)  # normal weights: no other zeros
            assert before is None or not (mask & ~before[name]).any()
            # move the weights before the next epoch, so that the rest ranks differently
            parameter.data.normal_(generator=generator(seed + epoch)).mul_(mask)
        before = {name: mask.clone() for name, mask in masks.items()}


@pytest.mark.parametrize(("sparsity", "epochs"), [(0.75, 30), (0.9, 30), (0.98, 15), (0.95, 100)])
def test_the_schedule_of_the_paper_gives_exact_counts(sparsity, epochs):
    """0 at k = 1, round((k-1) p total / (n-1)) at k, p at k = n; 33 * 31 + 7 * 33 = 1254 weights."""
    module = layers((33, 31), (7, 33))
    pruner = Pruner(module, Pruning(sparsity=sparsity), epochs=epochs)
    counts = [sum(zeros(pruner.step(epoch)).values()) for epoch in range(1, epochs + 1)]
    assert counts[0] == 0
    assert counts[-1] == round(sparsity * 1254)
    assert counts == [round((k - 1) * sparsity / (epochs - 1) * 1254) for k in range(1, epochs + 1)]
    assert sum(int((p == 0).sum()) for p in weights(module).values()) == counts[-1]


@rankings
@optimizers
@pytest.mark.parametrize("recurrence", [nn.RNN, nn.GRU, nn.LSTM])
def test_removed_weights_stay_zero_in_training_and_biases_train(make_net, train, ranking, optimizer, recurrence):
    net = make_net(recurrence)
    steps = optimizer(net.parameters())
    pruner = Pruner(net, Pruning(sparsity=0.8, ranking=ranking), epochs=4)
    biases = {name: p.detach().clone() for name, p in net.named_parameters() if p.dim() == 1}
    for epoch in range(1, 5):
        masks = pruner.step(epoch)

        def assert_pruned(masks=masks):
            assert all(not parameter[~masks[name]].any() for name, parameter in weights(net).items())

        assert_pruned()
        train(net, steps, seed=epoch, each=assert_pruned)
    total = sum(parameter.numel() for parameter in weights(net).values())
    if ranking == "global":
        assert sum(zeros(masks).values()) == round(0.8 * total)
    else:
        assert zeros(masks) == {name: round(0.8 * parameter.numel()) for name, parameter in weights(net).items()}
    for name, mask in masks.items():
        assert torch.equal(weights(net)[name] != 0, mask)  # the remaining weights do train
    for name, bias in biases.items():
        assert (net.get_parameter(name) != bias).all()
        assert (net.get_parameter(name) != 0).all()
    assert srnn_masks.masks(net).keys() <= masks.keys()


def test_optimizer_state_is_kept_except_for_removed_entries(make_net, train):
    net = make_net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    train(net, optimizer, steps=3)
    before = copy.deepcopy({name: optimizer.state[p] for name, p in net.named_parameters()})
    masks = prune(net, Pruning(sparsity=0.5, ranking="per_matrix"))
    train(net, optimizer, steps=1, seed=9)
    for name, parameter in net.named_parameters():
        state, old = optimizer.state[parameter], before[name]
        assert state["step"] == 4
        mask = masks.get(name, torch.ones_like(parameter, dtype=torch.bool))
        first = 0.9 * old["exp_avg"] + 0.1 * parameter.grad
        second = 0.999 * old["exp_avg_sq"] + 0.001 * parameter.grad**2
        torch.testing.assert_close(state["exp_avg"], first * mask)
        torch.testing.assert_close(state["exp_avg_sq"], second * mask)
        assert (old["exp_avg"][~mask] != 0).all()


@pytest.mark.parametrize("fraction", ["a", -0.1, 1.5, float("nan"), 1j])
def test_what_is_no_share_is_refused(make_net, fraction):
    with pytest.raises(PruningError, match="fraction: expected a share in"):
        prune(make_net(), Pruning(sparsity=0.5), fraction=fraction)
    with pytest.raises(PruningError, match=r"generator: expected a torch.Generator or None, got 3"):
        prune(make_net(), Pruning(sparsity=0.5), generator=3)


def test_global_and_per_matrix_ranking_differ_as_expected():
    """At its initial scale the navigation network of arXiv 2406.06290 loses 80 % of W_hh at p = 75 %, 96 % at 90 %.

    Here at an eighth of the size in each dimension, with the paper's shares of weights and ratios of scales.
    """
    g = generator()

    def navigation():
        net = nn.Module()
        for name, shape, fan_in in (
            ("encoder", (512, 64), 64),
            ("weight_hh", (512, 512), 512),
            ("weight_ih", (512, 2), 512),
            ("decoder", (64, 512), 512),
        ):
            bound = fan_in**-0.5
            net.register_parameter(name, nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=g)))
        return net

    for sparsity, expected in ((0.75, 0.80), (0.9, 0.96)):
        net = navigation()
        prune(net, Pruning(sparsity=sparsity, scope=("*",)))
        assert 1 - densities(net, ["*"])["weight_hh"] == pytest.approx(expected, abs=0.006)
        net = navigation()
        prune(net, Pruning(sparsity=sparsity, scope=("*",), ranking="per_matrix"))
        for name, density in densities(net, ["*"]).items():
            assert density == 1 - round(sparsity * net.get_parameter(name).numel()) / net.get_parameter(name).numel()


def test_small_scales_go_first_under_global_ranking_only():
    """The likely collapse of the word model: with half the weights pruned, every recurrent weight is gone."""
    module = layers((20, 20), (5, 5))
    module[1].weight.data.mul_(1e-6)
    assert zeros(prune(copy.deepcopy(module), Pruning(sparsity=0.5)))["1.weight"] == 25
    few = copy.deepcopy(module)
    assert zeros(prune(few, Pruning(sparsity=0.05))) == {"0.weight": 0, "1.weight": 21}
    assert list(srnn_masks.masks(few)) == ["1.weight"]  # matrices that lose nothing get no mask
    assert zeros(prune(module, Pruning(sparsity=0.5, ranking="per_matrix"))) == {"0.weight": 200, "1.weight": 12}


@pytest.mark.parametrize(("sparsity", "absent"), [(0.9, 90), (0.8, 80), (0.75, 80), (0.0, 80)])
@rankings
def test_entries_absent_before_count_as_pruned(ranking, sparsity, absent):
    """A local matrix of 100 entries, 80 of them structurally absent."""
    module = layers((10, 10))
    local = torch.zeros(10, 10, dtype=torch.bool)
    local[:, 3:5] = True
    srnn_masks.apply(module, {"0.weight": local})
    mask = prune(module, Pruning(sparsity=sparsity, ranking=ranking))["0.weight"]
    assert int((~mask).sum()) == absent
    assert not (mask & ~local).any()
    assert torch.equal(srnn_masks.masks(module)["0.weight"], mask)
    assert torch.equal(module[0].weight != 0, mask)


def test_an_absent_entry_ranks_below_a_present_zero():
    module = layers((1, 4))
    module[0].weight.data = torch.tensor([[0.0, 1.0, 2.0, 3.0]])
    mask = torch.tensor([[True, True, False, True]])
    srnn_masks.apply(module, {"0.weight": mask})
    assert prune(module, Pruning(sparsity=0.25))["0.weight"].tolist() == [[True, True, False, True]]
    assert prune(module, Pruning(sparsity=0.5))["0.weight"].tolist() == [[False, True, False, True]]


def test_equal_weights_are_pruned_the_same_on_every_run():
    results = []
    for _ in range(3):
        module = layers((6, 6), (4, 4))
        for parameter in module.parameters():
            parameter.data.fill_(0.5)
        results.append(prune(module, Pruning(sparsity=0.6)))
    assert zeros(results[0]) == {"0.weight": 31, "1.weight": 0}
    assert results[0]["0.weight"].flatten().tolist() == [False] * 31 + [True] * 5
    for other in results[1:]:
        assert all(torch.equal(mask, other[name]) for name, mask in results[0].items())


def test_a_pruner_continues_from_the_masks(make_net):
    """The pruner is stateless: a copy of the module with a new pruner gives the same masks."""
    net = make_net()
    pruning = Pruning(sparsity=0.9)
    pruner = Pruner(net, pruning, epochs=5)
    for epoch in (1, 2, 3):
        pruner.step(epoch)
    other = copy.deepcopy(net)
    masks, others = pruner.step(4), Pruner(other, pruning, epochs=5).step(4)
    assert all(torch.equal(mask, others[name]) for name, mask in masks.items())
    earlier = pruner.step(2)
    assert all(torch.equal(mask, earlier[name]) for name, mask in masks.items())  # an earlier epoch restores nothing


def test_returned_masks_do_not_change_later(make_net):
    pruner = Pruner(make_net(), Pruning(sparsity=0.9), epochs=4)
    early = pruner.step(2)
    same = pruner.step(2)
    before = {name: mask.clone() for name, mask in early.items()}
    pruner.step(4)
    assert all(torch.equal(mask, early[name]) and torch.equal(mask, same[name]) for name, mask in before.items())


def test_without_pruned_entries_there_is_no_mask(make_net):
    net = make_net()
    masks = Pruner(net, Pruning(sparsity=0.9), epochs=3).step(1)
    assert list(masks) == NAMES
    assert all(mask.all() for mask in masks.values())
    assert not srnn_masks.masks(net)
    prune(net, Pruning(sparsity=0.5, scope=("*hh*",)))
    assert list(srnn_masks.masks(net)) == [HH]


def test_parameters_out_of_scope_do_not_change(make_net):
    net = make_net()
    before = {name: parameter.detach().clone() for name, parameter in net.named_parameters()}
    masks = prune(net, Pruning(sparsity=0.5, scope=(HH,)))
    assert list(masks) == [HH]
    for name, parameter in net.named_parameters():
        assert torch.equal(parameter, before[name] * masks.get(name, True))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_precisions(dtype):
    module = layers((8, 8), (4, 4)).to(dtype)
    masks = prune(module, Pruning(sparsity=0.7))
    assert sum(zeros(masks).values()) == round(0.7 * 80)
    assert sum(int((p == 0).sum()) for p in weights(module).values()) == round(0.7 * 80)


def test_all_and_nothing():
    module = layers((3, 3))
    assert not prune(module, Pruning(sparsity=1.0))["0.weight"].any()
    assert not module[0].weight.any()
    assert prune(layers((3, 3)), Pruning(sparsity=0.0))["0.weight"].all()


@rankings
def test_nan_weights_are_refused_before_anything_changes(ranking):
    module = layers((4, 4), (4, 4))
    module[1].weight.data[2, 2] = float("nan")
    with pytest.raises(PruningError, match=r"1.weight: expected scores that can be ranked, got 1 NaN of 16"):
        prune(module, Pruning(sparsity=0.5, ranking=ranking))
    assert not srnn_masks.masks(module)
    assert module[0].weight.all()


@pytest.mark.parametrize("fraction", [-0.1, 1.5, float("nan")])
def test_a_fraction_outside_0_to_1_is_refused(fraction):
    with pytest.raises(PruningError, match=r"fraction: expected a share in \[0, 1\]"):
        prune(layers((3, 3)), Pruning(sparsity=0.5), fraction=fraction)


@pytest.mark.parametrize(
    ("fields", "epochs", "message"),
    [
        ({"schedule": OneShot(epoch=9)}, 3, "got epoch=9"),
        ({"criterion": Random()}, 3, "generator: Random draws at random"),
        ({"schedule": Linear()}, 0, "epoch: expected one of 1 to 0"),
    ],
)
def test_pruner_refuses_on_construction_what_would_fail_later(make_net, fields, epochs, message):
    with pytest.raises(PruningError, match=message):
        Pruner(make_net(), Pruning(sparsity=0.5, **fields), epochs=epochs)


def test_pruner_refuses_an_epoch_outside_the_run(make_net):
    pruner = Pruner(make_net(), Pruning(sparsity=0.5), epochs=3)
    for epoch in (0, 4):
        with pytest.raises(PruningError, match=f"epoch: expected one of 1 to 3, got {epoch}"):
            pruner.step(epoch)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@rankings
def test_a_gpu_removes_the_same_entries_as_the_cpu(ranking):
    pruning = Pruning(sparsity=0.83, ranking=ranking)
    here, there = layers((50, 40), (7, 50)), layers((50, 40), (7, 50)).cuda()
    for fraction in (0.3, 0.83):
        ours, theirs = prune(here, pruning, fraction=fraction), prune(there, pruning, fraction=fraction)
        assert all(theirs[name].is_cuda and torch.equal(mask, theirs[name].cpu()) for name, mask in ours.items())
