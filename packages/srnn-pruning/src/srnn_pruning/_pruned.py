"""The result of one-shot pruning: masks, what they leave, and how they were chosen; kept in one safetensors file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

import srnn_masks

from ._errors import PruningError
from ._pruning import Pruning
from ._summary import Summary

_FORMAT = "srnn-masks/1"  # the file is one of `srnn_masks.load` too
_KEY = "srnn-pruning/pruned"


@dataclass(frozen=True, eq=False, repr=False)
class Pruned:
    """The masks of a pruning, a summary of what they leave, and the pruning that chose them.

    `masks`: bool masks by full parameter name, of each parameter's shape. `description`: the `Pruning` as JSON text,
    so that a file can be read without importing a criterion of one's own. `removed`: number of weights that this
    pruning removed, without those that were absent before; 0 if nothing was scored.
    """

    masks: Mapping[str, Tensor]
    summary: Summary
    description: str
    removed: int

    @property
    def pruning(self) -> Pruning:
        """The pruning that chose the masks: sparsity, criterion, scope and ranking."""
        return Pruning.model_validate_json(self.description)

    @property
    def kept(self) -> int:
        """Number of weights that the masks keep."""
        return sum(int(mask.count_nonzero()) for mask in self.masks.values())

    @property
    def density(self) -> float:
        """Share of weights that the masks keep, over all of them together."""
        return self.kept / max(1, sum(mask.numel() for mask in self.masks.values()))

    def apply(self, model: nn.Module) -> None:
        """Apply the masks to another model with the same parameter names, from now on.

        Existing masks are intersected. Raises PruningError, before anything is changed, if the model lacks a parameter
        or has one of another shape.
        """
        missing = [name for name in self.masks if name not in srnn_masks.maskable(model)]
        if missing:
            raise PruningError(f"apply: expected parameters {', '.join(missing)} in {type(model).__name__}, got none")
        try:
            srnn_masks.apply(model, self.masks)
        except srnn_masks.MaskError as error:
            raise PruningError(str(error)) from error

    def save(self, path: str | PathLike[str]) -> None:
        """Write masks, summary and pruning to a safetensors file, which `srnn_masks.load` reads too.

        Raises PruningError if the file cannot be written.
        """
        if not Path(path).parent.is_dir():
            raise PruningError(f"save: {fspath(path)}: expected a folder {Path(path).parent}, got none")
        about = {
            "pruning": json.loads(self.description),
            "summary": self.summary.model_dump(mode="json"),
            "removed": self.removed,
        }
        tensors = {name: mask.cpu().contiguous() for name, mask in self.masks.items()}
        try:
            save_file(tensors, fspath(path), metadata={"format": _FORMAT, _KEY: json.dumps(about)})
        except (SafetensorError, OSError) as error:
            raise PruningError(f"save: {fspath(path)}: expected a file that can be written, got {error}") from error

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Pruned":
        """Read what `save` wrote; masks on the CPU. Nothing is unpickled or imported.

        Raises PruningError if the file is no such file; FileNotFoundError if there is none.
        """
        where = f"load: {fspath(path)}"
        if Path(path).is_dir():
            raise PruningError(f"{where}: expected a file written by Pruned.save, got a folder")
        try:
            with safe_open(fspath(path), framework="pt") as file:
                metadata = file.metadata() or {}
                masks = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except FileNotFoundError:
            raise
        except (SafetensorError, OSError) as error:
            raise PruningError(f"{where}: expected a file written by Pruned.save, got {error}") from error
        if _KEY not in metadata:
            advice = "; srnn_masks.load reads files of masks" if metadata.get("format") == _FORMAT else ""
            raise PruningError(f"{where}: expected a file written by Pruned.save, got no {_KEY!r} in it{advice}")
        try:
            about = json.loads(metadata[_KEY])
            summary = Summary.model_validate(about["summary"])
            description, removed = json.dumps(about["pruning"]), int(about["removed"])
        except (ValueError, TypeError, KeyError, ValidationError) as error:
            raise PruningError(f"{where}: expected a summary and a pruning in it, got {error}") from error
        order = dict.fromkeys([*(row.name for row in summary.rows if row.name in masks), *masks])
        return cls({name: masks[name] for name in order}, summary, description, removed)

    def __str__(self) -> str:
        about = json.loads(self.description)
        total = sum(mask.numel() for mask in self.masks.values())
        criterion = dict(about["criterion"])
        name = criterion.pop("kind")
        fields = ", ".join(f"{key}={value}" for key, value in criterion.items())
        head = f"{self.kept:,} of {total:,} weights kept (density {self.density:.4f})\n"
        head += f"criterion {name}{f' ({fields})' if fields else ''}, ranking {about['ranking']}"
        if not self.removed:
            head += "\nnothing was scored or removed: no more weights were present than asked for"
            head += f" (sparsity {about['sparsity']:g})"
        return f"{head}\n\n{self.summary}"

    def __repr__(self) -> str:
        return f"Pruned({self.kept:,} of {sum(mask.numel() for mask in self.masks.values()):,} weights kept)"
