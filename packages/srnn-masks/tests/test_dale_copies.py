"""Copies, processes, files and functional calls of a module that wears signs, with and without masks."""

import copy
import io
import pickle
import subprocess
import sys

import pytest
import torch
from torch.func import functional_call, grad, stack_module_state, vmap

from srnn_masks import apply, apply_signs, masks, release, signs


def parameters(module):
    return dict(module.named_parameters())


def train(case, module, steps=2, seed=0):
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1, fused=True)
    for step in range(steps):
        optimizer.zero_grad()
        case.loss(module, seed + step).backward()
        optimizer.step()


def assert_held(module, worn, present=None):
    for name, sign in worn.items():
        assert (parameters(module)[name].detach().double() * sign.double() >= 0).all(), name
    for name, mask in (present or {}).items():
        assert not parameters(module)[name].detach()[~mask].any(), name


def dressed(case, seed=0, *, masked=True):
    """A module that wears signs, and masks too, and what it wears."""
    module = case.build(seed)
    worn, present = case.signs(module, seed), case.masks(module, seed, density=0.7) if masked else {}
    apply_signs(module, worn)
    apply(module, present)
    return module, worn, present


def saved_whole(module):
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


COPIES = {
    "deepcopy of a copy": lambda m: copy.deepcopy(copy.deepcopy(m)),
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    "torch.save": saved_whole,
}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_copies_wear_their_own_signs(case, duplicate, masked):
    module, worn, present = dressed(case, masked=masked)
    train(case, module)
    other = duplicate(module)
    assert all(torch.equal(signs(other)[name], sign) for name, sign in worn.items())
    for slope in (1.0, -1.0):  # held before its first forward
        for p in other.parameters():
            p.grad = torch.full_like(p, slope)
        torch.optim.SGD(other.parameters(), lr=10.0, fused=True).step()
        assert_held(other, worn, present)
    train(case, other)
    assert_held(other, worn, present)
    before = {name: p.detach().clone() for name, p in other.named_parameters()}
    apply_signs(module, {name: -sign for name, sign in worn.items()})
    train(case, module)
    assert_held(module, {name: -sign for name, sign in worn.items()}, present)
    assert all(torch.equal(signs(other)[name], sign) for name, sign in worn.items())
    assert all(torch.equal(p, before[name]) for name, p in other.named_parameters())
    release(other)
    assert signs(module) and not signs(other)


def test_records_pickled_before_there_were_signs_are_read():
    from srnn_masks._record import Record

    parameter = torch.nn.Parameter(torch.ones(2, 2))
    record = Record.__new__(Record)
    record.__setstate__({"path": "w", "parameter": parameter, "mask": torch.eye(2, dtype=torch.bool)})
    record.hold()
    assert torch.equal(parameter.detach(), torch.eye(2)) and record.signs is None


def test_averaged_models_wear_them_too(case):
    module, worn, present = dressed(case)
    averaged = torch.optim.swa_utils.AveragedModel(module)
    for seed in range(3):
        train(case, module, 1, seed)
        averaged.update_parameters(module)
    assert_held(averaged.module, worn, present)
    train(case, averaged.module)
    assert_held(averaged.module, worn, present)


SPAWN = """
import sys, torch, srnn_masks
import torch.multiprocessing as mp
from torch import nn

def child(module, queue):
    from torch.utils.hooks import RemovableHandle
    for _ in range(200):  # torch numbers hooks from 0 again: none may overwrite a restored one
        module.register_forward_pre_hook(lambda module, args: None)
        module.weight_hh_l0.register_hook(lambda gradient: None)
    weight, wrong = module.weight_hh_l0, 0
    for rate in (100.0, -100.0):
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1, fused=True)
        weight.grad = torch.full_like(weight, rate)
        optimizer.step()
        wrong += int((weight.detach() * module.weight_hh_l0_signs < 0).sum())
        wrong += int(weight.detach()[~module.weight_hh_l0_mask].any())
    queue.put((wrong, len(srnn_masks.signs(module)), int(weight.detach().any())))

if __name__ == "__main__":
    module = nn.GRU(5, 6)
    srnn_masks.apply_signs(module, {"weight_hh_l0": torch.tensor([1.0, 1, 1, 1, -1, -1])})
    srnn_masks.apply(module, {"weight_hh_l0": torch.rand(18, 6) < 0.5})
    context = mp.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=child, args=(module, queue))
    process.start()
    print(*queue.get(timeout=60))
    process.join()
"""


def test_spawned_processes_train_with_signs(tmp_path):
    script = tmp_path / "spawn.py"
    script.write_text(SPAWN)
    done = subprocess.run([sys.executable, "-W", "error::UserWarning", script], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.split() == [b"0", b"1", b"1"]


@pytest.mark.parametrize("assign", [False, True])
def test_state_dict_brings_the_signs_back(case, assign, tmp_path):
    module, worn, present = dressed(case, 0)
    other, _, _ = dressed(case, 1)
    train(case, module)
    torch.save(module.state_dict(), tmp_path / "state")
    state = torch.load(tmp_path / "state", weights_only=True)
    train(case, other)
    other.load_state_dict(state, strict=True, assign=assign)
    for name, sign in worn.items():
        assert torch.equal(parameters(other)[name], parameters(module)[name])
        assert torch.equal(signs(other)[name], sign) and torch.equal(masks(other)[name], present[name])
    train(case, other)
    assert_held(other, worn, present)
    assert f"{next(iter(worn))}_signs" in state


@pytest.mark.parametrize("assign", [False, True])
def test_weights_of_the_wrong_sign_that_are_loaded_are_clamped_at_once(case, assign):
    module, worn, _ = dressed(case, masked=False)
    missing, unexpected = module.load_state_dict(case.build(1).state_dict(), strict=False, assign=assign)
    assert {key.removesuffix("_signs") for key in missing} >= worn.keys() and not unexpected
    loaded = case.build(1).state_dict()
    for name, sign in worn.items():
        assert torch.equal(parameters(module)[name], torch.where(loaded[name] * sign > 0, loaded[name], 0))
    train(case, module)
    assert_held(module, worn)


def test_signs_that_are_loaded_alone_are_worn_at_once(case):
    module, worn, _ = dressed(case, masked=False)
    state = {key: -value for key, value in module.state_dict().items() if key.endswith("_signs")}
    module.load_state_dict(state, strict=False)
    assert not any(parameters(module)[name].any() for name in worn)
    assert all(torch.equal(signs(module)[name], -sign) for name, sign in worn.items())


@pytest.mark.parametrize("masked", [False, True])
def test_functional_call_holds_out_of_place(case, masked):
    """The gradient is that of a weight clamped in place: none at masked entries, all of it at clamped ones."""
    module, worn, present = dressed(case, masked=masked)
    plain = case.build()
    given = {name: p.detach().clone().sin() - 0.1 for name, p in module.named_parameters()}
    for p in given.values():
        p.requires_grad_()
    passed, before = dict(given), {name: p.detach().clone() for name, p in given.items()}
    own = {name: p.detach().clone() for name, p in module.named_parameters()}
    x = case.inputs()

    def call(m, tensors):
        out = functional_call(m, tensors, (x,))
        return ((out[0] if isinstance(out, tuple) else out) - 0.3).square().mean()

    loss = call(module, passed)
    found = torch.autograd.grad(loss, list(given.values()))
    assert all(passed[name] is given[name] and torch.equal(given[name], before[name]) for name in given)
    assert all(torch.equal(p, own[name]) for name, p in module.named_parameters())
    by_hand = {}
    for name, p in before.items():
        held = p * present.get(name, torch.ones_like(p))
        by_hand[name] = torch.where(held * worn.get(name, held.sign()) >= 0, held, 0).requires_grad_()
    expected = call(plain, by_hand)
    torch.testing.assert_close(loss, expected, rtol=0, atol=0)
    dense = torch.autograd.grad(expected, list(by_hand.values()))
    for name, ours, theirs in zip(given, found, dense, strict=True):
        torch.testing.assert_close(ours, theirs * present.get(name, torch.ones_like(theirs)))
    assert any((by_hand[name] != before[name]).any() for name in worn)


def test_functional_call_with_other_signs_leaves_the_own_ones(case):
    module, worn, _ = dressed(case, masked=False)
    own = {name: p.detach().clone() for name, p in module.named_parameters()}
    other = {f"{name}_signs": -sign for name, sign in worn.items()}
    if case.name == "tied":
        other["decoder.weight_signs"] = other["encoder.weight_signs"]
    found = functional_call(module, other, (case.inputs(),))
    assert all(torch.equal(p, own[name]) for name, p in module.named_parameters())
    assert all(torch.equal(signs(module)[name], sign) for name, sign in worn.items())
    plain = case.build()
    with torch.no_grad():
        for name, p in plain.named_parameters():
            p.copy_(own[name] * 0 if name in worn else own[name])  # no entry has the opposite sign
    expected = plain(case.inputs())
    if isinstance(found, tuple):
        found, expected = found[0], expected[0]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("masked", [False, True])
def test_vmap_over_seeds_gives_each_its_own_signs(case, masked):
    if not case.vmaps:
        pytest.skip("torch has no vmap rule for its fused RNNs")
    modules = [dressed(case, seed, masked=masked)[0] for seed in range(3)]
    base = copy.deepcopy(modules[0])
    if case.name != "tied":  # the way to meta unties
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


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_modules_train_with_signs(case, backend):
    torch._dynamo.reset()
    (module, worn, present), (twin, _, _) = dressed(case), dressed(case)
    compiled = torch.compile(module, backend=backend, fullgraph=not isinstance(module, torch.nn.RNNBase))
    optimizers = [torch.optim.Adam(m.parameters(), lr=0.1, fused=True) for m in (module, twin)]
    for step in range(4):
        if step == 2:
            worn = case.signs(module, 1)
            apply_signs(module, worn)
            apply_signs(twin, worn)
        for m, call, optimizer in zip((module, twin), (compiled, twin), optimizers, strict=True):
            optimizer.zero_grad()
            case.loss(call, step).backward()
            optimizer.step()
            assert_held(m, worn, present)
    for a, b in zip(module.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_functional_calls_are_held(zoo, backend):
    torch._dynamo.reset()
    case = zoo["cell"]
    module, _, _ = dressed(case)
    stacked = {name: torch.stack([p.detach() + 0.2, p.detach() - 0.2]) for name, p in module.named_parameters()}
    buffers = {n: torch.stack([b, -b if b.is_floating_point() else ~b]) for n, b in module.named_buffers()}
    x = case.inputs()

    def each(p, b):
        return functional_call(module, (p, b), (x,))

    expected = vmap(each)(stacked, buffers)
    found = torch.compile(lambda p, b: vmap(each)(p, b), backend=backend, fullgraph=True)(stacked, buffers)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(expected[0], expected[1])
