"""How the calls of a recurrent module follow each other, row by row of the batch."""

from collections.abc import Sequence as Series
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ._calls import Call
from ._torch_cells import is_torch_layer


@dataclass(frozen=True)
class Link:
    """How each row of a call follows the call before, bool (B,) each; where all are False, a sequence starts.

    `continues`: the row starts from the state in which it ended the call before. `skipped`: it starts from the state
    from which it started the call before, whose steps therefore do not count, as in a loop that keeps the old state of
    sequences that have ended. `changed`: it starts a sequence, from a state that nothing explains.
    """

    continues: Tensor
    skipped: Tensor
    changed: Tensor

    @property
    def linked(self) -> Tensor:
        """Whether each row belongs to the sequence of the same row of the call before."""
        return self.continues | self.skipped


def links(module: nn.Module, calls: Series[Call], sizes: Series[int]) -> list[Link]:
    """Return the links of calls of a module with batches of these sizes; in the first call, sequences start.

    A state is explained if it is absent, 0, or that of the first call. Where no row continues and the call before
    started sequences only, a state that is that of the call before is that of another sequence, e.g. a second pass
    from the same first state.
    """
    device = next(module.parameters()).device
    found = [_start(sizes[0], device)]
    first = state_rows(module, calls[0].state)
    for before, call, size in zip(calls, calls[1:], sizes[1:], strict=False):
        given = state_rows(module, call.state)
        if given is None:
            found.append(_start(size, device))
            continue
        continues = _equal(given, state_rows(module, before.end))
        start = state_rows(module, before.state)
        same = _equal(given, torch.zeros_like(given) if start is None else start) & ~continues
        looped = bool(continues.any() | found[-1].linked.any())
        skipped = same if looped else torch.zeros_like(same)
        known = (given == 0).all(1) | same | _equal(given, first)
        found.append(Link(continues, skipped, ~(continues | skipped | known)))
    return found


def _start(size: int, device: torch.device) -> Link:
    none = torch.zeros(size, dtype=torch.bool, device=device)
    return Link(none, none, none)


def state_rows(module: nn.Module, state: Series[Tensor]) -> Tensor | None:
    """Return the parts of a state side by side, (B, all of them); None for no state, or something else than one."""
    if not state or not all(part.dim() for part in state):
        return None
    parts = [part.reshape(-1, part.shape[-1]) for part in state]  # (B, size) each
    if is_torch_layer(module):  # (cells, B, size) each, without B if unbatched
        parts = [(part[:, None] if part.dim() == 2 else part).transpose(0, 1).flatten(1) for part in state]
    return torch.cat(parts, dim=1) if len({len(part) for part in parts}) == 1 else None


def _equal(rows: Tensor, others: Tensor | None) -> Tensor:
    """Return which rows (B,) equal that of the same number among the others, NaN for NaN; not where there is none."""
    equal = torch.zeros(len(rows), dtype=torch.bool, device=rows.device)
    if others is not None and others.shape[1] == rows.shape[1]:
        one, other = rows[: len(others)], others[: len(rows)].to(rows.device)
        equal[: len(one)] = ((one == other) | (one.isnan() & other.isnan())).all(1)
    return equal
