"""Dense gradients: at masked entries too."""

import pytest
import torch
from torch import nn

from srnn_masks import MaskError, apply, apply_signs, dense_gradients, lifted

EYE = torch.eye(6, dtype=torch.bool)


def parameters(module):
    return dict(module.named_parameters())


def by_hand(case, module, current):
    """Gradients by every entry of a plain twin with the masked weights."""
    plain = case.build()
    with torch.no_grad():
        for name, p in plain.named_parameters():
            p.copy_(parameters(module)[name])
    case.loss(plain).backward()
    return {name: parameters(plain)[name].grad for name in current}


def test_dense_gradients_are_those_of_the_plain_module(case):
    module = case.build()
    current = case.masks(module)
    apply(module, current)
    expected = by_hand(case, module, current)
    gradients = dense_gradients(module, case.loss(module))
    assert gradients.keys() == current.keys()
    for name, mask in current.items():
        torch.testing.assert_close(gradients[name], expected[name])
        assert gradients[name][~mask].any()
        assert parameters(module)[name].grad is None
    case.loss(module).backward()
    for name, mask in current.items():
        torch.testing.assert_close(parameters(module)[name].grad, expected[name] * mask)


def test_lifted_gradients_are_dense_inside_and_masked_after(case):
    module = case.build()
    current = case.masks(module)
    apply(module, current)
    expected = by_hand(case, module, current)
    with pytest.raises(ZeroDivisionError), lifted(module), lifted(module):
        case.loss(module).backward()
        for name, mask in current.items():
            torch.testing.assert_close(parameters(module)[name].grad, expected[name])
            assert not parameters(module)[name].detach()[~mask].any()
        raise ZeroDivisionError
    for name, mask in current.items():
        torch.testing.assert_close(parameters(module)[name].grad, expected[name] * mask)


def test_a_step_on_lifted_gradients_leaves_no_moments(case):
    module = case.build()
    current = case.masks(module)
    apply(module, current)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        with lifted(module):
            case.loss(module).backward()
            optimizer.step()
            assert not any(parameters(module)[name].detach()[~mask].any() for name, mask in current.items())
        optimizer.step()
    for name, mask in current.items():
        assert not optimizer.state[parameters(module)[name]]["exp_avg"][~mask].any()


def test_lifting_some_masks_leaves_the_others():
    module = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    apply(module, {"*.weight": EYE})
    with lifted(module, "0.*"):
        module(torch.ones(6)).sum().backward()
        assert module[0].weight.grad[~EYE].any() and not module[1].weight.grad[~EYE].any()
    assert list(dense_gradients(module, module(torch.ones(6)).sum(), ["1.weight"])) == ["1.weight"]
    with pytest.raises(MaskError, match=r"'2\.\*' matches no masked parameter; .*0\.weight, 1\.weight"):
        dense_gradients(module, module(torch.ones(6)).sum(), "2.*")


def test_lifted_functional_calls_have_dense_gradients(per_step):
    module = per_step()
    apply(module, {"cell.kernel": EYE})
    given = {"cell.kernel": torch.ones(6, 6, requires_grad=True)}
    x = torch.randn(3, 4, 5)
    plain = torch.func.functional_call(module, given, (x,)).sum()
    with lifted(module):
        dense = torch.func.functional_call(module, given, (x,)).sum()
    torch.testing.assert_close(plain, dense)
    assert not torch.autograd.grad(plain, given["cell.kernel"])[0][~EYE].any()
    assert torch.autograd.grad(dense, given["cell.kernel"])[0][~EYE].all()


def test_a_parameter_that_the_loss_does_not_use_has_a_zero_gradient():
    module = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    apply(module, {"*.weight": EYE})
    gradients = dense_gradients(module, module[0](torch.ones(6)).sum())
    assert not gradients["1.weight"].any() and gradients["0.weight"].all()
    assert dense_gradients(nn.Linear(2, 2), torch.ones(1, requires_grad=True).sum()) == {}


def test_signs_change_no_dense_gradient(case):
    module, plain = case.build(), case.build()
    apply_signs(module, case.signs(module))
    assert dense_gradients(module, case.loss(module)) == {}
    apply(module, case.masks(module))
    with torch.no_grad():
        for name, p in plain.named_parameters():
            p.copy_(parameters(module)[name])
    case.loss(plain).backward()
    gradients = dense_gradients(module, case.loss(module))
    assert gradients.keys() == set(case.names(module))
    assert all(torch.equal(gradient, parameters(plain)[name].grad) for name, gradient in gradients.items())


def test_signs_are_enforced_while_masks_are_lifted(case):
    module = case.build()
    constraints = case.constrain(module, "signs mask")
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    with lifted(module):
        case.train(module, optimizer, steps=2, after=lambda: constraints.assert_enforced(module))


def test_signs_alone_cannot_be_lifted():
    module = nn.Linear(2, 2)
    apply_signs(module, {"weight": torch.ones(2)})
    with pytest.raises(MaskError, match=r"lifted: 'weight' matches no masked parameter; masked parameters: none"):
        lifted(module, "weight").__enter__()
