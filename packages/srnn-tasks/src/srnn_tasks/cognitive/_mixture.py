"""The fields of a mixture of cognitive tasks, and their validation."""

from __future__ import annotations

import difflib
from itertools import combinations
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from ..contract import Task
from ._aliases import same_task
from ._batteries import BATTERIES, Battery
from ._conventions import AnyConventions, Conventions
from ._decision import TOLERANCE
from ._layouts import AnyLayout, OneTrial
from ._rule import RULES, Rule, suggestion
from ._timing import Timing


def _battery_or_names(tasks: object) -> object:
    """Refuse anything but a battery or a sequence of task names, with one error instead of one per union member."""
    if isinstance(tasks, list | tuple):
        return _names(tasks)
    if not isinstance(tasks, str) or tasks not in BATTERIES:
        expected = f"expected one of {', '.join(BATTERIES)}, or a list of task names; got {tasks!r}"
        raise ValueError(expected + (_near(tasks) if isinstance(tasks, str) else ""))
    return tasks


def _near(text: str) -> str:
    """Return a question that names what a text may have meant: a battery, or one task outside a list."""
    if same_task(text) in RULES:
        return f". Did you mean [{same_task(text)!r}]?"
    near = difflib.get_close_matches(text.lower(), (*BATTERIES, *RULES), n=1)
    return f". Did you mean {near[0]!r}?" if near and near[0] in BATTERIES else _one_task(text)


def _one_task(text: str) -> str:
    hint = suggestion(text).removesuffix("; here ").strip()
    return f". If it is one task: {hint}" if hint else ""


def _names(tasks: object) -> object:
    """Refuse anything but a sequence of task names; return their usual form."""
    if not isinstance(tasks, list | tuple):
        raise ValueError(f"expected a list of task names; got {tasks!r}")
    for name in tasks:
        if not isinstance(name, str):
            raise ValueError(f"expected task names; got {name!r}")
    names = (Rule.parse(name).name for name in tasks)
    return list(names) if isinstance(tasks, list) else tuple(names)


def _distinct(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(abs(one - other) < TOLERANCE for one, other in combinations(values, 2)):
        raise ValueError(f"expected values that differ by at least {TOLERANCE:g}; got {values}")
    return values


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Share = Annotated[float, Field(gt=0, le=1)]
SMALLEST_PROPORTION = 1e-6  # relative to the largest


class Mixture(Task):
    """The fields of `Cognitive`, whose docstring describes them. `CognitiveSource` reads them."""

    tasks: Annotated[Battery | tuple[str, ...], BeforeValidator(_battery_or_names)] = "yang20"
    rules: Literal["one_hot", "parts"] = "one_hot"
    untrained: Names = ()
    proportions: tuple[PositiveFloat, ...] | None = None
    layout: AnyLayout = OneTrial()
    dt: PositiveInt = 100
    ring: Annotated[int, Field(ge=4, multiple_of=2)] = 16
    sigma: NonNegativeFloat = 1.0
    coherences: Annotated[tuple[Share, ...], Field(min_length=1)] = (0.08, 0.16, 0.32, 0.64)
    strengths: Annotated[tuple[PositiveFloat, ...], Field(min_length=2), AfterValidator(_distinct)] = (0.3, 0.6, 1.0)
    timing: Timing = Timing()
    conventions: AnyConventions = Conventions()
    evaluation_trials: PositiveInt = 40

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tasks, in the order of their slots."""
        return BATTERIES[self.tasks] if isinstance(self.tasks, str) else self.tasks

    @model_validator(mode="after")
    def _consistent(self) -> Mixture:
        if not self.names:
            raise ValueError("tasks: expected a battery or at least one name; got none")
        for name in self.untrained:
            if name not in self.names:
                raise ValueError(f"untrained: {name!r} is not among the tasks {', '.join(self.names)}")
        if set(self.names) <= set(self.untrained):
            raise ValueError("untrained: expected at least one task that is trained")
        self._check_proportions()
        for name, value in self.timing:
            for duration in value if isinstance(value, tuple) else (value,):
                if 0 < duration < self.dt:
                    raise ValueError(f"timing: {name} = {duration} ms is shorter than a step, dt = {self.dt} ms")
        if self.timing.unit % self.dt:
            raise ValueError(f"dt: expected a divisor of timing.unit = {self.timing.unit} ms; got {self.dt} ms")
        return self

    def _check_proportions(self) -> None:
        if self.proportions is None:
            return
        if len(self.proportions) != len(self.names):
            raise ValueError(
                f"proportions: expected one for each of the {len(self.names)} tasks; got {len(self.proportions)}"
            )
        if min(self.proportions) < SMALLEST_PROPORTION * max(self.proportions):
            raise ValueError(f"proportions: expected each to be at least {SMALLEST_PROPORTION:g} of the largest")
        if self.conventions.order == "alternating":
            raise ValueError(
                "proportions: expected None with the alternating order, "
                "where all tasks except the previous one are equally likely"
            )
