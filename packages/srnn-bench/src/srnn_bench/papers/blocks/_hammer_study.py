"""The study on Adroit Hammer: Table III and Figure 7b of arXiv 2509.15057."""

from __future__ import annotations

from ...tables import (
    Bins,
    Group,
    LowerLoss,
    MoreOftenUnstable,
    Scale,
    ShareUnstable,
    Study,
    StudyClaim,
)
from ._studies import PROPORTION, TOTAL, study_table
from ._study_sizes import StudyName

PUBLISHED = ("normal", "uniform")  # presets of the published code

EDGES = (0.2, 0.4, 0.6, 0.8)

SPARSE = 0.3  # density of W_hh below which networks are stable (section V)

UNSTABLE = 0.05  # share of unstable draws: our reading of "unstable convergence" and of "stable"


def table3(name: str, scale: Scale) -> Study:
    """Table III on the mean actions of the expert, which a network can predict exactly."""
    return _table3(name, scale, "hammer", "the expert's mean actions")


def table3_noisy(name: str, scale: Scale) -> Study:
    """Table III on actions with the expert's exploration noise, which the published data most likely have."""
    return _table3(name, scale, "hammer, noisy", "noisy actions")


def _table3(name: str, scale: Scale, study: StudyName, data: str) -> Study:
    balanced, small = (Group(("stratified",), PROPORTION, *ends) for ends in ((0.4, 0.6), (0.0, 0.2)))
    drawn_large, drawn_small = Group(("normal",), PROPORTION, low=0.6), Group(("normal",), PROPORTION, high=0.6)
    claims = (
        StudyClaim(
            "balanced networks have lower losses",
            "The loss declines as the hidden proportion approaches .5; read as: of the draws stratified by hidden "
            "proportion, those of .4 to .6 have lower losses than those below .2.",
            "Table III and section V",
            (LowerLoss(balanced, small),),
        ),
        StudyClaim(
            "large hidden proportions are unstable",
            "Networks with a hidden proportion of .6 or more converge unstably; read as: more than "
            f"{100 * UNSTABLE:g} % of the draws of the preset normal with such a proportion are unstable, and a larger "
            "share than of the others.",
            "Table III",
            (ShareUnstable(drawn_large, UNSTABLE, "above"), MoreOftenUnstable(drawn_large, drawn_small)),
        ),
    )
    return study_table(
        name,
        scale,
        study,
        title=f"Minimum validation loss on Adroit Hammer over random hyperparameters, {data}",
        source="Table III: 2,083 networks, 25 epochs of 4,500 episodes",
        claims=claims,
        bins=(
            Bins(PROPORTION, EDGES, (71, 69, 68, None, None)),
            Bins(TOTAL, EDGES, (68, None, None, None, None)),
        ),
    )


def figure7(name: str, scale: Scale) -> Study:
    """Figure 7b: the draws of Table III by the density of W_hh, the largest block."""
    feature = "density of W_hh"
    sparse, dense = Group(PUBLISHED, feature, high=SPARSE), Group(PUBLISHED, feature, low=SPARSE)
    claims = (
        StudyClaim(
            "a sparse W_hh converges more often",
            "As W_hh becomes sparser, fewer networks fail to converge; read as: of the draws of the published presets "
            f"with a density of W_hh of {SPARSE:g} or more, a larger share is unstable than of those below.",
            "Figure 7b",
            (MoreOftenUnstable(dense, sparse),),
        ),
        StudyClaim(
            "a sparse W_hh is stable",
            f"Below a density of W_hh of {100 * SPARSE:g} % the training is stable; read as: less than "
            f"{100 * UNSTABLE:g} % of these draws, of all presets, are unstable.",
            "Figure 7b and section V",
            (ShareUnstable(Group((), feature, high=SPARSE), UNSTABLE, "below"),),
        ),
        StudyClaim(
            "a sparse W_hh has lower losses",
            f"Below a density of W_hh of {100 * SPARSE:g} % the losses are lower than above, over the draws of the "
            "published presets.",
            "Figure 7b and section V",
            (LowerLoss(sparse, dense),),
        ),
    )
    return study_table(
        name,
        scale,
        "hammer",
        title="Minimum validation loss on Adroit Hammer by the density of W_hh",
        source="Figure 7b, the networks of Table III",
        claims=claims,
        bins=(Bins(feature, (0.1, 0.2, SPARSE, 0.5, 0.7, 0.9)),),
    )
