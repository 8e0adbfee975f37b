"""The base class of all values in this package."""

from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler


def _number(value: Any) -> Any:
    """Refuse a bool (of Python, numpy or torch) and text, which pydantic would convert to a number."""
    if isinstance(value, bool | str | bytes) or str(getattr(value, "dtype", None)).endswith("bool"):
        raise ValueError(f"expected a number, got {value!r}")
    return value


_CHECK = {"type": "no-info", "function": _number}


def _make_strict(node: Any) -> None:
    """Change a core schema of pydantic in place: `_number` before every number, and a bool only from a bool."""
    if isinstance(node, list | tuple):
        for part in node:
            _make_strict(part)
    elif isinstance(node, dict) and node.get("function") != _CHECK:
        match node.get("type"):
            case "bool":
                node["strict"] = True
            case "int" | "float":
                ref = {"ref": node.pop("ref")} if "ref" in node else {}
                inner = dict(node)
                node.clear()
                node.update(type="function-before", function=_CHECK, schema=inner, **ref)
            case str():
                _make_strict([part for name, part in node.items() if name not in ("default", "metadata")])
            case _:  # a mapping from names to schemas
                _make_strict(list(node.values()))


class Value(BaseModel):
    """A frozen, validated value that survives a round trip through JSON unchanged.

    A number is not read from a bool or from text, and a bool only from a bool: a sparsity of `true` is an error, not 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        schema = handler(source)
        _make_strict(handler.resolve_ref_schema(schema))
        return schema
