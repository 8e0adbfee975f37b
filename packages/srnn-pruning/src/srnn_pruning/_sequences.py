"""The inputs and first states of all recurrent cells of a module, as seen in a call of `run()`."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ._calls import Call, Sequence, call_sequences
from ._cell import Cell
from ._errors import PruningError
from ._recurrences import cells_of, recurrent_modules


def sequences(module: nn.Module, cells: Mapping[str, Cell], run: Callable[[], object]) -> dict[str, Sequence]:
    """Return what each of `cells` (of `recurrences(module)`) reads during `run()`, by key.

    Inputs and first states are captured by forward hooks, which are removed afterwards, also when `run` raises. Layers
    of torch above the first, whose inputs no hook sees, get the outputs of the layers below computed step by step,
    without dropout. Everything is a detached copy in the dtype of the weights.

    A module that is called several times: a call that starts from the state in which the previous call ended continues
    its sequences, which covers `nn.*Cell` in a loop and layers that are run piece by piece. Any other call starts
    sequences of its own, and these join the batch.

    Raises PruningError for a module that `run` does not call (calls of the method `step` of a module are not seen), and
    for a key that is no recurrence of the module.

    >>> from srnn_pruning import recurrences
    >>> rnn = nn.GRU(2, 5, device="meta")
    >>> read = sequences(rnn, recurrences(rnn), lambda: rnn(torch.zeros(10, 3, 2, device="meta")))
    >>> read["l0"].inputs.shape, read["l0"].state.shape
    (torch.Size([10, 3, 2]), torch.Size([3, 5]))
    """
    keys = {path: list(cells_of(path, recurrent)) for path, recurrent in recurrent_modules(module)}
    known = [key for names in keys.values() for key in names]
    for key in cells:
        if key not in known:
            raise PruningError(f"cells: expected keys of recurrences of the module, {known}, got {key!r}")
    recorders = {path: _Recorder(module.get_submodule(path)) for path, names in keys.items() if cells.keys() & names}
    try:
        for recorder in recorders.values():
            recorder.attach()
        run()
    finally:
        for recorder in recorders.values():
            recorder.detach()
    all_sequences: dict[str, Sequence] = {}
    for path, recorder in recorders.items():
        if not recorder.calls:
            name = path or type(module).__name__
            raise PruningError(f"{name}: expected run() to call this module, got no call (`step` does not count)")
        all_sequences.update(_joined(path, recorder))
    return {key: all_sequences[key] for key in cells}


class _Recorder:
    """The calls of one module between `attach` and `detach`."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.calls: list[Call] = []
        self._end: tuple[Tensor, ...] = ()
        self._handles: list[Any] = []

    def attach(self) -> None:
        self._handles = [
            self.module.register_forward_pre_hook(self._before, with_kwargs=True),
            self.module.register_forward_hook(self._after),
        ]

    def detach(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        call = Call.of(module, args, kwargs)
        self.calls.append(call.continuing(self._end))

    def _after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        self._end = Call.end(module, output)


def _joined(path: str, recorder: _Recorder) -> dict[str, Sequence]:
    """Return the sequences of all calls of a module: joined in time where a call continues, otherwise as a batch."""
    chains: dict[str, list[list[Sequence]]] = {}
    for call in recorder.calls:
        for key, sequence in call_sequences(path, recorder.module, call).items():
            parts = chains.setdefault(key, [])
            if parts and call.continues and sequence.lengths is None and parts[-1][-1].lengths is None:
                parts[-1].append(sequence)
            else:
                parts.append([sequence])
    return {key: _batch([_in_time(chain) for chain in parts]) for key, parts in chains.items()}


def _in_time(chain: list[Sequence]) -> Sequence:
    if len(chain) == 1:
        return chain[0]
    return Sequence(torch.cat([sequence.inputs for sequence in chain]), chain[0].state, None)


def _batch(parts: list[Sequence]) -> Sequence:
    """Return sequences as one batch, aligned at their ends."""
    if len(parts) == 1:
        return parts[0]
    steps = max(len(part.inputs) for part in parts)
    inputs = [nn.functional.pad(part.inputs, (0, 0, 0, 0, steps - len(part.inputs), 0)) for part in parts]
    lengths = torch.cat([_lengths(part) for part in parts])
    return Sequence(
        torch.cat(inputs, dim=1),
        torch.cat([part.state for part in parts]),
        None if bool((lengths == steps).all()) else lengths,
    )


def _lengths(sequence: Sequence) -> Tensor:
    steps, batch, _ = sequence.inputs.shape
    full = torch.full((batch,), steps, device=sequence.inputs.device)
    return full if sequence.lengths is None else sequence.lengths


__all__ = ["Sequence", "sequences"]
