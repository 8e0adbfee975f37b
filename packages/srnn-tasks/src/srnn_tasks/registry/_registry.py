"""Tasks by their kind: entry points of the group `srnn.tasks`, or `module:Class`, loaded when asked for."""

import inspect
from dataclasses import dataclass

from ..contract import Task, TaskError
from ._extensions import Extensions
from ._other_names import other_name


@dataclass(frozen=True, kw_only=True)
class TaskEntry:
    """One entry point of the group `srnn.tasks`.

    kind: name of the entry point. distribution: name and version of the distribution that declares it.
    target: `module:Class`. error: why the task cannot be used, in one line, or None if it can.
    """

    kind: str
    distribution: str
    target: str
    error: str | None = None


def kinds() -> tuple[str, ...]:
    """Return the kinds of all installed tasks, sorted. Nothing is imported, so some may turn out to be broken.

    >>> "adding" in kinds()
    True
    """
    return TASKS.names()


def find(kind: str) -> type[Task]:
    """Return the task class of a kind.

    Raises a TaskError if no installed task has the kind, if several have it, or if the task is broken.

    >>> find("adding").__name__
    'Adding'
    >>> find("ading")
    Traceback (most recent call last):
        ...
    srnn_tasks.TaskError: kind: no task 'ading' is installed. Did you mean 'adding'?
    """
    if kind not in TASKS.names() and (hint := other_name(kind, TASKS.names())):
        raise TaskError(f"kind: no task {kind!r} is installed. {hint}")
    return TASKS.load(kind)


def entries() -> tuple[TaskEntry, ...]:
    """Return all entry points, sorted by kind. Each is loaded, and a broken one is listed with its error."""
    return tuple(
        TaskEntry(kind=entry.name, distribution=entry.distribution, target=entry.target, error=entry.error)
        for entry in TASKS.entries()
    )


def _check(kind: str, loaded: object) -> type[Task]:
    """Return the loaded object if it is a concrete task class whose `kind` is the name of the entry point."""
    if not (isinstance(loaded, type) and issubclass(loaded, Task)):
        raise TypeError(f"expected a subclass of srnn_tasks.Task; got {loaded!r}")
    if inspect.isabstract(loaded):
        raise TypeError(f"{loaded.__name__} does not define {', '.join(sorted(loaded.__abstractmethods__))}")
    default = loaded.model_fields["kind"].default
    if default != kind:
        raise TypeError(
            f"{loaded.__name__}.kind: expected the default {kind!r}, as declared; got {default!r}. "
            f'Write kind: Literal["{kind}"] = "{kind}"'
        )
    return loaded


TASKS: Extensions[type[Task]] = Extensions("srnn.tasks", noun="task", field="kind", check=_check, error=TaskError)
