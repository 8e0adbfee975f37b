"""The base class of tasks. The family is open: a third party adds a task by an entry point."""

from abc import abstractmethod

import torch

from ._source import Source
from ._value import Value


class Task(Value):
    """Base class of tasks, frozen values. A subclass adds `kind: Literal["name"] = "name"`, its fields, and `open`.

    A task is found by its kind if an entry point of the group `srnn.tasks` has that name.
    """

    kind: str

    @abstractmethod
    def open(self, *, device: torch.device | str, generator: torch.Generator) -> Source:
        """Return a source on `device`.

        Reads the files, and draws the fixed parts from `generator`, a generator of `device`.
        """
