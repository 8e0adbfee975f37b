"""Optimizer moments of a masked parameter: removed entries are zeroed once per optimizer and change of the mask."""

import weakref
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from ._constraint import Constraint, version


class Moments:
    """Remembers, per optimizer, for which mask its moments were last zeroed."""

    def __init__(self) -> None:
        self._done: weakref.WeakKeyDictionary[Optimizer, tuple[Any, ...]] = weakref.WeakKeyDictionary()

    def clear(self, optimizer: Optimizer, parameter: nn.Parameter, constraint: Constraint, lifts: int) -> None:
        """Zero the masked entries of every state tensor of the parameter's shape, unless that is already done.

        `lifts` is the number of closed `lifted` blocks: a step inside one may have put dense gradients into moments.
        """
        state = getattr(optimizer, "state", {}).get(parameter)
        if constraint.mask is None or not state:
            return
        now = (version(constraint.mask), lifts)
        before, mask, done = self._done.get(optimizer, (None, None, None))
        if now == before and mask is constraint.mask and done is state:  # load_state_dict makes a new state
            return
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and key != "step":
                constraint.clear(value)
        self._done[optimizer] = (now, constraint.mask, state)
