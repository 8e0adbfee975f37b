"""Conventions: named choices where the published code of Mod-Cog deviates from its paper."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..contract import Value


class Choices(Value):
    """The fields of both conventions: one per point, named after what is chosen."""

    wrap: Literal["direction", "action"]
    go_interval: Literal["answer", "stimulus"]
    decision_interval: Literal["drawn", "fixed"]
    match_delay: Literal["fixed", "trial", "instance"]
    go_delay: Literal["none", "always"]
    sample_category: Literal["same", "above"]
    order: Literal["drawn", "alternating"]
    ties: Literal["redrawn", "coin"]


class Conventions(Choices):
    """The corrected battery; B1 to B8 are the points listed in docs/findings/modcog.md.

    wrap (B1): whether the `direction` of an answer is taken modulo R, or the `action` (1 + direction), which turns
    direction R - 1 into the answer "fixate".
    go_interval (B2): whether the delay of DlyGo and DlyAnti interval tasks displaces the `answer`, in whole directions,
    or the `stimulus`, by 0.01 rad/ms, and leaves the answer unchanged.
    decision_interval (B3): whether the delay of DlyDM interval tasks is `drawn`, or `fixed` at `Timing.delay`.
    match_delay (B4): the delay of match tasks without an interval: `fixed` at `Timing.delay`, or drawn from
    `Timing.legacy_delay` for each `trial`, or once per task and ring when the task is opened (`instance`).
    go_delay (B5): whether Go and Anti have no delay (`none`), or that of DlyGo (`always`).
    sample_category (B6): whether the second category starts at direction R / 2 for sample and test (`same`), or, for
    the sample only, at the next direction (`above`).
    order (B8): whether task and ring of each trial are `drawn`, or `alternating`: a task never follows itself, and its
    trials alternate between the two rings.
    ties: whether trials of MultiDM and MultiDlyDM with equal sums are `redrawn`, or decided by a `coin`.

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
    """The conventions of the published code. The fields are those of `Conventions`, so each can be corrected alone.

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
