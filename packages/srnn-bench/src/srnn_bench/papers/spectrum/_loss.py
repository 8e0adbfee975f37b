"""Training loss: Figure 4 of arXiv 1912.00120 as numbers, on the runs of Table 2."""

from __future__ import annotations

from ...tables import Cell, Claim, Scale, Table, beats, matches
from . import _schemes
from ._columns import SOURCE, plan
from ._networks import Net
from ._readings import LastLoss
from ._schemes import LOSS_BASED, OURS, RANDOM, N
from ._sizes import SIZES

ALIKE = 0.1  # nats: our reading of "on par"

SNIP, GRASP = LOSS_BASED.values()

ROWS = (GRASP, SNIP, RANDOM, OURS, "L2, as printed", "L2, compressed", f"dense, {N}")


def figure4(name: str, scale: Scale) -> Table:
    """Figure 4: training loss at the end; `srnn figure spectrum/figure4` draws it over training."""
    size = SIZES[scale]
    column = "training loss"
    schemes = _schemes.schemes(size.hidden)
    cells = [
        Cell(
            row,
            column,
            Net("GRU", size.hidden, schemes[row].initialization).trained(
                size.task, size.training, schemes[row].pruning
            ),
            "trained",
            LastLoss(),
        )
        for row in ROWS
    ]
    claims = (
        Claim(
            "GraSP is worst",
            "GraSP has the highest training loss; read as: higher than those of SNIP, random pruning and the paper's "
            "score.",
            "caption of Figure 4",
            tuple(beats((row, column), over=(GRASP, column)) for row in (SNIP, RANDOM, OURS)),
        ),
        Claim(
            "SNIP follows",
            "After GraSP, SNIP has the highest training loss; read as: higher than those of random pruning and the "
            "paper's score.",
            "caption of Figure 4",
            tuple(beats((row, column), over=(SNIP, column)) for row in (RANDOM, OURS)),
        ),
        Claim(
            "random is on par with ours",
            "Random pruning is on par with the paper's score; read as: their training losses differ by less than "
            f"{ALIKE:g} nats.",
            "caption of Figure 4",
            matches((RANDOM, column), (OURS, column), margin=ALIKE),
        ),
        Claim(
            "L2 is a lower bound of the loss",
            "Magnitude pruning during training is shown as a lower bound; read as: in both readings its training loss "
            "is lower than that of the paper's score.",
            "caption of Figure 4",
            tuple(beats((row, column), over=(OURS, column)) for row in ROWS if row.startswith("L2")),
        ),
    )
    note = (
        "The paper shows one run without numbers. Scale quick is meant to decide all claims. The margin of 0.1 nats is "
        "our choice."
    )
    chosen = plan(scale, note, margin=ALIKE)
    return Table(
        name=name,
        scale=scale,
        title="Training loss of a GRU on sequential MNIST, 95 % sparse, mean over the last epoch",
        source=SOURCE.format("Figure 4, which shows its logarithm over training for one run at 400 units"),
        metric="Training loss",
        unit="nats",
        better="lower",
        seeds=chosen.seeds or size.seeds,
        cells=tuple(cells),
        claims=claims,
        plan=chosen,
    )
