"""Random streams of a run: one seed, one independent generator per purpose."""

from __future__ import annotations

import hashlib

import torch


def stream(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a generator that depends only on the seed and the purpose.

    Runs with the same seed share the stream of a purpose, however else their experiments differ. All columns of a table
    therefore start from the same weights and see the same batches.
    """
    name = "/".join(str(part) for part in (seed, *purpose))
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
    return torch.Generator(device=device).manual_seed(number)
