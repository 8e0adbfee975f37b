"""Copies, pickles, processes, files and functional calls of a module that wears masks."""

import copy
import io
import os
import pickle
import shutil
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

import srnn_masks
from srnn_masks import FixedInDegree, apply, lifted, load, masks, release, save

COMPILERS = [os.environ.get("CXX", "g++"), "g++", "c++", "clang++"]
INDUCTOR = pytest.param(
    "inductor",
    marks=[
        pytest.mark.slow,
        pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="torch's inductor needs a C++ compiler"),
    ],
)


def parameters(module):
    return dict(module.named_parameters())


def train(case, module, steps=2, seed=0):
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05, fused=True)
    for step in range(steps):
        optimizer.zero_grad()
        case.loss(module, seed + step).backward()
        optimizer.step()


def assert_held(module, worn):
    for name, mask in worn.items():
        weight = parameters(module)[name]
        assert not weight.detach()[~mask].any(), name
        assert weight.grad is None or not weight.grad[~mask].any(), name


def saved_whole(module):
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


COPIES = {
    "deepcopy": copy.deepcopy,
    "deepcopy of a copy": lambda m: copy.deepcopy(copy.deepcopy(m)),
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    "torch.save": saved_whole,
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_copies_wear_their_own_masks(case, duplicate):
    module = case.build()
    worn = case.masks(module, density=0.8)
    apply(module, worn)
    train(case, module)
    other = duplicate(module)
    assert all(torch.equal(masks(other)[name], mask) for name, mask in worn.items())
    train(case, other)  # without a forward in between, its first backward and step are masked already
    assert_held(other, worn)
    before = {name: p.detach().clone() for name, p in other.named_parameters()}
    tighter = case.masks(module, 1)
    apply(module, tighter)
    train(case, module)
    assert_held(module, {name: mask & tighter[name] for name, mask in worn.items()})
    assert all(torch.equal(masks(other)[name], mask) for name, mask in worn.items())
    assert all(torch.equal(p, before[name]) for name, p in other.named_parameters())
    release(other)
    assert masks(module) and not masks(other)
    train(case, module)
    assert_held(module, masks(module))


def test_a_copy_is_held_before_its_first_forward(case):
    module = case.build()
    worn = case.masks(module)
    apply(module, worn)
    other = copy.deepcopy(module)
    for p in other.parameters():
        p.grad = torch.ones_like(p)
    torch.optim.SGD(other.parameters(), lr=1.0, fused=True).step()
    for name, mask in worn.items():
        assert not parameters(other)[name].detach()[~mask].any()


def test_model_and_optimizer_are_copied_together(case):
    module = case.build()
    optimizer = torch.optim.Adam(module.parameters())
    case.loss(module).backward()
    optimizer.step()
    worn = case.masks(module)
    apply(module, worn)
    other, copied = copy.deepcopy((module, optimizer))
    case.loss(other).backward()
    copied.step()
    for name, mask in worn.items():
        assert not parameters(other)[name].detach()[~mask].any()
        assert not copied.state[parameters(other)[name]]["exp_avg"][~mask].any()


def test_averaged_models_wear_them_too(case):
    module = case.build()
    worn = case.masks(module)
    averaged = torch.optim.swa_utils.AveragedModel(module)
    apply(module, worn)
    averaged = torch.optim.swa_utils.AveragedModel(module)
    for seed in range(3):
        train(case, module, 1, seed)
        averaged.update_parameters(module)
    assert_held(averaged.module, worn)
    apply(module, case.masks(module, 1))
    averaged.update_parameters(module)  # copies the mask buffer: the copy notices at its next forward
    case.loss(averaged)
    assert_held(averaged.module, masks(module))


CHILD = """
import pickle, sys, torch
from torch.utils.hooks import RemovableHandle
module = pickle.load(sys.stdin.buffer)
assert RemovableHandle.next_id < 50, RemovableHandle.next_id
for _ in range(200):  # torch numbers hooks from 0 again: none may overwrite a restored one
    module.register_forward_pre_hook(lambda module, args: None)
    module.register_forward_hook(lambda module, args, output: None)
    module.weight_hh_l0.register_hook(lambda gradient: None)
optimizer = torch.optim.Adam(module.parameters(), lr=0.1, fused=True)
module(torch.ones(3, 2, 5))[0].sum().backward()
optimizer.step()
import srnn_masks
mask = srnn_masks.masks(module)["weight_hh_l0"]
weight = module.weight_hh_l0
assert not weight.detach()[~mask].any() and not weight.grad[~mask].any() and weight.grad[mask].any()
print(int(mask.sum()))
"""


def test_hooks_of_a_new_process_overwrite_nothing():
    module = nn.GRU(5, 6)
    apply(module, {"weight_hh_l0": FixedInDegree(degree=2).mask(18, 6, gates=3, generator=torch.Generator())})
    child = subprocess.run([sys.executable, "-c", CHILD], input=pickle.dumps(module), capture_output=True)
    assert child.returncode == 0, child.stderr.decode()
    assert int(child.stdout) == 36


SPAWN = """
import sys, torch, srnn_masks
import torch.multiprocessing as mp
from torch import nn

def child(module, queue):
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, fused=True)
    module(torch.ones(3, 2, 5))[0].sum().backward()
    optimizer.step()
    mask, weight = module.weight_hh_l0_mask, module.weight_hh_l0
    queue.put((int(weight.detach()[~mask].any()), int(weight.grad[~mask].any()), int(weight.grad[mask].any())))

if __name__ == "__main__":
    module = nn.GRU(5, 6)
    srnn_masks.apply(module, {"weight_hh_l0": torch.rand(18, 6) < 0.5})
    context = mp.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=child, args=(module, queue))
    process.start()
    print(*queue.get(timeout=60))
    process.join()
"""


def test_spawned_processes_train_masked(tmp_path):
    script = tmp_path / "spawn.py"
    script.write_text(SPAWN)
    done = subprocess.run([sys.executable, "-W", "error::UserWarning", script], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.split() == [b"0", b"0", b"1"]


@pytest.mark.parametrize("assign", [False, True])
def test_state_dict_brings_the_masks_back(case, assign, tmp_path):
    module, other = case.build(0), case.build(1)
    worn = case.masks(module, 0)
    apply(module, worn)
    train(case, module)
    torch.save(module.state_dict(), tmp_path / "state")
    state = torch.load(tmp_path / "state", weights_only=True)
    apply(other, case.masks(other, 1))  # other masks: the loaded ones take their place
    train(case, other)
    assert not any("missing" in key for key in other.load_state_dict(state, strict=True))
    for name, mask in worn.items():
        assert torch.equal(parameters(other)[name], parameters(module)[name])
        assert torch.equal(masks(other)[name], mask)
    train(case, other)
    assert_held(other, worn)
    torch.testing.assert_close(case.loss(other), case.loss(copy.deepcopy(other)))


@pytest.mark.parametrize("assign", [False, True])
def test_dense_weights_that_are_loaded_are_masked_at_once(case, assign):
    module, dense = case.build(0), case.build(1)
    worn = case.masks(module)
    apply(module, worn)
    missing, unexpected = module.load_state_dict(dense.state_dict(), strict=False, assign=assign)
    assert all(key.endswith("_mask") for key in missing) and not unexpected
    loaded = case.build(1).state_dict()  # with assign, torch hands over the tensors of `dense` themselves
    for name, mask in worn.items():
        assert torch.equal(parameters(module)[name], torch.where(mask, loaded[name], 0))
    train(case, module)
    assert_held(module, worn)


def test_masks_go_to_a_file_and_back(case, tmp_path):
    module, other = case.build(0), case.build(1)
    worn = case.masks(module)
    apply(module, worn)
    save(tmp_path / "masks.safetensors", module)
    load(tmp_path / "masks.safetensors", other)
    assert masks(other).keys() == worn.keys()
    assert all(torch.equal(masks(other)[name], mask) for name, mask in worn.items())
    assert_held(other, worn)
    train(case, other)
    assert_held(other, worn)


def test_functional_call_masks_out_of_place(case):
    module, plain = case.build(0), case.build(0)
    worn = case.masks(module)
    apply(module, worn)
    given = {name: p.detach().clone() + 1 for name, p in module.named_parameters()}
    for p in given.values():
        p.requires_grad_()
    passed, before = dict(given), {name: p.detach().clone() for name, p in given.items()}
    own = {name: p.detach().clone() for name, p in module.named_parameters()}
    call = lambda m, p: case.loss(Seen(m, p), inputs=case.inputs())  # noqa: E731
    loss = call(module, passed)
    gradients = torch.autograd.grad(loss, list(given.values()))
    assert all(passed[name] is given[name] for name in given)  # the caller's dict is as it was
    assert all(torch.equal(given[name], before[name]) for name in given)
    assert all(torch.equal(p, own[name]) for name, p in module.named_parameters())
    by_hand = {name: (p * worn[name] if name in worn else p).detach().requires_grad_() for name, p in given.items()}
    expected = call(plain, by_hand)
    torch.testing.assert_close(loss, expected)
    for name, found, dense in zip(given, gradients, torch.autograd.grad(expected, list(by_hand.values())), strict=True):
        torch.testing.assert_close(found, dense * worn[name] if name in worn else dense)


class Seen:
    """A module seen through a functional call with given tensors."""

    def __init__(self, module, tensors):
        self.module, self.tensors = module, tensors

    def parameters(self):
        return iter(self.tensors.values())

    def __call__(self, x):
        return functional_call(self.module, self.tensors, (x,))


def test_functional_call_with_another_mask_leaves_the_own_one(case):
    module = case.build()
    worn, other = case.masks(module, 0), case.masks(module, 1)
    apply(module, worn)
    own = {name: p.detach().clone() for name, p in module.named_parameters()}
    buffers = {name: ~b for name, b in module.named_buffers()}
    given = {f"{name}_mask": mask for name, mask in other.items()}
    assert given.keys() <= buffers.keys()
    found = functional_call(module, given, (case.inputs(),))
    stacked = {name: torch.stack([b, dict(module.named_buffers())[name]]) for name, b in buffers.items()}
    if case.vmaps:
        x = case.inputs()
        pair = vmap(lambda b: functional_call(module, b, (x,)))(stacked)
        torch.testing.assert_close(pair[1], module(case.inputs()))
    assert all(torch.equal(p, own[name]) for name, p in module.named_parameters())
    assert all(torch.equal(masks(module)[name], mask) for name, mask in worn.items())
    for name, mask in other.items():
        parameters(module)[name].data.mul_(mask)
    if case.name != "tied":  # there the other of its two masks was not given
        expected = module(case.inputs())
        torch.testing.assert_close(found, expected)


def test_functional_call_puts_back_what_it_found_after_an_error(zoo):
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


def test_vmap_over_seeds_gives_each_its_own_mask(case):
    if not case.vmaps:
        pytest.skip("torch has no vmap rule for its fused RNNs")
    modules = [case.build(seed) for seed in range(3)]
    for seed, module in enumerate(modules):
        apply(module, case.masks(module, seed))
    base = copy.deepcopy(modules[0])
    if case.name != "tied":  # the way to meta unties
        base = base.to("meta")
    weights, buffers = stack_module_state(modules)
    noisy = {name: (p.detach() + 1).requires_grad_() for name, p in weights.items()}
    x = case.inputs()

    def loss(p, b):
        return (functional_call(base, (p, b), (x,)) - 0.3).square().mean()

    losses = vmap(loss)(noisy, buffers)
    slopes = vmap(grad(loss))({name: p.detach() for name, p in noisy.items()}, buffers)
    losses.sum().backward()
    for seed, module in enumerate(modules):
        with torch.no_grad():
            for p in module.parameters():
                p.add_(1)
        single = case.loss(module)
        single.backward()
        torch.testing.assert_close(losses[seed], single)
        for name, p in module.named_parameters():
            torch.testing.assert_close(noisy[name].grad[seed], p.grad)
            torch.testing.assert_close(slopes[name][seed], p.grad)
    assert len(set(losses.tolist())) == 3


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("backend", ["eager", "aot_eager", INDUCTOR])
def test_compiled_modules_train_masked(case, backend):
    torch._dynamo.reset()
    module, twin = case.build(), case.build()
    worn = case.masks(module)
    for m in (module, twin):
        apply(m, worn)
    compiled = torch.compile(module, backend=backend, fullgraph=not isinstance(module, nn.RNNBase))
    optimizers = [torch.optim.Adam(m.parameters(), lr=0.05, fused=True) for m in (module, twin)]
    for step in range(4):
        if step == 2:
            worn = case.masks(module, 1, density=0.8)
            apply(module, worn)
            apply(twin, worn)
            worn = masks(module)
        for m, call, optimizer in zip((module, twin), (compiled, twin), optimizers, strict=True):
            optimizer.zero_grad()
            case.loss(call, step).backward()
            assert_held(m, worn)
            optimizer.step()
            assert_held(m, worn)
    for a, b in zip(module.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_modules_with_many_masks_train_masked():
    """Beyond the compiler's limit of eight the hooks run uncompiled, and hold all the same."""
    torch._dynamo.reset()
    module = nn.LSTM(5, 6, num_layers=3, bidirectional=True)
    apply(module, {name: torch.rand(p.shape) < 0.5 for name, p in module.named_parameters() if p.ndim == 2})
    worn = masks(module)
    assert len(worn) == 12
    compiled = torch.compile(module, backend="eager")
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1, fused=True)
    for _ in range(2):
        compiled(torch.randn(3, 4, 5))[0].sum().backward()
        optimizer.step()
        assert_held(module, worn)


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("backend", ["eager", "aot_eager", INDUCTOR])
def test_compiled_functional_calls_are_masked(case, backend):
    if not case.vmaps:
        pytest.skip("torch has no vmap rule for its fused RNNs")
    torch._dynamo.reset()
    module = case.build()
    apply(module, case.masks(module))
    stacked = {name: torch.stack([p.detach() + 1, p.detach() - 1]) for name, p in module.named_parameters()}
    buffers = {name: torch.stack([b, ~b]) for name, b in module.named_buffers()}
    x = case.inputs()

    def each(p, b):
        return functional_call(module, (p, b), (x,))

    expected = vmap(each)(stacked, buffers)
    found = torch.compile(lambda p, b: vmap(each)(p, b), backend=backend, fullgraph=True)(stacked, buffers)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    one = {name: p[0] for name, p in stacked.items()}
    single = torch.compile(lambda p: functional_call(module, p, (x,)), backend=backend, fullgraph=True)(one)
    torch.testing.assert_close(single, expected[0], rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("backend", ["eager", INDUCTOR])
def test_compiled_optimizer_steps_are_held(zoo, backend):
    torch._dynamo.reset()
    case = zoo["linear"]
    module = case.build()
    worn = case.masks(module)
    apply(module, worn)
    optimizer = torch.optim.Adam(module.parameters(), lr=torch.tensor(0.1))
    step = torch.compile(lambda: optimizer.step(), backend=backend)
    for seed in range(3):
        optimizer.zero_grad()
        with lifted(module):
            case.loss(module, seed).backward()
            step()
        assert not module.weight.detach()[~worn["weight"]].any()
    assert not optimizer.state[module.weight]["exp_avg"][~worn["weight"]].all()
    step()
    assert not optimizer.state[module.weight]["exp_avg"][~worn["weight"]].any()


def test_parameter_replicas_without_parameters_are_left_alone(zoo):
    """DataParallel's replicas hold plain tensors as attributes, made of weights that are masked already."""
    case = zoo["linear"]
    module = case.build()
    apply(module, case.masks(module))
    replica = module._replicate_for_data_parallel()
    replica.weight, replica.bias = module.weight * 1, module.bias * 1
    torch.testing.assert_close(case.loss(replica.__call__ and _Callable(replica, module)), case.loss(module))
    assert srnn_masks.masks(module)


class _Callable:
    def __init__(self, replica, module):
        self.replica, self.module = replica, module

    def parameters(self):
        return self.module.parameters()

    def __call__(self, x):
        return self.replica(x)
