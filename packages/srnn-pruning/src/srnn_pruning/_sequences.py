"""The inputs and first states of all recurrent cells of a module, recorded in a call of `run()`."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ._call_sequences import call_sequences
from ._calls import Call
from ._cell import Cell
from ._errors import PruningError, PruningWarning
from ._recurrences import cells_of, recurrent_modules
from ._sequence import Sequence
from ._torch_cells import is_torch_cell


def sequences(module: nn.Module, cells: Mapping[str, Cell], run: Callable[[], object]) -> dict[str, Sequence]:
    """Return what each of `cells` (of `recurrences(module)`) reads during `run()`, by key.

    Inputs and first states are captured by forward hooks, which are removed afterwards, also when `run` raises. Layers
    of torch above the first, whose inputs no hook sees, get the outputs of the layers below computed step by step,
    without dropout. Everything is a detached copy in the dtype of the weights.

    A module that is called several times: a call that starts from the state in which the previous call ended continues
    its sequences, which covers `nn.*Cell` in a loop and layers that are run piece by piece. Any other call starts
    sequences of its own, and these join the batch.

    Raises PruningError for a module that `run` does not call (calls of the method `step` of a module, and calls inside
    a module that was compiled and run before, are not seen), for an input or a state that cannot be read, for an empty
    batch, and for a key that is no recurrence of the module.

    Warns with PruningWarning if an `nn.*Cell` is called in a loop that changes the state between steps, so that each
    call is a sequence of one step.

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
    recorders = {
        path: _Recorder(path, module.get_submodule(path)) for path, names in keys.items() if cells.keys() & names
    }
    try:
        for recorder in recorders.values():
            recorder.attach()
        run()
    finally:
        for recorder in recorders.values():
            recorder.detach()
    all_sequences: dict[str, Sequence] = {}
    for path, recorder in recorders.items():
        _check_calls(path or type(module).__name__, recorder)
        all_sequences.update(_joined(path, recorder))
    for key in cells:
        steps, batch, _ = all_sequences[key].inputs.shape
        if not steps * batch:
            raise PruningError(f"{key}: expected inputs of at least one sequence of one step, got {batch} of {steps}")
    return {key: all_sequences[key] for key in cells}


class _Recorder:
    """The calls of one module between `attach` and `detach`."""

    def __init__(self, path: str, module: nn.Module) -> None:
        self.path = path
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
        call = Call.of(self.path, module, args, kwargs)
        self.calls.append(call.continuing(self._end))

    def _after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        self._end = Call.end(module, output)


def _check_calls(name: str, recorder: _Recorder) -> None:
    """Raise PruningError if a recurrence was not called, and warn if each call of it is a sequence of its own."""
    calls = recorder.calls
    if not calls:
        raise PruningError(
            f"{name}: expected run() to call this module, got no call (calls of `step` do not count, nor do those in a "
            "module that was compiled before: prune before compiling)"
        )
    continued = any(call.continues for call in calls)
    if is_torch_cell(recorder.module) and len(calls) > 1 and all(call.state for call in calls[1:]) and not continued:
        warnings.warn(
            f"{name} is called {len(calls)} times, never from the state in which the call before ended, as if the loop "
            "changed the state between steps: each call is read as a sequence of one step",
            PruningWarning,
            stacklevel=3,
        )


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
