"""Claims of arXiv 1912.00120 about its tables on sequential MNIST, over their cells.

Where the text does not quantify a statement, the claim states our reading. A suffix 2/√N marks the same statement for
initial weights that have, at every number of units, the gain of the paper's 400.
"""

from __future__ import annotations

from ...tables import Claim, Contrast, Place, beats
from ._columns import STARTS
from ._networks import CELLS
from ._schemes import EQUAL_GAIN, LOSS_BASED, OURS, RANDOM, G, N, named

COLLAPSED = 80.0  # error in %: our reading of a collapse; 88.65 is that of a network that always answers 1

ABOUT = 1.0  # points of error: our reading of "competitive"

SPARSE = ("90 %", "95 %", "98 %")


def table1() -> tuple[Claim, ...]:
    """Return the claims of Table 1, and that of the introduction about sparse and dense networks."""
    claims = [
        Claim(
            start.named(f"ours beats random, {row}"),
            f"At 95 % sparsity the paper's score gives a smaller error than random pruning ({row}, {start.weights} "
            "weights).",
            "Table 1 and section 3.1",
            (beats((row, start.named("ours")), over=(row, start.named("random"))),),
        )
        for start in STARTS
        for row in CELLS
    ]
    claims += [
        Claim(
            start.named("sparse beats dense"),
            "At 95 % sparsity the network achieves better results than fully dense networks; read as: the GRU that is "
            f"pruned by the paper's score has a smaller error than the dense one, both with {start.weights} weights.",
            "section 1, last paragraph; Table 1 of the paper contradicts it",
            (beats(("GRU", start.named("ours")), over=("GRU", start.named("dense"))),),
        )
        for start in STARTS
    ]
    return tuple(claims)


def _growing(row: str, over: str, narrow: str, wide: str) -> Contrast:
    """Return the contrast that the lead of a row over another is larger in the column `wide`."""
    return Contrast(((row, wide, 1.0), (over, wide, -1.0), (row, narrow, -1.0), (over, narrow, 1.0)))


def _above(row: str, column: str, bound: float) -> Contrast:
    """Return the contrast that an error is above a bound."""
    return Contrast(((row, column, -1.0),), bound=-bound)


def table2(widths: tuple[int, ...]) -> tuple[Claim, ...]:
    """Return the claims of Table 2 over its rows; the columns are these numbers of units."""
    columns = [f"N = {hidden}" for hidden in widths]
    narrow, wide = columns[0], columns[-1]
    equal_gain = named("ours", EQUAL_GAIN, normalised=True), f"random, {EQUAL_GAIN}"

    def places(row: str) -> list[Place]:
        return [(row, column) for column in columns]

    def gamma_helps(scheme: str, start: str) -> tuple[Contrast, ...]:
        without, divided = (named(scheme, start, normalised=normalised) for normalised in (False, True))
        return tuple(beats(place, over=other) for place, other in zip(places(divided), places(without), strict=True))

    return (
        Claim(
            "the lead grows with width",
            "The largest gap between the paper's score and others comes at the largest size; read as: its lead over "
            "random pruning, normalised SNIP and normalised GraSP is larger there, in points of error, than at the "
            "smallest size.",
            "section 3.1 and Table 2",
            tuple(_growing(OURS, over, narrow, wide) for over in (RANDOM, *LOSS_BASED.values())),
        ),
        Claim(
            "the lead over random grows with width, 2/√N",
            "The largest gap between the paper's score and others comes at the largest size; read as: at equal initial "
            "gain its lead over random pruning is larger there, in points of error, than at the smallest size.",
            "section 3.1 and Table 2",
            (_growing(*equal_gain, narrow, wide),),
        ),
        Claim(
            "ours is best of the one-shot methods when wide",
            "At the largest size the paper's score has a smaller error than random pruning, normalised SNIP and "
            "normalised GraSP.",
            "section 3.1 and Table 2",
            tuple(beats((OURS, wide), over=(over, wide)) for over in (RANDOM, *LOSS_BASED.values())),
        ),
        Claim(
            "ours improves with width",
            "The network's performance improves with network size; read as: at the largest size the error of the "
            "paper's score is smaller than at the smallest.",
            "section 3.1 and Table 2",
            (beats((OURS, wide), over=(OURS, narrow)),),
        ),
        Claim(
            "SNIP and GraSP are competitive when narrow",
            "With good initialisation SNIP and GraSP are surprisingly effective at small sizes; read as: normalised, "
            f"at the smallest size, their errors are at most {ABOUT:g} point above that of random pruning.",
            "section 3.1; Table 2 of the paper contradicts it",
            tuple(Contrast(((row, narrow, 1.0), (RANDOM, narrow, -1.0)), margin=ABOUT) for row in LOSS_BASED.values()),
        ),
        Claim(
            "SNIP and GraSP fall behind when wide",
            "SNIP and GraSP fail when scaled to larger networks, where of the baselines only random pruning is "
            "competitive; read as: normalised, at the largest size, their errors are above that of random pruning.",
            "section 3.1; Table 2 of the paper contradicts it for SNIP",
            tuple(beats((RANDOM, wide), over=(row, wide)) for row in LOSS_BASED.values()),
        ),
        *(
            Claim(
                f"un-normalised SNIP and GraSP collapse, {start}",
                "Without normalisation all retained weights are in a single gate, which prohibits training; read as: "
                f"un-normalised, with {start} weights, the errors of SNIP and GraSP are above {COLLAPSED:g} % at every "
                "size.",
                "section 3.1 and Table 2",
                tuple(
                    _above(named(scheme, start, normalised=False), column, COLLAPSED)
                    for scheme in LOSS_BASED
                    for column in columns
                ),
            )
            for start in (N, G)
        ),
        Claim(
            "normalisation saves SNIP and GraSP",
            "Normalisation is crucial for recurrent networks; read as the paper compares: SNIP and GraSP with gamma "
            "and Glorot have a smaller error at every size than without both.",
            "section 3.1 and Table 2",
            tuple(
                beats((row, column), over=(named(scheme, N, normalised=False), column))
                for scheme, row in LOSS_BASED.items()
                for column in columns
            ),
        ),
        *(
            Claim(
                f"gamma alone saves SNIP and GraSP, {start}",
                f"Normalisation is crucial for recurrent networks; read as: with {start} weights, SNIP and GraSP with "
                "gamma have a smaller error at every size than without.",
                "section 3.1 and Table 2, which changes the initialisation too",
                tuple(each for scheme in LOSS_BASED for each in gamma_helps(scheme, start)),
            )
            for start in (N, G)
        ),
        *(
            Claim(
                f"L2 is a lower bound, {reading}",
                "Magnitude pruning during training, which costs more, has a smaller error at every size than the "
                f"paper's score; with the schedule {reading}{kept}.",
                "section 3.1 and Table 2",
                tuple(beats((f"L2, {reading}", column), over=(OURS, column)) for column in columns),
            )
            for reading, kept in (("as printed", ", which keeps twice as many weights (10 %)"), ("compressed", ""))
        ),
    )


def table3() -> tuple[Claim, ...]:
    """Return the claims of Table 3."""
    return tuple(
        Claim(
            start.named(f"ours beats random at {row}"),
            f"At {row} sparsity a GRU with {start.weights} weights has a smaller error if it is pruned by the paper's "
            "score than at random.",
            "section 3.1 and Table 3",
            (beats((row, start.named("ours")), over=(row, start.named("random"))),),
        )
        for start in STARTS
        for row in SPARSE
    )


TABLE_6 = (
    Claim(
        "ours beats random with Glorot",
        "With Glorot's initialisation the paper's score has a smaller error than random pruning.",
        "section 7.1 and Table 6",
        (beats(("Glorot", "ours"), over=("Glorot", "random")),),
    ),
    Claim(
        "random beats ours with a high variance",
        "With N(0, 1) weights the paper's score does significantly worse than random pruning.",
        "section 7.1 and Table 6",
        (beats(("N(0, 1)", "random"), over=("N(0, 1)", "ours")),),
    ),
    Claim(
        "random beats ours with a uniform distribution",
        "With weights from U(0, 0.1) the paper's score fails; read as: its error is above that of random pruning.",
        "section 7.1 and Table 6",
        (beats(("U(0, 0.1)", "random"), over=("U(0, 0.1)", "ours")),),
    ),
)
