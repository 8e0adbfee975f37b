"""Masks, summary and pruning in one file."""

import json

import pytest
import torch
from safetensors.torch import save_file

import srnn_masks
from srnn_pruning import Magnitude, Pruned, PruningError, Random, one_shot, summarize


@pytest.fixture(autouse=True)
def _own_global_generator():
    """Modules of torch draw their weights from the global generator: seed it, and restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def pruned_lstm(density=0.3, **options):
    torch.manual_seed(0)
    model = torch.nn.LSTM(3, 5, **options)
    return model, one_shot(model, Magnitude(), density=density)


def test_a_file_holds_masks_summary_and_pruning(tmp_path):
    model, pruned = pruned_lstm(bidirectional=True)
    pruned.save(tmp_path / "masks.safetensors")
    again = Pruned.load(tmp_path / "masks.safetensors")
    assert list(again.masks) == list(pruned.masks)
    assert all(torch.equal(again.masks[name], mask) for name, mask in pruned.masks.items())
    assert again.summary == pruned.summary == summarize(model)
    assert again.pruning == pruned.pruning
    assert again.removed == pruned.removed > 0
    assert again.pruning.criterion == Magnitude()
    assert str(again) == str(pruned)


def test_loaded_masks_apply_to_a_fresh_model(tmp_path):
    _, pruned = pruned_lstm()
    pruned.save(tmp_path / "masks.safetensors")
    fresh = torch.nn.LSTM(3, 5)
    Pruned.load(tmp_path / "masks.safetensors").apply(fresh)
    for name, mask in pruned.masks.items():
        assert torch.equal(fresh.get_parameter(name) != 0, mask)


def test_the_file_is_one_of_srnn_masks_too(tmp_path):
    _, pruned = pruned_lstm()
    pruned.save(tmp_path / "masks.safetensors")
    fresh = torch.nn.LSTM(3, 5)
    srnn_masks.load(tmp_path / "masks.safetensors", fresh)
    assert all(torch.equal(srnn_masks.masks(fresh)[name], mask) for name, mask in pruned.masks.items())


def test_counts():
    _, pruned = pruned_lstm(density=0.3)
    assert (pruned.kept, pruned.density) == (48, 0.3)
    assert str(pruned).startswith("48 of 160 weights kept (density 0.3000)\ncriterion magnitude, ranking global\n\n")
    assert repr(pruned) == "Pruned(48 of 160 weights kept)"


def test_a_model_that_does_not_fit_is_not_changed():
    _, pruned = pruned_lstm()
    gru, wide = torch.nn.GRU(3, 5), torch.nn.LSTM(3, 6)
    with pytest.raises(PruningError, match=r"apply.*weight_ih_l0.*\(24, 3\), got \(20, 3\)"):
        pruned.apply(wide)
    with pytest.raises(PruningError, match="apply: expected parameters weight_ih_l0, weight_hh_l0 in Linear, got none"):
        pruned.apply(torch.nn.Linear(2, 2))
    with pytest.raises(PruningError, match="apply"):
        pruned.apply(gru)
    assert not srnn_masks.masks(wide) and not srnn_masks.masks(gru)


def test_a_criterion_that_cannot_be_imported_does_not_hinder_loading(tmp_path):
    _, pruned = pruned_lstm()
    pruned.save(tmp_path / "a.safetensors")
    text = (tmp_path / "a.safetensors").read_bytes()
    replaced = text.replace(b'\\"kind\\": \\"magnitude\\"', b'\\"kind\\": \\"absentx:Y\\"')
    assert replaced != text and len(replaced) == len(text)
    (tmp_path / "b.safetensors").write_bytes(replaced)
    loaded = Pruned.load(tmp_path / "b.safetensors")
    assert "criterion absentx:Y" in str(loaded)
    loaded.apply(torch.nn.LSTM(3, 5))
    with pytest.raises(ValueError, match="absentx"):
        _ = loaded.pruning


def test_other_files_are_refused(tmp_path):
    model, pruned = pruned_lstm()
    with pytest.raises(FileNotFoundError):
        Pruned.load(tmp_path / "absent.safetensors")
    with pytest.raises(PruningError, match="got a folder"):
        Pruned.load(tmp_path)
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(PruningError, match=r"text: expected a file written by Pruned.save, got"):
        Pruned.load(tmp_path / "text")
    srnn_masks.save(tmp_path / "masks", model)
    with pytest.raises(PruningError, match=r"srnn_masks.load reads files of masks"):
        Pruned.load(tmp_path / "masks")
    about = {"srnn-pruning/pruned": json.dumps({"summary": {}, "pruning": {}})}
    save_file({"weight": torch.ones(1)}, tmp_path / "broken", metadata=about)
    with pytest.raises(PruningError, match="expected a summary and a pruning"):
        Pruned.load(tmp_path / "broken")
    with pytest.raises(PruningError, match=r"save: .*expected a folder"):
        pruned.save(tmp_path / "no" / "masks")
    with pytest.raises(PruningError, match=r"save: .*expected a file that can be written"):
        pruned.save(tmp_path)


def test_fields_of_the_criterion_are_printed():
    model = torch.nn.LSTM(3, 5)
    assert "criterion random, ranking per_matrix" in str(one_shot(model, Random(), density=0.5, ranking="per_matrix"))
