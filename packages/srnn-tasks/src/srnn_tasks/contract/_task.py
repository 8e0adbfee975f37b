"""The open family: a task is a frozen value; opening it reads its files and draws its fixed parts."""

from abc import abstractmethod

import torch

from ._source import Source
from ._value import Value


class Task(Value):
    """Base of all tasks. A subclass adds `kind: Literal["its name"] = "its name"`, its fields, and `open`.

    To be found by its kind it is named by an entry point of the group `srnn.tasks`.
    """

    kind: str

    @abstractmethod
    def open(self, *, device: torch.device | str, generator: torch.Generator) -> Source:
        """Return a source on `device`; its fixed parts are read, or drawn by `generator`, a generator of `device`."""
