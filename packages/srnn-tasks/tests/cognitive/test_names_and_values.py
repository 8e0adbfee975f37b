"""Names, numbers and order of the tasks, their rule inputs, the values in JSON, and invalid values."""

from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from srnn_tasks import TaskError
from srnn_tasks.cognitive import (
    BATTERIES,
    PERIODS,
    Cognitive,
    Conventions,
    Legacy,
    OneTrial,
    Rule,
    Streams,
    Timing,
    Windows,
)

from .plain import DELAYED, ORDER
from .rows import check, drawn, held_out, joined, opened

INTERVALS = tuple(f"{base}-int{side}" for base in DELAYED for side in "rl")
SEQUENCES = tuple(f"{base}-seq{side}" for side in "rl" for base in ORDER)
COMPOSED = {f"{base}-int{first}-seq{second}" for base in DELAYED for first in "rl" for second in "rl"}
PARTS = (*ORDER, "intr", "intl", "seqr", "seql")


# --- sections 1 and 14.7 ---


def test_twenty_and_82_tasks_in_order() -> None:
    assert BATTERIES["yang20"] == ORDER
    assert BATTERIES["distinct82"] == ORDER + INTERVALS + SEQUENCES
    assert len(set(BATTERIES["distinct82"])) == 82


def test_paper84_has_one_pair_twice() -> None:
    names = BATTERIES["paper84"]
    assert len(names) == 84
    assert [slot for slot, name in enumerate(names) if name == "dlyanti-intr"] == [22, 24]
    assert [slot for slot, name in enumerate(names) if name == "dlyanti-intl"] == [23, 25]
    assert names[:24] + names[26:] == BATTERIES["distinct82"]


def test_126_and_132_tasks() -> None:
    assert BATTERIES["all126"][:82] == BATTERIES["distinct82"]
    assert len(BATTERIES["all126"]) == 126
    assert set(BATTERIES["all126"][82:]) == COMPOSED
    assert BATTERIES["paper132"][:84] == BATTERIES["paper84"]
    composed = BATTERIES["paper132"][84:]
    assert len(composed) == 48
    assert set(composed) == COMPOSED
    assert sorted(name for name in COMPOSED if composed.count(name) == 2) == sorted(
        name for name in COMPOSED if name.startswith("dlyanti-")
    )


@pytest.mark.parametrize(
    ("tasks", "rules", "inputs"),
    [
        ("yang20", "one_hot", 53),
        ("distinct82", "one_hot", 115),
        ("paper84", "one_hot", 117),
        ("all126", "one_hot", 159),
        ("paper132", "one_hot", 165),
        ("yang20", "parts", 57),
        ("all126", "parts", 57),
        (("go",), "one_hot", 34),
        (("go", "go"), "one_hot", 35),
    ],
)
def test_numbers_of_inputs_and_outputs(tasks, rules, inputs) -> None:
    source = opened(tasks=tasks, rules=rules)
    assert (source.spec.inputs, source.spec.outputs) == (inputs, 17)
    assert source.spec.loss == "cross_entropy"
    (batch,) = drawn(source, 3)
    assert batch.inputs.shape[2] == inputs


@pytest.mark.parametrize("ring", [8, 32])
def test_numbers_with_other_rings(ring) -> None:
    spec = opened(tasks="yang20", ring=ring).spec
    assert (spec.inputs, spec.outputs) == (1 + 2 * ring + 20, 1 + ring)


@pytest.mark.parametrize("layout", [OneTrial(), Windows(steps=100), Streams(steps=100)])
@pytest.mark.parametrize("tasks", ["all126", "paper132", ("go-seqr", "go", "go-seqr", "dms-intl-seqr")])
def test_rules_by_parts(tasks, layout) -> None:
    for rules in ("parts", "one_hot"):
        source = opened(tasks=tasks, rules=rules, sigma=0, layout=layout)
        names = source.task.names
        table = torch.zeros(len(names), len(PARTS) if rules == "parts" else len(names))
        for slot, name in enumerate(names):
            for part in name.split("-"):
                table[slot, PARTS.index(part) if rules == "parts" else slot] = 1
        check(source.task, joined(drawn(source, 40, 2 if layout.kind == "streams" else 1)), rules=table)


def test_a_task_that_occurs_twice_has_two_slots() -> None:
    source = opened(tasks="paper84", sigma=0, evaluation_trials=5)
    count = torch.zeros(84, dtype=torch.int64)
    for batch in held_out(source):
        for shown in check(source.task, batch):
            count[shown.slot] += 1
    assert count.min() >= 5
    trained = drawn(source, 4000)[0].info["task"][0]
    assert torch.bincount(trained, minlength=84).min() > 15  # about 48 each


@pytest.mark.parametrize("name", BATTERIES["all126"])
def test_a_name_and_its_rule_correspond(name) -> None:
    rule = Rule.parse(name)
    base, *marks = name.split("-")
    sides = {"r": 1, "l": -1}
    interval = next((sides[mark[3]] for mark in marks if mark.startswith("int")), 0)
    sequence = next((sides[mark[3]] for mark in marks if mark.startswith("seq")), 0)
    assert rule == Rule(base, interval=interval, sequence=sequence)
    assert rule.name == name
    assert rule.parts == tuple(name.split("-"))


def test_periods_have_names() -> None:
    assert PERIODS == ("fixation", "stimulus", "delay", "second stimulus", "decision", "padding")


# --- values ---

spans = st.integers(100, 5000) | st.just(0)
ranges = st.tuples(spans, spans).map(lambda pair: (min(pair), max(pair)))
timings = st.builds(
    Timing,
    **{
        name: st.integers(100, 5000) if "decision" in name else spans
        for name, field in Timing.model_fields.items()
        if field.annotation is not tuple[int, int]
    }
    | {"decision_fixation": ranges, "legacy_delay": ranges, "unit": st.integers(1, 10).map(lambda n: 100 * n)},
)
points = {
    "wrap": st.sampled_from(["direction", "action"]),
    "go_interval": st.sampled_from(["answer", "stimulus"]),
    "decision_interval": st.sampled_from(["drawn", "fixed"]),
    "match_delay": st.sampled_from(["fixed", "trial", "instance"]),
    "go_delay": st.sampled_from(["none", "always"]),
    "sample_category": st.sampled_from(["same", "above"]),
    "order": st.sampled_from(["drawn", "alternating"]),
    "ties": st.sampled_from(["redrawn", "coin"]),
}
steps = st.integers(1, 10**6)


def apart(values: list[float]) -> bool:
    return all(abs(a - b) >= 1e-6 for a, b in combinations(values, 2))


@st.composite
def values(draw: st.DrawFn) -> Cognitive:
    names = st.lists(st.sampled_from(BATTERIES["all126"]), min_size=1, max_size=5).map(tuple)
    tasks = draw(st.sampled_from(sorted(BATTERIES)) | names)
    slots = BATTERIES[tasks] if isinstance(tasks, str) else tasks
    some = st.lists(st.sampled_from(slots), max_size=3).map(tuple).filter(lambda chosen: set(slots) - set(chosen))
    shares = st.tuples(*[st.floats(1e-3, 1e3)] * len(slots))
    conventions = draw(st.builds(Conventions, **points) | st.builds(Legacy, **points))
    return Cognitive(
        tasks=tasks,
        rules=draw(st.sampled_from(["one_hot", "parts"])),
        untrained=draw(some if len(set(slots)) > 1 else st.just(())),
        proportions=None if conventions.order == "alternating" else draw(st.none() | shares),
        layout=draw(st.just(OneTrial()) | st.builds(Windows, steps=steps) | st.builds(Streams, steps=steps)),
        dt=draw(st.sampled_from([1, 4, 10, 20, 25, 50, 100])),
        ring=draw(st.integers(2, 100).map(lambda half: 2 * half)),
        sigma=draw(st.floats(0, 1e6)),
        coherences=draw(st.lists(st.floats(1e-6, 1), min_size=1, max_size=4).map(tuple)),
        strengths=draw(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=4, unique=True).filter(apart).map(tuple)),
        timing=draw(timings),
        conventions=conventions,
        evaluation_trials=draw(steps),
    )


@given(values())
def test_json_and_back_is_the_same_value(task: Cognitive) -> None:
    again = Cognitive.model_validate_json(task.model_dump_json())
    assert again == task
    assert hash(again) == hash(task)
    assert again.model_dump_json() == task.model_dump_json()
    assert Cognitive.model_validate(task.model_dump()) == task
    assert type(again.layout) is type(task.layout)
    assert type(again.conventions) is type(task.conventions)


def test_values_are_frozen() -> None:
    for value in (Cognitive(), Timing(), Legacy(), Conventions(), Streams()):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(value, next(iter(type(value).model_fields)), 1)


REFUSALS = [
    ({"tasks": ("dlygo", "dlygo-intx")}, r"task 'dlygo-intx': did you mean 'dlygo-intr'\?"),
    ({"tasks": ("delaygo",)}, r"task 'delaygo': did you mean 'dlygo'\?"),
    ({"tasks": ("go-intr",)}, "task 'go-intr'.*if it has a delay"),
    ({"tasks": ("rtgo-intl-seqr",)}, "task 'rtgo-intl-seqr'.*if it has a delay"),
    ({"tasks": ("dlygo-seqr-intr",)}, "task 'dlygo-seqr-intr'"),
    ({"tasks": ("Go",)}, r"task 'Go': did you mean 'go'\?"),
    ({"tasks": ("dmsnogo",)}, r"task 'dmsnogo': did you mean 'dnms'\?"),
    ({"tasks": ("DlyGo_IntR",)}, r"task 'DlyGo_IntR': did you mean 'dlygo-intr'\?"),
    ({"tasks": ("ctxdlydm1intr",)}, r"task 'ctxdlydm1intr': did you mean 'ctxdlydm1-intr'\?"),
    ({"tasks": ("dm1intr",)}, "task 'dm1intr': a name is one of"),
    ({"tasks": {"go", "anti"}}, "(?m)^tasks\n.*or a list of task names"),
    ({"untrained": {"go"}}, "(?m)^untrained\n.*expected a list of task names"),
    ({"untrained": "dms"}, "(?m)^untrained\n.*expected a list of task names; got 'dms'"),
    ({"tasks": ()}, "tasks: expected a battery or at least one name"),
    ({"tasks": "yang21"}, "(?m)^tasks"),
    ({"untrained": ("dms-seqr",)}, "untrained: 'dms-seqr' is not among the tasks"),
    ({"untrained": ("dsm",)}, r"(?s)^untrained.*task 'dsm': did you mean 'dms'\?"),
    ({"untrained": ORDER}, "untrained: expected at least one task that is trained"),
    ({"proportions": (1.0, 2.0)}, "proportions: expected one for each of the 20 tasks; got 2"),
    ({"tasks": ("go",), "proportions": (0.0,)}, "(?m)^proportions"),
    ({"tasks": ("go", "rtgo"), "proportions": (1e-46, 1.0)}, "proportions: expected each to be at least 1e-06 of the"),
    ({"ring": 15}, "(?m)^ring"),
    ({"ring": 2}, "(?m)^ring"),
    ({"dt": 0}, "(?m)^dt"),
    ({"dt": 30}, "dt: expected a divisor of timing.unit = 100 ms; got 30 ms"),
    ({"timing": {"decision": 0}}, "(?m)^timing.decision"),
    (
        {"tasks": ("go", "rtgo"), "proportions": (1.0, 2.0), "conventions": {"kind": "legacy"}},
        "proportions: expected None with the alternating order",
    ),
    ({"dt": 250}, "timing: decision_fixation = 200 ms is shorter than a step, dt = 250 ms"),
    ({"timing": {"delay": 50}}, "timing: delay = 50 ms is shorter than a step, dt = 100 ms"),
    ({"timing": {"unit": 50}}, "timing: unit = 50 ms is shorter than a step"),
    ({"timing": {"decision_fixation": (500, 200)}}, "decision_fixation: expected the lower end first"),
    ({"timing": {"legacy_delay": (500, 200)}}, "legacy_delay: expected the lower end first"),
    ({"timing": {"stimulus": -1}}, r"(?m)^timing\.stimulus"),
    ({"timing": {"pause": 100}}, r"(?m)^timing\.pause"),
    ({"sigma": -0.1}, "(?m)^sigma"),
    ({"sigma": float("nan")}, "(?m)^sigma"),
    ({"coherences": ()}, "(?m)^coherences"),
    ({"coherences": (1.5,)}, "(?m)^coherences"),
    ({"strengths": (0.3,)}, "(?m)^strengths"),
    ({"strengths": (0.3, 0.6, 0.3)}, "(?m)^strengths\n.*differ by at least 1e-06"),
    ({"strengths": (0.3, 0.3000000001)}, "(?m)^strengths\n.*differ by at least 1e-06"),
    ({"layout": {"kind": "windows", "steps": 0}}, r"(?m)^layout\.windows\.steps"),
    ({"layout": {"kind": "rows"}}, "(?m)^layout"),
    ({"layout": {"kind": "one_trial", "steps": 9}}, r"(?m)^layout\.one_trial\.steps"),
    ({"conventions": {"kind": "legacy", "wrap": "angle"}}, r"(?m)^conventions\.legacy\.wrap"),
    ({"conventions": {"kind": "published"}}, "(?m)^conventions"),
    ({"rules": "one-hot"}, "(?m)^rules"),
    ({"evaluation_trials": 0}, "(?m)^evaluation_trials"),
    ({"tau": 100}, "(?m)^tau"),
]


@pytest.mark.parametrize(("fields", "message"), REFUSALS)
def test_a_wrong_value_is_named(fields, message) -> None:
    with pytest.raises(ValidationError) as caught:
        Cognitive.model_validate(fields)
    lines = str(caught.value).split("\n", 1)[1]
    assert pytest.RaisesExc(ValueError, match=message).matches(ValueError(lines)), lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fixate", 0, 0), "base: expected one of go, rtgo, .*; got 'fixate'"),
        (("dlygo", 2, 0), "interval: expected -1, 0 or 1; got 2"),
        (("dlygo", 0, -2), "sequence: expected -1, 0 or 1; got -2"),
        *(
            ((base, 1, 0), f"interval: expected a base with a delay, .* got '{base}'")
            for base in ORDER
            if base not in DELAYED
        ),
    ],
)
def test_a_wrong_rule_is_named(arguments, message) -> None:
    with pytest.raises(TaskError, match=message):
        Rule(*arguments)
