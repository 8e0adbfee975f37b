"""Beyond arXiv 2207.03523: what its choices matter for, composition of rules, Dale's law. The paper has no numbers."""

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
from ._columns import PERFORMANCE, cells, performance
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
    """The mask of the second radius of Table 1, and the dense network with as many nodes."""
    size = SIZES[scale]
    return {f"LM d = {size.table_radii[1]:g}": local(size.side, size.table_radii[1]), "dense": dense(size.side**2)}


def _by_gain(side: int, radii: Sequence[float]) -> dict[str, Net]:
    """Masks as the paper has them and corrected for their fan-in, and dense networks with the gain that masks leave."""
    nets: dict[str, Net] = {"dense": dense(side**2)}
    for radius in radii:
        mask = local(side, radius)
        nets[f"LM d = {radius:g}"] = mask
        nets[f"LM d = {radius:g}, fan-in"] = replace(mask, initialization="fan_in")
        gain = math.sqrt(degree(mask) / mask.hidden)
        nets[f"dense, gain of d = {radius:g}"] = replace(dense(mask.hidden), gain=gain)
    return nets


def initialization(name: str, scale: Scale) -> Table:
    """Is it the mask or the gain? A mask on a dense initialisation shrinks the recurrent gain by sqrt(density)."""
    size = SIZES[scale]
    made = cells(_by_gain(size.side, size.table_radii), size.battery, size.training, PERFORMANCE)
    return performance(name, scale, "84 tasks of Mod-Cog, by mask and initial gain", BEYOND, made)


def initialization_yang(name: str, scale: Scale) -> Table:
    """The same on the 20 tasks of Yang et al."""
    size = SIZES[scale]
    made = cells(_by_gain(size.yang_side, size.matched_radii), size.yang, size.yang_training, PERFORMANCE)
    return performance(name, scale, "20 tasks of Yang et al., by mask and initial gain", BEYOND, made)


def rates(name: str, scale: Scale) -> Table:
    """Is it the mask or the step? Adam moves every weight as far, so a dense unit's input moves farther in a step."""
    size = SIZES[scale]
    made: list[Cell] = []
    for row, net in {"dense": dense(size.yang_side**2), "LM d = 2": local(size.yang_side, 2)}.items():
        for rate in RATES:
            training = size.yang_training.model_copy(update={"learning_rate": rate})
            made += cells({f"{row}, rate {rate:g}": net}, size.yang, training, PERFORMANCE)
    return performance(name, scale, "20 tasks of Yang et al., by learning rate", BEYOND, made)


def leak(name: str, scale: Scale) -> Table:
    """The leak that the paper does not tell: alpha 1, and 0.2 as Yang et al. have it."""
    size = SIZES[scale]
    nets = {
        f"{row}, alpha {alpha:g}": replace(net, alpha=alpha)
        for row, net in _pair(scale).items()
        for alpha in (1.0, 0.2)
    }
    made = cells(nets, size.battery, size.training, PERFORMANCE)
    return performance(name, scale, "84 tasks of Mod-Cog, by leak", BEYOND + ", which does not tell its alpha", made)


def legacy(name: str, scale: Scale) -> Table:
    """The battery as the published code makes it, beside the corrected one."""
    size = SIZES[scale]
    published = size.battery.model_copy(update={"conventions": Legacy()})
    made = [
        *cells(_pair(scale), size.battery, size.training, PERFORMANCE),
        *cells({f"{row}, legacy": net for row, net in _pair(scale).items()}, published, size.training, PERFORMANCE),
    ]
    return performance(name, scale, "84 tasks of Mod-Cog, corrected and as the published code makes them", BEYOND, made)


def composition(name: str, scale: Scale) -> Table:
    """Zero-shot composition: trained on the parts of the 44 composed tasks, evaluated on them too."""
    size = SIZES[scale]
    made = []
    for rules in ("parts", "one_hot"):
        task = Cognitive(
            tasks="all126", rules=rules, untrained=COMPOSED, evaluation_trials=size.battery.evaluation_trials
        )
        nets = {f"{row}, rules {rules}": net for row, net in _pair(scale).items()}
        made += cells(nets, task, size.training, ZERO_SHOT)
    title = "82 tasks trained, 44 composed of their parts not: does a rule input that composes carry over?"
    return performance(name, scale, title, BEYOND, made)


def transfer(name: str, scale: Scale) -> Table:
    """A mask of W_hh that is pruned on one set of tasks, then new weights under it on the same or on another set.

    Beside it a locality mask and random connections of nearly the same density, trained once.
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
    made = []
    for target, task in sets.items():
        for origin, first in sets.items():
            found = Stage(name="pruned", training=size.training, pruning=pruning, task=first)
            tried = Stage(name="trained", training=size.training, start="reinitialize")
            bare = dense(mask.hidden).trained(task, size.training)
            experiment = bare.model_copy(update={"stages": (found, tried)})
            made += [
                Cell(f"{target}, mask pruned on {origin}", column, experiment, "trained", reading)
                for column, reading in PERFORMANCE.items()
            ]
        nets = {f"{target}, LM d = {radius:g}": mask, f"{target}, random": random_like(mask)}
        made += cells(nets, task, size.training, PERFORMANCE)
    title = "Masks of W_hh found on one set of tasks, on another"
    return performance(name, scale, title, BEYOND, made)


def dale(name: str, scale: Scale) -> Table:
    """Dale's law: four excitatory units of five, one inhibitory."""
    size = SIZES[scale]
    nets: dict[str, Net] = {}
    for row, net in _pair(scale).items():
        nets[row] = net
        nets[f"{row}, Dale"] = replace(net, dale=Dale(excitatory=0.8))
    made = cells(nets, size.battery, size.training, PERFORMANCE)
    return performance(name, scale, "84 tasks of Mod-Cog with Dale's law", BEYOND, made)
