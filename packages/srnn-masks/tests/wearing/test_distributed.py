"""Masks of several processes are compared."""

import importlib

import pytest
import torch
import torch.distributed
import torch.multiprocessing
from torch import nn

from srnn_masks import apply, check_same_masks

CHILD = """
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from srnn_masks import MaskError, apply, apply_signs, check_same_masks, masks

def message(module):
    try:
        check_same_masks(module)
    except MaskError as error:
        return str(error)

def child(rank, init, queue):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=init, rank=rank, world_size=2)
    module = nn.GRU(3, 4)
    apply(module, {"weight_hh_l0": torch.rand(12, 4, generator=torch.Generator().manual_seed(0)) < 0.5})
    parallel = DistributedDataParallel(module)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        parallel(torch.full((2, 1, 3), float(rank)))[0].sum().backward()
        optimizer.step()
    weight = module.weight_hh_l0.detach()
    held = not weight[~module.weight_hh_l0_mask].any() and bool(weight.any())
    said = [message(parallel)]
    if rank == 1:
        apply(module, {"weight_ih_l0": torch.eye(12, 3, dtype=torch.bool)})
    said.append(message(parallel))
    apply(module, {"weight_ih_l0": torch.eye(12, 3, dtype=torch.bool), "weight_hh_l0": torch.rand(12, 4) < 0.5 - rank})
    apply_signs(module, {"weight_ih_l0": torch.full((3,), 1.0 - 2 * rank)})
    said.append(message(parallel))
    queue.put((rank, held, said))
    dist.destroy_process_group()
"""


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch was built without gloo")
def test_ranks_with_other_masks_are_found_and_named(tmp_path, monkeypatch):
    (tmp_path / "srnn_masks_ranks.py").write_text(CHILD)
    monkeypatch.syspath_prepend(tmp_path)
    child = importlib.import_module("srnn_masks_ranks").child
    context = torch.multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    init = (tmp_path / "init").as_uri()
    processes = [context.Process(target=child, args=(rank, init, queue)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    beginning = "check_same_masks: expected the masks of rank 0 in all 2 ranks, got others of "
    for _ in processes:
        _, held, (same, one, two) = queue.get()
        assert held and same is None
        assert one == beginning + "module.weight_ih_l0 in rank 1"
        assert two == beginning + "module.weight_hh_l0 in rank 1; signs of module.weight_ih_l0 in rank 1"


def test_a_single_process_has_nothing_to_compare():
    module = nn.Linear(2, 2)
    apply(module, {"weight": torch.eye(2, dtype=torch.bool)})
    assert not torch.distributed.is_initialized()
    check_same_masks(module)
