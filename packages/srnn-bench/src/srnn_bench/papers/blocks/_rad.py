"""Random Anomaly Detection: Figures 1, 2 and 6 of arXiv 2509.15057 as numbers, on networks of 100,000 weights."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from srnn_masks import Blocks, balance

from ...tables import Cell, Claim, Contrast, Plan, Scale, StepsTo, Table, beats, matches
from ._columns import ACCURACY, BEST, LAST, SOURCE, above, rows_of
from ._networks import EQUATIONS, Net, block_net, equation, lstms
from ._sizes import INPUTS, OUTPUTS, SIZES

FAR = 10.0  # points of the accuracy: our reading of "far below"

THRESHOLD = 0.4  # of right answers: how soon a network learns is compared there; the paper shows curves

SPEED = f"steps to {THRESHOLD:g}"

ORDER: tuple[str | float, ...] = ("eq. 7", "dense", "20 %", 0.1, "eq. 8", 0.35, "eq. 13", 0.7, 0.9)  # of Figure 6

BASELINES = ("dense", "20 %", "LSTM, projected")


def nets(scale: Scale) -> dict[str, Net]:
    """Return the paper's configurations by name."""
    sizes = INPUTS, OUTPUTS, SIZES[scale].budget
    return {name: block_net(equation(name, *sizes)) for name in EQUATIONS} | lstms(*sizes)


def by_proportion(scale: Scale) -> dict[str, Blocks]:
    """Return the sizes of the networks of Figure 6 by name, in the order of their hidden proportion in the paper."""
    sizes = INPUTS, OUTPUTS, SIZES[scale].budget
    ordered: dict[str, Blocks] = {}
    for each in ORDER:
        if isinstance(each, str):
            ordered[each] = equation(each, *sizes)
        else:
            ordered[f"proportion {each:g}"] = balance(*sizes, proportion=each)
    return ordered


def accuracies(shown: Mapping[str, Net], scale: Scale) -> list[Cell]:
    """Return the accuracies of networks that are trained on the series of the scale."""
    size = SIZES[scale]
    return ACCURACY.rows(shown, size.task, size.training, steps=size.steps)


def figure1(name: str, scale: Scale) -> Table:
    """Figure 1: the balanced network and one of varied densities beside dense, uniformly sparse and LSTM."""
    size, rows = SIZES[scale], nets(scale)
    shown = {row: rows[row] for row in ("eq. 13", "eq. 8", *BASELINES, "LSTM")}
    claims = (
        Claim(
            "balanced beats the baselines",
            "The balanced network (eq. 13) outperforms the dense, the uniformly sparse and the LSTM network.",
            "Figure 1 and section V",
            above("eq. 13", *BASELINES),
        ),
        Claim(
            "eq. 8 beats the baselines",
            "The network of varied densities (eq. 8) outperforms the dense, the uniformly sparse and the LSTM network.",
            "Figure 1 and section V",
            above("eq. 8", *BASELINES),
        ),
        Claim(
            "balanced declines late",
            "The balanced network over-fits at the end of the training; read as: its accuracy after the last epoch is "
            f"more than {ACCURACY.margin:g} points below that of its best.",
            "Figure 1",
            (Contrast((("eq. 13", BEST, 1.0), ("eq. 13", LAST, -1.0)), bound=ACCURACY.margin),),
        ),
        Claim(
            "balanced and eq. 8 are alike",
            f"The two networks of varied densities are close late; read as: their best accuracies differ by less than "
            f"{ACCURACY.margin:g} points.",
            "Figure 1",
            matches(("eq. 13", BEST), ("eq. 8", BEST), margin=ACCURACY.margin),
        ),
    )
    note = "The paper shows curves of one run per network."
    return ACCURACY.table(
        name,
        scale,
        title=f"Right answers on Random Anomaly Detection, {size.budget:,} weights",
        source=SOURCE.format("Figure 1: 30,000 series, 25 epochs, batches of 16, learning rate 1e-4 in the code"),
        cells=accuracies(shown, scale),
        claims=claims,
        note=note,
        seeds=size.seeds,
        family="blocks/Figure 1",
    )


def figure1_speed(name: str, scale: Scale) -> Table:
    """Figure 1: training steps until a share of the answers is right."""
    size, rows = SIZES[scale], nets(scale)
    shown = {row: rows[row] for row in ("eq. 13", "eq. 8")}
    claims = (
        Claim(
            "balanced learns sooner",
            f"The balanced network (eq. 13) learns sooner than eq. 8; read as: it reaches {100 * THRESHOLD:g} % of "
            "right answers in fewer steps.",
            "Figure 1",
            (beats(("eq. 13", SPEED), over=("eq. 8", SPEED)),),
        ),
    )
    note = f"A run that never reaches {100 * THRESHOLD:g} % counts with all its steps. The threshold is our choice."
    return Table(
        name=name,
        scale=scale,
        title=f"Training until {100 * THRESHOLD:g} % of the answers are right",
        source=SOURCE.format("Figure 1, which shows curves"),
        metric="Training",
        unit="steps",
        better="lower",
        seeds=size.seeds,
        cells=tuple(rows_of(shown, size.task, size.training, {SPEED: StepsTo("accuracy", THRESHOLD)})),
        claims=claims,
        family="blocks/Figure 1",
        plan=Plan(seeds=() if scale == "smoke" else size.seeds, note=note),
    )


def figure2(name: str, scale: Scale) -> Table:
    """Figure 2: two opposite mixtures of densities beside dense, uniformly sparse and LSTM."""
    size, rows = SIZES[scale], nets(scale)
    shown = {row: rows[row] for row in ("eq. 7", "eq. 8", *BASELINES, "LSTM")}
    claims = (
        Claim(
            "eq. 8 is best",
            "The mixture with dense recurrent blocks (eq. 8) outperforms that with sparse ones (eq. 7) and the dense, "
            "the uniformly sparse and the LSTM network.",
            "Figure 2 and section V",
            above("eq. 8", "eq. 7", *BASELINES),
        ),
        Claim(
            "eq. 7 stays far below",
            "Eq. 7 stays far below the dense and the uniformly sparse network; read as: its best accuracy is more than "
            f"{FAR:g} points lower.",
            "Figure 2",
            tuple(Contrast(((row, BEST, 1.0), ("eq. 7", BEST, -1.0)), bound=FAR) for row in ("dense", "20 %")),
        ),
    )
    note = "The paper shows curves of one run per network."
    return ACCURACY.table(
        name,
        scale,
        title=f"Right answers on Random Anomaly Detection, two mixtures of densities, {size.budget:,} weights",
        source=SOURCE.format("Figure 2"),
        cells=accuracies(shown, scale),
        claims=claims,
        note=note,
        seeds=size.seeds,
        family="blocks/Figure 2",
    )


def figure6(name: str, scale: Scale) -> Table:
    """Figure 6: nine networks of equal weights, in the order of their hidden proportion at 100,000 weights."""
    size, ordered = SIZES[scale], by_proportion(scale)
    shown = {row: block_net(each) for row, each in ordered.items()}
    order = list(shown)
    claims = (
        Claim(
            "20 % beats eq. 7, eq. 8 beats 20 %",
            "Networks with a hidden proportion of 20 to 24 % are best, those of 2 to 8 % in the middle, and those of 0 "
            "% worst; read as: eq. 8 (22 %) is above 20 % (7 %), and that above eq. 7 (0.2 %).",
            "Figure 6",
            above("eq. 8", "20 %") + above("20 %", "eq. 7"),
        ),
        Claim(
            "accuracy orders by hidden proportion",
            "The accuracy rises with the hidden proportion; read as: from each network to the next.",
            "ours, on Figure 6, which has proportions up to 24 %",
            tuple(beats((right, BEST), over=(left, BEST)) for left, right in pairwise(order)),
        ),
    )
    note = "With 80 % power three seeds find differences of 4.6 spreads: meant for the ends, not for neighbours."
    return ACCURACY.table(
        name,
        scale,
        title=f"Right answers on Random Anomaly Detection by hidden proportion, {size.budget:,} weights",
        source=SOURCE.format(
            "Figure 6, whose curves are coloured by hidden proportion; proportions here: "
            + ", ".join(f"{row} {100 * each.hidden_proportion:.3g} %" for row, each in ordered.items())
        ),
        cells=accuracies(shown, scale),
        claims=claims,
        note=note,
        seeds=size.fewer_seeds,
    )
