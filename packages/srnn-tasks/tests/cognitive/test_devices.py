"""No batch waits for the device: `meta` tensors have no values, so code that reads one fails."""

import pytest
import torch

from srnn_tasks.cognitive import Cognitive, Conventions, Legacy, OneTrial, Streams, Windows


class MetaGenerator(torch.Generator):
    """A generator of the CPU that is reported as one of `meta`, which has none; draws of `meta` tensors ignore it."""

    device = torch.device("meta")


@pytest.mark.parametrize("conventions", [Conventions(), Conventions(match_delay="instance"), Legacy()])
@pytest.mark.parametrize("layout", [OneTrial(), Windows(steps=60), Streams(steps=60)])
@pytest.mark.parametrize("rules", ["one_hot", "parts"])
def test_no_batch_waits_for_the_device(layout, conventions, rules) -> None:
    task = Cognitive(tasks="all126", layout=layout, conventions=conventions, rules=rules, evaluation_trials=1)
    generator = MetaGenerator()
    source = task.open(device="meta", generator=generator)
    stream = source.batches(4, generator=generator)
    for batch in (next(stream), next(stream), next(source.held_out("test", generator=generator))):
        tensors = [batch.inputs, batch.targets, batch.weight, *batch.info.values()]
        assert {str(tensor.device) for tensor in tensors} == {"meta"}
