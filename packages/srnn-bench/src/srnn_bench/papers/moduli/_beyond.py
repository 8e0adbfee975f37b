"""Future work of arXiv 2406.06290: other weights and manifolds for the geometry, and masks drawn before training.

All tables are our own: the paper has no numbers. Every table has its controls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from srnn_manifolds import (
    L1,
    AnyManifold,
    AnyRegularizer,
    Cheapest,
    Circle,
    Diffusion,
    Group,
    Grouped,
    KleinBottle,
    Ricker,
    Shuffled,
    Sinusoid,
    Sphere,
    Torus,
)
from srnn_masks import UniformRandom
from srnn_models import GRU, LSTM, ElmanRNN, PathIntegrator

from ...experiment import Experiment, Masked, Stage
from ...tables import Cell, Scale, Table
from . import _navigation, _text
from ._benchmark import RECURRENT_ALONE, Benchmark, Variant

KEPT = 0.1  # density of masks drawn before training, and of pruned weights

EVERYWHERE = ("recurrence.weight_ih", "encoder.weight", "readout.weight")

BEYOND = "Not in the paper, which names it as future work"


def before(name: str, scale: Scale, variant: Variant) -> Table:
    """A mask of W_hh drawn from the manifold before one training, compared with pruning W_hh to the same density."""
    bench = _navigation.benchmark(scale, RECURRENT_ALONE)
    torus = variant.preset.moduli(Torus())
    cells = [
        cell
        for column, regularizer in {"pruned, torus": torus, "pruned, no reg.": None}.items()
        for cell in _sparse_and_lottery(bench, column, bench.pruned(regularizer, 1 - KEPT))
    ]
    patterns = {
        "drawn, torus": Cheapest(base=torus, density=KEPT),
        "drawn, sphere": Cheapest(base=variant.preset.moduli(Sphere()), density=KEPT),
        "drawn, random": UniformRandom(density=KEPT),
    }
    stage = Stage(name="dense", training=bench.training)
    for column, pattern in patterns.items():
        masked = (Masked(parameter=bench.parameter, pattern=pattern),)
        experiment = bench.experiment(None, stage).model_copy(update={"masks": masked})
        cells += [bench.cell(row, column, experiment, "dense") for row in ("90% sparse", "90% lottery")]
    return replace(bench, variant=variant).table(
        name,
        scale,
        title="Navigation error with 10 % of W_hh, pruned while it trains or drawn before (one training, in both rows)",
        source=BEYOND + " (section 5): training a priori sparse models",
        cells=cells,
    )


def groups(name: str, scale: Scale, variant: Variant) -> Table:
    """Groups of neurons, each on its own manifold."""
    torus, circle, sphere = (variant.preset.moduli(space) for space in (Torus(), Circle(), Sphere()))
    between = variant.preset.ring.peak  # the cost of a pair of neurons that are far apart
    columns: dict[str, AnyRegularizer | None] = {
        "torus": torus,
        "two tori": Grouped(groups=(Group(share=0.5, base=torus), Group(share=0.5, base=torus)), between=between),
        "torus and circle": Grouped(
            groups=(Group(share=0.5, base=torus), Group(share=0.5, base=circle)), between=between
        ),
        "torus and sphere": Grouped(
            groups=(Group(share=0.5, base=torus), Group(share=0.5, base=sphere)), between=between
        ),
    }
    return _columns(name, scale, variant, columns, "Navigation error at 90 % sparsity, groups of neurons")


def matrices(name: str, scale: Scale, variant: Variant) -> Table:
    """The regularizer on the input and readout matrices too."""
    bench, torus = _navigation.benchmark(scale, variant), variant.preset.moduli(Torus())
    cells = []
    regularizers: dict[str, AnyRegularizer] = {
        "torus": torus,
        "L1": L1(matched=torus),
        "shuffled": Shuffled(base=torus),
    }
    for column, regularizer in regularizers.items():
        others = tuple((each, regularizer) for each in EVERYWHERE)
        for where, penalized in {"W_hh": bench, "all matrices": replace(bench, others=others)}.items():
            cells += _sparse_and_lottery(penalized, f"{column}, {where}", penalized.pruned(regularizer, 1 - KEPT))
    return bench.table(
        name,
        scale,
        title="Navigation error at 90 % sparsity, penalties on W_hh or on all matrices, each with its own embedding",
        source=BEYOND,
        cells=cells,
    )


def gates(name: str, scale: Scale, variant: Variant) -> Table:
    """GRU and LSTM, with one embedding per gate."""
    torus = variant.preset.moduli(Torus())
    bench, hidden = _navigation.benchmark(scale, variant), _navigation.NAVIGATION[scale].hidden // 2
    columns: Mapping[str, AnyRegularizer | None] = {"torus": torus, "no reg.": None, "L1": L1(matched=torus)}
    cells = []
    for title, recurrence in {
        "GRU": GRU(hidden=hidden),
        "LSTM": LSTM(hidden=hidden),
        "Elman": ElmanRNN(hidden=hidden, nonlinearity="relu", bias=False),
    }.items():
        gated = replace(bench, model=PathIntegrator(recurrence=recurrence))
        for column, regularizer in columns.items():
            cells.append(gated.cell("Baseline", f"{title}, {column}", gated.dense(regularizer), "dense"))
            cells += _sparse_and_lottery(gated, f"{title}, {column}", gated.pruned(regularizer, 1 - KEPT))
    return bench.table(
        name,
        scale,
        title="Navigation error of gated cells with half the neurons, an embedding for each gate",
        source=BEYOND + " (section 5): different neural architectures",
        cells=cells,
    )


def inhibitors(name: str, scale: Scale, variant: Variant) -> Table:
    """All inhibitors on the torus, and f(d) = d, with which attractors are said to be unstable (section 2.2)."""
    torus = variant.preset.moduli
    columns: dict[str, AnyRegularizer | None] = {
        "DoG": torus(Torus()),
        "f(d) = d": torus(Torus(), Diffusion(power=1)),
        "f(d) = d^2": torus(Torus(), Diffusion()),
        "Sinusoid": torus(Torus(), Sinusoid()),
        "Ricker": torus(Torus(), Ricker()),
    }
    return _columns(name, scale, variant, columns, "Navigation error at 90 % sparsity, by inhibitor on the torus")


def layers(name: str, scale: Scale, variant: Variant) -> Table:
    """One manifold per layer of the text network."""
    bench = _text.benchmark(scale, variant)
    chosen_by_column: dict[str, tuple[AnyManifold, ...]] = {
        "torus thrice": (Torus(), Torus(), Torus()),
        "torus, circle, Klein": (Torus(), Circle(), KleinBottle()),
    }
    cells = []
    for column, chosen in chosen_by_column.items():
        own = tuple(
            (f"*layers.{number}.weight_hh", variant.preset.moduli(space)) for number, space in enumerate(chosen)
        )
        cells += _sparse_and_lottery(bench, column, replace(bench, others=own).pruned(None, 1 - KEPT))
    return bench.table(
        name,
        scale,
        title="Accuracy of the next word at 90 % sparsity, a manifold for each layer",
        source=BEYOND + " (section 2.2)",
        cells=cells,
    )


def _columns(
    name: str, scale: Scale, variant: Variant, columns: Mapping[str, AnyRegularizer | None], title: str
) -> Table:
    bench = _navigation.benchmark(scale, variant)
    cells = [
        cell
        for column, regularizer in columns.items()
        for cell in _sparse_and_lottery(bench, column, bench.pruned(regularizer, 1 - KEPT))
    ]
    return bench.table(name, scale, title=title, source=BEYOND + " (section 5)", cells=cells)


def _sparse_and_lottery(bench: Benchmark, column: str, experiment: Experiment) -> list[Cell]:
    return [
        bench.cell("90% sparse", column, experiment, "sparse"),
        bench.cell("90% lottery", column, experiment, "lottery"),
    ]
