"""Masks on disk: one safetensors file, bool tensors keyed by full parameter name."""

from os import PathLike, fspath

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ._find import targets
from ._wear import apply, masks

_FORMAT = "srnn-masks/1"


def save(path: str | PathLike[str], module: nn.Module) -> None:
    """Write the masks that a module wears; a module that wears none is a ValueError."""
    worn = masks(module)
    if not worn:
        raise ValueError(f"save: expected a {type(module).__name__} that wears a mask, got one that wears none")
    tensors = {name: mask.cpu().contiguous() for name, mask in worn.items()}
    save_file(tensors, fspath(path), metadata={"format": _FORMAT})


def load(path: str | PathLike[str], module: nn.Module) -> None:
    """Put the masks of a file on a module, as `apply` does: all of them, or none and a ValueError that says why.

    Raises ValueError: not a file of masks, a parameter that the module has not, another shape or dtype.
    """
    try:
        with safe_open(fspath(path), framework="pt") as file:
            found = (file.metadata() or {}).get("format")
            if found != _FORMAT:
                raise ValueError(f"load: {fspath(path)}: expected format {_FORMAT!r}, got {found!r}")
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"load: {fspath(path)}: expected a safetensors file of masks, got {error}") from error
    known = [name for target in targets(module) for name in target.names]
    unknown = [name for name in tensors if name not in known]
    if unknown:
        got = f"got {', '.join(known) or 'no parameter'}"
        raise ValueError(f"load: {fspath(path)}: expected parameters {', '.join(unknown)} in the module, {got}")
    try:
        apply(module, tensors)
    except ValueError as error:
        raise ValueError(f"load: {fspath(path)}: {error}") from error
