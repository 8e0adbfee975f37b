"""The error and the warning of this package."""


class PruningError(ValueError):
    """An argument, scope or module that the caller gave does not fit."""


class PruningWarning(UserWarning):
    """Something is unlikely to be what was meant, e.g. masks that leave a recurrence no weight on its inputs."""
