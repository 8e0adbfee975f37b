"""What the figures read from a kept run: its recurrent weight, its regularizer and its embedding."""

from __future__ import annotations

from torch import Tensor

from srnn_manifolds import Moduli

from ... import KeptRun

PARAMETER = "recurrence.weight_hh"


def moduli_of(run: KeptRun) -> Moduli:
    """Return the moduli regularizer of the recurrent weight, without training or shuffling of its embedding."""
    regularizer = run.result.experiment.penalties[0].regularizer
    base = getattr(regularizer, "base", regularizer)
    assert isinstance(base, Moduli)
    return base


def points_of(run: KeptRun) -> Tensor:
    """Return the positions of the neurons, `(N, coordinates)`; raises BenchError if they were not kept."""
    return run.points(PARAMETER)[0]
