"""The error class for mistakes of the user, and pydantic's errors in one line."""

from __future__ import annotations

import reprlib
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails


class BenchError(ValueError):
    """Invalid input from the user: a name, a file, a field or an option.

    The command line prints it as one line; any other exception keeps its traceback.
    """


def validation_message(error: ValidationError, data: Any = None) -> str:
    """Return the errors of a validation in one line, each as `field: expectation, got value`.

    `data` is the parsed input. With it, the fields are those of the document: pydantic's locations also contain the
    tags of unions, which no document has.
    """
    details = error.errors(include_url=False, include_context=False)
    locations = [each["loc"] for each in details]

    def is_consequence(location: tuple[int | str, ...]) -> bool:  # "too short" beside the error of an entry
        return any(len(location) < len(other) and other[: len(location)] == location for other in locations)

    return "; ".join(_line(each, data) for each in details if not is_consequence(each["loc"]))


def _line(error: ErrorDetails, data: Any) -> str:
    parts = []
    for number, part in enumerate(error["loc"]):
        try:
            data = data[part]
        except (LookupError, TypeError):
            is_missing_field = error["type"] == "missing" and number == len(error["loc"]) - 1
            if data is not None and not is_missing_field:
                continue  # the tag of a union
        parts.append(str(part))
    message = error["msg"].removeprefix("Value error, ").replace("\n", " ")
    if error["type"] == "extra_forbidden":
        message = "unknown field"
    if not parts:
        return message
    message = f"{'.'.join(parts)}: {message.removeprefix(f'{parts[-1]}: ')}"
    if error["type"] in ("missing", "value_error") or isinstance(error["input"], dict):
        return message
    return f"{message}, got {reprlib.repr(error['input'])}"
