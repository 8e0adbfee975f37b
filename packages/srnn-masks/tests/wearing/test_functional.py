"""`torch.func.functional_call` and `vmap` on a module with masks, signs or both."""

import copy

import pytest
import torch
from torch.func import functional_call, grad, stack_module_state, vmap

from srnn_masks import apply, signs


def parameters(module):
    return dict(module.named_parameters())


def test_functional_call_constrains_out_of_place(case, kinds):
    """The gradient is that of a weight constrained in place: 0 at masked entries, unchanged at clamped ones."""
    module, plain = case.build(), case.build()
    constraints = case.constrain(module, kinds)
    given = {name: (p.detach().sin() - 0.1).requires_grad_() for name, p in module.named_parameters()}
    passed, before = dict(given), {name: p.detach().clone() for name, p in given.items()}
    own = {name: p.detach().clone() for name, p in module.named_parameters()}
    x = case.inputs()

    def call(m, tensors):
        out = functional_call(m, tensors, (x,))
        return ((out[0] if isinstance(out, tuple) else out) - 0.3).square().mean()

    loss = call(module, passed)
    gradients = torch.autograd.grad(loss, list(given.values()))
    assert all(passed[name] is given[name] and torch.equal(given[name], before[name]) for name in given)
    assert all(torch.equal(p, own[name]) for name, p in module.named_parameters())
    by_hand = {name: constraints.constrain(name, p).requires_grad_() for name, p in before.items()}
    expected = call(plain, by_hand)
    torch.testing.assert_close(loss, expected, rtol=0, atol=0)
    for name, ours, dense in zip(given, gradients, torch.autograd.grad(expected, list(by_hand.values())), strict=True):
        torch.testing.assert_close(ours, dense * constraints.masks.get(name, torch.ones_like(dense)))
    assert any((by_hand[name] != before[name]).any() for name in constraints.names)


def test_functional_call_with_another_mask_leaves_the_own_one(case):
    module = case.build()
    own_masks, other = case.constrain(module, "mask", 0), case.masks(module, 1)
    own = {name: p.detach().clone() for name, p in module.named_parameters()}
    buffers = {name: ~b for name, b in module.named_buffers()}
    given = {f"{name}_mask": mask for name, mask in other.items()}
    assert given.keys() <= buffers.keys()
    output = functional_call(module, given, (case.inputs(),))
    stacked = {name: torch.stack([b, dict(module.named_buffers())[name]]) for name, b in buffers.items()}
    if case.vmaps:
        x = case.inputs()
        pair = vmap(lambda b: functional_call(module, b, (x,)))(stacked)
        torch.testing.assert_close(pair[1], module(case.inputs()))
    assert all(torch.equal(p, own[name]) for name, p in module.named_parameters())
    own_masks.assert_equal(module)
    for name, mask in other.items():
        parameters(module)[name].data.mul_(mask)
    if case.name != "tied":  # the mask at its second place was not given
        torch.testing.assert_close(output, module(case.inputs()))


def test_functional_call_with_other_signs_leaves_the_own_ones(case):
    module = case.build()
    sign = case.constrain(module, "signs").signs
    own = {name: p.detach().clone() for name, p in module.named_parameters()}
    other = {f"{name}_signs": -value for name, value in sign.items()}
    if case.name == "tied":
        other["decoder.weight_signs"] = other["encoder.weight_signs"]
    output = functional_call(module, other, (case.inputs(),))
    assert all(torch.equal(p, own[name]) for name, p in module.named_parameters())
    assert all(torch.equal(signs(module)[name], value) for name, value in sign.items())
    plain = case.build()
    with torch.no_grad():
        for name, p in plain.named_parameters():
            p.copy_(own[name] * 0 if name in sign else own[name])  # no entry has the opposite sign
    expected = plain(case.inputs())
    if isinstance(output, tuple):
        output, expected = output[0], expected[0]
    torch.testing.assert_close(output, expected)


def test_functional_call_restores_the_parameters_after_an_error(zoo):
    module = zoo["cell"].build()
    apply(module, zoo["cell"].masks(module))
    given = {"cell.kernel": torch.ones(6, 6), "cell.enter": torch.ones(6, 5)}
    passed = dict(given)
    with pytest.raises(RuntimeError):
        functional_call(module, passed, (torch.zeros(3, 4, 99),))
    assert all(passed[name] is given[name] for name in given)
    assert not module.cell.kernel.detach()[~module.cell.kernel_mask].any()
    zoo["cell"].loss(module).backward()
    assert not module.cell.kernel.grad[~module.cell.kernel_mask].any()


def test_vmap_over_seeds_gives_each_its_own_constraints(case, kinds):
    if not case.vmaps:
        pytest.skip("torch has no vmap rule for its fused RNNs")
    modules = [case.build(seed) for seed in range(3)]
    for seed, module in enumerate(modules):
        case.constrain(module, kinds, seed)
    base = copy.deepcopy(modules[0])
    if case.name != "tied":  # moving to meta unties
        base = base.to("meta")
    weights, buffers = stack_module_state(modules)
    noisy = {name: (p.detach() + 0.2).requires_grad_() for name, p in weights.items()}
    x = case.inputs()

    def loss(p, b):
        return (functional_call(base, (p, b), (x,)) - 0.3).square().mean()

    losses = vmap(loss)(noisy, buffers)
    slopes = vmap(grad(loss))({name: p.detach() for name, p in noisy.items()}, buffers)
    losses.sum().backward()
    for seed, module in enumerate(modules):
        with torch.no_grad():
            for p in module.parameters():
                p.add_(0.2)
        single = case.loss(module)
        single.backward()
        torch.testing.assert_close(losses[seed], single)
        for name, p in module.named_parameters():
            torch.testing.assert_close(noisy[name].grad[seed], p.grad)
            torch.testing.assert_close(slopes[name][seed], p.grad)
    assert len(set(losses.tolist())) == 3
