"""Layouts, how trials fill the rows of a batch: one trial per row, windows of several, or continuing streams."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from ..contract import Value


class OneTrial(Value):
    """Each row is one trial, followed by padding of weight 0 up to the longest trial of the battery."""

    kind: Literal["one_trial"] = "one_trial"


class Windows(Value):
    """Each row is a new sequence of trials, cut after `steps`; the published code trains on windows of 350 steps."""

    kind: Literal["windows"] = "windows"
    steps: PositiveInt = 350


class Streams(Value):
    """Each row continues where it stopped in the previous batch, and so does the hidden state; `steps` per batch."""

    kind: Literal["streams"] = "streams"
    steps: PositiveInt = 350


AnyLayout = Annotated[OneTrial | Windows | Streams, Field(discriminator="kind")]
