"""Helpers of the checks: requirements, seeded generators, and the comparison of batches."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import numpy as np
import torch
from torch import Tensor

from ..contract import Batch, Source, Task


def require(condition: object, message: str) -> None:
    """Raise an AssertionError with the message unless the condition is true."""
    if not condition:
        raise AssertionError(message)


def seeded_generator(seed: int) -> torch.Generator:
    """Return a generator of the CPU with this seed."""
    return torch.Generator().manual_seed(seed)


def opened(task: Task) -> Source:
    """Open the task on the CPU, always with the same seed."""
    dtype = torch.get_default_dtype()
    source = task.open(device="cpu", generator=seeded_generator(0))
    require(torch.get_default_dtype() == dtype, "open: torch's default dtype was changed")
    return source


@contextmanager
def globals_untouched() -> Iterator[None]:
    """Require that the global generators and the gradient mode are the same on exit as on entry."""
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    numpy_state = repr(np.random.get_state())  # noqa: NPY002
    grad = torch.is_grad_enabled()
    yield
    used = [
        name
        for name, same in (
            ("torch", torch.equal(torch.get_rng_state(), torch_state)),
            ("numpy.random", repr(np.random.get_state()) == numpy_state),  # noqa: NPY002
            ("random", random.getstate() == python_state),
        )
        if not same
    ]
    require(not used, f"generator: the global generator of {', '.join(used)} was used; use the one passed")
    require(torch.is_grad_enabled() == grad, "evaluate: the global gradient mode was not restored")


def tensors(batch: Batch) -> dict[str, Tensor]:
    """Return all tensors of a batch by name, those of `info` included."""
    named = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return {name: value for name, value in (named | dict(batch.info)).items() if isinstance(value, Tensor)}


def differences(first: Batch, second: Batch) -> list[str]:
    """Return the sorted names of the tensors in which two batches differ."""
    one, two = tensors(first), tensors(second)
    return [
        name
        for name in sorted(one.keys() | two.keys())
        if name not in one or name not in two or not torch.equal(one[name], two[name])
    ]
