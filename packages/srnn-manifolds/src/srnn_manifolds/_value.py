"""The base of everything here that is described rather than built."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen, validated value that goes to JSON and back unchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
