"""A check that manifolds and penalties share."""

import torch

from ._errors import ManifoldError


def check_generator(generator: object) -> None:
    """Raise ManifoldError unless `generator` is a torch.Generator: torch's global generator is never used."""
    if not isinstance(generator, torch.Generator):
        raise ManifoldError(f"generator: a random draw needs a torch.Generator, got {generator!r}")
