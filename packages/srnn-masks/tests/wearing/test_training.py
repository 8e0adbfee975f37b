"""Masks and signs over all modules and optimizers, against a loop that constrains everything by hand."""

import copy
import gc
import weakref

import pytest
import torch
from torch import nn

import srnn_masks
from srnn_masks import apply, apply_signs, density, enforce, masks, release, replace, signs


def parameters(module):
    return dict(module.named_parameters())


def test_training_equals_constraining_by_hand(case, optimizer, kinds, assert_same):
    module, oracle = case.build(), case.build()
    constraints = case.constrain(module, kinds)
    constraints.assert_enforced(module)
    constraints.align_by_hand(oracle)
    case.train(module, optimizer(module), steps=4, after=lambda: constraints.assert_enforced(module))
    case.train_by_hand(oracle, optimizer(oracle), constraints, steps=4)
    assert_same(module, oracle)


def test_signs_and_masks_may_be_applied_in_either_order(case, assert_same):
    module, other = case.build(), case.build()
    case.constrain(module, "signs mask")
    case.constrain(other, "mask signs")
    for m in (module, other):
        case.train(m, torch.optim.Adam(m.parameters(), lr=0.05), steps=4)
    assert_same(module, other)


def test_masks_applied_and_tightened_while_training(case, optimizer, constraints, assert_same):
    module, oracle = case.build(), case.build()
    ours, theirs = optimizer(module), optimizer(oracle)
    case.train(module, ours, steps=2)
    case.train(oracle, theirs, steps=2)
    current = constraints()
    for first, seed in ((2, 0), (4, 1)):
        new = case.masks(module, seed, density=0.7)
        apply(module, new)
        current = constraints({name: mask & current.masks.get(name, mask) for name, mask in new.items()})
        current.assert_enforced(module)
        case.train(module, ours, steps=2, first=first, after=lambda now=current: now.assert_enforced(module))
        case.train_by_hand(oracle, theirs, current, steps=2, first=first)
        assert_same(module, oracle)
    current.assert_equal(module)


def test_signs_applied_while_training_leave_the_moments(case, constraints, assert_same):
    module, oracle = case.build(), case.build()
    ours, theirs = (torch.optim.Adam(m.parameters(), lr=0.05) for m in (module, oracle))
    case.train(module, ours, steps=2)
    case.train(oracle, theirs, steps=2)
    for first in (2, 4):
        current = constraints({}, case.signs(module, first))
        apply_signs(module, current.signs)
        current.align_by_hand(oracle)
        case.train(module, ours, steps=2, first=first, after=lambda now=current: now.assert_enforced(module))
        case.train_by_hand(oracle, theirs, current, steps=2, first=first)
        assert_same(module, oracle)
        for a, b in zip(module.parameters(), oracle.parameters(), strict=True):
            for key in ("exp_avg", "exp_avg_sq"):
                torch.testing.assert_close(ours.state[a][key], theirs.state[b][key])


def test_masks_replaced_while_training(case, constraints):
    """Growth: restored entries start from zero and train."""
    module = case.build()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    old, new = case.masks(module, 0), case.masks(module, 1)
    apply(module, old)
    case.train(module, optimizer, steps=2)
    weights = {name: p.detach().clone() for name, p in module.named_parameters()}
    moments = {name: optimizer.state[p]["exp_avg"].clone() for name, p in module.named_parameters()}
    replace(module, new)
    for name, mask in new.items():
        weight, moment = parameters(module)[name].detach(), optimizer.state[parameters(module)[name]]["exp_avg"]
        assert torch.equal(masks(module)[name], mask)
        assert torch.equal(weight, torch.where(mask & old[name], weights[name], 0))
        assert not moment[mask & ~old[name]].any()
        assert torch.equal(moment[mask & old[name]], moments[name][mask & old[name]])
    case.train(module, optimizer, steps=2, first=2, after=lambda: constraints(new).assert_enforced(module))
    assert any(parameters(module)[name].detach()[mask & ~old[name]].any() for name, mask in new.items())


def test_masks_change_while_signs_stay(case, constraints):
    module = case.build()
    sign = case.constrain(module, "signs").signs
    for verb in (apply, replace, apply):
        verb(module, case.masks(module, seed=len(verb.__name__)))
        current = constraints(masks(module), sign)
        current.assert_equal(module)
        optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
        case.train(module, optimizer, steps=2, after=lambda now=current: now.assert_enforced(module))


def test_release_then_apply_equals_replace(case, constraints, assert_same):
    module, other = case.build(), case.build()
    old, new = case.masks(module, 0), case.masks(module, 1)
    pairs = [(m, torch.optim.Adam(m.parameters(), lr=0.05)) for m in (module, other)]
    for m, optimizer in pairs:
        apply(m, old)
        case.train(m, optimizer, steps=2)
    released = release(module)
    assert all(torch.equal(released[name], mask) for name, mask in old.items())
    apply(module, new)
    replace(other, new)
    for m, optimizer in pairs:
        case.train(m, optimizer, steps=2, first=2)
        constraints(new).assert_enforced(m)
    assert_same(module, other)


@pytest.mark.parametrize("norm", [1.0, 2.0, float("inf")])
def test_clipping_norm_ignores_masked_gradients(case, norm):
    module, plain = case.build(), case.build()
    constraints = case.constrain(module, "mask")
    constraints.constrain_by_hand(plain)
    case.loss(module).backward()
    case.loss(plain).backward()
    by_hand = [constraints.constrain(name, p.grad) for name, p in plain.named_parameters()]
    expected = torch.linalg.vector_norm(torch.cat([g.flatten() for g in by_hand]), norm)
    dense = torch.linalg.vector_norm(torch.cat([p.grad.flatten() for p in plain.parameters()]), norm)
    clipped = torch.nn.utils.clip_grad_norm_(module.parameters(), 0.01, norm_type=norm)
    torch.testing.assert_close(clipped, expected)
    assert norm == float("inf") or clipped < dense


def test_signs_leave_the_gradients_of_the_plain_module(case):
    module, plain = case.build(), case.build()
    sign = case.constrain(module, "signs").signs
    with torch.no_grad():
        for name in sign:
            parameters(module)[name][0].neg_()  # a row that the forward clamps
            parameters(plain)[name].copy_(parameters(module)[name].abs() * sign[name])[0] = 0
    case.loss(module).backward()
    case.loss(plain).backward()
    for name, p in module.named_parameters():
        assert torch.equal(p.grad, parameters(plain)[name].grad)
    assert any(parameters(module)[name].grad[0].any() for name in sign)


def test_parameters_stay_plain_leaves_in_their_place(case, kinds):
    module = case.build()
    before = {name: (p, p.data_ptr()) for name, p in module.named_parameters()}
    keys = list(module.state_dict())
    case.constrain(module, kinds)
    case.loss(module).backward()
    assert {name: (p, p.data_ptr()) for name, p in module.named_parameters()} == before
    assert all(type(p) is nn.Parameter and p.is_leaf and p.requires_grad for p in module.parameters())
    assert [key for key in module.state_dict() if not key.endswith(("_mask", "_signs"))] == keys
    if isinstance(module, nn.RNNBase):
        flat = zip(module._flat_weights, module._flat_weights_names, strict=True)
        assert all(weight is getattr(module, name) for weight, name in flat)


def test_release_restores_the_plain_module(case, kinds, assert_same):
    module, plain = case.build(), case.build()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    constraints = case.constrain(module, kinds)
    case.train(module, optimizer, steps=1)
    weights = {name: p.detach().clone() for name, p in module.named_parameters()}
    released = release(module)
    assert released.keys() == constraints.masks.keys()
    assert masks(module) == {} and signs(module) == {}
    assert list(module.state_dict()) == list(plain.state_dict())
    for ours, theirs in zip(module.modules(), plain.modules(), strict=True):
        assert vars(ours).keys() == vars(theirs).keys()
        assert all(len(vars(ours)[key]) == len(vars(theirs)[key]) for key in vars(theirs) if "hooks" in key)
        assert list(ours._buffers) == list(theirs._buffers)
        assert ours._non_persistent_buffers_set == theirs._non_persistent_buffers_set
    assert not any(p._backward_hooks for p in module.parameters())
    assert all(torch.equal(p, weights[name]) for name, p in module.named_parameters())
    plain.load_state_dict(module.state_dict())
    case.train(module, optimizer, steps=3)
    case.train(plain, torch.optim.SGD(plain.parameters(), lr=0.5), steps=3)
    assert_same(module, plain)
    release(module)  # a second time is no error


def alternating(weight):
    """Entries of either sign, none of them 0."""
    return torch.linspace(-1, 1.1, weight.numel()).reshape(weight.shape)


def reassign_until_the_old_address_returns(weight):
    first = weight.data_ptr()
    for _ in range(50):
        weight.data = weight.data + alternating(weight)
        if weight.data_ptr() == first:
            break


WRITES = {
    "in place": lambda p: p.add_(alternating(p)),
    "through data, by assignment": lambda p: setattr(p, "data", p.data + alternating(p)),
    "init": lambda p: nn.init.uniform_(p, -1, 1, generator=torch.Generator().manual_seed(0)),
    "copy": lambda p: p.copy_(alternating(p)),
    "vector": lambda p: nn.utils.vector_to_parameters(alternating(p).flatten(), [p]),
    "until the allocator returns the old address": reassign_until_the_old_address_returns,
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_forward_never_uses_a_hand_written_entry(case, write, kinds):
    module, plain = case.build(), case.build()
    constraints = case.constrain(module, kinds)
    with torch.no_grad():
        for name, p in module.named_parameters():
            if name in constraints.names:
                write(p)
                assert not torch.equal(constraints.constrain(name, p), p)
            parameters(plain)[name].copy_(constraints.constrain(name, p))
    torch.testing.assert_close(case.loss(module), case.loss(plain), rtol=0, atol=0)
    constraints.assert_enforced(module)


def test_enforce_handles_writes_that_torch_does_not_count(case, kinds):
    module = case.build()
    constraints = case.constrain(module, kinds)
    case.loss(module).backward()
    for name in constraints.names:
        parameters(module)[name].data.fill_(0.5)
        parameters(module)[name].grad.fill_(1)
    enforce(module)
    for name in constraints.names:
        p = parameters(module)[name]
        assert torch.equal(p.detach(), constraints.constrain(name, torch.full_like(p, 0.5)))
        assert torch.equal(p.grad, constraints.masks.get(name, torch.ones_like(p)).float())


def test_enforce_clears_nan_at_masked_entries_only(case):
    module = case.build()
    constraints = case.constrain(module, "mask")
    for name in constraints.names:
        parameters(module)[name].data.add_(float("nan"))
    enforce(module)
    constraints.assert_enforced(module)
    for name, mask in constraints.masks.items():
        assert parameters(module)[name].detach()[mask].isnan().all()


def test_a_clean_forward_writes_nothing(case, kinds):
    module = case.build()
    case.constrain(module, kinds)
    versions = {name: p._version for name, p in module.named_parameters()}
    for _ in range(3):
        case.loss(module).backward()
    with torch.inference_mode():
        case.loss(module)
    assert {name: p._version for name, p in module.named_parameters()} == versions


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("training", [True, False])
def test_constraints_may_be_applied_in_any_mode(case, mode, training, kinds, constraints):
    module = case.build().train(training)
    with mode():
        case.constrain(module, kinds)
        second = case.constrain(module, kinds, seed=1, density=0.9)
        case.loss(module)
    current = constraints(masks(module), signs(module))
    assert all(torch.equal(current.signs[name], sign) for name, sign in second.signs.items())
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    case.train(module, optimizer, steps=2, after=lambda: current.assert_enforced(module, gradients=True))
    apply(module, case.masks(module, 2))
    constraints(masks(module)).assert_enforced(module)


def test_an_existing_gradient_is_masked_at_once(case):
    module = case.build()
    case.loss(module).backward()
    dense = {name: parameters(module)[name].grad.clone() for name in case.names(module)}
    for name, mask in case.constrain(module, "mask").masks.items():
        assert torch.equal(parameters(module)[name].grad, dense[name] * mask)
        assert dense[name][~mask].any()


def test_moments_are_cleared_once_and_left_elsewhere(case):
    module = case.build()
    names = case.names(module)
    optimizers = [torch.optim.Adam(module.parameters(), lr=0.01) for _ in range(2)]
    for optimizer in optimizers:
        case.train(module, optimizer, steps=2)
    new = case.constrain(module, "mask").masks
    moments = lambda o, name: o.state[parameters(module)[name]]["exp_avg_sq"]  # noqa: E731
    for optimizer in optimizers:
        before = {name: moments(optimizer, name).clone() for name in names}
        module.zero_grad()
        for p in module.parameters():
            p.grad = torch.zeros_like(p)
        optimizer.step()
        for name, mask in new.items():
            assert torch.equal(moments(optimizer, name), before[name] * 0.999 * mask)
            assert before[name][~mask].any()
        for name in names:  # a mark that a second clearing would erase
            moments(optimizer, name).fill_(7)
        optimizer.step()
        for name in names:
            assert torch.equal(moments(optimizer, name), torch.full_like(moments(optimizer, name), 7 * 0.999))
        apply(module, {name: torch.ones_like(mask) for name, mask in new.items()})  # an equal mask, but a new version
        optimizer.step()
        assert all(not moments(optimizer, name)[~mask].any() for name, mask in new.items())


def test_moments_loaded_later_are_cleared_too(case):
    module = case.build()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    case.train(module, optimizer, steps=2)
    dense = copy.deepcopy(optimizer.state_dict())
    new = case.constrain(module, "mask").masks
    case.train(module, optimizer, steps=1, first=2)
    optimizer.load_state_dict(dense)
    case.train(module, optimizer, steps=1, first=3)
    for name, mask in new.items():
        assert not optimizer.state[parameters(module)[name]]["exp_avg"][~mask].any()


def test_frozen_parameters_stay_frozen_and_can_be_unfrozen(case, kinds):
    module = case.build().requires_grad_(False)
    constraints = case.constrain(module, kinds)
    assert not any(p.requires_grad for p in module.parameters())
    constraints.assert_enforced(module)
    module.requires_grad_(True)
    case.loss(module).backward()
    constraints.assert_enforced(module, gradients=True)
    optimizer = torch.optim.Adam(module.parameters())
    case.train(module, optimizer, steps=2, after=lambda: constraints.assert_enforced(module))


def test_integer_parameters_may_have_masks():
    module = nn.Linear(3, 3)
    module.register_parameter("code", nn.Parameter(torch.ones(3, 3, dtype=torch.int64), requires_grad=False))
    apply(module, {"code": torch.eye(3, dtype=torch.bool)})
    module.code.add_(1)
    module(torch.zeros(3))
    assert torch.equal(module.code, 2 * torch.eye(3, dtype=torch.int64))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("how", ["to", "type"])
def test_the_dtype_may_change_while_training(case, dtype, how, kinds):
    module = case.build()
    constraints = case.constrain(module, kinds)
    case.train(module, torch.optim.Adam(module.parameters(), lr=0.05), steps=1)
    module = module.to(dtype) if how == "to" else module.type(dtype)  # the second casts bool buffers as well
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    for p in module.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()  # before any forward
    constraints.assert_enforced(module)
    after = lambda: constraints.assert_enforced(module, gradients=True)  # noqa: E731
    case.train(module, optimizer, steps=2, first=1, after=after)
    constraints.assert_equal(module)
    assert all(mask.dtype is torch.bool for mask in masks(module).values())
    assert all(sign.dtype is dtype for sign in signs(module).values())
    assert {p.dtype for p in module.parameters()} == {dtype}
    assert all(b.dtype is torch.bool for name, b in module.named_buffers() if name.endswith("_mask"))


def test_swapped_tensors_keep_the_mask(case):
    """The newer way of torch to convert modules swaps the contents of parameters, gradient hooks included."""
    if isinstance(case.build(), nn.RNNBase):
        pytest.skip("torch keeps weak references to the weights of its RNNs, which forbids the swap")
    module = case.build()
    constraints = case.constrain(module, "mask")
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        module.double()
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)
    after = lambda: constraints.assert_enforced(module, gradients=True)  # noqa: E731
    case.train(module, torch.optim.Adam(module.parameters()), steps=2, after=after)


def test_a_new_parameter_gets_the_constraints(case, kinds):
    module = case.build()
    constraints = case.constrain(module, kinds)
    for name in constraints.names:
        owner = module.get_submodule(name.rpartition(".")[0])
        setattr(owner, name.rpartition(".")[2], nn.Parameter(torch.ones_like(parameters(module)[name])))
    if case.name == "tied":
        module.decoder.weight = module.encoder.weight
    case.loss(module).backward()
    after = lambda: constraints.assert_enforced(module, gradients=True)  # noqa: E731
    after()
    case.train(module, torch.optim.AdamW(module.parameters()), steps=2, after=after)


def test_a_new_parameter_can_be_released_before_a_forward():
    module = nn.Linear(3, 3)
    apply(module, {"weight": torch.eye(3, dtype=torch.bool)})
    module.weight = nn.Parameter(torch.ones(3, 3))
    assert list(release(module, "weight")) == ["weight"]
    assert not module._forward_pre_hooks and not list(module.buffers())


def test_two_modules_and_their_optimizers_are_independent(case, constraints):
    one, other = case.build(0), case.build(1)
    case.constrain(one, "mask", 0)
    case.constrain(other, "mask", 1)
    for module in (one, other):
        current = constraints(masks(module))
        optimizer = torch.optim.Adam(module.parameters())
        case.train(module, optimizer, steps=2, after=lambda m=module, now=current: now.assert_enforced(m))
    assert not any(torch.equal(mask, masks(other)[name]) for name, mask in masks(one).items())


def test_a_deleted_module_leaves_nothing_behind(case, kinds):
    """Its buffers are freed, and its weights, if kept, are no longer constrained."""
    module = case.build()
    constraints = case.constrain(module, kinds)
    buffers = [weakref.ref(buffer) for buffer in module.buffers()]
    weights = {name: parameters(module)[name] for name in constraints.names}
    del module
    gc.collect()
    assert buffers and not any(buffer() is not None for buffer in buffers)
    for name, weight in weights.items():
        (weight * torch.where(constraints.constrain(name, torch.ones_like(weight)) > 0, 1.0, 2.0)).sum().backward()
        torch.optim.SGD([weight], lr=100.0).step()
        assert weight.grad.all() and (weight < 0).all()


def test_the_global_generator_is_not_used(case, tmp_path):
    module = case.build()
    new = case.masks(module)
    state = torch.get_rng_state()
    apply(module, new)
    case.train(module, torch.optim.Adam(module.parameters()), steps=1)
    srnn_masks.save(tmp_path / "m", module)
    with srnn_masks.lifted(module):
        case.loss(module).backward()
    copy.deepcopy(module)
    release(module)
    srnn_masks.load(tmp_path / "m", module)
    density(next(iter(masks(module).values())))
    assert torch.equal(torch.get_rng_state(), state)
