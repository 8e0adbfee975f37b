"""The error of this package."""


class ModelError(ValueError):
    """A mistake of the user: a size, task, generator, input or state that a model cannot use."""
