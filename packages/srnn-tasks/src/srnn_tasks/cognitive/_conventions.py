"""Where the published code of Mod-Cog and its meaning disagree (facts sheet, section 6), as named choices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..contract import Value


class Choices(Value):
    """What the two conventions share: one field for each point, named after what is chosen."""

    wrap: Literal["direction", "action"]
    go_interval: Literal["answer", "stimulus"]
    decision_interval: Literal["drawn", "fixed"]
    match_delay: Literal["fixed", "trial", "instance"]
    go_delay: Literal["none", "always"]
    sample_category: Literal["same", "above"]
    order: Literal["drawn", "alternating"]
    ties: Literal["redrawn", "coin"]


class Conventions(Choices):
    """The corrected battery; B1 to B8 are the points of the facts sheet.

    wrap (B1): a direction beyond the last goes on at the first, or the `action` (1 + direction) does, which makes
    direction R - 1 the answer "fixate".
    go_interval (B2): in DlyGo and DlyAnti interval tasks the delay displaces the answer by directions, or the
    `stimulus` by 0.01 rad/ms while the answer stays.
    decision_interval (B3): the delay of DlyDM interval tasks is drawn, or always `Timing.delay`.
    match_delay (B4): of match tasks without an interval: `Timing.delay`, or from `Timing.legacy_delay`, drawn for
    each `trial`, or once for each task and ring when the task is opened (`instance`).
    go_delay (B5): Go and Anti have no delay, or that of DlyGo (`always`).
    sample_category (B6): the second category begins at direction R / 2 for sample and test, or, for the sample
    alone, above it.
    order (B8): task and ring of each trial are drawn, or a task never follows itself and its trials take the two
    rings in turn.
    ties: trials of MultiDM and MultiDlyDM in which both sums are equal are not made, or a coin decides them.

    >>> Conventions(match_delay="trial").kind
    'corrected'
    """

    kind: Literal["corrected"] = "corrected"
    wrap: Literal["direction", "action"] = "direction"
    go_interval: Literal["answer", "stimulus"] = "answer"
    decision_interval: Literal["drawn", "fixed"] = "drawn"
    match_delay: Literal["fixed", "trial", "instance"] = "fixed"
    go_delay: Literal["none", "always"] = "none"
    sample_category: Literal["same", "above"] = "same"
    order: Literal["drawn", "alternating"] = "drawn"
    ties: Literal["redrawn", "coin"] = "redrawn"


class Legacy(Choices):
    """What the published code does; the fields are those of `Conventions`, so one point alone can be corrected.

    >>> Legacy(wrap="direction").match_delay
    'instance'
    """

    kind: Literal["legacy"] = "legacy"
    wrap: Literal["direction", "action"] = "action"
    go_interval: Literal["answer", "stimulus"] = "stimulus"
    decision_interval: Literal["drawn", "fixed"] = "fixed"
    match_delay: Literal["fixed", "trial", "instance"] = "instance"
    go_delay: Literal["none", "always"] = "always"
    sample_category: Literal["same", "above"] = "above"
    order: Literal["drawn", "alternating"] = "alternating"
    ties: Literal["redrawn", "coin"] = "coin"


AnyConventions = Annotated[Conventions | Legacy, Field(discriminator="kind")]
