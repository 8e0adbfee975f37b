"""The error of this package."""


class ManifoldError(ValueError):
    """A size, tensor, generator or option that the caller gave does not fit."""
