"""Locality masks: units on a sheet connect to neighbours within a radius (`L^k` masks of modular cognitive RNNs)."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from .._errors import MaskError
from ._shape import rows_per_gate
from ._value import Value

_BLOCK = 2**18  # pairs of units per block of rows


class Locality(Value):
    """Connections between units of a sheet whose Euclidean distance, in grid units, is at most `radius`.

    Unit i has position (i // width, i % width) on the (height, width) sheet. `periodic` closes the sheet to a torus.
    Radius 0 keeps only self-connections. All gates get the same mask; nothing is random. Squared distances are compared
    as integers, so `radius=math.sqrt(32)` includes the pairs at d**2 == 32.

    >>> Locality(sheet=(20, 20), radius=4).mask(400, 400).sum(dim=1).unique()
    tensor([49])
    """

    kind: Literal["locality"] = "locality"
    sheet: tuple[PositiveInt, PositiveInt]
    radius: Annotated[float, Field(ge=0)]
    periodic: bool = True

    def mask(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return a bool mask `(rows, cols)`. `generator` only sets the device.

        Raises MaskError unless `cols` is the number of units and `rows` is `gates * cols`.
        """
        self._check(rows, cols, gates)
        height, width = self.sheet
        device = None if generator is None else generator.device
        down = self._squares(height, device)  # (h, h)
        across = self._squares(width, device)  # (w, w)
        allowed = across[None, :, None, :] <= self._limit() - down[:, None, :, None]  # (h, w, h, w)
        return allowed.reshape(cols, cols).repeat(gates, 1)  # (rows, cols)

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return int64 indices `(2, E)`, (target, source): `mask(...).nonzero().T` without forming the mask.

        Little memory is used beside the result: it is filled by blocks of rows.
        """
        self._check(rows, cols, gates)
        device = None if generator is None else generator.device
        offsets = self._offsets(device)  # (K,) each
        count = self._count(*offsets)
        indices = torch.empty(2, gates * count, dtype=torch.int64, device=device)  # (2, E)
        filled = 0
        for unit in torch.split(torch.arange(cols, device=device), max(1, _BLOCK // len(offsets[0]))):
            target, source = self._neighbours(unit, *offsets)
            place = slice(filled, filled + len(target))
            indices[0, place], indices[1, place] = target, source
            filled += len(target)
        for gate in range(1, gates):
            place = slice(gate * count, (gate + 1) * count)
            torch.add(indices[0, :count], gate * cols, out=indices[0, place])
            indices[1, place] = indices[1, :count]
        return indices

    def _count(self, down: Tensor, across: Tensor) -> int:
        """Return the number of pairs of units within the radius, from the offsets `(K,)` of the neighbours."""
        height, width = self.sheet
        if self.periodic:
            return height * width * len(down)
        return int(((height - down.abs()) * (width - across.abs())).sum())

    def _neighbours(self, unit: Tensor, down: Tensor, across: Tensor) -> tuple[Tensor, Tensor]:
        """Return target and source of the connections of units `(U,)`, in order, from the offsets `(K,)`."""
        height, width = self.sheet
        row, col = unit[:, None] // width + down, unit[:, None] % width + across  # (U, K)
        inside = torch.ones_like(row, dtype=torch.bool)
        if not self.periodic:
            inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
        none = height * width  # marks units outside the sheet
        source = torch.where(inside, row % height * width + col % width, none)
        source = source.sort(dim=1).values  # (U, K), outside last
        present = source < none
        return unit[:, None].expand_as(source)[present], source[present]

    def _limit(self) -> int:
        """Largest allowed squared distance, an integer like all squared distances on the grid.

        The factor 1 + 1e-12 absorbs rounding of the radius: 3 * sqrt(2) is one ulp above sqrt(18), and sqrt(9.5)**2 is
        one ulp off 9.5. It is harmless while neighbouring squares differ by more than 1e-12 of their size.
        """
        radius = min(self.radius, float(sum(self.sheet)))
        return math.floor(radius * radius * (1 + 1e-12))

    def _squares(self, length: int, device: torch.device | None) -> Tensor:
        """Squared distances along one side of the sheet, `(length, length)`, in grid units."""
        position = torch.arange(length, device=device)
        distance = (position[:, None] - position[None, :]).abs()
        return (distance.minimum(length - distance) if self.periodic else distance).square()

    def _offsets(self, device: torch.device | None) -> tuple[Tensor, Tensor]:
        """Offsets (down, across) of the allowed neighbours, `(K,)` each; on a torus each neighbour once."""
        sides = []
        for length in self.sheet:
            reach = min(math.isqrt(self._limit()), length - 1)
            low, high = (-((length - 1) // 2), length // 2) if self.periodic else (1 - length, length - 1)
            sides.append(torch.arange(max(low, -reach), min(high, reach) + 1, device=device))
        down, across = torch.meshgrid(*sides, indexing="ij")
        near = down.square() + across.square() <= self._limit()
        return down[near], across[near]

    def _check(self, rows: int, cols: int, gates: int) -> None:
        rows_per_gate("Locality", rows, cols, gates)
        height, width = self.sheet
        if cols != height * width:
            raise MaskError(f"Locality: sheet={self.sheet} expected cols = {height * width}, got cols={cols}")
        if rows != gates * cols:
            expected = f"rows = {gates * cols} for gates={gates}"
            raise MaskError(f"Locality: sheet={self.sheet} expected {expected}, got rows={rows}")
