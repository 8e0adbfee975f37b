"""TODO cli."""

from ._app import main as main
from ._app import parse_seeds as parse_seeds
from ._app import read_experiment as read_experiment

__all__ = [
    "main",
    "parse_seeds",
    "read_experiment",
]
