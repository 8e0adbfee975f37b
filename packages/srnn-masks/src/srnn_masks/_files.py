"""Masks and signs in safetensors files.

A mask is a bool tensor under the full name of its parameter, signs are a float tensor under `signs:` and that name.
"""

from os import PathLike, fspath
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ._errors import MaskError
from .wearing import apply, apply_signs, check_fit, maskable, masks, signs

_FORMAT = "srnn-masks/1"
_SIGNS = "signs:"


def save(path: str | PathLike[str], module: nn.Module) -> None:
    """Write the masks and signs of a module to a safetensors file.

    Raises MaskError if the module has neither, or the file cannot be written.
    """
    current = {**masks(module), **{_SIGNS + name: sign for name, sign in signs(module).items()}}
    if not current:
        raise MaskError(f"save: expected a module with masks or signs, got a {type(module).__name__} without any")
    folder = Path(path).parent
    if not folder.is_dir():
        raise MaskError(f"save: {fspath(path)}: expected a folder {folder}, got none")
    if Path(path).is_dir():
        raise MaskError(f"save: {fspath(path)}: expected a file name, got a folder")
    tensors = {name: tensor.cpu().contiguous() for name, tensor in current.items()}
    try:
        save_file(tensors, fspath(path), metadata={"format": _FORMAT})
    except (SafetensorError, OSError) as error:
        raise MaskError(f"save: {fspath(path)}: expected a file that can be written, got {error}") from error


def load(path: str | PathLike[str], module: nn.Module) -> None:
    """Apply the masks and signs of a file to a module, as `apply` and `apply_signs` do: all or, on an error, none.

    Raises MaskError if the file does not hold masks, names a parameter that the module does not have, or holds a mask
    or signs of another shape or dtype; FileNotFoundError if there is no file.
    """
    tensors = _read(path)
    masks = {name: tensor for name, tensor in tensors.items() if not name.startswith(_SIGNS)}
    signs = {name.removeprefix(_SIGNS): tensor for name, tensor in tensors.items() if name.startswith(_SIGNS)}
    known = list(
        dict.fromkeys([*(name for name, _ in module.named_parameters(remove_duplicate=False)), *maskable(module)])
    )
    unknown = [name for name in dict.fromkeys([*masks, *signs]) if name not in known]
    if unknown:
        got = f"got {', '.join(known) or 'no parameter'}"
        raise MaskError(f"load: {fspath(path)}: expected parameters {', '.join(unknown)} in the module, {got}")
    try:
        check_fit("load", module, masks, signs)
        apply(module, masks)
        apply_signs(module, signs)
    except MaskError as error:
        raise MaskError(f"load: {fspath(path)}: {error}") from error


def _read(path: str | PathLike[str]) -> dict[str, Tensor]:
    """Return the tensors of a file; raise MaskError if it is no file of masks."""
    if Path(path).is_dir():
        raise MaskError(f"load: {fspath(path)}: expected a safetensors file of masks, got a folder")
    try:
        with safe_open(fspath(path), framework="pt") as file:
            format_ = (file.metadata() or {}).get("format")
            if format_ != _FORMAT:
                raise MaskError(f"load: {fspath(path)}: expected format {_FORMAT!r}, got {format_!r}")
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError) as error:
        raise MaskError(f"load: {fspath(path)}: expected a safetensors file of masks, got {error}") from error
