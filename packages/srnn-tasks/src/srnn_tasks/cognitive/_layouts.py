"""How trials fill the rows of a batch: one each, windows of several, or streams that go on from batch to batch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from ..contract import Value


class OneTrial(Value):
    """Each row is one trial, followed by padding of weight 0 up to the longest that the battery has."""

    kind: Literal["one_trial"] = "one_trial"


class Windows(Value):
    """Each row is a new stream of trials, cut after `steps`; the published code trains on such windows of 350 steps."""

    kind: Literal["windows"] = "windows"
    steps: PositiveInt = 350


class Streams(Value):
    """Each row goes on where it stopped in the batch before, and so does the hidden state; `steps` a batch."""

    kind: Literal["streams"] = "streams"
    steps: PositiveInt = 350


AnyLayout = Annotated[OneTrial | Windows | Streams, Field(discriminator="kind")]
