"""The error class of this package."""


class TaskError(ValueError):
    """A mistake of the user: a bad argument, shape, file or state, or a task that is not installed."""


TaskError.__module__ = "srnn_tasks"  # the name that users import, in tracebacks too
