"""A weight matrix (R, C) as the tensors of a file, in the smallest of three forms.

| form | tensors |
|---|---|
| dense | `W` (R, C) |
| columns | `W:values` (E,), `W:columns` (E,) int16, or int32 from 32,768 columns on, `W:starts` (R + 1,) int32 |
| bitmap | `W:values` (E,), `W:bitmap` (ceil(R C / 8),) uint8, a bit per entry, row by row, the lowest bit first |

`W:starts[r]` is the number of entries in the rows before r. A sparse form has every entry that is not 0.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from .._errors import ModelError
from ..engines import Compressed, Structure
from ._weights import SPARSE, DenseWeight, SparseWeight, Weight

SHORT = 2**15  # columns below which an index fits int16
FORMS = {"dense": ("",), "columns": (":values", ":columns", ":starts"), "bitmap": (":values", ":bitmap")}
BITS = 2 ** torch.arange(8, dtype=torch.uint8)


def encode(name: str, weight: Weight) -> dict[str, Tensor]:
    """Return the tensors of a weight by their names in the file, on the CPU."""
    rows, columns = weight.shape
    if isinstance(weight, SparseWeight):
        values, edges = weight.values.cpu(), Compressed(weight.shape, weight.starts.cpu(), weight.columns.cpu())
    else:
        matrix = weight.weight.cpu()
        structure = Structure(matrix != 0)
        values, edges = matrix.reshape(-1).index_select(0, structure.places), structure.rows
    index = torch.int16 if columns < SHORT else torch.int32
    entries, cells = values.numel(), rows * columns
    sizes = {
        "dense": cells * values.itemsize,
        "columns": entries * (values.itemsize + index.itemsize) + 4 * (rows + 1),
        "bitmap": entries * values.itemsize + -(-cells // 8),
    }
    match min(sizes, key=sizes.__getitem__):
        case "columns":
            found = {":values": values, ":columns": edges.columns.to(index), ":starts": edges.starts}
        case "bitmap":
            found = {":values": values, ":bitmap": _pack(edges.rows.long() * columns + edges.columns, cells)}
        case _:
            found = {"": matrix}
    return {f"{name}{suffix}": tensor for suffix, tensor in found.items()}


def check_sizes(name: str, shape: tuple[int, int], sizes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Return the names of the tensors of a weight of this shape, among the sizes that the header of a file states.

    Raises `ModelError` if there are none or their sizes do not fit.
    """
    rows, columns = shape
    for suffixes in FORMS.values():
        names = tuple(f"{name}{suffix}" for suffix in suffixes)
        if all(each in sizes for each in names):
            break
    else:
        raise ModelError(f"{name}: expected the tensors of a weight, got none")
    entries = sizes.get(f"{name}:values", (0,))
    expected = {
        "": shape,
        ":values": entries[:1],
        ":columns": entries,
        ":starts": (rows + 1,),
        ":bitmap": (-(-rows * columns // 8),),
    }
    for each, suffix in zip(names, suffixes, strict=True):
        if sizes[each] != expected[suffix]:
            raise ModelError(f"{each}: expected shape {expected[suffix]}, got {sizes[each]}")
    return names


def decode(name: str, shape: tuple[int, int], tensors: Mapping[str, Tensor]) -> Weight:
    """Return a weight of this shape from its tensors, whose sizes were checked.

    Raises `ModelError` for a wrong dtype, and for entries that are not in the matrix or not in order.
    """
    if name in tensors:
        _check_dtype(name, tensors[name], None)
        return DenseWeight(tensors[name])
    values = tensors[f"{name}:values"]
    _check_dtype(f"{name}:values", values, None)
    rows, columns = shape
    if f"{name}:bitmap" in tensors:
        bitmap = tensors[f"{name}:bitmap"]
        _check_dtype(f"{name}:bitmap", bitmap, torch.uint8)
        bits = (bitmap[:, None] & BITS) != 0  # (ceil(R C / 8), 8)
        mask = bits.view(-1)
        if int(mask.sum()) != len(values) or bool(mask[rows * columns :].any()):
            raise ModelError(f"{name}:bitmap: expected {len(values)} entries of {rows} x {columns}")
        places = Structure(mask[: rows * columns].view(shape)).rows
        found = SparseWeight(shape, values, places.columns, places.starts)
    else:
        index = torch.int16 if columns < SHORT else torch.int32
        _check_dtype(f"{name}:columns", tensors[f"{name}:columns"], index)
        _check_dtype(f"{name}:starts", tensors[f"{name}:starts"], torch.int32)
        found = SparseWeight(shape, values, tensors[f"{name}:columns"].int(), tensors[f"{name}:starts"])
        _check_order(name, found)
    if len(values) < SPARSE * rows * columns:
        return found
    return DenseWeight(found.dense())


def _pack(places: Tensor, cells: int) -> Tensor:
    """Return a bitmap (ceil(cells / 8),) with the bits at these places (E,)."""
    bits = torch.zeros(-(-cells // 8) * 8, dtype=torch.uint8)
    bits[places] = 1
    return (bits.view(-1, 8) * BITS).sum(1, dtype=torch.uint8)


def _check_dtype(name: str, tensor: Tensor, dtype: torch.dtype | None) -> None:
    """Raise `ModelError` for another dtype; None means any dtype of floats."""
    if tensor.dtype != dtype and not (dtype is None and tensor.is_floating_point()):
        raise ModelError(f"{name}: expected {dtype or 'floats'}, got {tensor.dtype}")


def _check_order(name: str, weight: SparseWeight) -> None:
    """Raise `ModelError` unless rows and columns are in range and in order: a product would read other memory."""
    starts, columns = weight.starts, weight.columns
    if int(starts[0]) != 0 or int(starts[-1]) != len(columns) or bool((starts.diff() < 0).any()):
        raise ModelError(f"{name}:starts: expected numbers from 0 to {len(columns)} in order")
    if not len(columns):
        return
    if int(columns.min()) < 0 or int(columns.max()) >= weight.shape[1]:
        raise ModelError(f"{name}:columns: expected numbers from 0 to {weight.shape[1] - 1}")
    rows = weight.edges.rows
    if bool(((columns.diff() <= 0) & (rows.diff() == 0)).any()):
        raise ModelError(f"{name}:columns: expected those of a row in ascending order")
