"""SNIP and GraSP against explicit gradients and Hessians of small networks of torch."""

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.utils import parametrizations

import srnn_masks
from srnn_pruning import SNIP, GraSP, Pruning, PruningError, prune

LAYERS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
layers = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())


@pytest.fixture
def problem(make_net):
    """A function that returns a network of float64, its loss on a batch, and the weights in scope by name."""

    def make(layer=nn.RNN, scope=("recurrence.weight",)):
        net = make_net(layer).double()
        generator = torch.Generator().manual_seed(3)
        inputs = torch.randn(4, 3, 3, generator=generator, dtype=torch.float64)
        targets = torch.randn(4, 3, 2, generator=generator, dtype=torch.float64)
        weights = {name: p for name, p in net.named_parameters() if name.startswith(scope)}
        return net, lambda: (net(inputs) - targets).square().mean(), weights, (inputs, targets)

    return make


def explicit(net, weights, batch):
    """Return gradient and Hessian of the loss with respect to the weights, flat, by `torch.autograd.functional`."""
    inputs, targets = batch
    sizes = [weight.numel() for weight in weights.values()]

    def loss(flat):
        parts = {
            name: part.view_as(weight) for (name, weight), part in zip(weights.items(), flat.split(sizes), strict=True)
        }
        return (functional_call(net, parts, inputs) - targets).square().mean()

    flat = torch.cat([weight.detach().flatten() for weight in weights.values()])
    gradient = torch.autograd.functional.jacobian(loss, flat)
    return flat, gradient, torch.autograd.functional.hessian(loss, flat)


def flat(scores):
    return torch.cat([score.flatten() for score in scores.values()])


@layers
def test_snip_and_grasp_are_their_formulas(problem, layer):
    net, loss, weights, batch = problem(layer)
    w, g, hessian = explicit(net, weights, batch)
    torch.testing.assert_close(flat(SNIP().scores(weights, loss=loss)), (w * g).abs(), rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(flat(GraSP().scores(weights, loss=loss)), w * (hessian @ g), rtol=1e-10, atol=1e-14)


@layers
@pytest.mark.parametrize("criterion", [SNIP(), GraSP()], ids=lambda criterion: criterion.kind)
def test_the_largest_signed_scores_stay(problem, layer, criterion):
    net, loss, weights, _ = problem(layer)
    scores = flat(criterion.scores(weights, loss=loss))
    masks = prune(net, Pruning(sparsity=0.8, criterion=criterion, scope=("recurrence.*",)), evidence={"loss": loss})
    kept = flat(masks)
    assert int(kept.sum()) == len(scores) - round(0.8 * len(scores))
    assert scores[kept].min() > scores[~kept].max()
    if criterion == GraSP():
        assert scores.min() < 0 < scores.max()


def test_the_gradient_of_grasp_is_that_of_the_weights_in_scope_only(problem):
    net, loss, weights, batch = problem(scope=("recurrence.weight_hh",))
    w, g, hessian = explicit(net, weights, batch)
    torch.testing.assert_close(flat(GraSP().scores(weights, loss=loss)), w * (hessian @ g))


def test_masked_weights_count_for_nothing(problem):
    """The gradient of a masked weight is 0, so it adds nothing to H g."""
    net, loss, weights, batch = problem()
    mask = torch.rand(6, 6, generator=torch.Generator().manual_seed(1)) < 0.5
    srnn_masks.apply(net, {"recurrence.weight_hh_l0": mask})
    w, g, hessian = explicit(net, weights, batch)
    present = torch.cat([torch.ones(18, dtype=torch.bool), mask.flatten()])
    torch.testing.assert_close(flat(GraSP().scores(weights, loss=loss)), w * (hessian @ (g * present)))


def test_a_weight_that_the_loss_does_not_read_scores_0(problem):
    net, loss, weights, _ = problem(scope=("recurrence.weight", "unused"))
    net.unused = nn.utils.skip_init(nn.Linear, 2, 2).double()
    weights["unused.weight"] = net.unused.weight
    for criterion in (SNIP(), GraSP()):
        assert not criterion.scores(weights, loss=loss, module=net)["unused.weight"].any()


def test_a_loss_that_is_linear_in_the_weights_has_no_hessian():
    layer = nn.utils.skip_init(nn.Linear, 2, 1, bias=False)
    layer.weight.data.fill_(1)
    loss = lambda: layer(torch.ones(2)).sum()  # noqa: E731
    assert not GraSP().scores({"weight": layer.weight}, loss=loss)["weight"].any()


def test_sparse_gradients_are_scored():
    embedding = nn.utils.skip_init(nn.Embedding, 4, 2, sparse=True)
    embedding.weight.data.fill_(2)
    loss = lambda: embedding(torch.tensor([1, 1, 3])).sum()  # noqa: E731
    expected = [[0, 0], [4, 4], [0, 0], [2, 2]]
    assert SNIP().scores({"weight": embedding.weight}, loss=loss)["weight"].tolist() == expected


@pytest.mark.parametrize("criterion", [SNIP(), GraSP()], ids=lambda criterion: criterion.kind)
@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda: None, "loss: expected a function that returns a scalar tensor with its graph, got None"),
        (lambda: torch.ones(3, requires_grad=True), r"a scalar tensor with its graph, got a tensor of shape \(3,\)"),
        (lambda: torch.tensor(1.0), r"got a tensor of shape \(\) without a graph"),
    ],
)
def test_what_is_no_loss_is_refused(make_net, criterion, loss, message):
    with pytest.raises(PruningError, match=message):
        prune(make_net(), Pruning(sparsity=0.5, criterion=criterion), evidence={"loss": loss})


@pytest.mark.parametrize("criterion", [SNIP(), GraSP()], ids=lambda criterion: criterion.kind)
def test_weights_that_cannot_be_differentiated_by_are_refused(make_net, criterion):
    net = make_net()
    parametrizations.weight_norm(net.readout)
    loss = lambda: net(torch.ones(2, 1, 3)).sum()  # noqa: E731
    with pytest.raises(PruningError, match=r"readout.weight: expected a parameter, got a weight that is computed"):
        prune(net, Pruning(sparsity=0.5, criterion=criterion), evidence={"loss": loss})
    with pytest.raises(PruningError, match=r"w: expected a floating-point weight to differentiate by, got torch.int8"):
        criterion.scores({"w": torch.ones(2, 2, dtype=torch.int8)}, loss=loss)


def test_the_temperature_of_grasp_divides_the_outputs_of_the_module(problem):
    net, loss, weights, (inputs, targets) = problem()
    divided = GraSP().scores(weights, loss=lambda: (net(inputs) / 200 - targets).square().mean())
    scores = GraSP(temperature=200).scores(weights, loss=loss, module=net)
    torch.testing.assert_close(flat(scores), flat(divided))
    assert not torch.allclose(flat(scores), flat(GraSP().scores(weights, loss=loss)))
    assert not net._forward_hooks


def test_the_temperature_divides_the_first_item_of_a_tuple():
    with torch.random.fork_rng():
        layer = nn.RNN(2, 3).double()
    x = torch.randn(4, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = {"weight_hh_l0": layer.weight_hh_l0}
    scores = GraSP(temperature=4).scores(weights, loss=lambda: layer(x)[0].exp().mean(), module=layer)
    torch.testing.assert_close(scores, GraSP().scores(weights, loss=lambda: (layer(x)[0] / 4).exp().mean()))


def test_a_temperature_that_cannot_be_applied_raises(problem):
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            return {"logits": self.layer(x)}

    with torch.random.fork_rng():
        module = Named()
    x = torch.ones(1, 2)
    scope = {"layer.weight": module.layer.weight}
    with pytest.raises(PruningError, match=r"returns logits.*got dict from Named"):
        GraSP(temperature=2).scores(scope, module=module, loss=lambda: module(x)["logits"].square().mean())
    with pytest.raises(PruningError, match=r"a loss that calls Named.*got no call"):
        GraSP(temperature=2).scores(scope, module=module, loss=lambda: module.layer(x).square().mean())
    with pytest.raises(PruningError, match="module: expected"):
        GraSP(temperature=2).scores(scope, loss=lambda: module.layer(x).square().mean())
    assert not module._forward_hooks
