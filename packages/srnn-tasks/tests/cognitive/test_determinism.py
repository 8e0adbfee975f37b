"""The same seed gives the same batches, another seed other batches, and a stream resumes from its state."""

import io
from itertools import islice

import pytest
import torch
from torch import Tensor

from srnn_tasks import Batch, TaskError
from srnn_tasks.cognitive import Cognitive, CognitiveSource, Conventions, Legacy, OneTrial, Streams, Windows
from srnn_tasks.testing import check_task

from .rows import drawn, held_out, opened

FEW = ("go", "dlygo-intr", "multidm-seql", "dmc", "dnms-intl-seqr", "dlydm1-intl")
LAYOUTS = [OneTrial(), Windows(steps=60), Streams(steps=25)]
BOTH = [Conventions(), Legacy()]


def tensors(batch: Batch) -> dict[str, Tensor]:
    named = {name: getattr(batch, name) for name in ("inputs", "targets", "weight", "reset")} | dict(batch.info)
    return {name: tensor for name, tensor in named.items() if tensor is not None}


def same(first: Batch, second: Batch) -> bool:
    one, two = tensors(first), tensors(second)
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("untrained", [(), ("dmc", "go")])
@pytest.mark.parametrize("rules", ["one_hot", "parts"])
@pytest.mark.parametrize("conventions", BOTH)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_contract_holds(layout, conventions, rules, untrained) -> None:
    check_task(
        Cognitive(
            tasks=FEW, layout=layout, conventions=conventions, rules=rules, untrained=untrained, evaluation_trials=7
        ),
        splits=("test",),
    )


@pytest.mark.parametrize("conventions", BOTH)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_seed_determines_the_batches(layout, conventions) -> None:
    def batches(seed: int, opening: int = 0) -> list[Batch]:
        return drawn(opened(opening, tasks="yang20", layout=layout, conventions=conventions), 12, 4, seed=seed)

    first = batches(1)
    assert all(map(same, first, batches(1)))
    assert not any(map(same, first, batches(2)))
    others = [all(map(same, first, batches(1, opening))) for opening in range(1, 4)]
    assert others == [conventions.kind == "corrected"] * 3  # the published code draws delays when it opens
    sources = [opened(tasks="yang20", layout=layout, conventions=conventions) for _ in range(2)]
    assert all(map(same, held_out(sources[0], 5), held_out(sources[1], 5)))
    assert not any(map(same, held_out(sources[0], 5), held_out(sources[1], 6)))


@pytest.mark.parametrize("conventions", BOTH)
def test_opening_draws_only_what_is_fixed(conventions) -> None:
    generator = torch.Generator().manual_seed(7)
    before = generator.get_state()
    Cognitive(tasks="yang20", conventions=conventions).open(device="cpu", generator=generator)
    assert torch.equal(before, generator.get_state()) == (conventions.kind == "corrected")


@pytest.mark.parametrize("conventions", BOTH)
@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_workers_of_different_seeds_never_overlap(layout, conventions) -> None:
    """No row of any worker, in any batch, is another row; and no noisy step comes twice."""
    rows, noisy = set(), []
    workers, size, count = 6, 8, 3
    for worker in range(workers):
        source = opened(tasks="yang20", layout=layout, conventions=conventions)
        for batch in drawn(source, size, count, seed=1000 + worker):
            rows |= {row.numpy().tobytes() for row in batch.inputs.transpose(0, 1)}
            cue = batch.inputs[..., 0]
            noisy.append(batch.inputs[..., :33][(cue != 0) & (cue != 1)])
    assert len(rows) == workers * size * count
    steps = torch.cat(noisy)
    assert len(steps) > 300
    assert len(torch.unique(steps, dim=0)) == len(steps)
    meanings = set()
    for worker in range(workers):  # without noise too: the trials themselves
        source = opened(tasks="yang20", layout=Windows(steps=200), conventions=conventions, sigma=0)
        for batch in drawn(source, size, count, seed=1000 + worker):
            meanings |= {row.numpy().tobytes() for row in batch.inputs.transpose(0, 1)}
    assert len(meanings) == workers * size * count


def test_training_and_held_out_trials_differ() -> None:
    source = opened(tasks="yang20", sigma=0)
    generator = torch.Generator().manual_seed(3)
    first = list(source.held_out("validation", generator=generator))
    second = list(source.held_out("test", generator=generator))
    assert not any(map(same, first, second))


# --- the position of a stream ---


def saved(state: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def stored(source: CognitiveSource) -> dict:
    return torch.load(io.BytesIO(saved(source.state_dict())), weights_only=True)


@pytest.mark.parametrize("conventions", BOTH)
@pytest.mark.parametrize(("steps", "before"), [(25, 1), (25, 4), (3, 11), (1, 40)])
def test_a_stream_resumed_from_its_state_is_identical(conventions, steps, before) -> None:
    def fresh() -> CognitiveSource:
        return opened(tasks="all126", layout=Streams(steps=steps), conventions=conventions)

    whole, generator = fresh(), torch.Generator().manual_seed(1)
    list(islice(whole.batches(5, generator=generator), before))
    state, position = stored(whole), generator.get_state()
    expected = list(islice(whole.batches(5, generator=generator), 12))
    assert not any(bool(batch.reset.any()) for batch in expected)
    for resumed in (fresh(), whole):  # another source, and the same one set back
        other = torch.Generator()
        other.set_state(position)
        resumed.load_state_dict(state)
        assert all(map(same, expected, islice(resumed.batches(5, generator=other), 12)))


def test_a_state_is_a_copy() -> None:
    source = opened(tasks=FEW, layout=Streams(steps=10))
    drawn(source, 4, 3)
    state = source.state_dict()
    kept = saved(state)
    drawn(source, 4, 3, seed=8)
    assert saved(state) == kept
    assert saved(source.state_dict()) != kept


@pytest.mark.parametrize("layout", LAYOUTS)
def test_only_streams_have_a_position(layout) -> None:
    source = opened(tasks=FEW, layout=layout)
    start = stored(source)
    drawn(source, 4, 2)
    assert (saved(stored(source)) != saved(start)) == (layout.kind == "streams") == source.spec.carry
    source.load_state_dict(start)  # back to the first step
    (batch,) = drawn(source, 4)
    assert batch.reset is None or bool(batch.reset.all())
    assert same(batch, drawn(opened(tasks=FEW, layout=layout), 4)[0])


def test_a_state_of_something_else_is_refused() -> None:
    streams, rows = opened(tasks=FEW, layout=Streams(steps=10)), opened(tasks=FEW)
    drawn(streams, 4)
    state = streams.state_dict()
    for source, wrong, message in (
        (rows, state, "this source has no position"),
        (rows, {"begun": False}, "this source has no position"),
        (streams, {"junk": 1}, r"expected the state of streams of trials; got \['junk'\]"),
        (streams, {"begun": True}, "expected the state of streams"),
        (streams, {**state, "more": 0}, "expected the state of streams"),
        (opened(tasks=FEW[:2], layout=Streams(steps=10)), state, f"expected 2 tasks; got {len(FEW)}"),
    ):
        with pytest.raises(TaskError, match=message):
            source.load_state_dict(wrong)
    other = opened(tasks=FEW[:2], layout=Streams(steps=10))
    drawn(other, 4)
    own = saved(other.state_dict())
    with pytest.raises(TaskError, match="expected 2 tasks"):
        other.load_state_dict(state)
    assert saved(other.state_dict()) == own, "its streams did not advance"


def test_evaluation_does_not_advance_a_stream() -> None:
    quiet, busy = (opened(tasks=FEW, layout=Streams(steps=10), evaluation_trials=3) for _ in range(2))
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]
    streams = [source.batches(3, generator=g) for source, g in zip((quiet, busy), generators, strict=True)]
    for _ in range(5):
        assert same(*(next(stream) for stream in streams))
        held_out(busy)
