"""Nests of tensors and plain data as the bytes of a safetensors file; nothing is ever unpickled."""

from __future__ import annotations

import json
import math
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from .._errors import BenchError

FORMAT = "srnn-checkpoint/1"

# types that safetensors restores; complex tensors are stored as pairs of real numbers
DTYPES = {torch.bool, torch.float16, torch.bfloat16, torch.float32, torch.float64} | {
    *(torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
}


def pack(nest: Any) -> bytes:
    """Return a nest of dicts, lists, tuples, tensors, numbers, strings and None as the bytes of a safetensors file.

    Raises:
        BenchError: For anything else; the message names its type.
    """
    tensors: dict[str, Tensor] = {}
    plain = _plain(nest, tensors)
    # safetensors files begin with a JSON header; the nest without its tensors is a string in it
    return save(tensors, metadata={FORMAT: json.dumps(plain)})


def unpack(data: bytes) -> Any:
    """Return the nest that `pack` was given, with all tensors on the CPU.

    Raises:
        BenchError: For bytes that `pack` did not return.
    """
    try:
        tensors = load(data)
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        if FORMAT not in metadata:
            raise BenchError(f"expected a file of format {FORMAT!r}, got one with metadata {sorted(metadata)}")
        return _nest(json.loads(metadata[FORMAT]), tensors)
    except BenchError:
        raise
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError) as error:
        raise BenchError(f"expected a checkpoint, got {type(error).__name__}: {error}") from error


def _plain(nest: Any, tensors: dict[str, Tensor]) -> Any:
    """Return a nest as JSON data: what JSON cannot distinguish becomes [kind, content]; tensors go to `tensors`."""
    if isinstance(nest, Tensor):
        return _plain_tensor(nest, tensors)
    if isinstance(nest, dict):
        return ["dict", [[_plain(key, tensors), _plain(value, tensors)] for key, value in nest.items()]]
    if isinstance(nest, tuple) and not hasattr(nest, "_fields"):
        return ["tuple", [_plain(part, tensors) for part in nest]]
    if isinstance(nest, list):
        return ["list", [_plain(part, tensors) for part in nest]]
    if isinstance(nest, float) and not math.isfinite(nest):
        return ["float", repr(nest)]
    if nest is None or isinstance(nest, bool | int | float | str):
        return nest
    raise BenchError(f"checkpoint: expected tensors and plain data, got {type(nest).__name__}")


def _plain_tensor(tensor: Tensor, tensors: dict[str, Tensor]) -> Any:
    if tensor.is_complex() and tensor.layout is torch.strided:
        return ["complex", _plain(torch.view_as_real(tensor.detach().resolve_conj()), tensors)]
    if tensor.dtype not in DTYPES or tensor.layout is not torch.strided or tensor.is_meta:
        raise BenchError(f"checkpoint: expected dense tensors of a usual dtype, got {tensor.layout}, {tensor.dtype}")
    name = str(len(tensors))
    # a separate copy: safetensors refuses tensors that share memory
    tensors[name] = tensor.detach().to("cpu", copy=True).contiguous()
    return ["tensor", name]


def _nest(plain: Any, tensors: dict[str, Tensor]) -> Any:
    """Invert `_plain`."""
    if isinstance(plain, dict):
        raise BenchError(f"expected a checkpoint, got the object {sorted(plain)}")
    if not isinstance(plain, list):
        return plain
    kind, content = plain
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {_nest(key, tensors): _nest(value, tensors) for key, value in content}
    if kind == "complex":
        return torch.view_as_complex(_nest(content, tensors))
    if kind == "float":
        return float(content)
    if kind in ("tuple", "list"):
        parts = [_nest(part, tensors) for part in content]
        return tuple(parts) if kind == "tuple" else parts
    raise BenchError(f"expected a checkpoint, got a part of kind {kind!r}")
