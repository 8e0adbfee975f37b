"""Which weights stay: Figure 1 of arXiv 1912.00120 as numbers, on the runs of Table 2.

The masks are those of the trained networks; `srnn figure spectrum/figure1` makes them at 400 units, without training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...tables import Cell, Claim, Contrast, FilledCell, Place, Reading, Scale, Table, beats
from . import _schemes
from ._columns import SOURCE, plan
from ._networks import Net
from ._readings import GateShare, InputRatio
from ._schemes import LOSS_BASED, OURS, G, N, named
from ._sizes import SIZES

FAMILY = "spectrum/Figure 1"

SEVERE = 50.0  # % of the weights in one gate of three: our reading of "severe imbalance" of gates

SINGLE = 90.0  # %: our reading of "concentrated in a single gate"

HIGHER = 2.0  # times the ratio of the dense network: our reading of "a much higher ratio"

LARGEST = "largest gate"


def _cells(scale: Scale, readings: Mapping[str, Reading]) -> list[Cell]:
    """Return one row per way of pruning of Table 2 that prunes before training, and one column per reading."""
    size = SIZES[scale]
    return [
        Cell(
            row,
            column,
            Net("GRU", size.hidden, scheme.initialization).trained(size.task, size.training, scheme.pruning),
            "trained",
            reading,
        )
        for row, scheme in _schemes.schemes(size.hidden).items()
        if scheme.pruning is not None and not row.startswith("L2")
        for column, reading in readings.items()
    ]


def figure1(name: str, scale: Scale) -> Table:
    """Figure 1: share of the kept weights that each gate of a GRU has."""
    readings = {f"gate {gate}": GateShare(number) for number, gate in enumerate("rzn")} | {LARGEST: GateShare()}
    claims = (
        Claim(
            "the imbalance of ours is far milder",
            "SNIP and GraSP exhibit severe imbalance between gates, the paper's score a far milder one; read as: its "
            "largest gate has a smaller share of the kept weights than those of normalised SNIP and GraSP.",
            "section 3.3 and caption of Figure 1",
            tuple(beats((OURS, LARGEST), over=(row, LARGEST)) for row in LOSS_BASED.values()),
        ),
        Claim(
            "SNIP and GraSP are severely imbalanced",
            "SNIP and GraSP exhibit severe imbalance between gates; read as: normalised, their largest gate has more "
            f"than {SEVERE:g} % of the kept weights.",
            "section 3.3 and caption of Figure 1",
            tuple(Contrast(((row, LARGEST, -1.0),), bound=-SEVERE) for row in LOSS_BASED.values()),
        ),
        Claim(
            "ours is balanced",
            "The paper's score distributes connections across the entire weight matrix; read as: its largest gate has "
            f"less than {SEVERE:g} % of the kept weights.",
            "section 3.3",
            (Contrast(((OURS, LARGEST, 1.0),), bound=SEVERE),),
        ),
        Claim(
            "un-normalised, a single gate has all weights",
            "Un-normalised, all retained weights are in a single gate; read as: the largest gate of SNIP and of GraSP "
            f"has more than {SINGLE:g} % of them, with both initialisations.",
            "section 3.1",
            tuple(
                Contrast(((named(scheme, start, normalised=False), LARGEST, -1.0),), bound=-SINGLE)
                for scheme in ("SNIP", "GraSP")
                for start in (N, G)
            ),
        ),
    )
    return _table(
        name,
        scale,
        title="Share of the kept weights by gate of a GRU, 95 % sparse",
        source="Figure 1 and section 3.3; a third in each gate is balanced, and neither less nor more is better in "
        "itself",
        metric="Kept weights",
        unit="%",
        cells=_cells(scale, readings),
        claims=claims,
        margin=5.0,
    )


def figure1_inputs(name: str, scale: Scale) -> Table:
    """Figure 1: input weights kept for each recurrent weight kept."""
    column = "input / recurrent"
    dense = 28 / SIZES[scale].hidden
    claims = (
        Claim(
            "SNIP and GraSP prune recurrent weights more",
            "SNIP and GraSP consistently prune recurrent connections at a much higher ratio than input connections; "
            f"read as: normalised, they keep more than {HIGHER:g} times as many input weights for each recurrent "
            "weight as the dense network has.",
            "section 3.3 and caption of Figure 1",
            tuple(Contrast(((row, column, -1.0),), bound=-HIGHER * dense) for row in LOSS_BASED.values()),
        ),
        Claim(
            "ours keeps input and recurrent weights alike",
            "The paper's score distributes connections across the entire weight matrix; read as: for each recurrent "
            f"weight it keeps between 1/{HIGHER:g} and {HIGHER:g} times as many input weights as the dense network "
            "has.",
            "section 3.3 and caption of Figure 1",
            (
                Contrast(((OURS, column, -1.0),), bound=-dense / HIGHER),
                Contrast(((OURS, column, 1.0),), bound=dense * HIGHER),
            ),
        ),
    )
    table = _table(
        name,
        scale,
        title="Input weights kept for each recurrent weight kept of a GRU, 95 % sparse",
        source=f"Figure 1 and section 2.4; the dense network has {dense:.2f}, and 0.07 at 400 units, and neither less "
        "nor more is better in itself",
        metric="Ratio",
        unit="input weights per recurrent weight",
        cells=_cells(scale, {column: InputRatio()}),
        claims=claims,
        margin=round(dense / 4, 3),
    )
    return replace(table, remarks=_blind)


def _blind(cells: Mapping[Place, FilledCell]) -> list[str]:
    """Return which ways of pruning leave the network without any input weight."""
    blind = {row: sum(not value for value in cell.values.values()) for (row, _), cell in cells.items()}
    return [
        f"{row}: {count} of {cells[row, 'input / recurrent'].n} runs keep no input weight"
        for row, count in blind.items()
        if count
    ]


def _table(
    name: str,
    scale: Scale,
    *,
    title: str,
    source: str,
    metric: str,
    unit: str,
    cells: list[Cell],
    claims: tuple[Claim, ...],
    margin: float,
) -> Table:
    note = "Masks vary little from seed to seed: scale quick is meant to decide all claims."
    chosen = plan(scale, note, margin=margin)
    return Table(
        name=name,
        scale=scale,
        title=title,
        source=SOURCE.format(source),
        metric=metric,
        unit=unit,
        better="lower",
        seeds=chosen.seeds or SIZES[scale].seeds,
        cells=tuple(cells),
        claims=claims,
        family=FAMILY,
        plan=chosen,
    )
