"""Laws of patterns, for the tests of third-party patterns."""

from typing import Protocol, runtime_checkable

import torch
from pydantic import BaseModel
from torch import Tensor


@runtime_checkable
class Pattern(Protocol):
    """The interface that `check_pattern` needs: one draw as a mask and as indices."""

    def mask(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return a bool mask `(rows, cols)`."""
        ...

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return int64 indices `(2, E)`, (target, source)."""
        ...


def check_pattern(pattern: Pattern, rows: int = 24, cols: int = 24, *, random: bool, gates: int = 3) -> None:
    """Raise an AssertionError that names the first law the pattern breaks.

    `rows` are the rows of one gate; the pattern must accept `(rows, cols)` and `(gates * rows, cols)`. A `random`
    pattern must require a generator, and another seed must give another mask (choose sizes for which two equal draws
    are practically impossible). A pattern that is a pydantic value must also be hashable, forbid unknown fields, and go
    to JSON and back unchanged.

    >>> from srnn_masks import FixedInDegree
    >>> check_pattern(FixedInDegree(degree=5), random=True)
    """
    if not isinstance(pattern, Pattern):
        raise AssertionError(f"{pattern!r}: expected methods mask and indices")
    global_state = torch.get_rng_state()
    for stacked in (1, gates):
        _check_form(pattern, stacked * rows, cols, gates=stacked)
    if random:
        _check_random(pattern, rows, cols, gates=gates)
    else:
        _check_fixed(pattern, rows, cols, gates=gates)
    _law(pattern, "the global generator is not used", torch.equal(global_state, torch.get_rng_state()))
    _check_refusal(pattern, gates * rows + 1, cols, gates=gates)
    if isinstance(pattern, BaseModel):
        _check_value(pattern)


def _check_form(pattern: Pattern, rows: int, cols: int, *, gates: int) -> None:
    mask = pattern.mask(rows, cols, gates=gates, generator=_seeded(0))
    indices = pattern.indices(rows, cols, gates=gates, generator=_seeded(0))
    _law(pattern, f"the mask has shape {(rows, cols)}, got {tuple(mask.shape)}", mask.shape == (rows, cols))
    _law(pattern, f"the mask is torch.bool, got {mask.dtype}", mask.dtype is torch.bool)
    _law(pattern, f"the indices are torch.int64, got {indices.dtype}", indices.dtype is torch.int64)
    same = indices.shape == mask.nonzero().T.shape and torch.equal(indices, mask.nonzero().T)
    _law(pattern, "the indices are mask.nonzero().T of the same seed", same)
    again = pattern.mask(rows, cols, gates=gates, generator=_seeded(0))
    _law(pattern, "one seed gives one mask", torch.equal(mask, again))


def _check_random(pattern: Pattern, rows: int, cols: int, *, gates: int) -> None:
    first, other = (pattern.mask(gates * rows, cols, gates=gates, generator=_seeded(seed)) for seed in (0, 1))
    _law(pattern, "another seed gives another mask", not torch.equal(first, other))
    blocks = first.reshape(gates, rows, cols)
    equal = [gate for gate in range(1, gates) if torch.equal(blocks[0], blocks[gate])]
    _law(pattern, f"each gate gets its own draw, but gate 0 equals gates {equal}", not equal)
    for name in ("mask", "indices"):
        try:
            getattr(pattern, name)(rows, cols)
        except ValueError as error:
            _law(pattern, f"the error of {name} without generator names it, got {error}", "generator" in str(error))
        else:
            _law(pattern, f"{name} without generator is a ValueError", False)


def _check_fixed(pattern: Pattern, rows: int, cols: int, *, gates: int) -> None:
    single = pattern.mask(rows, cols)
    stacked = pattern.mask(gates * rows, cols, gates=gates)
    _law(pattern, "each gate gets the same mask", torch.equal(stacked, single.repeat(gates, 1)))
    generator = _seeded(0)
    state = generator.get_state()
    pattern.mask(rows, cols, generator=generator)
    _law(pattern, "nothing is drawn from the generator", torch.equal(state, generator.get_state()))


def _check_refusal(pattern: Pattern, rows: int, cols: int, *, gates: int) -> None:
    for name in ("mask", "indices"):
        try:
            getattr(pattern, name)(rows, cols, gates=gates, generator=_seeded(0))
        except ValueError as error:
            _law(pattern, f"the error of {name} names rows={rows}, got {error}", str(rows) in str(error))
        else:
            _law(pattern, f"{name} refuses rows={rows} for gates={gates}", False)


def _check_value(pattern: BaseModel) -> None:
    back = type(pattern).model_validate_json(pattern.model_dump_json())
    _law(pattern, f"JSON restores it unchanged, got {back!r}", back == pattern and hash(back) == hash(pattern))
    _law(pattern, "it has a kind", "kind" in type(pattern).model_fields)
    _law(pattern, "it refuses unknown fields", type(pattern).model_config.get("extra") == "forbid")


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _law(pattern: object, law: str, holds: bool) -> None:
    if not holds:
        raise AssertionError(f"{pattern!r}: {law}")
