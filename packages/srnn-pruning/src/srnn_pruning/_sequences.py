"""The inputs and first states of all recurrent cells of a module, recorded in a call of `run()`."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ._call_sequences import call_sequences
from ._calls import Call
from ._cell import Cell
from ._counted import counted
from ._errors import PruningError
from ._joined import joined
from ._links import Link, links
from ._recurrences import cells_of, recurrent_modules
from ._sequence import Sequence
from ._warn import warn


def sequences(module: nn.Module, cells: Mapping[str, Cell], run: Callable[[], object]) -> dict[str, Sequence]:
    """Return what each of `cells` (of `recurrences(module)`) reads during `run()`, by key.

    Inputs and first states are captured by forward hooks, which are removed afterwards, also when `run` raises. Layers
    of torch above the first, whose inputs no hook sees, get the outputs of the layers below computed step by step,
    without dropout. Everything is a detached copy in the dtype of the weights.

    A module that is called several times, such as an `nn.*Cell` in a loop or a layer that is run piece by piece, is
    read row by row of the batch. A row that starts from the state in which it ended the call before continues its
    sequence. A row that starts again from the state of the call before has skipped that call, as in a loop over padded
    sequences, `h = torch.where(t < lengths, cell(x[t], h), h)`; this call is left out for the row. Whether the last
    call of a row was skipped is read from the gradients of what `run` returns; where it returns nothing with a graph,
    a row that skipped the call before is taken to have skipped this one too. Any other row starts a sequence of its
    own, which joins the batch, and rows that skip all calls are left out.

    Raises PruningError for a module that `run` does not call (calls of the method `step` of a module, and calls inside
    a module that was compiled and run before, are not seen), for an input or a state that cannot be read, for an empty
    batch, and for a key that is no recurrence of the module.

    Warns with PruningWarning if a row of a later call starts from a state that is none of the above, nor 0, nor that of
    the first call: the run changes the state between calls, e.g. by a LayerNorm, or several loops call the module in
    turn. What such a sequence depended on before is not read.

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
        result = run()
    finally:
        for recorder in recorders.values():
            recorder.detach()
    all_sequences: dict[str, Sequence] = {}
    for path, recorder in recorders.items():
        all_sequences.update(_read(path, path or type(module).__name__, recorder, result))
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
        self.calls.append(Call.of(self.path, module, args, kwargs))

    def _after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        self.calls[-1] = self.calls[-1].ended(module, output)


def _read(path: str, name: str, recorder: _Recorder, result: object) -> dict[str, Sequence]:
    """Return the sequences of all calls of a module, by key. Raises PruningError if it was not called."""
    module, calls = recorder.module, recorder.calls
    if not calls:
        raise PruningError(
            f"{name}: expected run() to call this module, got no call (calls of `step` do not count, nor do those in a "
            "module that was compiled before: prune before compiling)"
        )
    parts = [call_sequences(path, module, call) for call in calls]
    if len(parts) == 1:
        return parts[0]
    found = links(module, calls, [next(iter(each.values())).inputs.shape[1] for each in parts])
    _check_links(name, found)
    keep = counted(module, calls, found, result)
    return {key: joined([each[key] for each in parts], found, keep) for key in parts[0]}


def _check_links(name: str, found: list[Link]) -> None:
    """Warn if sequences start from states that nothing explains."""
    changed = int(torch.stack([link.changed.any() for link in found]).count_nonzero())
    if changed:
        warn(
            f"{name} is called {len(found)} times, {changed} of them from a state in which the call before neither "
            "started nor ended: either the state is changed between calls (e.g. by a LayerNorm, a clamp, a residual, "
            "or another order of the batch), or several loops call this module in turn; each such call is read as the "
            "start of a sequence, without what its state depends on"
        )
