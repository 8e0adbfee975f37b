"""The base class of all values in this package."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen, validated value that survives a round trip through JSON unchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
