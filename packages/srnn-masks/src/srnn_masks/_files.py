"""Masks in safetensors files: bool tensors, keyed by full parameter name."""

from os import PathLike, fspath

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ._errors import MaskError
from .wearing import apply, masks

_FORMAT = "srnn-masks/1"


def save(path: str | PathLike[str], module: nn.Module) -> None:
    """Write the masks of a module to a safetensors file.

    Raises MaskError if the module has no masks.
    """
    current = masks(module)
    if not current:
        raise MaskError(f"save: expected a module with masks, got a {type(module).__name__} without any")
    tensors = {name: mask.cpu().contiguous() for name, mask in current.items()}
    save_file(tensors, fspath(path), metadata={"format": _FORMAT})


def load(path: str | PathLike[str], module: nn.Module) -> None:
    """Apply the masks of a file to a module, as `apply` does: either all of them or, on an error, none.

    Raises MaskError if the file does not hold masks, names a parameter that the module does not have, or holds a mask
    of another shape or dtype.
    """
    try:
        with safe_open(fspath(path), framework="pt") as file:
            format_ = (file.metadata() or {}).get("format")
            if format_ != _FORMAT:
                raise MaskError(f"load: {fspath(path)}: expected format {_FORMAT!r}, got {format_!r}")
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise MaskError(f"load: {fspath(path)}: expected a safetensors file of masks, got {error}") from error
    known = [name for name, _ in module.named_parameters(remove_duplicate=False)]
    unknown = [name for name in tensors if name not in known]
    if unknown:
        got = f"got {', '.join(known) or 'no parameter'}"
        raise MaskError(f"load: {fspath(path)}: expected parameters {', '.join(unknown)} in the module, {got}")
    try:
        apply(module, tensors)
    except MaskError as error:
        raise MaskError(f"load: {fspath(path)}: {error}") from error
