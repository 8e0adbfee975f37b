"""All tasks, trial by trial, against the oracle in `plain.py`: layouts, conventions, units."""

from collections import Counter

import pytest
import torch

from srnn_tasks.cognitive import BATTERIES, Conventions, Legacy, OneTrial, Streams, Timing, Windows

from .plain import CHOICE, DELAYED, DELAYED_CHOICE, GO, LEGACY, MATCH, ORDER, REACTION, sign, tied
from .rows import check, drawn, held_out, joined, opened

POINTS = {
    "wrap": "action",
    "go_interval": "stimulus",
    "decision_interval": "fixed",
    "match_delay": "instance",
    "go_delay": "always",
    "sample_category": "above",
    "order": "alternating",
    "ties": "coin",
}
MENDED = {
    "wrap": "direction",
    "go_interval": "answer",
    "decision_interval": "drawn",
    "match_delay": "fixed",
    "go_delay": "none",
    "sample_category": "same",
    "order": "drawn",
    "ties": "redrawn",
}


def test_all_126_tasks_forty_trials_each() -> None:
    source = opened(tasks="all126", sigma=0)
    count: Counter[str] = Counter()
    for batch in held_out(source):
        for shown in check(source.task, batch):
            assert not tied(shown.name, shown.drawn)
            count[shown.name] += 1
    assert len(count) == 126
    assert min(count.values()) >= 40


@pytest.mark.parametrize("layout", [OneTrial(), Windows(steps=350), Windows(steps=61)])
@pytest.mark.parametrize("conventions", [Conventions(), Legacy()])
def test_training_batches(layout, conventions) -> None:
    source = opened(tasks="all126", sigma=0, layout=layout, conventions=conventions)
    size = {"one_trial": 500, "windows": 32}[layout.kind]
    for batch in drawn(source, size, 2):
        assert batch.reset is None
        found = check(source.task, batch)
        assert len(found) >= size
        number = [[0] * batch.steps for _ in range(size)]
        seen: Counter[int] = Counter()
        for shown in found:
            number[shown.row][shown.first : shown.first + shown.held] = [seen[shown.row]] * shown.held
            seen[shown.row] += 1
        there = batch.weight.T.bool()
        assert torch.equal(batch.info["trial"].T[there], torch.tensor(number)[there])
        if layout.kind == "one_trial":
            longest = 35 if conventions.kind == "corrected" else 34  # section 14.1: 4 + 20 + 11, or 23 + 11
            assert longest <= batch.steps <= longest + 2  # a row may have a few steps more than the longest trial
            assert set(seen.values()) == {1}
        else:
            assert batch.steps == layout.steps
            assert bool(there.all())


@pytest.mark.parametrize("conventions", [Conventions(), Legacy()])
@pytest.mark.parametrize(("steps", "size", "count"), [(50, 30, 10), (7, 12, 40), (1, 4, 90)])
def test_a_stream_continues_where_it_stopped(conventions, steps, size, count) -> None:
    source = opened(tasks="all126", sigma=0, layout=Streams(steps=steps), conventions=conventions)
    batches = drawn(source, size, count)
    assert [batch.reset.tolist() for batch in batches] == [[True] * size] + [[False] * size] * (count - 1)
    assert {batch.steps for batch in batches} == {steps}
    found = check(source.task, joined(batches))
    cut = [shown for shown in found if not shown.whole]
    assert len(cut) <= size
    assert len(found) > 4 * size * count * steps // 126


def test_another_number_of_rows_restarts_the_streams() -> None:
    source = opened(tasks="yang20", sigma=0, layout=Streams(steps=13))
    drawn(source, 5, 3)
    batches = drawn(source, 6, 4, seed=5)
    assert [bool(batch.reset.all()) for batch in batches] == [True, False, False, False]
    check(source.task, joined(batches))
    assert torch.equal(batches[0].info["elapsed"][0], torch.zeros(6, dtype=torch.int64))
    assert torch.equal(batches[0].info["period"][0], torch.zeros(6, dtype=torch.int64))


@pytest.mark.parametrize("point", [*POINTS, "match_delay of each trial"])
def test_each_point_of_the_published_code_alone(point) -> None:
    choice = {point: POINTS[point]} if point in POINTS else {"match_delay": "trial"}
    source = opened(tasks="all126", sigma=0, conventions=Conventions(**choice), evaluation_trials=5)
    found = [shown for batch in held_out(source) for shown in check(source.task, batch)]
    assert len(found) >= 5 * 126
    assert any(tied(shown.name, shown.drawn) for shown in found) == (point == "ties")
    for layout in (Windows(steps=120), Streams(steps=40)):
        source = opened(tasks="all126", sigma=0, conventions=Conventions(**choice), layout=layout)
        check(source.task, joined(drawn(source, 8, 3)) if layout.kind == "streams" else drawn(source, 16)[0])


@pytest.mark.parametrize("point", ["none", *MENDED])
def test_each_point_corrected_alone(point) -> None:
    conventions = Legacy(**{name: value for name, value in MENDED.items() if name == point})
    source = opened(tasks="all126", sigma=0, conventions=conventions, evaluation_trials=5)
    found = [shown for batch in held_out(source) for shown in check(source.task, batch)]
    assert len(found) >= 5 * 126
    assert any(tied(shown.name, shown.drawn) for shown in found) == (point != "ties")


@pytest.mark.parametrize("delay", [50, 550])
def test_a_fixed_delay_need_not_be_whole_units(delay) -> None:
    source = opened(
        tasks=("dlydm1", "dlydm1-intr", "multidlydm-intl-seqr"),
        sigma=0,
        dt=50,
        timing=Timing(delay=delay),
        conventions=Conventions(decision_interval="fixed"),
    )
    found = [shown for batch in held_out(source) for shown in check(source.task, batch)]
    assert {shown.lengths[2] for shown in found} == {delay // 50}


def test_legacy_is_every_point_and_nothing_else() -> None:
    assert set(POINTS) == set(MENDED) == set(Conventions.model_fields) - {"kind"} == set(Legacy.model_fields) - {"kind"}
    assert Legacy().model_dump() == {"kind": "legacy", **POINTS}
    assert Conventions().model_dump() == {"kind": "corrected", **MENDED}
    assert set(LEGACY) < set(POINTS)


@pytest.mark.parametrize("conventions", [Conventions(), Legacy()])
@pytest.mark.parametrize(("dt", "ring"), [(20, 32), (50, 16), (25, 24), (100, 4)])
def test_other_steps_and_rings(dt, ring, conventions) -> None:
    source = opened(tasks="all126", sigma=0, dt=dt, ring=ring, conventions=conventions, evaluation_trials=3)
    found = [shown for batch in held_out(source) for shown in check(source.task, batch)]
    assert {len(shown.inputs[0]) for shown in found} == {1 + 2 * ring}
    if (dt, conventions.kind) == (20, "corrected"):  # delays are multiples of 100 ms, 5 steps
        assert {shown.drawn.delay for shown in found if sign(shown.name, "int")} == {5 * n for n in range(12)}


@pytest.mark.parametrize("conventions", [Conventions(), Legacy()])
def test_every_duration_can_be_chosen(conventions) -> None:
    timing = Timing(
        fixation=700,
        decision_fixation=(400, 400),
        match_fixation=100,
        stimulus=200,
        delay=600,
        legacy_delay=(300, 450),
        decision=800,
        choice_decision=400,
        match_decision=1100,
        sequence_decision=1700,
        reaction_sequence_decision=1300,
        unit=200,
        longest_interval=800,
    )
    source = opened(tasks="all126", sigma=0, timing=timing, conventions=conventions, evaluation_trials=4)
    found = [shown for batch in held_out(source) for shown in check(source.task, batch)]
    decisions = {shown.lengths[0] for shown in found if shown.name.split("-")[0] in CHOICE + DELAYED_CHOICE}
    assert decisions == {4}
    drawn_delays = {shown.drawn.delay for shown in found if sign(shown.name, "int") and "dms" in shown.name}
    assert drawn_delays <= {0, 2, 4, 6, 8}
    assert max(drawn_delays) > 4
    if conventions.kind == "legacy":
        plain = {shown.lengths[2] for shown in found if shown.name in MATCH}
        assert plain <= {3, 4}


@pytest.mark.parametrize("legacy", [False, True])
def test_the_table_of_lengths(legacy) -> None:
    """Section 14.1, written out: steps of a trial less D, the steps of a drawn delay, and F, those of fixation."""
    recommended = {  # plain, Seq, Int, Int + Seq
        "go": (15, 20, None, None),
        "dlygo": (20, 25, 15, 20),
        "reaction": (10, 10, None, None),
        "choice": (7, 15, None, None),
        "delayed choice": (17, 25, 12, 20),
        "match": (27, 28, 22, 23),
    }
    reference = recommended | {
        "go": (20, 25, None, None),
        "delayed choice": (17, 25, 17, 25),
        "match": (22, 23, 22, 23),  # and D in all
    }
    table = reference if legacy else recommended
    conventions = Legacy() if legacy else Conventions()
    source = opened(tasks="all126", sigma=0, conventions=conventions, evaluation_trials=6)
    for batch in held_out(source):
        totals = (batch.info["left"][0] + 1).tolist()
        fixations = (batch.info["period"] == 0).sum(0).tolist()
        delays = (batch.info["period"] == 2).sum(0).tolist()
        for b, slot in enumerate(batch.info["task"][0].tolist()):
            name = source.task.names[slot]
            base = name.split("-")[0]
            family = (
                ("dlygo" if base.startswith("dly") else "go") if base in GO
                else "reaction" if base in REACTION
                else "choice" if base in CHOICE
                else "delayed choice" if base in DELAYED_CHOICE
                else "match"
            )  # fmt: skip
            column = 2 * (sign(name, "int") != 0) + (sign(name, "seq") != 0)
            expected = table[family][column]
            if "choice" in family:
                assert fixations[b] in (2, 3, 4)
                expected += fixations[b]
            if (column >= 2 and (not legacy or family != "delayed choice")) or (legacy and family == "match"):
                assert delays[b] in (range(12) if column >= 2 else range(2, 12))
                expected += delays[b]
            assert totals[b] == expected, name


def test_the_oracle_has_the_same_tasks() -> None:
    assert BATTERIES["yang20"] == ORDER
    assert len(set(ORDER)) == 20
    assert set(DELAYED) == set(DELAYED_CHOICE + MATCH) | {"dlygo", "dlyanti"}
    assert set(ORDER) == set(GO + REACTION + CHOICE + DELAYED_CHOICE + MATCH)
