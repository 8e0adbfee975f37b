"""What the tables of arXiv 1912.00120 on sequential MNIST share: names of columns, plans, and how a table is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from srnn_models import AnyInitialization
from srnn_pruning import Pruning

from ...tables import Cell, Claim, Plan, Published, Scale, Table
from . import _networks
from ._networks import OURS, RANDOM, Net, pruned
from ._readings import Error
from ._sizes import SIZES

SOURCE = "arXiv 1912.00120, {}"

OWN = "Not in the paper"

MARGIN = 1.0  # points of the error: differences that matter after 1,000 steps

GAIN = "2/√N"

CHANCE = (
    "No run counts as failed: an error at chance, 88.65 % for a network that always answers 1, is one of the values "
    "that the claims speak of."
)


@dataclass(frozen=True)
class Start:
    """An initialisation of the recurrent layer: its name, how names of columns end with it, and its values by units."""

    weights: str
    suffix: str
    draw: Callable[[int], AnyInitialization]

    def named(self, what: str) -> str:
        """Return the name of a column or row with this initialisation."""
        return what + self.suffix


LITERAL = Start("N(0, 0.1)", "", lambda hidden: _networks.literal())

EQUAL_GAIN = Start(f"N(0, {GAIN})", f", {GAIN}", _networks.gain)

STARTS = (LITERAL, EQUAL_GAIN)

PRUNINGS: dict[str, Pruning | None] = {"random": pruned(RANDOM), "ours": pruned(OURS), "dense": None}


def cell(
    scale: Scale,
    row: str,
    column: str,
    net: Net,
    pruning: Pruning | None,
    published: Published | None = None,
) -> Cell:
    """Return a cell with the test error of a network, trained as Tables 1 to 3 are."""
    size = SIZES[scale]
    return Cell(row, column, net.trained(size.task, size.training, pruning), "trained", Error(), published)


def plan(scale: Scale, note: str, *, seeds: tuple[int, ...] = (), margin: float = MARGIN) -> Plan:
    """Return the plan of a table, with the seeds of the scale by default; a smoke run fixes no seeds."""
    fixed = () if scale == "smoke" else seeds or SIZES[scale].seeds
    return Plan(seeds=fixed, margin=margin, note=f"{note} {CHANCE}")


def errors(
    name: str,
    scale: Scale,
    *,
    title: str,
    source: str,
    cells: Sequence[Cell],
    claims: Sequence[Claim] = (),
    plan: Plan,
    metric: str = "Test error",
) -> Table:
    """Return a table of errors in %."""
    return Table(
        name=name,
        scale=scale,
        title=title,
        source=source,
        metric=metric,
        unit="%",
        better="lower",
        seeds=plan.seeds or SIZES[scale].seeds,
        cells=tuple(cells),
        claims=tuple(claims),
        plan=plan,
    )
