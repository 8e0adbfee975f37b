"""The error of this package."""


class MaskError(ValueError):
    """A pattern, mask, sign or file that the caller gave does not fit."""
