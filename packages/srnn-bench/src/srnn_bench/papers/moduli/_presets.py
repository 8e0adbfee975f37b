"""Presets: the choices on which the paper and its published code disagree, as the fields of one value.

The numbers in brackets are those of the list in docs/findings/moduli.md, which gives the reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from srnn_manifolds import (
    L1,
    AnyInhibitor,
    AnyManifold,
    AnyRegularizer,
    DifferenceOfGaussians,
    Diffusion,
    Euclidean,
    KleinBottle,
    Moduli,
    Normal,
    Reversed,
    Sinusoid,
    Torus,
    Uniform,
)
from srnn_pruning import AnySchedule, Linear, Proportional

from ...experiment import Adam, AdamW, AnyOptimizer


@dataclass(frozen=True)
class Preset:
    """One reading of the paper, with one field per disagreement. A strength of None is that of the scale."""

    # What a weight costs
    ring: DifferenceOfGaussians  # [3]
    offset: Literal["analytic", "empirical"]  # [3]
    reduction: Literal["mean", "sum"]  # [1]
    strength: float | None  # [1]
    l1: Literal["matched", "unit"]  # [14], text and adding
    # Navigation
    navigation_l1: Literal["matched", "unit", "zero"]  # [14]
    navigation_none: AnyRegularizer | None  # [15]
    place_code: Literal["reference", "paper"]  # [4]
    scored: Literal["all", "last"]  # [5]
    optimizer: AnyOptimizer  # [6]
    space: Euclidean  # [17]
    space_fixed: Literal["space", "zero"]  # [17]
    navigation_sinusoid: AnyInhibitor
    # Text
    text_others: bool  # [2] whether all other matrices have an L1 penalty of the same strength
    text_schedule: AnySchedule  # [11]
    text_metric: Literal["accuracy", "accuracy_reported"]  # [12]
    text_diffusion: AnyInhibitor  # [13]
    text_sinusoid: AnyInhibitor  # [13]
    text_best: Literal["reset", "kept"]  # [16] the best validation loss at the start of a lottery
    # Lottery
    lottery: Literal["same", "fresh"]  # [16] the embedding of the regularizer
    # Adding
    adding_sampling: Uniform | Normal  # [17]

    def moduli(self, manifold: AnyManifold, inhibitor: AnyInhibitor | None = None) -> Moduli:
        """Return the regularizer of a manifold, by default with the difference of Gaussians as inhibitor."""
        return Moduli(manifold=manifold, inhibitor=inhibitor or self.ring, offset=self.offset, reduction=self.reduction)

    def l1_control(self, kind: Literal["matched", "unit", "zero"]) -> AnyRegularizer | None:
        """Return the L1 control of a kind."""
        if kind == "zero":
            return None
        if kind == "unit":
            return L1(reduction=self.reduction)
        return L1(matched=self.moduli(Torus()), reduction=self.reduction)


CORRECTED = Preset(
    ring=DifferenceOfGaussians(),
    offset="analytic",
    reduction="mean",
    strength=None,
    l1="matched",
    navigation_l1="matched",
    navigation_none=None,
    place_code="reference",
    scored="all",
    optimizer=Adam(),
    space=Euclidean(dim=3, sampling=Uniform(side=10)),
    space_fixed="space",
    navigation_sinusoid=Sinusoid(),
    text_others=False,
    text_schedule=Linear(),
    text_metric="accuracy",
    text_diffusion=Diffusion(),
    text_sinusoid=Sinusoid(),
    text_best="reset",
    lottery="same",
    adding_sampling=Uniform(side=10),
)

REFERENCE = Preset(
    ring=DifferenceOfGaussians(),
    offset="empirical",
    reduction="mean",
    strength=None,
    l1="unit",
    navigation_l1="zero",
    navigation_none=Moduli(manifold=KleinBottle(), inhibitor=Diffusion()),
    place_code="reference",
    scored="all",
    optimizer=AdamW(),
    space=Euclidean(dim=3, sampling=Normal(scale=1)),
    space_fixed="zero",
    navigation_sinusoid=Sinusoid(),
    text_others=True,
    text_schedule=Proportional(),
    text_metric="accuracy_reported",
    # reversed from the longest distance on the torus: offset "empirical" then uses the drawn distances
    text_diffusion=Reversed(base=Diffusion(), ceiling=Torus().diameter ** 2),
    text_sinusoid=Reversed(base=Diffusion(power=1), ceiling=Torus().diameter),
    text_best="kept",
    lottery="fresh",
    adding_sampling=Normal(scale=10),
)

LITERAL = Preset(
    ring=DifferenceOfGaussians(amplitude=10, narrow=1, wide=5, ceiling="amplitude"),
    offset="analytic",
    reduction="sum",
    strength=1e-5,  # Table 6; Table 7 (text) has none, and so has the adding problem
    l1="unit",
    navigation_l1="unit",
    navigation_none=None,
    place_code="paper",
    scored="last",
    optimizer=Adam(),
    space=Euclidean(dim=3, sampling=Uniform(side=10)),
    space_fixed="space",
    navigation_sinusoid=Sinusoid(amplitude=10),
    text_others=False,
    text_schedule=Linear(),
    text_metric="accuracy",
    text_diffusion=Diffusion(),
    text_sinusoid=Sinusoid(amplitude=10),
    text_best="reset",
    lottery="same",
    adding_sampling=Uniform(side=10),
)
