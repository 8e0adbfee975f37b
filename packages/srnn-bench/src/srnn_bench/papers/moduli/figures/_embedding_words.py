"""The page of Figure 4: numbers of clouds and cores, and how they are measured."""

from __future__ import annotations

from collections.abc import Sequence

from ....drawing import markdown_table
from ....tables import Scale


def words(
    scale: Scale,
    ring: float,
    cores: Sequence[Sequence[str]],
    tests: Sequence[Sequence[str]],
    *,
    clouds: int,
    loops: int,
    voids: int,
) -> str:
    """Return the page, with one row per run (`cores`) and one per run, measure and null hypothesis (`tests`)."""
    head = ["network, measure, null hypothesis", "trained", "null: mean", "least", "greatest", "p above", "p below"]
    columns = ["network", "share of neurons in the core", "weights of a neuron there", "elsewhere"]
    return (
        f"# Does a trained embedding find a manifold? 90 % sparse, scale {scale}\n\n"
        f"{markdown_table(columns, cores)}\n"
        f"Core: the largest set of neurons connected by steps of at most d* = {ring:.4f}. Weights: in and out of W_hh, "
        f"mean.\n\n{markdown_table(head, tests)}\n"
        "Longest bar: the longest-lived hole, in units of the root mean square distance of two neurons. Random: clouds "
        "of as many neurons from the initial distribution of the embedding. Permuted: the same cloud, each coordinate "
        f"permuted independently. {clouds} clouds each; p is one-sided and not corrected for the number of "
        f"tests. H1 uses at most {loops} well-spread neurons, H2 at most {voids}. On the ring: the share of pairs of "
        "neurons that cost less than half of the cost at distance 0.\n"
    )
