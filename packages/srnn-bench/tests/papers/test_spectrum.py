"""The tables of arXiv 1912.00120: counts of weights, shared runs, schedules, readings, plans, text from own files."""

import os
from types import SimpleNamespace

import pytest
import torch

from srnn_bench import BenchError, StageResult, papers
from srnn_bench.experiment import Experiment
from srnn_bench.papers import spectrum
from srnn_bench.tables import SCALES, AtStep
from srnn_models import Normal
from srnn_pruning import PruningError, Random, prune
from srnn_tasks import SequentialMNIST, TaskError

DIGITS = SimpleNamespace(inputs=28, outputs=10, start=None, tokens=False)

NAMES = [name for name in papers.table_names() if name.startswith("spectrum/")]


def stage(**fields):
    numbers = {"metrics": {}, "densities": {}, "history": (), "steps": 4, "step_ms": 2.0, "peak_memory_mb": None}
    return StageResult.model_validate({"name": "trained"} | numbers | fields)


def keys(name, scale="quick", *, rows=None, columns=None):
    """Return the keys of the first seed of some cells of a table, by place."""
    table = papers.table(f"spectrum/{name}", scale)
    cells = [
        cell
        for cell in table.cells
        if (rows is None or cell.row in rows) and (columns is None or cell.column in columns)
    ]
    return {cell.place: cell.experiment.key(table.seeds[0]) for cell in cells}


# --- Numbers of weights: sections "Parameter counts" of the paper's tables, biases not counted ---


@pytest.mark.parametrize(
    ("cell", "hidden", "weights", "kept"),
    [
        ("RNN", 400, 171_200, 8_560),
        ("LSTM", 400, 684_800, 34_240),
        ("peephole LSTM", 400, 1_324_800, 66_240),
        ("GRU", 400, 513_600, 25_680),
        ("GRU", 100, 38_400, 1_920),
        ("GRU", 1600, 7_814_400, 390_720),
    ],
)
def test_a_recurrent_layer_has_the_papers_number_of_weights_and_keeps_5_percent(cell, hidden, weights, kept):
    generator = torch.Generator().manual_seed(0)
    network = spectrum.Net(cell, hidden, Normal(sd=0.1)).model.build(DIGITS, generator=generator)
    masks = prune(network, spectrum.pruned(Random()), generator=generator)
    assert sum(mask.numel() for mask in masks.values()) == weights
    assert sum(int(mask.sum()) for mask in masks.values()) == kept
    assert all(name.startswith("recurrence.weight_") for name in masks)


def test_biases_start_at_0_and_the_initial_scales_are_those_of_their_names():
    generator = torch.Generator().manual_seed(0)
    table = papers.table("spectrum/table1", "quick")
    for column, sd in (("dense", 0.1), ("dense, 2/√N", 0.2)):  # 2/√100
        for row in table.rows:
            (cell,) = (cell for cell in table.cells if cell.place == (row, column))
            network = cell.experiment.model.build(DIGITS, generator=generator)
            for name, parameter in network.named_parameters():
                if parameter.dim() == 1:
                    assert not parameter.any(), name
                elif name.startswith("recurrence."):
                    assert parameter.std().item() == pytest.approx(sd, rel=0.05)
            bound = (6 / 110) ** 0.5  # Glorot for 100 units and 10 classes
            assert 0.9 * bound < network.readout.weight.abs().max().item() <= bound


# --- Tables ---


def test_tables_1_to_3_share_their_runs():
    first = keys("table1", rows=["GRU"])
    second = keys("table2", columns=["N = 100"])
    third = keys("table3", rows=["95 %"])
    for column, row in {
        "random": "random, N(0, 0.1)",
        "ours": "ours, N(0, 0.1), gamma",
        "dense": "dense, N(0, 0.1)",
        "random, 2/√N": "random, N(0, 2/√N)",
        "ours, 2/√N": "ours, N(0, 2/√N), gamma",
        "dense, 2/√N": "dense, N(0, 2/√N)",
    }.items():
        assert first["GRU", column] == second[row, "N = 100"] == third["95 %", column]
    dense = {key for (_, column), key in keys("table3").items() if column == "dense"}
    assert len(dense) == 1, "the same dense runs at each sparsity"


def test_other_tables_share_runs_with_table_2():
    second = keys("table2")
    width = keys("width")
    assert width["N = 50", "ours"] == second["ours, N(0, 0.1), gamma", "N = 50"]
    assert keys("normalizations")["ours, none", "global"] == second["ours, N(0, 0.1)", "N = 100"]
    for name in ("figure1", "figure1-inputs", "figure4"):
        assert set(keys(name).values()) <= set(second.values())


def test_at_400_units_both_initial_scales_are_the_papers():
    table = keys("table1", "paper")
    for column in ("random", "ours", "dense"):
        assert table["LSTM", column] == table["LSTM", f"{column}, 2/√N"]


def test_ways_of_pruning_differ_in_the_pruning_and_the_initialization_alone():
    table = papers.table("spectrum/table2", "quick")
    bare = set()
    for cell in table.cells:
        assert cell.experiment.task == SequentialMNIST(view="rows", scaling="standard")
        (only,) = cell.experiment.stages
        assert only.training.epochs * only.training.batches == 1000
        recurrence = cell.experiment.model.recurrence.model_copy(update={"initialization": Normal(sd=1.0)})
        model = cell.experiment.model.model_copy(update={"recurrence": recurrence})
        without = only.model_copy(update={"pruning": None})
        bare.add(cell.experiment.model_copy(update={"model": model, "stages": (without,)}))
    assert len(bare) == 2, "one for each number of units"


def test_published_numbers_stand_beside_their_cells():
    cells = {cell.place: cell.published for cell in papers.table("spectrum/table2", "paper").cells}
    printed = {
        row: [cells[row, f"N = {units}"].mean for units in (100, 400, 1600)]
        for row in ("ours, N(0, 0.1), gamma", "SNIP, N(0, 0.1)", "SNIP, Glorot, gamma", "random, N(0, 0.1)")
    }
    assert printed == {
        "ours, N(0, 0.1), gamma": [3.09, 1.46, 1.01],
        "SNIP, N(0, 0.1)": [88.9, 88.8, 89.0],
        "SNIP, Glorot, gamma": [4.09, 1.52, 1.10],
        "random, N(0, 0.1)": [2.78, 1.50, 1.15],
    }
    assert cells["ours, Glorot, gamma", "N = 400"] is None, "the paper has no such row in Table 2"
    rnn = papers.table("spectrum/table1", "quick")
    assert "+0.49" in rnn.source, "a misprint"


@pytest.mark.parametrize("name", NAMES)
def test_plans_fix_seeds_that_were_never_run_before(name):
    plan = papers.table(name, "quick").plan
    assert not plan.exploratory and not plan.looks
    assert not {0, 1, 2} & set(plan.seeds), "seeds of the prototypes"
    assert plan.note and plan.margin > 0 and plan.failure_threshold is None
    assert papers.table(name, "smoke").plan.exploratory


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", SCALES)
def test_experiments_go_to_json_and_back(name, scale):
    for cell in papers.table(name, scale).cells:
        assert Experiment.model_validate_json(cell.experiment.model_dump_json()) == cell.experiment


def test_dense_networks_of_table_5_have_as_many_weights_as_the_sparse_ones():
    cells = {cell.row: cell.experiment for cell in papers.table("spectrum/table5", "quick").cells}

    def weights(experiment):
        hidden = experiment.model.recurrence.hidden
        return 3 * hidden * (experiment.model.embedding + hidden)

    for share in (40, 80, 95):
        sparse = (1 - share / 100) * weights(cells[f"sparse, {share} %"])
        assert weights(cells[f"dense, recurrent weights of {share} %"]) == pytest.approx(sparse, rel=0.02)


def test_the_embedding_of_the_text_networks_is_frozen_and_nothing_else_is_pruned():
    for name in ("table4", "table4-corpora", "table5", "table5-treebank"):
        for cell in papers.table(f"spectrum/{name}", "paper").cells:
            (only,) = cell.experiment.stages
            assert only.freeze == ("embedding.weight",)
            assert only.pruning is None or only.pruning.scope == ("recurrence.*weight_*",)


# --- Magnitude pruning in steps ---


@pytest.mark.parametrize("epochs", [8, 20, 50])
def test_the_schedule_as_printed_ends_at_90_percent_and_the_compressed_one_at_95(epochs):
    printed, compressed = spectrum.magnitude_as_printed(), spectrum.magnitude_compressed()
    for pruning, end in ((printed, 0.9), (compressed, 0.95)):
        shares = [pruning.schedule.fraction(epoch, epochs, pruning.sparsity) for epoch in range(1, epochs + 1)]
        assert shares[0] == pytest.approx(0.2) and shares[-1] == end == pruning.sparsity
        assert shares == sorted(shares)
        densities = dict.fromkeys(round(1 - share, 9) for share in shares)
        assert list(densities) == [0.8, 0.6, 0.4, 0.2, 0.1, 0.05][: 5 if end == 0.9 else 6]


def test_the_cuts_of_the_printed_schedule_are_10_000_steps_apart():
    schedule = spectrum.magnitude_as_printed().schedule
    epochs, length = 469, 100  # 46,900 steps
    shares = [schedule.fraction(epoch, epochs, 0.9) for epoch in range(1, epochs + 1)]
    cuts = [number * length for number in range(1, epochs) if shares[number] != shares[number - 1]]
    assert cuts == [10_000, 20_000, 30_000, 40_000]


def test_a_stepwise_schedule_that_does_not_reach_the_sparsity_is_refused():
    schedule = spectrum.Stepwise(densities=(0.8, 0.6, 0.1), every=0.5)
    with pytest.raises(PruningError, match=r"reach the sparsity 0\.9 within 4 epochs, got 0\.4"):
        schedule.fraction(1, 4, 0.9)
    with pytest.raises(PruningError, match="one of 1 to 4, got 5"):
        schedule.fraction(5, 4, 0.4)


# --- Readings ---


def test_an_error_is_100_minus_the_accuracy_in_percent():
    assert spectrum.Error()(stage(metrics={"accuracy": 0.985})) == pytest.approx(1.5)
    assert spectrum.Error().improves == "lower" and not spectrum.Error().needs_course
    history = [{"loss": 1.0, "penalty": 0, "density": 1, "metrics": {"accuracy": value}} for value in (0.5, 0.7)]
    early = spectrum.Error(AtStep("accuracy", 2))
    assert early.needs_course and early.course == "accuracy" and spectrum.Error().course is None
    assert early(stage(history=history)) == pytest.approx(50)
    assert spectrum.LastLoss()(stage(history=history)) == 1.0


def test_shares_of_gates_and_the_input_ratio_count_the_recurrent_layer_alone():
    kept = {"recurrence.weight_ih": (3, 0, 1), "recurrence.weight_hh": (2, 4, 10), "readout.weight": (70,)}
    found = stage(kept=kept)
    assert [spectrum.GateShare(gate)(found) for gate in range(3)] == [25, 20, 55]
    assert spectrum.GateShare()(found) == 55
    assert spectrum.InputRatio()(found) == 4 / 16
    assert spectrum.InputRatio()(stage(kept={"recurrence.weight_ih": (3,), "recurrence.weight_hh": (0,)})) == 3
    for reading in (spectrum.GateShare(), spectrum.InputRatio()):
        with pytest.raises(BenchError, match="no numbers of weights by gate"):
            reading(stage())


def test_the_time_of_pruning_is_read_in_seconds_and_in_training_steps():
    timed = stage(pruning_ms=500.0)
    assert spectrum.PruningSeconds()(timed) == 0.5
    assert spectrum.PruningSteps()(timed) == 250
    with pytest.raises(BenchError, match="no time of pruning"):
        spectrum.PruningSteps()(stage())


# --- Text ---


@pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no WikiText-2 files")
@pytest.mark.parametrize("scale", SCALES)
def test_the_unigram_perplexity_is_that_of_the_task(scale):
    words = spectrum.WORDS[scale]
    source = words.task.open(device="cpu", generator=torch.Generator())
    assert words.unigram == pytest.approx(source.unigram(), abs=0.006)
    if scale == "quick":
        assert words.steps == source.epoch_batches(words.training.batch_size) == 1632, "one pass over the text"


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Return the folder of a small text."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, text in {"train.txt": "a b a c\nb a d\n" * 20, "valid.txt": "a b\n" * 9, "test.txt": "c e\n" * 9}.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    return folder


def test_a_text_in_own_files_is_read_with_its_own_vocabulary(corpus):
    task = spectrum.LocalText(folder="own", steps=4, evaluation_rows=2)
    source = task.open(device="cpu", generator=torch.Generator())
    assert source.words == ("a", "b", "<eos>", "c", "d", "e")
    batch = source.draw(3, generator=torch.Generator())
    assert batch.inputs.shape == (4, 3)
    assert task.data_set().place == str(corpus)


def test_rare_words_of_an_own_text_become_unknown_although_it_has_no_such_word(corpus):
    task = spectrum.LocalText(folder="own", vocabulary=4, steps=4, evaluation_rows=2)
    source = task.open(device="cpu", generator=torch.Generator())
    assert source.words == ("a", "b", "<eos>", "<unk>")
    text = next(iter(source.held_out("test", generator=torch.Generator()))).inputs[:, 0]
    assert text.tolist() == [3, 3, 2, 3], "c e <eos> c"


def test_missing_files_are_named(corpus):
    (corpus / "valid.txt").unlink()
    task = spectrum.LocalText(folder="own")
    assert task.data_set().place is None
    with pytest.raises(TaskError, match=r"own has no valid\.txt"):
        task.open(device="cpu", generator=torch.Generator())


def test_corpora_that_are_not_here_say_so():
    for name in ("table4-corpora", "table5-treebank"):
        table = papers.table(f"spectrum/{name}", "paper")
        assert all(cell.published is not None for cell in table.cells)
        (remark,) = table.remarks({})
        assert remark.startswith("Not run: data.")
