"""The base of every value in this package, and the discriminated unions over them."""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Value(BaseModel):
    """A frozen, validated value that goes to JSON and back unchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ByKind:
    """What `Field(discriminator="kind")` does, for a family of one member as well.

    pydantic refuses a discriminator on a union of one. With this, `Annotated[A, ByKind()]` and
    `Annotated[A | B, ByKind()]` behave alike (same JSON, same errors), so a new member is one edit.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        members = get_args(source) or (source,)
        choices = {member.model_fields["kind"].default: handler.generate_schema(member) for member in members}
        return core_schema.tagged_union_schema(choices, discriminator="kind", from_attributes=True)
