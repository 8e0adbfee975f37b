"""Batches are made without a wait for the device: `meta` tensors have no values, so that whoever asks for one fails."""

import pytest
import torch

from srnn_tasks import BaseSource
from srnn_tasks.cognitive import Cognitive, Conventions, Legacy, OneTrial, Streams, Windows, _cognitive


@pytest.fixture
def on_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a generator of the CPU draw `meta` tensors: there is none of that device."""
    monkeypatch.setattr(_cognitive, "check_generator", lambda *_: None)
    monkeypatch.setattr(BaseSource, "check_generator", lambda *_: None)


@pytest.mark.usefixtures("on_meta")
@pytest.mark.parametrize("conventions", [Conventions(), Conventions(match_delay="instance"), Legacy()])
@pytest.mark.parametrize("layout", [OneTrial(), Windows(steps=60), Streams(steps=60)])
@pytest.mark.parametrize("rules", ["one_hot", "parts"])
def test_no_batch_waits_for_the_device(layout, conventions, rules) -> None:
    task = Cognitive(tasks="all126", layout=layout, conventions=conventions, rules=rules, evaluation_trials=1)
    generator = torch.Generator().manual_seed(0)
    source = task.open(device="meta", generator=generator)
    stream = source.batches(4, generator=generator)
    for batch in (next(stream), next(stream), next(source.held_out("test", generator=generator))):
        tensors = [batch.inputs, batch.targets, batch.weight, *batch.info.values()]
        assert {str(tensor.device) for tensor in tensors} == {"meta"}
