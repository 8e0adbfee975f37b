"""The study on Random Anomaly Detection: Table IV and Figures 9b and 10 of arXiv 2509.15057."""

from __future__ import annotations

from ...tables import (
    Bins,
    Group,
    LowerLoss,
    Predicts,
    PredictsBetter,
    RankCorrelation,
    Scale,
    Study,
    StudyClaim,
)
from ._studies import INPUTS, PROPORTION, TOTAL, study_table

PUBLISHED = ("normal", "uniform")  # presets of the published code

EDGES = (0.2, 0.4, 0.6, 0.8)


def table4(name: str, scale: Scale) -> Study:
    """Table IV: minimum validation loss by hidden proportion and by density, at 50,000 weights."""
    best, small, large = (Group(("stratified",), PROPORTION, *ends) for ends in ((0.2, 0.6), (0.0, 0.2), (0.6, 1.0)))
    claims = (
        StudyClaim(
            "hidden proportions of .2 to .6 are best",
            "Networks with a hidden proportion of .2 to .6 have the lowest losses; read as: of the draws stratified by "
            "hidden proportion, they have lower losses than those below .2 and than those of .6 or more.",
            "Table IV",
            (LowerLoss(best, small), LowerLoss(best, large)),
        ),
        StudyClaim(
            "sparser networks have lower losses",
            "The sparser the whole network, the lower the loss; read as: over the draws of the preset normal, the loss "
            "rises with the density of all blocks together.",
            "Table IV and Figure 8",
            (RankCorrelation(Group(("normal",)), TOTAL),),
        ),
    )
    return study_table(
        name,
        scale,
        "anomaly",
        title="Minimum validation loss on Random Anomaly Detection over random hyperparameters, 50,000 weights",
        source="Table IV: 3,254 networks, 25 epochs of 30,000 series",
        claims=claims,
        bins=(
            Bins(PROPORTION, EDGES, (1.791, 1.351, 1.352, 1.373, 1.431)),
            Bins(TOTAL, EDGES, (1.381, 1.511, 1.810, 2.026, 2.091)),
        ),
    )


def figure9(name: str, scale: Scale) -> Study:
    """Figure 9b: the draws of Table IV by the density of W_hx, the largest block."""
    feature, group = "density of W_hx", Group(PUBLISHED)
    claims = (
        StudyClaim(
            "a sparse W_hx converges more often",
            "As W_hx becomes sparser, fewer networks fail to converge; read as: over the draws of the published "
            "presets, being unstable rises with the density of W_hx.",
            "Figure 9b",
            (RankCorrelation(group, feature, "unstable"),),
        ),
        StudyClaim(
            "a sparse W_hx has lower losses",
            "The sparser W_hx, the lower the loss, over the draws of the published presets.",
            "Figure 9b and section V",
            (RankCorrelation(group, feature),),
        ),
    )
    return study_table(
        name,
        scale,
        "anomaly",
        title="Minimum validation loss on Random Anomaly Detection by the density of W_hx",
        source="Figure 9b, the networks of Table IV",
        claims=claims,
        bins=(Bins(feature, (0.1, 0.3, 0.5, 0.7, 0.9)),),
    )


def figure10(name: str, scale: Scale) -> Study:
    """Figure 10: the loss of the draws of Table IV predicted from their hyperparameters by a random forest."""
    claims = (
        StudyClaim(
            "a forest predicts the loss",
            "A random forest predicts the loss from the hyperparameters; read as: its squared error on draws that it "
            "was not fitted to is smaller than that of the mean (five folds, R² above 0).",
            "Figure 10 and section V",
            (Predicts("all"),),
        ),
        StudyClaim(
            "the hidden proportion adds to the prediction",
            "The hidden proportion improves the prediction; read as: the squared error of the forest is smaller than "
            "that of one without it.",
            "Figure 10 and section V",
            (PredictsBetter("all", "without hidden proportion"),),
        ),
    )
    return study_table(
        name,
        scale,
        "anomaly",
        title="Minimum validation loss on Random Anomaly Detection, predicted from the hyperparameters",
        source="Figure 10: a forest of 1,000 trees of depth 10, the networks of Table IV",
        claims=claims,
        inputs=INPUTS,
    )
