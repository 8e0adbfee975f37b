"""Masks and signs across the processes of distributed training."""

import hashlib

import torch
import torch.distributed as dist
from torch import Tensor, nn

from .._errors import MaskError
from ._signs import signs
from ._wear import masks


def check_same_masks(module: nn.Module, group: "dist.ProcessGroup | None" = None) -> None:
    """Check that all processes of a group have the same masks and signs; every process must call it.

    `DistributedDataParallel` broadcasts weights and buffers, but neither hooks nor masks of other names: processes that
    pruned by their own random numbers train different networks without an error. Call this after masks changed. `group`
    is a process group, by default all processes. Without `torch.distributed`, or in a single process, nothing is done.

    Raises MaskError in every process, with the names that differ and in which ranks.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size(group) == 1:
        return
    own = {name: _digest(mask) for name, mask in masks(module).items()}
    own.update({f"signs of {name}": _digest(sign) for name, sign in signs(module).items()})
    all_ranks: list[dict[str, str]] = [{}] * dist.get_world_size(group)
    dist.all_gather_object(all_ranks, own, group)
    differences = [
        f"{name} in rank {', '.join(ranks)}"
        for name in dict.fromkeys(name for each in all_ranks for name in each)
        if (ranks := [str(rank) for rank, each in enumerate(all_ranks) if each.get(name) != all_ranks[0].get(name)])
    ]
    if differences:
        raise MaskError(
            f"check_same_masks: expected the masks of rank 0 in all {len(all_ranks)} ranks, got others of "
            f"{'; '.join(differences)}"
        )


def _digest(tensor: Tensor) -> str:
    data = tensor.detach().to("cpu", torch.float32 if tensor.is_floating_point() else torch.uint8).contiguous()
    return hashlib.sha256(f"{tuple(data.shape)}".encode() + data.numpy().tobytes()).hexdigest()
