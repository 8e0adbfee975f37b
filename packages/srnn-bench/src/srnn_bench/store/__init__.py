"""TODO store."""

from ._database import connected as connected
from ._export import ENVIRONMENT as ENVIRONMENT
from ._export import HISTORY as HISTORY
from ._export import MEASURED as MEASURED
from ._export import RUN as RUN
from ._export import export as export
from ._session import LEASE as LEASE
from ._session import Session as Session
from ._store import PARTS as PARTS
from ._store import Store as Store
from ._weights import USUAL as USUAL
from ._weights import weights as weights

__all__ = [
    "ENVIRONMENT",
    "HISTORY",
    "LEASE",
    "MEASURED",
    "PARTS",
    "RUN",
    "USUAL",
    "Session",
    "Store",
    "connected",
    "export",
    "weights",
]
