"""Compact models in safetensors files.

The weights of recurrences are encoded as `_encoding` says; every other tensor of the model is stored as it is, under
its name. The metadata are `format`, with the version, and of a single recurrence `recurrence`, its settings as JSON.
"""

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from .._errors import ModelError
from ._compact import build, described
from ._encoding import check_sizes, decode, encode
from ._recurrence import Compact
from ._settings import AnySettings, Settings
from ._weights import Weight

FORMAT = "srnn-models/compact/1"


def save_compact(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write a compact model to one safetensors file: the whole file is written, or on an error none.

    model: what `compact` returned. Its code is not stored, only tensors and, of a single recurrence, its settings.

    Raises `ModelError` for a model without inference modules, and if the file cannot be written.
    """
    target = Path(path)
    recurrences = {path: module for path, module in model.named_modules() if isinstance(module, Compact)}
    if not recurrences:
        raise ModelError(f"save_compact: expected a model from `compact`, got a {type(model).__name__}")
    tensors = {names[0]: tensor for tensor, names in _others(model, recurrences)}
    for prefix, module in recurrences.items():
        for name, tensor in module.named_tensors().items():
            full = _joined(prefix, name)
            tensors |= {full: tensor} if isinstance(tensor, Tensor) else encode(full, tensor)
    metadata = {"format": FORMAT}
    if isinstance(model, Compact):
        metadata["recurrence"] = model.settings.model_dump_json()
    copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        save_file(copies, partial, metadata=metadata)
        partial.replace(target)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"save_compact: {target}: expected a file that can be written, got {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def load_compact(path: str | os.PathLike[str], into: nn.Module | None = None) -> nn.Module:
    """Return the compact model of a file.

    Without `into` the file must be that of a single recurrence. `into`: a model as it was before `compact`, such as a
    new one with random weights. Its recurrences are replaced by inference modules and its other tensors are
    overwritten, in place, and it is returned; if it is itself a recurrence, its replacement is returned and it does not
    change. On an error nothing changes.

    Raises `ModelError` if the file is no compact model, is cut, has another version, or does not fit the model: all
    sizes are checked before tensors are allocated. Raises `FileNotFoundError` if there is no file.
    """
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            return _load(file, into)
    except ModelError as error:
        raise ModelError(f"load_compact: {os.fspath(path)}: {error}") from error
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError) as error:
        raise ModelError(f"load_compact: {os.fspath(path)}: expected a compact model, got {error}") from error


def _load(file: Any, into: nn.Module | None) -> nn.Module:
    metadata = file.metadata() or {}
    if metadata.get("format") != FORMAT:
        raise ModelError(f"expected format {FORMAT!r}, got {metadata.get('format')!r}")
    recurrences = {"": _settings(metadata)} if into is None else described(into)
    others = [] if into is None else _others(into, recurrences)
    sizes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    known = [name for prefix, settings in recurrences.items() for name in _check_recurrence(prefix, settings, sizes)]
    stored = {}  # tensor of the model by its name in the file
    for tensor, names in others:
        name = next((name for name in names if name in sizes), None)
        if name is None or sizes[name] != tuple(tensor.shape):
            got = "none" if name is None else sizes[name]
            raise ModelError(f"{names[0]}: expected shape {tuple(tensor.shape)}, got {got}")
        stored[name] = tensor
    unknown = sizes.keys() - {*known, *stored}
    if unknown:
        raise ModelError(f"expected a model with the tensors {', '.join(sorted(unknown))}")
    replacements = {prefix: _read(file, prefix, settings, sizes) for prefix, settings in recurrences.items()}
    if into is None:
        return replacements[""]
    found = {name: file.get_tensor(name) for name in stored}
    for name, tensor in stored.items():
        _check_dtype(name, tensor, found[name].dtype)
    for prefix, replacement in replacements.items():
        module = into.get_submodule(prefix)
        parameter = next(module.parameters())
        _check_dtype(prefix, parameter, replacement.dtype)
        replacement.to(parameter.device).train(module.training)
    with torch.no_grad():
        for name, tensor in stored.items():
            tensor.copy_(found[name])
    return _replaced(into, replacements)


def _settings(metadata: dict[str, str]) -> Settings:
    """Return the settings of a single recurrence."""
    text = metadata.get("recurrence")
    if text is None:
        raise ModelError("expected a file of a single recurrence; give the model that it is for as `into`")
    try:
        return cast(Settings, TypeAdapter(AnySettings).validate_json(text))
    except ValidationError as error:
        raise ModelError(f"expected the settings of a recurrence, got {text!r}") from error


def _check_recurrence(prefix: str, settings: Settings, sizes: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    """Give the names of the tensors of a recurrence, with their sizes checked."""
    for cell in settings.cell_tensors():
        for key, shape in cell.shapes.items():
            name = _joined(prefix, cell.names[key])
            if len(shape) == 2:
                yield from check_sizes(name, shape, sizes)
            elif name in sizes:
                if sizes[name] != shape:
                    raise ModelError(f"{name}: expected shape {shape}, got {sizes[name]}")
                yield name


def _read(file: Any, prefix: str, settings: Settings, sizes: Mapping[str, tuple[int, ...]]) -> Compact:
    """Return the inference module of a recurrence, whose sizes were checked."""
    tensors: dict[str, Weight | Tensor] = {}
    for cell in settings.cell_tensors():
        for key, shape in cell.shapes.items():
            full = _joined(prefix, cell.names[key])
            if len(shape) == 2:
                parts = {name: file.get_tensor(name) for name in check_sizes(full, shape, sizes)}
                tensors[cell.names[key]] = decode(full, shape, parts)
            elif full in sizes:
                tensors[cell.names[key]] = file.get_tensor(full)
    return build(settings, tensors)


def _others(model: nn.Module, recurrences: Iterable[str]) -> list[tuple[Tensor, list[str]]]:
    """Return the tensors of a model outside of its recurrences, each once with all of its names."""
    inside = {model.get_submodule(path) for path in recurrences}
    paths = [path for path, module in model.named_modules(remove_duplicate=False) if module in inside]
    prefixes = tuple(path and f"{path}." for path in paths)
    groups: dict[int, tuple[Tensor, list[str]]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if not name.startswith(prefixes):
            if not isinstance(tensor, Tensor):
                raise ModelError(f"{name}: expected a tensor, got {type(tensor).__name__}")
            groups.setdefault(id(tensor), (tensor, []))[1].append(name)
    return list(groups.values())


def _replaced(model: nn.Module, replacements: Mapping[str, nn.Module]) -> nn.Module:
    """Replace modules in a model, in place, wherever they are used, and return the model or what replaces it."""
    by_module = {model.get_submodule(path): replacement for path, replacement in replacements.items()}
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):  # with every name of a child
            if child in by_module:
                setattr(parent, name, by_module[child])
    return by_module.get(model, model)


def _check_dtype(name: str, tensor: Tensor, dtype: torch.dtype) -> None:
    if tensor.dtype != dtype:
        raise ModelError(f"{name}: expected {tensor.dtype}, got {dtype}")


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
