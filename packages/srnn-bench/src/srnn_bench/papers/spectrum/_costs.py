"""Table 7 of arXiv 1912.00120: what one pruning costs, measured beside the training step of the same run.

Each run prunes twice, and the second time is shown: the first call of `torch.func` in a process takes up to a second.
"""

from __future__ import annotations

from collections.abc import Mapping

from srnn_pruning import SNIP, AnyCriterion, GraSP, JacobianSpectrum

from ...experiment import Experiment, Stage
from ...tables import Cell, Claim, FilledCell, Place, Plan, Published, Scale, Table, beats
from . import _published
from ._columns import LITERAL, SOURCE
from ._networks import Net, pruned
from ._readings import PruningSeconds, PruningSteps
from ._sizes import SIZES

STEPS, SECONDS = "training steps", "seconds"

ONE = "ours, one transition"  # the paper times "one batch and one time instance"

SCORES: dict[str, AnyCriterion] = {
    "SNIP": SNIP(),
    "GraSP": GraSP(),
    ONE: JacobianSpectrum(last=1),
    "ours": JacobianSpectrum(),
    "ours, rms": JacobianSpectrum(normalization="rms"),
    "ours, explicit": JacobianSpectrum(derivative="explicit"),
    "ours, none": JacobianSpectrum(normalization="none"),
}

CLAIMS = tuple(
    claim
    for row, reading in ((ONE, "of one transition"), ("ours", "of the last four transitions, as in the other tables"))
    for claim in (
        Claim(
            f"{row} is faster than GraSP",
            f"The paper's score, {reading}, takes less time than GraSP, as the Hessian is larger than the Jacobian.",
            "section 7.2 and Table 7",
            (beats((row, STEPS), over=("GraSP", STEPS)),),
        ),
        Claim(
            f"{row} is slower than SNIP",
            f"The paper's score, {reading}, takes more time than SNIP.",
            "section 7.2 and Table 7",
            (beats(("SNIP", STEPS), over=(row, STEPS)),),
        ),
    )
)


def table7(name: str, scale: Scale) -> Table:
    """Table 7: time of one pruning of a GRU."""
    size = SIZES[scale]
    net = Net("GRU", size.full_hidden, LITERAL.draw(size.full_hidden))
    cells = []
    for row, criterion in SCORES.items():
        stages = (
            Stage(name="first", training=size.cost_training, pruning=pruned(criterion, 0.5)),
            Stage(name="timed", training=size.cost_training, pruning=pruned(criterion)),
        )
        experiment = Experiment(task=size.task, model=net.model, stages=stages)
        printed = _published.TABLE_7.get(row)
        cells += [
            Cell(row, STEPS, experiment, "timed", PruningSteps()),
            Cell(row, SECONDS, experiment, "timed", PruningSeconds(), None if printed is None else Published(printed)),
        ]
    note = (
        "Times are compared as multiples of a training step of the same run, of forward, backward and optimizer. Half "
        "a training step is our choice of a difference that matters. The score of one transition, and the pruning "
        "before the timed one, were added after a first series of these runs, which timed the start-up of torch too."
    )
    seeds = () if scale == "smoke" else size.fewer_seeds
    return Table(
        name=name,
        scale=scale,
        title=f"Time of one pruning of a GRU of {size.full_hidden} units on sequential MNIST",
        source=SOURCE.format(
            "Table 7, in seconds on a GPU of the time, with one batch and one time step; it is not said of which "
            "network"
        ),
        metric="Time of one pruning",
        unit="training steps, or seconds",
        better="lower",
        seeds=seeds or size.seeds,
        cells=tuple(cells),
        claims=CLAIMS,
        plan=Plan(seeds=seeds, margin=0.5, note=note),
        remarks=_order,
    )


def _order(cells: Mapping[Place, FilledCell]) -> list[str]:
    """Return what the printed times are as multiples of that of SNIP."""
    printed = _published.TABLE_7
    ratios = ", ".join(f"{row} {seconds / printed['SNIP']:.2f}" for row, seconds in printed.items())
    return [
        f"The paper's times, as multiples of that of SNIP: {ratios}.",
        "Seconds depend on the machine and on what else it computes: the claims compare multiples of a training step.",
        "Stacked runs share one time: claims need runs that are not stacked, the default for 400 units on a CPU.",
    ]
