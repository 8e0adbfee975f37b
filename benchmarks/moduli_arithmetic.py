"""What can be counted about arXiv 2406.06290 without training: the numbers of docs/findings/moduli.md.

SRNN_DATA=... python benchmarks/moduli_arithmetic.py
"""

from __future__ import annotations

import torch

from srnn_manifolds import L1, Circle, DifferenceOfGaussians, KleinBottle, Moduli, Shuffled, Sphere, Torus
from srnn_models import ElmanRNN, LanguageModel, PathIntegrator
from srnn_pruning import Pruning, densities, prune
from srnn_tasks import PathIntegration, WikiText


def reported_accuracy() -> None:
    """Print constant answers on the test text, truly counted and as the published code counts them."""
    source = WikiText().open(device="cpu", generator=torch.Generator())
    print("Constant answers on WikiText-2 test: true %, and as the published code counts")
    for token in ("<unk>", "the", ",", "and"):
        _, found = source.constant(token)
        print(f"  {token:<6} {100 * found['accuracy']:.3f}  {100 * found['accuracy_reported']:.3f}")
    print(f"  perplexity of the words' frequencies: {source.unigram():.1f}")


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


def pruned_at_once() -> None:
    """Print what global ranking leaves of each matrix when the networks are pruned as they are drawn."""
    generator = torch.Generator().manual_seed(0)
    text = LanguageModel(recurrence=ElmanRNN(hidden=650, bias="double"), layers=3)
    tasks = {
        "text": (text, WikiText().open(device="cpu", generator=generator).spec),
        "navigation": (PathIntegrator(), PathIntegration().open(device="cpu", generator=generator).spec),
    }
    print("Share left of each matrix when weights are ranked together as they are drawn, before any training")
    for name, (model, spec) in tasks.items():
        network = model.build(spec, generator=generator)
        for sparsity in (0.5, 0.75, 0.9):
            prune(network, Pruning(sparsity=sparsity))
            left = ", ".join(f"{matrix} {share:.3f}" for matrix, share in densities(network).items())
            print(f"  {name}, {sparsity:.0%}: {left}")


if __name__ == "__main__":
    reported_accuracy()
    strengths()
    pruned_at_once()
