"""What a worn mask must hold, over all modules and optimizers, against a loop that masks everything by hand."""

import copy

import pytest
import torch
from torch import nn

import srnn_masks
from srnn_masks import apply, density, enforce, masks, release, replace


def parameters(module):
    return dict(module.named_parameters())


def assert_held(module, worn):
    """Read the tensors themselves: nothing of the package may get a chance to repair them first."""
    for name, mask in worn.items():
        assert not parameters(module)[name].detach()[~mask].any(), name


def train(case, module, optimizer, *, steps, first=0, before=lambda: None, after=lambda: None):
    for seed in range(first, first + steps):

        def closure(seed=seed):
            optimizer.zero_grad()
            before()
            loss = case.loss(module, seed)
            loss.backward()
            return loss

        optimizer.step(closure)
        after()


def train_by_hand(case, module, optimizer, worn, *, steps, first=0):
    """The oracle: gradients, weights and, after the first step, moments masked in plain sight."""
    weights = {parameters(module)[name]: mask for name, mask in worn.items()}

    def hold():
        with torch.no_grad():
            for weight, mask in weights.items():
                weight[~mask] = 0

    def after():
        hold()
        for weight, mask in weights.items():
            for value in optimizer.state.get(weight, {}).values():
                if torch.is_tensor(value) and value.shape == mask.shape:
                    value[~mask] = 0

    handles = [weight.register_hook(lambda gradient, mask=mask: gradient * mask) for weight, mask in weights.items()]
    hold()
    train(case, module, optimizer, steps=steps, first=first, before=hold, after=after)
    for handle in handles:
        handle.remove()


def same(one, other):
    for (name, a), b in zip(one.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7, msg=lambda m, name=name: f"{name}: {m}")


def test_training_equals_masking_by_hand(case, optimizer):
    module, oracle = case.build(), case.build()
    worn = case.masks(module)
    apply(module, worn)
    assert_held(module, worn)
    ours, theirs = optimizer(module), optimizer(oracle)
    train(case, module, ours, steps=4, after=lambda: assert_held(module, worn))
    train_by_hand(case, oracle, theirs, worn, steps=4)
    same(module, oracle)


def test_masks_put_on_and_tightened_while_training(case, optimizer):
    module, oracle = case.build(), case.build()
    ours, theirs = optimizer(module), optimizer(oracle)
    train(case, module, ours, steps=2)
    train(case, oracle, theirs, steps=2)
    worn = {}
    for first, seed in ((2, 0), (4, 1)):
        new = case.masks(module, seed, density=0.7)
        apply(module, new)
        worn = {name: mask & worn.get(name, mask) for name, mask in new.items()}
        assert_held(module, worn)
        train(case, module, ours, steps=2, first=first, after=lambda worn=worn: assert_held(module, worn))
        train_by_hand(case, oracle, theirs, worn, steps=2, first=first)
        same(module, oracle)
    assert all(torch.equal(masks(module)[name], mask) for name, mask in worn.items())


def test_masks_replaced_while_training(case):
    """Growth: entries that come back start from zero and train on."""
    module = case.build()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    old, new = case.masks(module, 0), case.masks(module, 1)
    apply(module, old)
    train(case, module, optimizer, steps=2)
    kept = {name: p.detach().clone() for name, p in module.named_parameters()}
    moments = {name: optimizer.state[p]["exp_avg"].clone() for name, p in module.named_parameters()}
    replace(module, new)
    for name, mask in new.items():
        weight, moment = parameters(module)[name].detach(), optimizer.state[parameters(module)[name]]["exp_avg"]
        assert torch.equal(masks(module)[name], mask)
        assert torch.equal(weight, torch.where(mask & old[name], kept[name], 0))
        assert not moment[mask & ~old[name]].any()
        assert torch.equal(moment[mask & old[name]], moments[name][mask & old[name]])
    train(case, module, optimizer, steps=2, first=2, after=lambda: assert_held(module, new))
    assert any(parameters(module)[name].detach()[mask & ~old[name]].any() for name, mask in new.items())


def test_release_then_apply_also_replaces(case):
    module, other = case.build(), case.build()
    old, new = case.masks(module, 0), case.masks(module, 1)
    pairs = [(m, torch.optim.Adam(m.parameters(), lr=0.05)) for m in (module, other)]
    for m, optimizer in pairs:
        apply(m, old)
        train(case, m, optimizer, steps=2)
    released = release(module)
    assert all(torch.equal(released[name], mask) for name, mask in old.items())
    apply(module, new)
    replace(other, new)
    for m, optimizer in pairs:
        train(case, m, optimizer, steps=2, first=2)
        assert_held(m, new)
    same(module, other)


@pytest.mark.parametrize("norm", [1.0, 2.0, float("inf")])
def test_clipping_norm_ignores_masked_gradients(case, norm):
    module, plain = case.build(), case.build()
    worn = case.masks(module)
    apply(module, worn)
    with torch.no_grad():
        for name, mask in worn.items():
            parameters(plain)[name][~mask] = 0
    case.loss(module).backward()
    case.loss(plain).backward()
    by_hand = [p.grad * worn[name] if name in worn else p.grad for name, p in plain.named_parameters()]
    expected = torch.linalg.vector_norm(torch.cat([g.flatten() for g in by_hand]), norm)
    dense = torch.linalg.vector_norm(torch.cat([p.grad.flatten() for p in plain.parameters()]), norm)
    found = torch.nn.utils.clip_grad_norm_(module.parameters(), 0.01, norm_type=norm)
    torch.testing.assert_close(found, expected)
    assert norm == float("inf") or found < dense


def test_parameters_stay_plain_leaves_in_their_place(case):
    module = case.build()
    before = {name: (p, p.data_ptr()) for name, p in module.named_parameters()}
    keys = list(module.state_dict())
    apply(module, case.masks(module))
    case.loss(module).backward()
    assert {name: (p, p.data_ptr()) for name, p in module.named_parameters()} == before
    assert all(type(p) is nn.Parameter and p.is_leaf and p.requires_grad for p in module.parameters())
    assert [key for key in module.state_dict() if not key.endswith("_mask")] == keys
    if isinstance(module, nn.RNNBase):
        assert all(flat is getattr(module, name) for flat, name in zip(
            module._flat_weights, module._flat_weights_names, strict=True))  # fmt: skip


def test_release_gives_the_plain_module_back(case):
    module, plain = case.build(), case.build()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    apply(module, case.masks(module))
    train(case, module, optimizer, steps=1)
    weights = {name: p.detach().clone() for name, p in module.named_parameters()}
    release(module)
    assert masks(module) == {}
    assert list(module.state_dict()) == list(plain.state_dict())
    for ours, theirs in zip(module.modules(), plain.modules(), strict=True):
        assert vars(ours).keys() == vars(theirs).keys()
        assert all(len(vars(ours)[key]) == len(vars(theirs)[key]) for key in vars(theirs) if "hooks" in key)
        assert list(ours._buffers) == list(theirs._buffers)
        assert ours._non_persistent_buffers_set == theirs._non_persistent_buffers_set
    assert not any(p._backward_hooks for p in module.parameters())
    assert all(torch.equal(p, weights[name]) for name, p in module.named_parameters())
    plain.load_state_dict(module.state_dict())
    train(case, module, optimizer, steps=3)
    train(case, plain, torch.optim.SGD(plain.parameters(), lr=0.5), steps=3)
    same(module, plain)
    release(module)  # a second time is no error


def reassign(p):
    first = p.data_ptr()
    for _ in range(50):
        p.data = p.data + 1
        if p.data_ptr() == first:
            break


WRITES = {
    "in place": lambda p: p.add_(1),
    "through data, by assignment": lambda p: setattr(p, "data", p.data + 1),
    "init": lambda p: nn.init.ones_(p),
    "copy": lambda p: p.copy_(torch.ones_like(p)),
    "vector": lambda p: nn.utils.vector_to_parameters(torch.ones(p.numel()), [p]),
    "until the allocator gives the old address back": lambda p: reassign(p),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_forward_sees_no_hand_written_entry(case, write):
    module, plain = case.build(), case.build()
    worn = case.masks(module)
    apply(module, worn)
    with torch.no_grad():
        for name, mask in worn.items():
            write(parameters(module)[name])
            parameters(plain)[name].copy_(parameters(module)[name] * mask)
        for name in set(parameters(plain)) - set(worn):
            parameters(plain)[name].copy_(parameters(module)[name])
    assert not all(not parameters(module)[name].detach()[~mask].any() for name, mask in worn.items())
    torch.testing.assert_close(case.loss(module), case.loss(plain), rtol=0, atol=0)
    assert_held(module, worn)


def test_enforce_holds_what_no_counter_sees(case):
    module = case.build()
    worn = case.masks(module)
    apply(module, worn)
    case.loss(module).backward()
    for name in worn:
        parameters(module)[name].data.add_(float("nan"))
        parameters(module)[name].grad.fill_(1)
    enforce(module)
    assert_held(module, worn)
    for name, mask in worn.items():
        assert torch.equal(parameters(module)[name].grad, mask.to(torch.float32))
        assert parameters(module)[name].detach()[mask].isnan().all()


def test_a_clean_forward_writes_nothing(case):
    module = case.build()
    apply(module, case.masks(module))
    versions = {name: p._version for name, p in module.named_parameters()}
    for _ in range(3):
        case.loss(module).backward()
    with torch.inference_mode():
        case.loss(module)
    assert {name: p._version for name, p in module.named_parameters()} == versions


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("training", [True, False])
def test_masks_are_put_on_in_any_mode(case, mode, training):
    module = case.build().train(training)
    with mode():
        new = case.masks(module)
        apply(module, new)
        apply(module, case.masks(module, 1, density=0.9))
        case.loss(module)
    worn = masks(module)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    train(case, module, optimizer, steps=2, after=lambda: assert_held(module, worn))
    assert all(not parameters(module)[name].grad[~mask].any() for name, mask in worn.items())
    apply(module, case.masks(module, 2))
    assert_held(module, masks(module))


def test_an_existing_gradient_is_masked_at_once(case):
    module = case.build()
    case.loss(module).backward()
    worn = case.masks(module)
    dense = {name: parameters(module)[name].grad.clone() for name in worn}
    apply(module, worn)
    for name, mask in worn.items():
        assert torch.equal(parameters(module)[name].grad, dense[name] * mask)
        assert dense[name][~mask].any()


def test_moments_are_cleared_once_and_kept_elsewhere(case):
    module = case.build()
    names = case.names(module)
    optimizers = [torch.optim.Adam(module.parameters(), lr=0.01) for _ in range(2)]
    for optimizer in optimizers:
        train(case, module, optimizer, steps=2)
    worn = case.masks(module)
    apply(module, worn)
    moments = lambda o, name: o.state[parameters(module)[name]]["exp_avg_sq"]  # noqa: E731
    for optimizer in optimizers:
        before = {name: moments(optimizer, name).clone() for name in names}
        module.zero_grad()
        for p in module.parameters():
            p.grad = torch.zeros_like(p)
        optimizer.step()
        for name, mask in worn.items():
            assert torch.equal(moments(optimizer, name), before[name] * 0.999 * mask)
            assert before[name][~mask].any()
        for name in names:  # a mark that a second clearing would wipe away
            moments(optimizer, name).fill_(7)
        optimizer.step()
        assert all(
            torch.equal(moments(optimizer, name), torch.full_like(moments(optimizer, name), 7 * 0.999))
            for name in names
        )
        apply(module, {name: torch.ones_like(mask) for name, mask in worn.items()})  # a new version, if an equal one
        optimizer.step()
        assert all(not moments(optimizer, name)[~mask].any() for name, mask in worn.items())


def test_moments_loaded_later_are_cleared_too(case):
    module = case.build()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    train(case, module, optimizer, steps=2)
    dense = copy.deepcopy(optimizer.state_dict())
    worn = case.masks(module)
    apply(module, worn)
    train(case, module, optimizer, steps=1, first=2)
    optimizer.load_state_dict(dense)
    train(case, module, optimizer, steps=1, first=3)
    for name, mask in worn.items():
        assert not optimizer.state[parameters(module)[name]]["exp_avg"][~mask].any()


def test_frozen_parameters_wear_masks_and_thaw(case):
    module = case.build().requires_grad_(False)
    worn = case.masks(module)
    apply(module, worn)
    assert not any(p.requires_grad for p in module.parameters())
    assert_held(module, worn)
    module.requires_grad_(True)
    case.loss(module).backward()
    assert all(not parameters(module)[name].grad[~mask].any() for name, mask in worn.items())
    train(case, module, torch.optim.Adam(module.parameters()), steps=2, after=lambda: assert_held(module, worn))


def test_integer_parameters_wear_masks():
    module = nn.Linear(3, 3)
    module.register_parameter("code", nn.Parameter(torch.ones(3, 3, dtype=torch.int64), requires_grad=False))
    apply(module, {"code": torch.eye(3, dtype=torch.bool)})
    module.code.add_(1)
    module(torch.zeros(3))
    assert torch.equal(module.code, 2 * torch.eye(3, dtype=torch.int64))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("how", ["to", "type"])
def test_dtype_changes_mid_run(case, dtype, how):
    module = case.build()
    worn = case.masks(module)
    apply(module, worn)
    train(case, module, torch.optim.Adam(module.parameters(), lr=0.05), steps=1)
    module = module.to(dtype) if how == "to" else module.type(dtype)  # the second casts buffers as well
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    train(case, module, optimizer, steps=2, first=1, after=lambda: assert_held(module, worn))
    assert all(mask.dtype is torch.bool and torch.equal(mask, worn[name]) for name, mask in masks(module).items())
    assert {p.dtype for p in module.parameters()} == {dtype}
    assert all(not parameters(module)[name].grad[~mask].any() for name, mask in worn.items())
    assert all(b.dtype is torch.bool for b in module.buffers())


def test_swapped_tensors_keep_the_mask(case):
    """The coming way of torch to convert modules swaps the insides of parameters, gradient hooks included."""
    if isinstance(case.build(), nn.RNNBase):
        pytest.skip("torch keeps weak references to the weights of its RNNs, which forbids the swap")
    module = case.build()
    worn = case.masks(module)
    apply(module, worn)
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        module.double()
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)
    train(case, module, torch.optim.Adam(module.parameters()), steps=2, after=lambda: assert_held(module, worn))
    assert all(not parameters(module)[name].grad[~mask].any() for name, mask in worn.items())


def test_a_new_parameter_wears_the_mask(case):
    module = case.build()
    worn = case.masks(module)
    apply(module, worn)
    for name in worn:
        owner = module.get_submodule(name.rpartition(".")[0])
        setattr(owner, name.rpartition(".")[2], nn.Parameter(torch.ones_like(parameters(module)[name])))
    if case.name == "tied":
        module.decoder.weight = module.encoder.weight
    case.loss(module).backward()
    assert_held(module, worn)
    assert all(not parameters(module)[name].grad[~mask].any() for name, mask in worn.items())
    train(case, module, torch.optim.AdamW(module.parameters()), steps=2, after=lambda: assert_held(module, worn))


def test_two_modules_and_their_optimizers_do_not_meet(case):
    one, other = case.build(0), case.build(1)
    apply(one, case.masks(one, 0))
    apply(other, case.masks(other, 1))
    for module in (one, other):
        worn = masks(module)
        train(
            case,
            module,
            torch.optim.Adam(module.parameters()),
            steps=2,
            after=lambda m=module, w=worn: assert_held(m, w),
        )
    assert not any(torch.equal(mask, masks(other)[name]) for name, mask in masks(one).items())


def test_a_dead_module_leaves_nothing_behind(case):
    import gc

    from srnn_masks import _record

    gc.collect()
    before = sum(len(records) for records in _record._registry.values())
    module = case.build()
    apply(module, case.masks(module))
    assert sum(len(records) for records in _record._registry.values()) > before
    weights = list(module.parameters())
    del module
    gc.collect()
    assert sum(len(records) for records in _record._registry.values()) == before
    torch.optim.SGD(weights, lr=1.0).step()


def test_the_global_generator_is_left_alone(case, tmp_path):
    module = case.build()
    new = case.masks(module)
    state = torch.get_rng_state()
    apply(module, new)
    train(case, module, torch.optim.Adam(module.parameters()), steps=1)
    srnn_masks.save(tmp_path / "m", module)
    with srnn_masks.lifted(module):
        case.loss(module).backward()
    copy.deepcopy(module)
    release(module)
    srnn_masks.load(tmp_path / "m", module)
    density(next(iter(masks(module).values())))
    assert torch.equal(torch.get_rng_state(), state)
