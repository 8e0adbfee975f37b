"""Checks of the training stream: seeds, evaluation beside it, and resuming from a state."""

import io
from collections.abc import Mapping
from itertools import islice
from math import isfinite
from typing import Any

import torch

from ..contract import Batch, Split, Task
from ._probe import Probe
from ._tools import differences, opened, require, seeded_generator


def check_seeds(task: Task, batches: list[Batch], size: int, seeded: bool) -> None:
    """Require the same batches for the same seeds and, if `seeded`, other batches for another seed."""
    again = list(islice(opened(task).batches(size, generator=seeded_generator(1)), 3))
    for first, second in zip(batches, again, strict=True):
        changed = differences(first, second)
        require(not changed, f"batches: the same seeds gave different {', '.join(changed)}")
    if seeded:
        others = list(islice(opened(task).batches(size, generator=seeded_generator(2)), 3))
        same = all(not differences(first, other) for first, other in zip(batches, others, strict=True))
        require(not same, "batches: another seed gave the same batches; pass seeded=False if this is intended")
        require(
            differences(batches[0], batches[1]),
            "batches: the second batch equals the first; the stream does not advance",
        )


def check_evaluate(task: Task, split: Split, size: int) -> None:
    """Require finite, reproducible metrics from `evaluate`, which leaves the model and the stream as they were.

    The metrics are those that the spec declares for the split.
    """
    source, training = opened(task), seeded_generator(1)
    stream = source.batches(size, generator=training)
    first = next(stream)
    probe = Probe(source.spec).train()
    probe.inner.eval()
    results = source.evaluate(probe, split=split, generator=seeded_generator(3))
    name = f"evaluate({split!r})"
    require(probe.training and not probe.inner.training, f"{name}: did not restore the mode of each submodule")
    require(
        probe.calls and all(probe.calls), f"{name}: calls the model in training mode or with gradients, or not at all"
    )
    declared = list(source.spec.measured(split))
    require(
        isinstance(results, dict) and set(results) == set(declared),
        f"{name}: expected the metrics {declared}; got {results!r}",
    )
    for metric, value in results.items():
        finite = type(value) is float and isfinite(value)
        require(finite, f"{name}: expected {metric} to be a finite float; got {value!r}")
    other = opened(task).batches(size, generator=seeded_generator(1))
    require(not differences(first, next(other)), "batches: the same seeds gave different batches")
    require(not differences(next(stream), next(other)), f"{name}: advances the training stream")
    again = opened(task).evaluate(probe, split=split, generator=seeded_generator(3))
    require(again == results, f"{name}: the same seed gave {results} and then {again}")


def check_state(task: Task, size: int) -> None:
    """Require that a saved state is a copy, loads with `weights_only=True`, and resumes the stream exactly."""
    source, generator = opened(task), seeded_generator(1)
    list(islice(source.batches(size, generator=generator), 2))
    state, position = source.state_dict(), generator.get_state()
    saved = _saved(state)
    expected = list(islice(source.batches(size, generator=generator), 3))
    require(_saved(state) == saved, "state_dict: the state changed as the stream advanced; return a copy")
    resumed, generator = opened(task), seeded_generator(9)
    resumed.load_state_dict(_loaded(saved))
    generator.set_state(position)
    for first, second in zip(expected, islice(resumed.batches(size, generator=generator), 3), strict=True):
        changed = differences(first, second)
        require(not changed, f"state_dict: after load_state_dict the stream has different {', '.join(changed)}")


def _saved(state: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    try:
        _loaded(buffer.getvalue())
    except Exception as error:
        raise AssertionError(f"state_dict: torch.load(weights_only=True) rejects it: {error}") from error
    return buffer.getvalue()


def _loaded(data: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(io.BytesIO(data), weights_only=True)
    return loaded
