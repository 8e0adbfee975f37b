"""Components of masks of low in-degree: the reason that arXiv 2207.03523 gives for locality >= random (section 2.5)."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import fmean

import torch

from srnn_masks import AnyPattern, Locality

from ....analysis import component_measures
from ....drawing import markdown_table, significant, write_text
from ... import FigureRequest
from .._networks import degree, local, random_like
from .._sizes import SIZES

RADII = (0, 1, math.sqrt(2), 2, math.sqrt(5))  # in-degrees 1, 5, 9, 13, 21

DRAWS = 50

COUNTED = ("weak components", "largest weak", "strong components", "largest strong")


def components(request: FigureRequest) -> list[Path]:
    """Count the components of locality masks and of random masks of the same in-degree."""
    side = SIZES[request.scale].side
    body = []
    for radius in RADII:
        mask = local(side, radius)
        nets = {f"LM d = {radius:.3g}": mask, "random": random_like(mask)}
        nets["random, no autapses"] = random_like(mask, self_connections=False)
        for row, net in nets.items():
            assert net.pattern is not None
            means = component_means(net.pattern, net.hidden, draws=DRAWS)
            body.append([row, str(degree(mask)), *(significant(mean, 3) for mean in means)])
    head = ["mask", "in-degree", "weak", "largest weak", "strong", "largest strong", "without outputs", "in one piece"]
    text = (
        f"# Components of masks of low in-degree, N = {side * side}\n\n{markdown_table(head, body)}\n"
        f"Means over {DRAWS} draws (a locality mask has one). weak, strong: number of weakly and strongly connected "
        "components; largest: share of units in the largest one; without outputs: share of units that reach no other; "
        "in one piece: share of draws that are weakly connected.\n"
    )
    return [write_text(text, request.folder, f"modcog-components-{request.scale}")]


def component_means(pattern: AnyPattern, hidden: int, *, draws: int) -> list[float]:
    """Return the means over draws of a mask `(hidden, hidden)`; a locality mask is drawn once.

    In order: the measures of `COUNTED`, the share of units without outputs, and the share of masks in one piece.
    """
    rows = []
    for seed in range(1 if isinstance(pattern, Locality) else draws):
        mask = pattern.mask(hidden, hidden, generator=torch.Generator().manual_seed(seed))
        counted = component_measures(mask)
        others = mask.clone().fill_diagonal_(False)
        silent = (~others.any(0)).double().mean().item()
        rows.append((*(counted[name] for name in COUNTED), silent, float(counted["weak components"] == 1)))
    return [fmean(column) for column in zip(*rows, strict=True)]
