"""Task variances are those of a plain loop over units, steps and trials."""

import math
import statistics

import pytest
import torch

from srnn_bench import BenchError
from srnn_bench.analysis import active_units, align_periods, normalised, task_variance
from srnn_tasks import Cognitive


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def plain(activity, task, scored):
    """The definition, a number at a time."""
    steps, rows, units = activity.shape
    held = activity.double().tolist()
    found = []
    for slot in range(max(task) + 1):
        line = []
        for unit in range(units):
            by_step = []
            for step in range(steps):
                present = [row for row in range(rows) if task[row] == slot and scored[step][row]]
                if len(present) >= 2:
                    by_step.append(statistics.pvariance([held[step][row][unit] for row in present]))
            line.append(statistics.fmean(by_step))
        found.append(line)
    return torch.tensor(found, dtype=torch.float64)


def made(seed, *, lengths=(3, 9), rows=24, units=5, slots=3):
    """Activity, task, and scored steps of trials of different lengths, of which the first two are fixation."""
    draw = generator(seed)
    activity = torch.randn(lengths[1], rows, units, generator=draw)
    task = torch.arange(rows) % slots
    length = torch.randint(lengths[0], lengths[1] + 1, (rows,), generator=draw)
    length[:slots] = lengths[1] - 1  # so that each task has a long trial, alone or not at its last steps
    step = torch.arange(lengths[1])[:, None]
    scored = (step >= 2) & (step < length)
    activity[~scored] = float("nan")
    return activity, task[torch.randperm(rows, generator=draw)], scored


@pytest.mark.parametrize("seed", range(3))
def test_it_is_that_of_a_plain_loop(seed):
    activity, task, scored = made(seed)
    found = task_variance(activity, task, scored)
    expected = plain(activity, task.tolist(), scored.tolist())
    assert found.dtype == torch.float64 and found.shape == (3, 5)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def test_a_tuned_unit_has_the_variance_of_its_tuning_curve():
    angles = torch.arange(16) * 2 * math.pi / 16
    step = torch.tensor([0.0, 1.0, 2.0])[:, None]  # silent, then tuned by 1, then by 2
    activity = torch.stack([step * angles.cos(), step.expand(3, 16), 7 + 0 * step * angles], dim=2)
    found = task_variance(activity, torch.zeros(16, dtype=torch.long), torch.ones(3, 16, dtype=torch.bool))
    torch.testing.assert_close(found, torch.tensor([[(0 + 1 + 4) / 2 / 3, 0.0, 0.0]], dtype=torch.float64))


def test_a_step_with_one_row_does_not_count_and_steps_count_alike():
    activity = torch.tensor([[0.0, 2.0, 4.0], [0.0, 10.0, 99.0], [50.0, -7.0, 99.0]])[..., None]  # (T, B, 1)
    scored = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 0]]).bool()
    found = task_variance(activity, torch.zeros(3, dtype=torch.long), scored)
    assert found.item() == pytest.approx((8 / 3 + 25) / 2, rel=1e-12)


def test_a_small_variance_on_a_large_mean_is_found():
    activity = 4096 + 2.0**-10 * torch.tensor([-1.0, 1.0]).repeat(50)[None, :, None]  # exact in float32
    found = task_variance(activity, torch.zeros(100, dtype=torch.long), torch.ones(1, 100, dtype=torch.bool))
    assert found.item() == 2.0**-20


LAWS = {
    "another mean": (lambda activity, order: activity + torch.arange(5.0), 1.0),
    "three times as large": (lambda activity, order: 3 * activity, 9.0),
    "half precision is widened": (lambda activity, order: activity.double(), 1.0),
}


@pytest.mark.parametrize("law", LAWS)
def test_laws(law):
    activity, task, scored = made(4)
    change, factor = LAWS[law]
    before, after = task_variance(activity, task, scored), task_variance(change(activity, None), task, scored)
    torch.testing.assert_close(after, factor * before, rtol=1e-5, atol=1e-7)


def test_the_order_of_trials_does_not_matter():
    activity, task, scored = made(4)
    order = torch.randperm(24, generator=generator())
    again = task_variance(activity[:, order], task[order], scored[:, order])
    torch.testing.assert_close(again, task_variance(activity, task, scored))


def test_its_arguments_are_left_alone():
    activity, task, scored = made(5)
    before = activity.clone()
    task_variance(activity, task, scored)
    assert torch.equal(activity.nan_to_num(-9), before.nan_to_num(-9))


GOOD = {
    "activity": torch.ones(4, 6, 2),
    "task": torch.tensor([0, 0, 0, 1, 1, 1]),
    "scored": torch.ones(4, 6, dtype=torch.bool),
}
WRONG = {
    "flat": ({"activity": torch.ones(4, 6)}, r"activity: expected shape \(T, B, N\) with trials, got \(4, 6\)"),
    "no trials": ({"activity": torch.ones(4, 0, 2)}, "activity: expected shape"),
    "nan": ({"activity": torch.full((4, 6, 2), float("nan"))}, "activity: .* finite .* got others in 2 units"),
    "scored": ({"scored": torch.ones(6, 4, dtype=torch.bool)}, r"scored: expected bool \(4, 6\), got torch.bool \(6"),
    "weights": ({"scored": torch.ones(4, 6)}, r"scored: expected bool \(4, 6\), got torch.float32"),
    "one task": ({"task": torch.tensor(0)}, r"task: expected integers \(6,\), got torch.int64 \(\)"),
    "float": ({"task": torch.zeros(6)}, "task: expected integers"),
    "below": ({"task": torch.tensor([0, 0, 0, 1, 1, -1])}, "task: expected slots from 0, got -1"),
    "empty slot": ({"task": torch.tensor([0, 0, 0, 2, 2, 2])}, "two or more scored rows of task 1, got none"),
    "one row": ({"task": torch.tensor([0, 0, 0, 0, 0, 1])}, "two or more scored rows of task 1, got none"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_invalid_arguments_are_refused(wrong):
    change, said = WRONG[wrong]
    task_variance(**GOOD)
    with pytest.raises(BenchError, match=said):
        task_variance(**(GOOD | change))


VARIANCE = torch.tensor([[0.0005, 4.0, 0.0, 0.001], [0.0005, 1.0, 0.0, 0.0005]], dtype=torch.float64)


def test_units_are_active_by_their_sum_over_tasks():
    assert active_units(VARIANCE).tolist() == [False, True, False, True], "above, not at, the threshold"


def test_each_unit_is_divided_by_its_greatest():
    found = normalised(VARIANCE[:, active_units(VARIANCE)])
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.25], [1.0, 0.5]], dtype=torch.float64))
    with pytest.raises(BenchError, match=r"variance: expected units that vary .* got 1 that do not"):
        normalised(VARIANCE)


def test_alignment_is_a_plain_loop():
    generator = torch.Generator().manual_seed(2)
    steps, rows, units = 12, 7, 3
    activity = torch.randn(steps, rows, units, generator=generator)
    period, elapsed = torch.zeros(2, steps, rows, dtype=torch.int64)
    for b in range(rows):
        lengths = torch.randint(0, 4, (4,), generator=generator).tolist()
        marks = [number for number, length in enumerate(lengths) for _ in range(length)]
        marks = marks[:steps] + [4] * (steps - len(marks))
        period[:, b] = torch.tensor(marks)
        elapsed[:, b] = torch.tensor([t - marks.index(number) for t, number in enumerate(marks)])
    scored = (period > 0) & (period < 4)
    aligned, present = align_periods(activity, period, elapsed, scored)
    assert aligned.shape[1:] == (rows, units) and present.sum() == scored.sum()
    for b in range(rows):
        for t in range(steps):
            place = int(period[t, b]) * steps + int(elapsed[t, b])
            assert bool(present[place, b]) == bool(scored[t, b])
            assert torch.equal(aligned[place, b], activity[t, b])


def test_a_unit_that_follows_the_cue_varies_in_no_task_once_laid_out_by_period():
    source = Cognitive(tasks=("dlygo", "dlygo-intr", "dm1"), sigma=0).open(device="cpu", generator=torch.Generator())
    generator = torch.Generator().manual_seed(0)
    slots = torch.tensor([0, 1, 2]).repeat(40)[:, None]
    batch = source.show(source.drawer.draw(slots, generator=generator), source.drawer.longest, generator=generator)
    cue, period = batch.inputs[..., :1], batch.info["period"]
    scored = (period > 0) & (period < 5)
    assert (task_variance(cue, slots[:, 0], scored)[1:] > 0.01).all(), "on the clock it does"
    aligned, present = align_periods(cue, period, batch.info["elapsed"], scored)
    assert torch.equal(task_variance(aligned, slots[:, 0], present), torch.zeros(3, 1, dtype=torch.float64))


def test_alignment_refuses_rows_of_several_trials():
    again = torch.tensor([[1], [1], [1]])
    with pytest.raises(BenchError, match="one trial per row"):
        align_periods(torch.zeros(3, 1, 1), again, torch.tensor([[0], [1], [0]]), again == 1)


def test_alignment_refuses_steps_that_are_not():
    zeros = torch.zeros(3, 2, dtype=torch.int64)
    with pytest.raises(BenchError, match="elapsed: expected 0 to 2 steps, got 0 to 3"):
        align_periods(torch.zeros(3, 2, 1), zeros, zeros + torch.tensor([0, 3]), zeros == 0)
