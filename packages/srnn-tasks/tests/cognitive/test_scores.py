"""Scores of correct outputs, of outputs that never answer, and of random ones, against a slow count."""

import math

import pytest
import torch
from torch import Tensor

from srnn_tasks import Batch
from srnn_tasks.cognitive import Cognitive, Conventions, Legacy, OneTrial, Scores, Streams, Windows, score

from .plain import DECISION, MATCH
from .rows import drawn, held_out, opened, trials

LAYOUTS = [OneTrial(), Windows(steps=350), Windows(steps=77), Streams(steps=90)]
SHARES = ["decision_accuracy", "trial_accuracy", "fixation_accuracy", "always_fixate"]


def restated(task: Cognitive, batch: Batch) -> Tensor:
    """Return outputs `(T, B, O)` with the answers of the oracle; the first bump wins a tie."""
    answers = torch.zeros(batch.steps, batch.size, dtype=torch.int64)
    for shown in trials(task, batch):
        answers[shown.first : shown.first + shown.held, shown.row] = torch.tensor(shown.targets)
    return torch.eye(1 + task.ring)[answers]


def fixating(task: Cognitive, batch: Batch) -> Tensor:
    outputs = torch.zeros(batch.steps, batch.size, 1 + task.ring)
    outputs[..., 0] = 1.0
    return outputs


def summed(task: Cognitive, batches: list[Batch], outputs: list[Tensor]) -> dict[str, Tensor]:
    total: Scores | None = None
    for batch, given in zip(batches, outputs, strict=True):
        counted = score(given, batch, len(task.names))
        total = counted if total is None else total.plus(counted)
    assert total is not None
    return total.by_slot()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("conventions", [Conventions(), Legacy(ties="redrawn")])
def test_the_answers_of_the_oracle_are_all_correct(layout, conventions) -> None:
    source = opened(tasks="all126", layout=layout, conventions=conventions, evaluation_trials=6)
    batches = held_out(source)
    shares = summed(source.task, batches, [restated(source.task, batch) for batch in batches])
    for name in SHARES[:3]:
        assert shares[name].tolist() == [1.0] * 126, name


@pytest.mark.parametrize("layout", [OneTrial(), Windows(steps=120)])
def test_the_answers_of_the_oracle_are_all_correct_in_training(layout) -> None:
    source = opened(tasks="distinct82", layout=layout)
    (batch,) = drawn(source, 1500 if layout.kind == "one_trial" else 250)
    shares = summed(source.task, [batch], [restated(source.task, batch)])
    for name in SHARES[:3]:
        assert shares[name].tolist() == [1.0] * 82, name


def test_no_model_can_predict_the_coin_of_a_tie() -> None:
    """Section 14.6: at best 93.75 % and 91.7 %."""
    source = opened(tasks=("multidm", "multidlydm", "ctxdm1"), conventions=Legacy(), evaluation_trials=3000, sigma=0)
    batches = held_out(source)
    shares = summed(source.task, batches, [restated(source.task, batch) for batch in batches])
    for slot, best in enumerate((15 / 16, 11 / 12, 1.0)):  # a tie whose wrong bump agrees modulo 16 does not occur
        allowed = 4 * math.sqrt(best * (1 - best) / 3000)
        assert shares["trial_accuracy"][slot].item() == pytest.approx(best, abs=allowed)
        assert shares["decision_accuracy"][slot].item() == pytest.approx(best, abs=allowed)
        assert shares["fixation_accuracy"][slot] == 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_never_answering_is_correct_in_no_go_trials(layout) -> None:
    source = opened(tasks="all126", layout=layout, evaluation_trials=6)
    batches = held_out(source)
    shares = summed(source.task, batches, [fixating(source.task, batch) for batch in batches])
    assert torch.equal(shares["decision_accuracy"], shares["always_fixate"])
    assert torch.equal(shares["trial_accuracy"] > 0, shares["always_fixate"] > 0)
    assert shares["fixation_accuracy"].tolist() == [1.0] * 126
    for slot, name in enumerate(source.task.names):
        if name.split("-")[0] not in MATCH:
            assert shares["always_fixate"][slot] == 0, name
    assert shares["always_fixate"].mean().item() == pytest.approx((20 + 16) / 2 / 126, abs=0.05)


def test_always_fixate_in_the_published_code_counts_trials_without_an_answer() -> None:
    """Section 14.5: 1/16 of go answers ask to fixate, and are not withheld."""
    source = opened(tasks=("go", "dms-seqr", "anti-seql"), conventions=Legacy(), evaluation_trials=600)
    batches = held_out(source)
    shares = summed(source.task, batches, [fixating(source.task, batch) for batch in batches])
    assert shares["always_fixate"][[0, 2]].tolist() == [0, 0]
    assert shares["always_fixate"][1].item() == pytest.approx(1 / 2, abs=0.09)
    assert shares["decision_accuracy"][[0, 2]].tolist() == pytest.approx([1 / 16] * 2, abs=0.04)


def slow_scores(task: Cognitive, batch: Batch, outputs: Tensor) -> list[dict[str, float]]:
    """Count one trial, one step at a time; a share of nothing is NaN."""
    said = outputs.argmax(-1).T.tolist()  # (B, T) lists
    counts = [
        dict.fromkeys(("steps", "right", "withheld", "trials", "flawless", "before", "kept"), 0) for _ in task.names
    ]
    for shown in trials(task, batch):
        count, flawless = counts[shown.slot], True
        opens = sum(shown.lengths[:DECISION])
        for t in range(shown.held):
            right = said[shown.row][shown.first + t] == shown.targets[t]
            if t < opens:
                count["before"] += 1
                count["kept"] += right
            else:
                count["steps"] += 1
                count["right"] += right
                count["withheld"] += not shown.go
                flawless = flawless and right
        if shown.held == sum(shown.lengths):
            count["trials"] += 1
            count["flawless"] += flawless
    pairs = [("right", "steps"), ("flawless", "trials"), ("kept", "before"), ("withheld", "steps")]
    return [
        {name: c[up] / c[down] if c[down] else math.nan for name, (up, down) in zip(SHARES, pairs, strict=True)}
        for c in counts
    ]


@pytest.mark.parametrize("conventions", [Conventions(), Legacy(ties="redrawn")])
@pytest.mark.parametrize("layout", LAYOUTS[:3])
@pytest.mark.parametrize("wrong", [1.0, 0.06])
def test_random_outputs_by_a_slow_count(layout, conventions, wrong) -> None:
    source = opened(tasks="all126", layout=layout, conventions=conventions)
    (batch,) = drawn(source, 400 if layout.kind == "one_trial" else 40)
    generator = torch.Generator().manual_seed(3)
    noise = torch.rand(batch.steps, batch.size, 17, generator=generator)
    noise[..., 0] += 0.5  # often right before the decision
    spoiled = torch.rand(batch.steps, batch.size, 1, generator=generator) < wrong
    outputs = torch.where(spoiled, noise, restated(source.task, batch))
    shares = score(outputs, batch, 126).by_slot()
    slow = slow_scores(source.task, batch, outputs)
    for name in SHARES:
        expected = torch.tensor([count[name] for count in slow], dtype=torch.float64)
        torch.testing.assert_close(shares[name].double(), expected, rtol=0, atol=1e-9, equal_nan=True)
    if wrong < 1:
        assert any(0 < share["trial_accuracy"] < 1 for share in slow)


def test_evaluation_is_the_mean_over_trained_tasks() -> None:
    """What a source evaluates: counts over all held-out batches, then the mean over tasks, trained and not."""
    names = ("go", "dms", "dlygo-intr", "dmc-seql", "dms-intl-seqr")
    source = opened(tasks=names, untrained=("dms", "dms-intl-seqr"), layout=Windows(steps=90), evaluation_trials=150)
    source.evaluation_size = 64  # several batches
    batches = held_out(source, seed=4)
    assert len(batches) > 2

    def model(inputs, start=None, state=None):
        outputs = torch.zeros(*inputs.shape[:2], 17)
        outputs[..., 0] = 0.3
        outputs[..., 1:] = inputs[..., 1:17] + inputs[..., 17:33]  # the bump that is there now
        return outputs, None

    found = source.evaluate(model, split="test", generator=torch.Generator().manual_seed(4))
    shares = summed(source.task, batches, [model(batch.inputs)[0] for batch in batches])
    for name in SHARES:
        assert found[name] == pytest.approx(shares[name][[0, 2, 3]].mean().item(), abs=1e-9), name
    for name, of in (("untrained_accuracy", "decision_accuracy"), ("untrained_always_fixate", "always_fixate")):
        assert found[name] == pytest.approx(shares[of][[1, 4]].mean().item(), abs=1e-9)
    outputs = torch.cat([model(batch.inputs)[0].flatten(0, 1) for batch in batches]).double()
    targets = torch.cat([batch.targets.flatten() for batch in batches])
    there = torch.cat([batch.weight.flatten() for batch in batches]) > 0
    losses = outputs.exp().sum(1).log() - outputs.gather(1, targets[:, None])[:, 0]
    assert found["loss"] == pytest.approx(losses[there].mean().item(), rel=1e-5)
    assert not there.all()
