"""The figures of the papers by name, and the tables whose runs, with weights, they need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..store import Store
from ..tables import Scale
from .modcog import _figures as modcog
from .moduli import _figures as moduli

FIGURES: dict[str, Callable[[Store, Scale, Path], list[Path]]] = {**moduli.FIGURES, **modcog.FIGURES}

NEEDS: dict[str, str] = {**moduli.NEEDS, **modcog.NEEDS}
