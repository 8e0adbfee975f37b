"""Copies, pickles, processes and state dicts of a module with masks, signs or both."""

import copy
import importlib
import io
import pickle

import pytest
import torch
import torch.multiprocessing
from torch import nn

from srnn_masks import apply, apply_signs, masks, release, signs


def parameters(module):
    return dict(module.named_parameters())


def train(case, module, steps=2, seed=0):
    case.train(module, torch.optim.Adam(module.parameters(), lr=0.05, fused=True), steps=steps, first=seed)


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
def test_copies_have_their_own_constraints(case, duplicate, kinds, constraints):
    module = case.build()
    current = case.constrain(module, kinds, density=0.8)
    train(case, module)
    other = duplicate(module)
    current.assert_equal(other)
    train(case, other)  # its first backward and step are constrained already
    current.assert_enforced(other, gradients=True)
    before = {name: p.detach().clone() for name, p in other.named_parameters()}
    apply(module, case.masks(module, 1))
    apply_signs(module, {name: -sign for name, sign in current.signs.items()})
    train(case, module)
    constraints(masks(module), signs(module)).assert_enforced(module, gradients=True)
    current.assert_equal(other)
    assert all(torch.equal(p, before[name]) for name, p in other.named_parameters())
    release(other)
    assert masks(module) and not masks(other) and not signs(other)
    assert signs(module).keys() == current.signs.keys()
    train(case, module)
    constraints(masks(module), signs(module)).assert_enforced(module, gradients=True)


def test_a_copy_is_constrained_before_its_first_forward(case, kinds):
    module = case.build()
    constraints = case.constrain(module, kinds)
    other = copy.deepcopy(module)
    for slope in (1.0, -1.0):
        for p in other.parameters():
            p.grad = torch.full_like(p, slope)
        torch.optim.SGD(other.parameters(), lr=10.0, fused=True).step()
        constraints.assert_enforced(other)


def test_model_and_optimizer_are_copied_together(case):
    module = case.build()
    optimizer = torch.optim.Adam(module.parameters())
    case.train(module, optimizer, steps=1)
    constraints = case.constrain(module, "mask")
    other, copied = copy.deepcopy((module, optimizer))
    case.loss(other).backward()
    copied.step()
    constraints.assert_enforced(other)
    for name, mask in constraints.masks.items():
        assert not copied.state[parameters(other)[name]]["exp_avg"][~mask].any()


def test_averaged_models_are_constrained_too(case, kinds, constraints):
    module = case.build()
    current = case.constrain(module, kinds)
    averaged = torch.optim.swa_utils.AveragedModel(module)
    for seed in range(3):
        train(case, module, 1, seed)
        averaged.update_parameters(module)
    current.assert_enforced(averaged.module)
    train(case, averaged.module)
    current.assert_enforced(averaged.module)
    if "mask" not in kinds:
        return
    apply(module, case.masks(module, 1))
    averaged.update_parameters(module)  # copies the mask buffer: the copy notices at its next forward
    case.loss(averaged)
    constraints(masks(module)).assert_enforced(averaged.module)


CHILD = """
import torch
from torch.utils.hooks import RemovableHandle

def violations(module, name):
    weight, mask, signs = (getattr(module, name + kind) for kind in ("", "_mask", "_signs"))
    return int(weight.detach()[~mask].any()) + int((weight.detach() * signs < 0).sum())

def child(module, queue):
    first_id = RemovableHandle.next_id
    for _ in range(200):  # torch numbers hooks from 0 again: none may overwrite a restored one
        module.register_forward_pre_hook(lambda module, args: None)
        module.register_forward_hook(lambda module, args, output: None)
        module.weight_hh_l0.register_hook(lambda gradient: None)
    wrong = 0
    for name in ("weight_hh_l0", "weight_hh_l1"):
        weight = getattr(module, name)
        for slope in (100.0, -100.0):  # dense gradients, before the first forward
            weight.grad = torch.full_like(weight, slope)
            torch.optim.SGD([weight], lr=0.1, fused=True).step()
            wrong += violations(module, name)
    module.zero_grad()
    module(torch.ones(3, 2, 5))[0].sum().backward()
    gradient, mask = module.weight_hh_l0.grad, module.weight_hh_l0_mask
    torch.optim.Adam(module.parameters(), lr=0.1, fused=True).step()
    wrong += violations(module, "weight_hh_l0") + int(gradient[~mask].any())
    import srnn_masks
    counts = len(srnn_masks.masks(module)), len(srnn_masks.signs(module))
    queue.put((first_id, wrong, *counts, bool(gradient[mask].any())))
"""


@pytest.mark.filterwarnings("error::UserWarning")
def test_spawned_processes_train_with_the_constraints(tmp_path, monkeypatch):
    (tmp_path / "srnn_masks_child.py").write_text(CHILD)
    monkeypatch.syspath_prepend(tmp_path)
    child = importlib.import_module("srnn_masks_child").child
    module = nn.GRU(5, 6, 2)
    apply_signs(module, {"weight_hh_*": torch.tensor([1.0, 1, 1, 1, -1, -1])})
    mask = torch.rand(18, 6, generator=torch.Generator().manual_seed(0)) < 0.5
    apply(module, {"weight_hh_*": mask})
    context = torch.multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=child, args=(module, queue))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    first_id, *rest = queue.get()
    assert first_id < 50
    assert rest == [0, 2, 2, True]


@pytest.mark.parametrize("assign", [False, True])
def test_state_dict_restores_masks_and_signs(case, assign, kinds, tmp_path):
    module, other = case.build(0), case.build(1)
    constraints = case.constrain(module, kinds, 0)
    train(case, module)
    torch.save(module.state_dict(), tmp_path / "state")
    state = torch.load(tmp_path / "state", weights_only=True)
    case.constrain(other, kinds, 1)  # different ones: the loaded ones replace them
    train(case, other)
    other.load_state_dict(state, strict=True, assign=assign)
    assert all(torch.equal(parameters(other)[name], parameters(module)[name]) for name in constraints.names)
    constraints.assert_equal(other)
    for kind in kinds.split():
        assert f"{next(iter(constraints.names))}_{kind}" in state
    train(case, other)
    constraints.assert_enforced(other, gradients=True)
    torch.testing.assert_close(case.loss(other), case.loss(copy.deepcopy(other)))


@pytest.mark.parametrize("assign", [False, True])
def test_loaded_weights_are_constrained_at_once(case, assign, kinds):
    module = case.build(0)
    constraints = case.constrain(module, kinds)
    missing, unexpected = module.load_state_dict(case.build(1).state_dict(), strict=False, assign=assign)
    assert {key.rpartition("_")[2] for key in missing} == set(kinds.split()) and not unexpected
    loaded = case.build(1).state_dict()  # with assign, torch uses the loaded tensors themselves
    for name in constraints.names:
        assert torch.equal(parameters(module)[name], constraints.constrain(name, loaded[name]))
    train(case, module)
    constraints.assert_enforced(module, gradients=True)


def test_signs_loaded_alone_are_enforced_at_once(case):
    module = case.build()
    sign = case.constrain(module, "signs").signs
    state = {key: -value for key, value in module.state_dict().items() if key.endswith("_signs")}
    module.load_state_dict(state, strict=False)
    assert not any(parameters(module)[name].any() for name in sign)
    assert all(torch.equal(signs(module)[name], -value) for name, value in sign.items())


def test_replicas_without_parameters_are_left_alone(zoo):
    """DataParallel's replicas hold plain tensors as attributes, made from weights that are masked already."""
    case = zoo["linear"]
    module = case.build()
    case.constrain(module, "mask")
    replica = module._replicate_for_data_parallel()
    replica.weight, replica.bias = module.weight * 1, module.bias * 1
    x = case.inputs()
    torch.testing.assert_close(replica(x), module(x))
    assert masks(module)
