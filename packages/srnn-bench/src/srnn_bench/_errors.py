"""The error class for mistakes of the user, and pydantic's errors in one line."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ._wording import message_of


class BenchError(ValueError):
    """Invalid input from the user: a name, a file, a field or an option.

    The command line prints it as one line; any other exception keeps its traceback.
    """


def validation_message(error: ValidationError, data: Any = None, model: type[BaseModel] | None = None) -> str:
    """Return the errors of a validation in one line, each as `field: expectation, got value`.

    `data` is the parsed input. With it, the fields are those of the document: pydantic's locations also contain the
    tags of unions, which no document has. With the `model` that was validated, unknown fields are followed by the
    nearest known ones.
    """
    details = error.errors(include_url=False)
    locations = [each["loc"] for each in details]

    def is_consequence(each: ErrorDetails) -> bool:
        """Return whether an error only follows from another: "too short" beside the error of an entry."""
        location = each["loc"]
        return any(len(location) < len(other) and other[: len(location)] == location for other in locations)

    return "; ".join(_line(each, data, model) for each in details if not is_consequence(each))


def _line(error: ErrorDetails, data: Any, model: type[BaseModel] | None) -> str:
    message = message_of(error, model, data)
    parts = []
    for number, part in enumerate(error["loc"]):
        try:
            data = data[part]
        except (LookupError, TypeError):
            is_missing_field = error["type"] == "missing" and number == len(error["loc"]) - 1
            if data is not None and not is_missing_field:
                continue  # the tag of a union
        parts.append(str(part))
    if not parts:
        return message
    return f"{'.'.join(parts)}: {message.removeprefix(f'{parts[-1]}: ')}"
