"""Numbers of docs/findings/moduli.md that follow from arXiv 2406.06290 and its code without training.

Usage: `SRNN_DATA=... python benchmarks/moduli_arithmetic.py`.
"""

from __future__ import annotations

import torch

from srnn_manifolds import L1, Circle, DifferenceOfGaussians, KleinBottle, Moduli, Shuffled, Sphere, Torus
from srnn_models import ElmanRNN, LanguageModel, PathIntegrator
from srnn_pruning import Pruning, densities, prune
from srnn_tasks import PathIntegration, WikiText


def reported_accuracy() -> None:
    """Print the accuracy of constant answers on the test text, true and as the published code counts it."""
    source = WikiText().open(device="cpu", generator=torch.Generator())
    print("Constant answers on WikiText-2 test: true accuracy in %, and as counted by the published code")
    for token in ("<unk>", "the", ",", "and"):
        _, scores = source.constant(token)
        print(f"  {token:<6} {100 * scores['accuracy']:.3f}  {100 * scores['accuracy_reported']:.3f}")
    print(f"  perplexity of the word frequencies: {source.unigram():.1f}")


def strengths() -> None:
    """Print the mean coefficient of each regularizer over 1,000 neurons."""
    torus = Moduli(manifold=Torus(), inhibitor=DifferenceOfGaussians())
    spaces = {"circle": Circle(), "sphere": Sphere(), "Klein bottle": KleinBottle(), "6-torus": Torus(dim=6)}
    regularizers = {
        "torus": torus,
        "shuffled": Shuffled(base=torus),
        "L1, unit": L1(),
        "L1, matched": L1(matched=torus),
    }
    regularizers |= {name: torus.model_copy(update={"manifold": space}) for name, space in spaces.items()}
    print("Mean and spread of the coefficients, 1,000 neurons")
    for name, regularizer in regularizers.items():
        built = regularizer.build(1000, generator=torch.Generator().manual_seed(0))
        print(f"  {name:<13} {built.mean_coefficient():7.2f} {built.coefficients.std(correction=0).item():7.2f}")


def densities_at_initialization() -> None:
    """Print the density of each matrix when the networks are pruned globally at initialisation."""
    generator = torch.Generator().manual_seed(0)
    text = LanguageModel(recurrence=ElmanRNN(hidden=650, bias="double"), layers=3)
    tasks = {
        "text": (text, WikiText().open(device="cpu", generator=generator).spec),
        "navigation": (PathIntegrator(), PathIntegration().open(device="cpu", generator=generator).spec),
    }
    print("Density of each matrix after global pruning at initialisation, before any training")
    for name, (model, spec) in tasks.items():
        network = model.build(spec, generator=generator)
        for sparsity in (0.5, 0.75, 0.9):
            prune(network, Pruning(sparsity=sparsity))
            remaining = ", ".join(f"{matrix} {share:.3f}" for matrix, share in densities(network).items())
            print(f"  {name}, {sparsity:.0%}: {remaining}")


if __name__ == "__main__":
    reported_accuracy()
    strengths()
    densities_at_initialization()
