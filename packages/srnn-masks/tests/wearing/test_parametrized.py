"""Masks on weights that torch computes: parametrizations and the older hooks, applied before or after the mask."""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.utils import parametrizations, parametrize, prune

from srnn_masks import (
    MaskError,
    apply,
    apply_signs,
    balance_signs,
    correct_fan_in,
    dense_gradients,
    enforce,
    lifted,
    load,
    load_masked,
    maskable,
    masks,
    release,
    replace,
    save,
    signs,
)


class Shifted(nn.Module):
    """A parametrization of a user that leaves no entry 0 and cannot be inverted."""

    def forward(self, weight):
        return 2 * weight + 0.1


FORMS = {
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "custom": lambda module, name: parametrize.register_parametrization(module, name, Shifted()),
    "old weight_norm": nn.utils.weight_norm,
    "old spectral_norm": nn.utils.spectral_norm,
}
MODULES = {
    "linear": (lambda: nn.Linear(6, 6), "weight", lambda m: m(torch.ones(4, 6))),
    "rnn": (lambda: nn.RNN(6, 6), "weight_hh_l0", lambda m: m(torch.ones(3, 4, 6))[0]),
    "gru": (lambda: nn.GRU(6, 6), "weight_ih_l0", lambda m: m(torch.ones(3, 4, 6))[0]),
    "lstm": (lambda: nn.LSTM(6, 6, 2, bidirectional=True), "weight_hh_l1_reverse", lambda m: m(torch.ones(3, 4, 6))[0]),
    "lstm cell": (lambda: nn.LSTMCell(6, 6), "weight_hh", lambda m: m(torch.ones(4, 6), (torch.ones(4, 6),) * 2)[0]),
    "convolution": (lambda: nn.Conv1d(6, 6, 3), "weight", lambda m: m(torch.ones(4, 6, 6))),
    "attention": (lambda: nn.MultiheadAttention(6, 2), "in_proj_weight", lambda m: m(*[torch.ones(3, 4, 6)] * 3)[0]),
}
forms = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the older forms are deprecated
        torch.manual_seed(0)
        yield


def random_mask(weight, density=0.4):
    mask = torch.rand(weight.shape) < density
    mask[0] = False  # a row without entries: its norm is 0
    mask[1, 0] = True
    return mask


@forms
@pytest.mark.parametrize("first", ["mask", "parametrization"])
@pytest.mark.parametrize(("make", "name", "run"), MODULES.values(), ids=MODULES)
def test_the_weight_in_use_has_the_mask_that_is_reported(make, name, run, form, first):
    module = make()
    mask = random_mask(getattr(module, name))
    if first == "parametrization":
        form(module, name)
    apply(module, {name: mask})
    if first == "mask":
        form(module, name)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        run(module).square().sum().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())
        optimizer.step()
        run(module)
        weight = getattr(module, name).detach()
        assert not weight[~mask].any()
        assert weight.isfinite().all() and weight[mask].any()
        assert torch.equal(masks(module)[name], mask)
    released = release(module)
    assert torch.equal(released[name], mask)
    assert masks(module) == {} and not any(key.endswith("_mask") for key in module.state_dict())
    run(module)
    assert maskable(module)[name].shape == mask.shape


@forms
def test_the_output_is_that_of_the_masked_weight(form):
    """At the first forward after either order, without any other call in between."""
    for first in ("mask", "parametrization"):
        module, x = nn.Linear(6, 6), torch.randn(4, 6)
        mask = torch.rand(6, 6) < 0.5
        mask[:, 0] = True
        if first == "parametrization":
            form(module, "weight")
        apply(module, {"weight": mask})
        if first == "mask":
            form(module, "weight")
        module.eval()
        output = module(x)
        assert not maskable(module)["weight"][~mask].any()
        torch.testing.assert_close(output, x @ (module.weight.detach() * mask).T + module.bias)


def test_another_parametrization_goes_before_the_mask():
    module, mask = nn.Linear(6, 6), torch.eye(6, dtype=torch.bool)
    parametrizations.weight_norm(module)
    apply(module, {"weight": mask})
    parametrize.register_parametrization(module, "weight", Shifted())
    assert torch.equal(masks(module)["weight"], mask)
    assert not module.weight.detach()[~mask].any() and module.weight.detach()[mask].all()
    assert len([each for each in module.modules() if type(each) is Shifted]) == 1


def test_a_removed_parametrization_leaves_a_masked_parameter(constraints):
    module, mask = nn.Linear(6, 6), random_mask(torch.empty(6, 6))
    for first in (True, False):
        if first:
            apply(module, {"weight": mask})
        parametrizations.weight_norm(module)
        module(torch.ones(6))
        parametrize.remove_parametrizations(module, "weight")
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
        module(torch.ones(6)).sum().backward()
        optimizer.step()
        constraints({"weight": mask}).assert_enforced(module, gradients=True)


def test_masks_of_parametrized_weights_change_and_are_saved(tmp_path):
    module, other = (parametrizations.weight_norm(nn.Linear(6, 6)) for _ in range(2))
    first, second = (torch.rand(6, 6) < 0.6 for _ in range(2))
    apply(module, {"*weight*": first})
    apply(module, {"weight": second})
    assert torch.equal(masks(module)["weight"], first & second)
    replace(module, {"weight": second})
    assert torch.equal(module.weight.detach() != 0, second)
    save(tmp_path / "masks", module)
    load(tmp_path / "masks", other)
    assert torch.equal(other.weight.detach() != 0, second)
    third = parametrizations.weight_norm(nn.Linear(6, 6))
    load_masked(third, module.state_dict())
    assert torch.equal(third.weight, module.weight) and torch.equal(masks(third)["weight"], second)
    twin = copy.deepcopy(third)
    release(third)
    assert torch.equal(twin.weight.detach() != 0, second) and torch.equal(masks(twin)["weight"], second)


def test_signs_of_a_weight_hold_after_it_is_parametrized():
    module, sign = nn.Linear(6, 6), torch.tensor([1.0, -1, 1, -1, 1, -1])
    apply_signs(module, {"weight": sign})
    parametrize.register_parametrization(module, "weight", Shifted())
    enforce(module)
    assert (module.weight.detach() * sign >= 0).all() and torch.equal(signs(module)["weight"], sign)
    module.weight.sum().backward()
    assert module.parametrizations.weight.original.grad.all()  # a clamped entry can leave 0 again


def test_functional_calls_use_the_mask_of_the_call():
    module, mask = parametrizations.spectral_norm(nn.Linear(6, 6)).eval(), torch.eye(6, dtype=torch.bool)
    apply(module, {"weight": mask})
    x = torch.ones(6)
    output = functional_call(module, {"weight_mask": ~mask}, (x,))
    torch.testing.assert_close(module(x), module.weight @ x + module.bias)
    replace(module, {"weight": ~mask})
    torch.testing.assert_close(output, module(x))


def test_lifted_gives_the_gradient_of_the_dense_weight():
    module, mask = nn.Linear(6, 6), torch.eye(6, dtype=torch.bool)
    parametrize.register_parametrization(module, "weight", Shifted())
    apply(module, {"weight": mask})
    original = module.parametrizations.weight.original
    module(torch.ones(6)).sum().backward()
    assert torch.equal(original.grad != 0, mask)
    with lifted(module):
        module(torch.ones(6)).sum().backward()
    assert original.grad.all() and torch.equal(module.weight.detach() != 0, mask)


def test_reading_changes_nothing():
    """An access to a weight with spectral_norm in training makes a step of its power iteration."""
    module = parametrizations.spectral_norm(nn.Linear(6, 6))
    apply(module, {"weight": torch.rand(6, 6) < 0.5})
    before = {key: value.clone() for key, value in module.state_dict().items()}
    masks(module), maskable(module), enforce(module), repr(module)
    assert module.training and all(torch.equal(module.state_dict()[key], value) for key, value in before.items())


def test_sources_are_matched_by_their_full_names_only():
    module = parametrizations.weight_norm(nn.Linear(6, 4))
    assert list(maskable(module)) == ["bias", "weight"]
    mask = torch.rand(4, 6) < 0.5
    apply(module, {"parametrizations.weight.original1": mask})
    assert list(masks(module)) == ["parametrizations.weight.original1"]
    assert not module.weight.detach()[~mask].any()
    with pytest.raises(MaskError, match=r"'\*original\*' matches no parameter"):
        apply(module, {"*original*": mask})


@pytest.mark.parametrize("verb", [correct_fan_in, lambda m: dense_gradients(m, m(torch.ones(6)).sum())])
def test_what_needs_a_parameter_is_refused(verb):
    module = parametrizations.weight_norm(nn.Linear(6, 6))
    apply(module, {"weight": torch.eye(6, dtype=torch.bool)})
    with pytest.raises(MaskError, match=r"'weight': expected a parameter, got a parametrized weight"):
        verb(module)
    with pytest.raises(MaskError, match=r"'weight': expected a parameter, got a parametrized weight"):
        apply_signs(module, {"weight": torch.ones(6)})
    signed = nn.Linear(6, 6)
    apply_signs(signed, {"weight": torch.ones(6)})
    parametrizations.weight_norm(signed)
    with pytest.raises(MaskError, match=r"'weight': expected a parameter, got a parametrized weight"):
        balance_signs(signed)


@pytest.mark.parametrize("replace_it", ["torch's pruning", "a plain tensor", "nothing"])
def test_a_weight_that_something_else_replaced_is_refused_loudly(replace_it):
    module = nn.Linear(6, 6)
    apply(module, {"weight": torch.eye(6, dtype=torch.bool)})
    if replace_it == "torch's pruning":
        prune.random_unstructured(module, "weight", 0.5)
    else:
        del module.weight
        if replace_it == "a plain tensor":
            module.weight = torch.ones(6, 6)
    for contact in (lambda: module(torch.ones(6)), lambda: masks(module), lambda: enforce(module), module.state_dict):
        with pytest.raises(MaskError, match=r"parameter 'weight': expected a parameter or .*Linear; call .*release"):
            contact()
    release(module)
    assert masks(module) == {}
    if replace_it == "torch's pruning":
        module(torch.ones(6))
        assert module.weight_mask.dtype is torch.float32  # its own buffer stays


def test_a_parametrization_of_another_shape_is_refused():
    class Doubled(nn.Module):
        def forward(self, weight):
            return torch.cat([weight, weight])

    module = nn.Linear(6, 6)
    apply(module, {"weight": torch.eye(6, dtype=torch.bool)})
    parametrize.register_parametrization(module, "weight", Doubled(), unsafe=True)
    with pytest.raises(MaskError, match=r"'weight': expected the shape of its mask, \(6, 6\), got \(12, 6\)"):
        module(torch.ones(6))


@pytest.mark.filterwarnings("ignore")
def test_compiled_modules_are_masked():
    module, mask = parametrizations.weight_norm(nn.Linear(6, 6)), torch.eye(6, dtype=torch.bool)
    apply(module, {"weight": mask})
    torch._dynamo.reset()
    compiled, x = torch.compile(module, backend="eager"), torch.randn(3, 6)
    torch.testing.assert_close(compiled(x), module(x))
    late = nn.Linear(6, 6)
    apply(late, {"weight": mask})
    parametrize.register_parametrization(late, "weight", Shifted())
    output = torch.compile(late, backend="eager")(x)
    torch.testing.assert_close(output, x @ (late.weight.detach() * mask).T + late.bias)
