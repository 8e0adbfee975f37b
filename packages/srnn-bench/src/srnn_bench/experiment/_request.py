"""Requests: what a sweep was asked for, tables of papers and experiments of one's own, as a store records them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter

from .._value import Value
from ._experiment import Experiment
from ._grid import GridPoint


class _Requested(Value):
    """What both kinds of requests have.

    Attributes:
        name: Full name of a table, or the name of an experiment: that of its file without the ending.
        seeds: Seeds of the runs.
        settings: Those of `--set`, each `path=value`.
        grid: Value of each path of `--grid`, empty without a grid.
    """

    name: str
    seeds: tuple[int, ...]
    settings: tuple[str, ...] = ()
    grid: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def all_settings(self) -> tuple[str, ...]:
        """The settings and the values of the grid, as `override` takes them."""
        return (*self.settings, *GridPoint(dict(self.grid)).settings)

    @property
    def changes(self) -> str:
        """The settings and the values of the grid in a few words, empty if there are none."""
        return ", ".join([*self.settings, *([str(GridPoint(dict(self.grid)))] if self.grid else [])])


class RequestedTable(_Requested):
    """A table of a paper at a scale; `seeds` are those that were run, which may differ from the table's own."""

    kind: Literal["table"] = "table"
    scale: str


class RequestedExperiment(_Requested):
    """An experiment of one's own; `experiment` already has the settings and the values of the grid."""

    kind: Literal["experiment"] = "experiment"
    experiment: Experiment


Request = Annotated[RequestedTable | RequestedExperiment, Field(discriminator="kind")]

REQUEST: TypeAdapter[RequestedTable | RequestedExperiment] = TypeAdapter(Request)
