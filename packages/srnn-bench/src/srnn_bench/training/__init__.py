"""Training: an experiment and a seed become a result, in this process.

`assemble` builds the parts of a run, an engine (`Single`, `Stacked` or `Graphed`) takes its steps, and `Trainer` is the
loop over stages, epochs and steps around them. Nothing here depends on tables or on results on disk, apart from the
checkpoints of runs in progress.
"""

from ._checkpoint import CheckpointPolicy as CheckpointPolicy
from ._checkpoint import Checkpoints as Checkpoints
from ._device import applied as applied
from ._device import describe as describe
from ._device import peak_memory_mb as peak_memory_mb
from ._device import reset_peak_memory as reset_peak_memory
from ._device import resolve_device as resolve_device
from ._engine import Batches as Batches
from ._engine import Engine as Engine
from ._evidence import evidence_of as evidence_of
from ._graphed import REHEARSALS as REHEARSALS
from ._graphed import CudaRecorder as CudaRecorder
from ._graphed import Graphed as Graphed
from ._matrices import matrices_of as matrices_of
from ._measure import ZERO as ZERO
from ._measure import weights_present as weights_present
from ._member import Member as Member
from ._packed import DTYPES as DTYPES
from ._packed import pack as pack
from ._packed import unpack as unpack
from ._parts import Parts as Parts
from ._parts import assemble as assemble
from ._penalties import Penalties as Penalties
from ._plans import Plan as Plan
from ._recurrence_engine import RecurrenceEngine as RecurrenceEngine
from ._run import engine_of as engine_of
from ._run import explain as explain
from ._run import run as run
from ._run import run_together as run_together
from ._single import Single as Single
from ._stacked import Stacked as Stacked
from ._streams import stream as stream
from ._trainer import Trainer as Trainer

__all__ = [
    "DTYPES",
    "REHEARSALS",
    "ZERO",
    "Batches",
    "CheckpointPolicy",
    "Checkpoints",
    "CudaRecorder",
    "Engine",
    "Graphed",
    "Member",
    "Parts",
    "Penalties",
    "Plan",
    "RecurrenceEngine",
    "Single",
    "Stacked",
    "Trainer",
    "applied",
    "assemble",
    "describe",
    "engine_of",
    "evidence_of",
    "explain",
    "matrices_of",
    "pack",
    "peak_memory_mb",
    "reset_peak_memory",
    "resolve_device",
    "run",
    "run_together",
    "stream",
    "unpack",
    "weights_present",
]
