"""Figures of arXiv 1912.00120: what they measure, on networks whose answer is known, and their files at scale smoke."""

import json
import os

import pytest
import torch

from srnn_bench import Conditions, Job, Store, Watcher, papers, run, sweep
from srnn_bench.experiment import Experiment, Stage, Training
from srnn_bench.papers import spectrum
from srnn_bench.papers.spectrum import figures
from srnn_models import GRU, LSTM, ElmanRNN, Normal, SequenceModel
from srnn_pruning import JacobianSpectrum
from srnn_tasks import Adding

NEEDS_DATA = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no MNIST, no WikiText-2")


def recurrence(value, inputs=3):
    module = value.build(inputs, generator=torch.Generator().manual_seed(0)).double()
    sequence = torch.randn(6, 2, inputs, generator=torch.Generator().manual_seed(1), dtype=torch.float64)  # (T, B, I)
    return module, sequence


# --- Measurements ---


def test_the_jacobian_of_a_tanh_rnn_is_its_closed_form():
    module, inputs = recurrence(ElmanRNN(hidden=5))
    found = figures.jacobians(module, lambda: module(inputs), samples=2)  # (4, 2, 5, 5)
    states, _ = module(inputs)  # (T, B, N)
    expected = (1 - states[-4:].square())[..., None] * module.weight_hh  # diag(1 - h²) W
    torch.testing.assert_close(found, expected.detach())


@pytest.mark.parametrize("value", [GRU(hidden=4), LSTM(hidden=4)])
def test_jacobians_agree_with_finite_differences(value):
    module, inputs = recurrence(value)
    found = figures.jacobians(module, lambda: module(inputs), samples=1, last=2)
    assert found.shape == (2, 1, 4, 4)
    with torch.no_grad():
        before = module(inputs[:-1])[1]  # (B, S)
        for column in range(4):
            shift = torch.zeros_like(before)
            shift[:, column] = 1e-6
            after = [module.output(module.step(inputs[-1], before + sign * shift)) for sign in (1, -1)]  # (B, N) each
            torch.testing.assert_close(found[-1, 0, :, column], (after[0] - after[1])[0] / 2e-6, atol=1e-8, rtol=1e-6)


def test_the_initial_network_of_a_run_has_the_masks_that_the_run_trains_with():
    training = Training(epochs=2, batches=2, batch_size=4, learning_rate=1e-3)
    pruning = spectrum.pruned(JacobianSpectrum(), 0.8)
    experiment = Experiment(
        task=Adding(steps=6, held_out=20),
        model=SequenceModel(recurrence=GRU(hidden=8, initialization=Normal(sd=0.3))),
        stages=(Stage(name="trained", training=training, pruning=pruning),),
    )
    found = figures.initial(experiment, 5)
    (stage,) = run(experiment, seed=5, conditions=Conditions("cpu")).stages
    counts = {name: tuple(mask.reshape(3, -1).sum(1).tolist()) for name, mask in found.masks.items()}
    assert counts == {name: stage.kept[f"recurrence.{name}"] for name in ("weight_ih", "weight_hh")}
    for name, mask in found.masks.items():
        assert not getattr(found.network.recurrence, name)[~mask].any()
    assert found.run().shape[1] == 64, "the batch that the criterion read"


def test_verdicts_on_two_samples_name_the_direction():
    low, high = ("low", [1.0, 1.1, 0.9, 1.05]), ("high", [2.0, 2.1, 1.9, 2.05])
    assert figures.two_samples("smaller", low, high, tests=1).startswith('"smaller": low 1.01 ± 0.085 (4), high 2.01')
    assert figures.two_samples("smaller", low, high, tests=1).endswith(": supported.")
    assert figures.two_samples("smaller", high, low, tests=1).endswith(": contradicted.")
    assert figures.two_samples("smaller", low, ("alike", [1.0, 1.15, 0.85, 1.05]), tests=1).endswith(": undecided.")
    assert "too few values" in figures.two_samples("smaller", ("one", [1.0]), high, tests=1)


def test_correlations_need_ten_runs_and_a_p_below_the_level():
    values = [float(number) for number in range(12)]
    assert figures.correlation("chi", values, [-each for each in values], tests=3).endswith("goes with smaller errors.")
    assert figures.correlation("chi", values, values, tests=3).endswith("goes with larger errors.")
    mixed = [values[(5 * number) % 12] for number in range(12)]
    assert figures.correlation("chi", values, mixed, tests=1).endswith("no correlation is found.")
    partly = [*reversed(values[:7]), *values[7:]]  # p = 0.036
    assert figures.correlation("chi", values, partly, tests=1).endswith("goes with larger errors.")
    assert figures.correlation("chi", values, partly, tests=3).endswith("no correlation is found.")
    assert "too few" in figures.correlation("chi", values[:9], values[:9], tests=1)


def test_every_network_of_the_figures_is_a_row_of_table_2():
    assert set(figures.SHOWN.values()) <= set(papers.table("spectrum/table2", "quick").rows)


# --- Files ---


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a folder with the smoke runs that the figures of trained networks read."""
    folder = tmp_path_factory.mktemp("runs") / "results"
    table = papers.table("spectrum/table2", "smoke")
    column = table.columns[-1]
    cells = [cell for cell in table.cells if cell.column == column and cell.row in figures.SHOWN.values()]
    for name in ("figure4", "table4", "chi"):
        cells += papers.table(f"spectrum/{name}", "smoke").cells
    experiments = dict.fromkeys(cell.experiment for cell in cells)
    jobs = [Job(each, seed, "smoke") for each in experiments for seed in (0, 1)]
    sweep(jobs, Store(folder), keep_weights=True, conditions=Conditions(device="cpu"), watcher=Watcher())
    return folder


def drawn(name, folder, store=None):
    figure = papers.figure(f"spectrum/{name}")
    opened = Store(store) if figure.needs else None
    paths = figure.draw(papers.FigureRequest(opened, "smoke", folder))
    suffixes = [".svg", ".png", *([] if name in ("figure3", "figure4", "figure5") else [".json"]), ".md"]
    assert [path.suffix for path in paths] == suffixes
    assert all(path.stat().st_size for path in paths)
    return paths[-1].read_text(encoding="utf-8")


@NEEDS_DATA
def test_figure_4_shows_the_losses_of_all_rows(store, tmp_path, rows_of):
    rows = rows_of(drawn("figure4", tmp_path, store))
    table = papers.table("spectrum/figure4", "smoke")
    assert {f"{row} (2)" for row in table.rows} <= set(rows)


@NEEDS_DATA
def test_figure_5_shows_random_ours_and_dense(store, tmp_path, rows_of):
    rows = rows_of(drawn("figure5", tmp_path, store))
    assert {"random (2)", "ours (2)", "dense (2)"} <= set(rows)
    assert all(150 < float(value) < 250 for value in rows["dense (2)"]), "200 words, hardly trained"


@NEEDS_DATA
def test_chi_of_random_masks_is_measured_for_each_run(store, tmp_path):
    text = drawn("chi", tmp_path, store)
    values = json.loads((tmp_path / "spectrum-chi-smoke.json").read_text())
    assert values["seeds"] == [0, 1] and len(values["error, %"]) == 2 and values["chi, all transitions"][0] > 0
    assert text.count("too few different runs for a test") == 3 and "(2) %" in text


@NEEDS_DATA
def test_spectra_after_training_are_compared(store, tmp_path, rows_of):
    text = drawn("figure2-trained", tmp_path, store)
    rows = rows_of(text)
    assert {"ours", "random", "dense", "SNIP, normalised", "SNIP, un-normalised"} <= set(rows)
    assert text.count("a higher mean than") == 3 == text.count("much fewer near-zero")


@NEEDS_DATA
@pytest.mark.slow
def test_figure_1_counts_the_weights_of_400_units(tmp_path, rows_of):
    rows = rows_of(drawn("figure1", tmp_path))
    assert rows["dense"][:6] == ["11200 ± 0"] * 3 + ["160000 ± 0"] * 3
    kept = [sum(float(cell.split()[0]) for cell in line[:6]) for name, line in rows.items() if name in figures.SHOWN]
    assert all(count == pytest.approx(25_680, abs=20) or count == 513_600 for count in kept)


@NEEDS_DATA
@pytest.mark.slow
def test_figure_3_maps_400_units(tmp_path, rows_of):
    rows = rows_of(drawn("figure3", tmp_path))
    assert {line[0] for name, line in rows.items() if name in figures.SHOWN} == {"25680"}


@NEEDS_DATA
@pytest.mark.slow
def test_figure_2_has_singular_values_near_one_half_before_training(tmp_path, rows_of):
    rows = rows_of(drawn("figure2", tmp_path))
    assert 0.4 < float(rows["random"][0].split()[0]) < 0.6, "the update gate is one half"
