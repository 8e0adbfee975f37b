"""The trials in the rows of batches, each with what the oracle in `plain.py` expects of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from srnn_tasks import Batch
from srnn_tasks.cognitive import PERIODS, Cognitive, CognitiveSource

from .plain import CHOICE, DELAYED_CHOICE, LEGACY, TIMES, Drawn, goes, plain_trial, tied, with_fixation

PADDING = PERIODS.index("padding")
AS_PUBLISHED = {
    "wrap": ("action",),
    "go_interval": ("stimulus",),
    "decision_interval": ("fixed",),
    "match_delay": ("trial", "instance"),
    "go_delay": ("always",),
    "sample_category": ("above",),
}
assert set(AS_PUBLISHED) == set(LEGACY)


def opened(seed: int = 0, **fields: object) -> CognitiveSource:
    return Cognitive(**fields).open(device="cpu", generator=torch.Generator().manual_seed(seed))


def drawn(source: CognitiveSource, size: int, count: int = 1, seed: int = 1) -> list[Batch]:
    return list(islice(source.batches(size, generator=torch.Generator().manual_seed(seed)), count))


def held_out(source: CognitiveSource, seed: int = 2) -> list[Batch]:
    return list(source.held_out("test", generator=torch.Generator().manual_seed(seed)))


def legacy_points(task: Cognitive) -> tuple[str, ...]:
    """Return the points of section 6 in which the task follows the published code."""
    return tuple(point for point in LEGACY if getattr(task.conventions, point) in AS_PUBLISHED[point])


def joined(batches: list[Batch]) -> Batch:
    """Return batches that follow one another as a single long one; `trial` has no meaning in it."""
    info = {name: torch.cat([batch.info[name] for batch in batches]) for name in batches[0].info}
    return Batch(
        inputs=torch.cat([batch.inputs for batch in batches]),
        targets=torch.cat([batch.targets for batch in batches]),
        weight=torch.cat([batch.weight for batch in batches]),
        info=info,
    )


@dataclass(frozen=True)
class Shown:
    """A trial in a row: its slot, what was drawn, its first step in the row, and what the oracle expects of it.

    inputs, targets: of the steps that the row holds, as many as `held`. tie_targets: those of the other coin, in a tie.
    """

    slot: int
    name: str
    drawn: Drawn
    row: int
    first: int
    held: int
    inputs: list[list[float]] = field(repr=False)
    targets: list[int]
    tie_targets: list[int]
    lengths: list[int]
    go: bool

    @property
    def whole(self) -> bool:
        return self.held == sum(self.lengths)


def trials(task: Cognitive, batch: Batch) -> Iterator[Shown]:
    """Yield the trials of each row, in order, read from the `info` of their first steps.

    The next trial of a row begins where the restatement says that the last one ends.
    """
    choices = {"legacy": legacy_points(task), "dt": task.dt, "times": times_of(task)}
    info = {name: tensor.numpy() for name, tensor in batch.info.items()}
    for b in range(batch.size):
        first = 0
        while first < batch.steps and info["period"][first, b] != PADDING:
            meaning = {key: array[first, b].tolist() for key, array in info.items()}
            name = task.names[meaning["task"]]
            meant = Drawn(
                ring=meaning["ring"],
                directions=tuple(meaning["directions"]),
                strengths=tuple(map(tuple, meaning["strengths"])),
                delay=meaning["delay"],
            )
            if name.split("-")[0] in CHOICE + DELAYED_CHOICE:
                meant = with_fixation(name, meant, meaning["left"] + 1, **choices)
            inputs, targets, lengths = plain_trial(name, meant, ring=task.ring, **choices)
            other = targets
            if tied(name, meant):
                other = plain_trial(name, replace(meant, coin=1), ring=task.ring, **choices)[1]
            held = min(len(inputs), batch.steps - first)
            yield Shown(
                slot=meaning["task"],
                name=name,
                drawn=meant,
                row=b,
                first=first,
                held=held,
                inputs=inputs[:held],
                targets=targets[:held],
                tie_targets=other[:held],
                lengths=lengths,
                go=goes(name, meant, legacy=choices["legacy"], ring=task.ring),
            )
            first += held


def times_of(task: Cognitive) -> dict[str, int]:
    return {name: getattr(task.timing, name) for name in TIMES}


def clean(task: Cognitive, batch: Batch) -> Tensor:
    """Return what the inputs `(T, B, 1 + 2R)` are without noise and rule."""
    inputs = np.zeros((batch.size, batch.steps, 1 + 2 * task.ring), dtype=np.float32)
    for shown in trials(task, batch):
        inputs[shown.row, shown.first : shown.first + shown.held] = shown.inputs
    return torch.from_numpy(inputs).transpose(0, 1)


def check_answers(task: Cognitive, shown: Shown, answers: list[int], said: list[int]) -> None:
    """Fail unless `info["answer"]` has the directions of the targets and, before the decision, the first of them."""
    begin = sum(shown.lengths[: PERIODS.index("decision")])
    assert set(answers) <= set(range(task.ring))
    assert len(set(answers[: begin + 1])) == 1, shown
    if shown.go:
        published = task.conventions.wrap == "action"
        asked = [(1 + answer) % task.ring if published else 1 + answer for answer in answers[begin:]]
        assert asked == said[begin:], shown


def check(task: Cognitive, batch: Batch, *, rules: Tensor | None = None) -> list[Shown]:
    """Fail unless the batch, without noise, is what the oracle expects. Return its trials.

    rules: `(slots, rules)`, the rule inputs of each task; by default one input per task.
    """
    rules = torch.eye(len(task.names)) if rules is None else rules
    channels = 1 + 2 * task.ring
    names = ("task", "period", "elapsed", "left", "delay", "respond", "answer")
    info = {name: batch.info[name].T.numpy() for name in names}
    targets = batch.targets.T.numpy()
    expected = np.zeros((batch.size, batch.steps, channels), dtype=np.float32)
    slots = np.full((batch.size, batch.steps), -1)
    found = []
    for shown in trials(task, batch):
        here = np.s_[shown.row, shown.first : shown.first + shown.held]
        total, held = sum(shown.lengths), shown.held
        periods = [(period, t) for period, length in enumerate(shown.lengths) for t in range(length)][:held]
        meaning = {name: array[here].tolist() for name, array in info.items()}
        said = targets[here].tolist()
        assert (slots[here] == -1).all()
        assert said in (shown.targets, shown.tie_targets), (shown, said)
        assert meaning["period"] == [period for period, _ in periods], shown
        assert meaning["elapsed"] == [t for _, t in periods], shown
        assert meaning["left"] == [total - 1 - t for t in range(held)], shown
        assert meaning["delay"] == [shown.lengths[2]] * held, shown
        assert meaning["respond"] == [shown.go] * held, shown
        assert meaning["task"] == [shown.slot] * held, shown
        check_answers(task, shown, meaning["answer"], said)
        expected[here] = shown.inputs
        slots[here] = shown.slot
        found.append(shown)
    there = slots >= 0
    assert not targets[~there].any()  # padding
    assert not (info["period"] == PADDING)[there].any()
    assert (info["period"] == PADDING)[~there].all()
    rule = torch.cat([rules, torch.zeros(1, rules.shape[1])])[torch.from_numpy(slots).T]  # (T, B, rules)
    inputs = torch.from_numpy(expected).transpose(0, 1)  # (T, B, 1 + 2R)
    torch.testing.assert_close(batch.inputs[..., :channels], inputs, rtol=0, atol=1e-5)
    assert torch.equal(batch.inputs[..., channels:], rule)
    assert torch.equal(batch.weight, torch.from_numpy(there).T.float())
    return found
