"""The error of this package."""


class PruningError(ValueError):
    """An argument, scope or module that the caller gave does not fit."""
