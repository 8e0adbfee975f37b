"""Rate of false verdicts for a claim that compares two equal means, before Holm's correction over its table.

    python benchmarks/false_positives.py [--draws 40000]

The test is that of `srnn claims`; its nominal level is 5 %. It misses this level for small samples with unequal or
skewed distributions.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from srnn_bench.tables import LEVEL, welch

Draw = Callable[[np.random.Generator, int], np.ndarray]


def normal(sd: float) -> Draw:
    """Return a sampler of normal values with mean 0."""
    return lambda generator, n: generator.normal(0.0, sd, n)


def lognormal(sigma: float) -> Draw:
    """Return a sampler of lognormal values, shifted to mean 0."""
    return lambda generator, n: generator.lognormal(0.0, sigma, n) - np.exp(sigma**2 / 2)


CASES: dict[str, tuple[Draw, Draw]] = {
    "equal spread": (normal(1.0), normal(1.0)),
    "standard deviations 1 to 2": (normal(1.0), normal(2.0)),
    "standard deviations 1 to 4": (normal(1.0), normal(4.0)),
    "both lognormal, sigma 1": (lognormal(1.0), lognormal(1.0)),
    "lognormal, sigma 0.5, against nearly constant": (lognormal(0.5), normal(0.01)),
    "lognormal, sigma 1, against nearly constant": (lognormal(1.0), normal(0.01)),
}


def rate(case: tuple[Draw, Draw], n: int, draws: int) -> float:
    """Return the share of draws in which the two-sided test rejects equal means."""
    generator = np.random.default_rng(0)
    rejections = 0
    for _ in range(draws):
        first, second = (draw(generator, n).tolist() for draw in case)
        test = welch([first, second], [1.0, -1.0])
        rejections += test is not None and 2 * min(test.p_below, test.p_above) < LEVEL
    return rejections / draws


def main() -> None:
    """Print the rates as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=40_000)
    draws = parser.parse_args().draws
    print("| two equal means | n = 3 | n = 5 | n = 10 |\n|---|---:|---:|---:|")
    for name, case in CASES.items():
        print(f"| {name} | {' | '.join(f'{100 * rate(case, n, draws):.1f} %' for n in (3, 5, 10))} |", flush=True)


if __name__ == "__main__":
    main()
