"""Where each part of a run draws its numbers: one seed, one independent stream a purpose."""

from __future__ import annotations

import hashlib

import torch


def stream(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a generator that depends on the seed and the purpose alone.

    Runs of one seed share the stream of a purpose, whatever else differs between their experiments:
    so the columns of a table start from the same weights and see the same batches.
    """
    name = "/".join(str(part) for part in (seed, *purpose))
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
    return torch.Generator(device=device).manual_seed(number)
