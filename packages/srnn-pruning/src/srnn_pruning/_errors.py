"""The error of this package."""


class PruningError(ValueError):
    """An argument, scope or module that the caller gave does not fit."""


class PruningWarning(UserWarning):
    """The masks leave a recurrence that cannot do its work, e.g. one without any weight on its inputs."""
