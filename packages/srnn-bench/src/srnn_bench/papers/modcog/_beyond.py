"""Beyond arXiv 2207.03523: effects of its choices, composition of rules, Dale's law. The paper has no numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from srnn_masks import Dale
from srnn_pruning import Linear, Pruning
from srnn_tasks import Cognitive
from srnn_tasks.cognitive import BATTERIES, Legacy

from ...experiment import Stage
from ...tables import Cell, Reading, Scale, Table
from ._columns import PERFORMANCE, performance, rows_of
from ._networks import RECURRENT, Net, degree, dense, local, random_like
from ._sizes import SIZES

BEYOND = "Not in the paper"

COMPOSED = tuple(name for name in BATTERIES["all126"] if name not in BATTERIES["distinct82"])

RATES = (3e-3, 1e-3, 3e-4, 1e-4)  # of Adam; the paper has 1e-3

ZERO_SHOT: dict[str, str | Reading] = {
    **PERFORMANCE,
    "untrained tasks": "untrained_accuracy",
    "always fixate there": "untrained_always_fixate",
}


def _pair(scale: Scale) -> dict[str, Net]:
    """Return the mask of the second radius of Table 1, and the dense network with as many nodes."""
    size = SIZES[scale]
    return {f"LM d = {size.table_radii[1]:g}": local(size.side, size.table_radii[1]), "dense": dense(size.side**2)}


def _by_gain(side: int, radii: Sequence[float]) -> dict[str, Net]:
    """Return masks as in the paper and corrected for fan-in, and dense networks with the gain of the masked ones."""
    nets: dict[str, Net] = {"dense": dense(side**2)}
    for radius in radii:
        mask = local(side, radius)
        nets[f"LM d = {radius:g}"] = mask
        nets[f"LM d = {radius:g}, fan-in"] = replace(mask, initialization="fan_in")
        gain = math.sqrt(degree(mask) / mask.hidden)
        nets[f"dense, gain of d = {radius:g}"] = replace(dense(mask.hidden), gain=gain)
    return nets


def initialization(name: str, scale: Scale) -> Table:
    """Mask or gain? A mask on a dense initialisation reduces the recurrent gain by a factor sqrt(density)."""
    size = SIZES[scale]
    cells = rows_of(_by_gain(size.side, size.table_radii), size.battery, size.training, PERFORMANCE)
    return performance(name, scale, "84 tasks of Mod-Cog, by mask and initial gain", BEYOND, cells)


def initialization_yang(name: str, scale: Scale) -> Table:
    """The same on the 20 tasks of Yang et al."""
    size = SIZES[scale]
    cells = rows_of(_by_gain(size.yang_side, size.matched_radii), size.yang, size.yang_training, PERFORMANCE)
    return performance(name, scale, "20 tasks of Yang et al., by mask and initial gain", BEYOND, cells)


def rates(name: str, scale: Scale) -> Table:
    """Mask or learning rate? Adam moves all weights equally far, so a step changes the input of a dense unit more."""
    size = SIZES[scale]
    cells: list[Cell] = []
    for row, net in {"dense": dense(size.yang_side**2), "LM d = 2": local(size.yang_side, 2)}.items():
        for rate in RATES:
            training = size.yang_training.model_copy(update={"learning_rate": rate})
            cells += rows_of({f"{row}, rate {rate:g}": net}, size.yang, training, PERFORMANCE)
    return performance(name, scale, "20 tasks of Yang et al., by learning rate", BEYOND, cells)


def leak(name: str, scale: Scale) -> Table:
    """The leak, which the paper does not state: alpha 1, and 0.2 as in Yang et al."""
    size = SIZES[scale]
    nets = {
        f"{row}, alpha {alpha:g}": replace(net, alpha=alpha)
        for row, net in _pair(scale).items()
        for alpha in (1.0, 0.2)
    }
    cells = rows_of(nets, size.battery, size.training, PERFORMANCE)
    return performance(name, scale, "84 tasks of Mod-Cog, by leak", BEYOND + ", which does not state its alpha", cells)


def legacy(name: str, scale: Scale) -> Table:
    """The battery as the published code generates it, compared with the corrected one."""
    size = SIZES[scale]
    published = size.battery.model_copy(update={"conventions": Legacy()})
    cells = [
        *rows_of(_pair(scale), size.battery, size.training, PERFORMANCE),
        *rows_of({f"{row}, legacy": net for row, net in _pair(scale).items()}, published, size.training, PERFORMANCE),
    ]
    return performance(
        name, scale, "84 tasks of Mod-Cog, corrected and as the published code makes them", BEYOND, cells
    )


def composition(name: str, scale: Scale) -> Table:
    """Zero-shot composition: trained on the parts of 44 composed tasks, and evaluated on the composed tasks too."""
    size = SIZES[scale]
    cells = []
    for rules in ("parts", "one_hot"):
        task = Cognitive(
            tasks="all126", rules=rules, untrained=COMPOSED, evaluation_trials=size.battery.evaluation_trials
        )
        nets = {f"{row}, rules {rules}": net for row, net in _pair(scale).items()}
        cells += rows_of(nets, task, size.training, ZERO_SHOT)
    title = "82 tasks trained, 44 composed of their parts not: does a rule input that composes carry over?"
    return performance(name, scale, title, BEYOND, cells)


def transfer(name: str, scale: Scale) -> Table:
    """Transfer of masks: W_hh is pruned on one set of tasks, then new weights are trained on the same or another set.

    Controls: a locality mask and random connections of nearly the same density, trained once.
    """
    size = SIZES[scale]
    radius = size.table_radii[1]
    mask = local(size.side, radius)
    density = degree(mask) / mask.hidden
    others = tuple(each for each in BATTERIES["distinct82"] if each not in BATTERIES["yang20"])
    trials = size.battery.evaluation_trials
    sets = {
        "Yang tasks": Cognitive(tasks="distinct82", untrained=others, evaluation_trials=trials),
        "Mod-Cog": Cognitive(tasks="distinct82", evaluation_trials=trials),
    }
    pruning = Pruning(sparsity=1 - density, schedule=Linear(), scope=(RECURRENT,))
    cells = []
    for target, task in sets.items():
        for origin, first in sets.items():
            pruned = Stage(name="pruned", training=size.training, pruning=pruning, task=first)
            trained = Stage(name="trained", training=size.training, start="reinitialize")
            bare = dense(mask.hidden).trained(task, size.training)
            experiment = bare.model_copy(update={"stages": (pruned, trained)})
            cells += [
                Cell(f"{target}, mask pruned on {origin}", column, experiment, "trained", reading)
                for column, reading in PERFORMANCE.items()
            ]
        nets = {f"{target}, LM d = {radius:g}": mask, f"{target}, random": random_like(mask)}
        cells += rows_of(nets, task, size.training, PERFORMANCE)
    title = "Masks of W_hh found on one set of tasks, on another"
    return performance(name, scale, title, BEYOND, cells)


def dale(name: str, scale: Scale) -> Table:
    """Dale's law: of five units, four are excitatory and one inhibitory."""
    size = SIZES[scale]
    nets: dict[str, Net] = {}
    for row, net in _pair(scale).items():
        nets[row] = net
        nets[f"{row}, Dale"] = replace(net, dale=Dale(excitatory=0.8))
    cells = rows_of(nets, size.battery, size.training, PERFORMANCE)
    return performance(name, scale, "84 tasks of Mod-Cog with Dale's law", BEYOND, cells)
