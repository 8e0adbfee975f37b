"""Products of activations with blocks of weights, recorded while a cell runs.

The gradient of one sample with respect to W is the sum over steps of delta x^T, for each product y = W x with delta =
ds/dy. So x and delta give the gradients of all samples for about the price of one backward pass.
"""

from collections.abc import Callable, Iterable
from collections.abc import Sequence as Series
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


@dataclass(frozen=True)
class Product:
    """y (B, rows) = ... + x (B, cols) W[rows, cols]^T, for the weight number `weight`."""

    weight: int
    rows: slice
    cols: slice
    x: Tensor
    y: Tensor


class RecordProducts(TorchFunctionMode):
    """Context that records the products with some weights in `products`.

    A weight that enters another operation, or one that is hidden from torch functions, such as an autograd function, is
    not recorded there: check that the products account for the whole gradient.
    """

    def __init__(self, weights: Series[Tensor]) -> None:
        super().__init__()
        self.products: list[Product] = []
        self._weights = weights
        self._views = {id(weight): (number, weight) for number, weight in enumerate(weights)}  # and views of them

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function, and record it if a weight is among its arguments."""
        result = func(*args, **(kwargs or {}))
        for value in _tensors((*args, *(kwargs or {}).values())):
            if id(value) in self._views:
                self._record(func, args, kwargs, self._views[id(value)][0], value, result)
        return result

    def _record(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, number: int, value: Tensor, result: Any
    ) -> None:
        results = list(_tensors((result,)))
        if all(each._base is not None and _same_memory(each, value) for each in results):  # views, or no tensors at all
            self._views.update({id(each): (number, each) for each in results})
            return
        operands = _operands(func, args) if not kwargs and isinstance(result, Tensor) else None
        if operands is None or operands[1] is not value or operands[0].dim() != 2 or not result.requires_grad:
            return
        block = self._block(number, value, operands[2])
        if block is not None:
            self.products.append(Product(number, *block, operands[0], result))

    def _block(self, number: int, view: Tensor, transposed: bool) -> tuple[slice, slice] | None:
        """Return the rows and columns of a weight that a view of it shows; None if the view is not such a block."""
        weight = self._weights[number]
        block = view.t() if transposed else view
        if not weight.is_contiguous() or block.dim() != 2 or block.stride() != weight.stride():
            return None
        row, col = divmod(int(block.storage_offset() - weight.storage_offset()), weight.shape[1])
        return slice(row, row + block.shape[0]), slice(col, col + block.shape[1])


def _operands(func: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Tensor, Tensor, bool] | None:
    """Return x, the weight, and whether it is transposed, of a product x W^T; None for another function."""
    if func is functional.linear:
        return args[0], args[1], False
    if func is torch.addmm and len(args) == 3:
        return args[1], args[2], True
    if func in (torch.mm, torch.matmul, Tensor.mm, Tensor.matmul, Tensor.__matmul__):
        return args[0], args[1], True
    return None


def _tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from _tensors(value)


def _same_memory(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
