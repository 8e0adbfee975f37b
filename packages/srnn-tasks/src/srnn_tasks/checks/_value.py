"""Checks of the task as a value: its kind, its hash, and its JSON form."""

from pydantic import TypeAdapter

from ..contract import Task
from ..registry import AnyTask, kinds
from ._tools import require


def check_value(task: Task) -> None:
    """Require a hashable value with a fixed `kind` that goes to JSON and back and accepts no unknown field."""
    require(isinstance(task, Task), f"task: expected an instance of a subclass of srnn_tasks.Task; got {task!r}")
    default = type(task).model_fields["kind"].default
    require(
        default == task.kind,
        f"kind: expected a Literal with itself as default; got the default {default!r} and the kind {task.kind!r}",
    )
    try:
        hash(task)
    except TypeError as error:
        raise AssertionError(f"task: is not hashable: {error}; use tuples, and frozen values") from error
    text = task.model_dump_json()
    again = type(task).model_validate_json(text)
    require(again == task, f"JSON: the task changed in a round trip: {task!r} became {again!r}")
    try:
        type(task).model_validate({**task.model_dump(), "no_such_field": 1})
    except ValueError:
        pass
    else:
        raise AssertionError("task: accepts an unknown field; keep extra='forbid'")
    try:
        type(task).model_validate({**task.model_dump(), "kind": task.kind + "_"})
    except ValueError:
        pass
    else:
        raise AssertionError("kind: accepts any text; expected a Literal with itself as default")
    if task.kind in kinds():
        _check_found_by_kind(task)


def _check_found_by_kind(task: Task) -> None:
    """Require that the installed task of this kind reads the JSON form as the same task."""
    adapter: TypeAdapter[Task] = TypeAdapter(AnyTask)
    try:
        again = adapter.validate_json(adapter.dump_json(task))
    except ValueError as error:
        raise AssertionError(f"JSON: the task cannot be read back by its kind: {error}") from error
    require(again == task, f"JSON: expected {task!r} when read back by its kind; got {again!r}")
