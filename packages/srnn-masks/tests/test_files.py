"""Masks in safetensors files."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from srnn_masks import MaskError, apply, load, masks, save

EYE = torch.eye(6, dtype=torch.bool)


def test_masks_go_to_a_file_and_back(case, tmp_path):
    module, other = case.build(0), case.build(1)
    constraints = case.constrain(module, "mask")
    save(tmp_path / "masks.safetensors", module)
    load(tmp_path / "masks.safetensors", other)
    assert masks(other).keys() == constraints.masks.keys()
    constraints.assert_equal(other)
    constraints.assert_enforced(other)
    case.train(other, torch.optim.Adam(other.parameters(), fused=True), steps=2)
    constraints.assert_enforced(other, gradients=True)


@pytest.fixture
def file(tmp_path):
    module = nn.GRU(2, 6)
    apply(module, {"weight_hh_l0": torch.eye(18, 6, dtype=torch.bool)})
    save(tmp_path / "masks", module)
    return tmp_path / "masks"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.GRU(2, 5), r"'weight_hh_l0': expected shape \(15, 5\), got \(18, 6\)"),
        (lambda: nn.Linear(6, 18), r"expected parameters weight_hh_l0 in the module, got weight, bias"),
        (lambda: nn.Tanh(), r"expected parameters weight_hh_l0 in the module, got no parameter"),
    ],
)
def test_files_that_do_not_fit_are_refused(file, build, message):
    module = build()
    with pytest.raises(MaskError, match=rf"load: .*{file.name}.*{message}"):
        load(file, module)
    assert masks(module) == {}


def test_files_without_masks_are_refused(tmp_path):
    (tmp_path / "text").write_text("weights")
    with pytest.raises(MaskError, match=r"load: .*text: expected a safetensors file of masks"):
        load(tmp_path / "text", nn.Linear(6, 6))
    save_file({"weight": EYE}, tmp_path / "foreign")
    with pytest.raises(MaskError, match=r"load: .*foreign: expected format 'srnn-masks/1', got None"):
        load(tmp_path / "foreign", nn.Linear(6, 6))
    save_file({"weight": torch.ones(6, 6)}, tmp_path / "floats", metadata={"format": "srnn-masks/1"})
    with pytest.raises(MaskError, match=r"load: .*floats: .*'weight': expected dtype torch.bool, got torch.float32"):
        load(tmp_path / "floats", nn.Linear(6, 6))
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "absent", nn.Linear(6, 6))


def test_a_module_without_masks_is_refused(tmp_path):
    with pytest.raises(MaskError, match=r"save: expected a module with masks or signs, got a Linear without any"):
        save(tmp_path / "masks", nn.Linear(6, 6))
    assert not list(tmp_path.iterdir())


def test_signs_go_to_a_file_and_back(case, kinds, tmp_path):
    module, other = case.build(0), case.build(1)
    constraints = case.constrain(module, kinds)
    size = {name: p.detach().abs() for name, p in other.named_parameters()}
    save(tmp_path / "constraints", module)
    load(tmp_path / "constraints", other)
    constraints.assert_equal(other)
    constraints.assert_enforced(other)
    for name, p in other.named_parameters():
        assert torch.equal(p.detach().abs(), size[name] * constraints.masks.get(name, 1))  # their magnitude stays


def test_a_file_of_which_one_part_does_not_fit_changes_nothing(tmp_path):
    tensors = {"weight": EYE, "signs:weight": torch.ones(5)}
    save_file(tensors, tmp_path / "file", metadata={"format": "srnn-masks/1"})
    module = nn.Linear(6, 6)
    with pytest.raises(MaskError, match=r"load: .*file: .*signs of 'weight': expected shape \(6,\)"):
        load(tmp_path / "file", module)
    assert masks(module) == {} and module.weight.all()


def test_paths_that_do_not_fit_are_named_as_given(file, tmp_path):
    module = nn.GRU(2, 6)
    with pytest.raises(MaskError, match=rf"load: {tmp_path}: expected a safetensors file of masks, got a folder"):
        load(tmp_path, module)
    load(file, module)
    missing = tmp_path / "none" / "masks"
    with pytest.raises(MaskError, match=rf"save: {missing}: expected a folder {missing.parent}, got none"):
        save(missing, module)
    with pytest.raises(MaskError, match=rf"save: {tmp_path}: expected a file name, got a folder"):
        save(str(tmp_path), module)
    with pytest.raises(MaskError, match=rf"save: {file}/masks: expected a folder {file}, got none"):
        save(file / "masks", module)
    with pytest.raises(FileNotFoundError, match=str(missing)):
        load(missing, module)


def test_the_file_is_plain_safetensors(file):
    assert torch.equal(load_file(file)["weight_hh_l0"], torch.eye(18, 6, dtype=torch.bool))
