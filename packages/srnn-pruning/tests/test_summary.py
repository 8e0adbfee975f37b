"""The summary against counts by loops over the masks, for masks made by hand."""

import math
from types import SimpleNamespace

import pytest
import torch

import srnn_masks
from srnn_pruning import KeptRow, Pruning, PruningError, Random, Summary, prune, summarize


@pytest.fixture(autouse=True)
def _own_global_generator():
    """Modules of torch draw their weights from the global generator: seed it, and restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


class Classifier(torch.nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.embedding = torch.nn.Linear(3, 3)
        self.lstm = torch.nn.LSTM(3, 5, **options)
        self.head = torch.nn.Linear(5, 2)


def masked(module, density=0.2):
    generator = torch.Generator().manual_seed(0)
    prune(module, Pruning(sparsity=1 - density, criterion=Random(), scope=("*weight_*",)), generator=generator)
    return srnn_masks.masks(module)


def test_rows_are_matrices_and_their_gates():
    module = Classifier()
    masks = masked(module)
    rows = summarize(module).rows
    assert [(row.name, row.role, row.gate, row.shape) for row in rows] == [
        (name, role, gate, (20 if gate == "" else 5, columns))
        for name, role, columns in (("lstm.weight_ih_l0", "input", 3), ("lstm.weight_hh_l0", "recurrent", 5))
        for gate in ("", "i", "f", "g", "o")
    ]
    for row in rows:
        block = masks[row.name]
        if row.gate:
            first = "ifgo".index(row.gate) * 5
            block = block[first : first + 5]
        assert row.kept == sum(map(sum, block.tolist()))
        assert row.density == row.kept / (block.shape[0] * block.shape[1])


def test_recurrences_count_units_by_what_they_read():
    module = torch.nn.GRU(2, 6, num_layers=2, bidirectional=True)
    masks = masked(module, density=0.06)
    found = summarize(module).recurrences
    assert [row.name for row in found] == ["l0", "l0_reverse", "l1", "l1_reverse"]
    for row in found:
        inputs, recurrent = masks[f"weight_ih_{row.name}"], masks[f"weight_hh_{row.name}"]
        blind = [unit for unit in range(6) if not any(any(recurrent[gate * 6 + unit]) for gate in range(3))]
        idle = [unit for unit in blind if not any(any(inputs[gate * 6 + unit]) for gate in range(3))]
        assert (row.units, row.without_recurrent, row.reading_nothing) == (6, len(blind), len(idle))
        assert (row.input_entries, row.recurrent_entries) == (inputs.numel(), 108)
        assert row.dense_ratio == pytest.approx(inputs.shape[1] / 6)
        kept = int(recurrent.sum())
        assert row.ratio == pytest.approx(int(inputs.sum()) / kept) if kept else math.isnan(row.ratio)
    assert sum(row.reading_nothing for row in found) > 0, "the masks above show nothing"


def test_no_warning_for_a_dense_module_or_an_even_mask():
    assert summarize(torch.nn.LSTM(3, 5)).warnings == ()
    module = torch.nn.LSTM(3, 5)
    masked(module, density=0.5)
    assert summarize(module).warnings == ()


def test_a_recurrence_without_inputs_is_named():
    module = Classifier()
    srnn_masks.apply(module, {"lstm.weight_ih_l0": torch.zeros(20, 3, dtype=torch.bool)})
    (warning,) = summarize(module).warnings
    assert warning == "lstm.l0 keeps none of its 60 input weights, so it reads no input"
    assert warning in str(summarize(module))


def test_a_gate_is_empty_only_if_no_matrix_has_a_weight_of_it():
    module = torch.nn.LSTM(3, 5)
    keep = torch.ones(20, 1, dtype=torch.bool)
    keep[5:10] = False
    srnn_masks.apply(module, {"weight_hh_l0": keep.expand(20, 5)})
    assert summarize(module).recurrences[0].empty_gates == ()
    srnn_masks.apply(module, {"weight_ih_l0": keep.expand(20, 3)})
    summary = summarize(module)
    assert summary.recurrences[0].empty_gates == ("f",)
    assert summary.warnings == ("l0 keeps no weight of gate f, so only its bias sets this gate",)


def test_a_recurrence_without_weights_has_one_warning():
    module = torch.nn.RNNCell(3, 5)
    masked(module, density=0)
    assert summarize(module).warnings == ("(module) keeps no weight at all, so its state depends on its biases only",)


def test_a_projection_is_a_matrix_without_gates_and_units():
    module = torch.nn.LSTM(3, 5, proj_size=2)
    srnn_masks.apply(module, {"weight_hr_l0": torch.zeros(2, 5, dtype=torch.bool)})
    summary = summarize(module)
    assert [row for row in summary.rows if row.role == "projection"] == [
        KeptRow(name="weight_hr_l0", recurrence="l0", role="projection", shape=(2, 5), kept=0)
    ]
    (row,) = summary.recurrences
    assert (row.units, row.input_entries, row.recurrent_entries) == (5, 60, 40)
    assert summary.warnings == ("l0 keeps none of its 10 projection weights, so its output is always 0",)


def test_every_layer_without_a_projection_has_a_warning_and_no_other():
    module = torch.nn.LSTM(3, 5, num_layers=2, bidirectional=True, proj_size=2)
    masks = {f"weight_hr_{key}": torch.zeros(2, 5, dtype=torch.bool) for key in ("l0_reverse", "l1")}
    masks["weight_hr_l0"] = torch.eye(2, 5, dtype=torch.bool)
    srnn_masks.apply(module, masks)
    assert [text.partition(" keeps none of its 10 projection")[0] for text in summarize(module).warnings] == [
        "l0_reverse",
        "l1",
    ]


class Blocks(torch.nn.Module):
    """A recurrence of 3 + n units in gates `gates` with six blocks of weights, named by target and source."""

    def __init__(self, outputs, gates):
        super().__init__()
        self.inputs, self.hidden, self.state_size, self.gate_names = 2, 3 + outputs, 3 + outputs, tuple(gates)
        self.sizes = {"h": 3, "y": outputs}
        for target, rows in self.sizes.items():
            for source, columns in {"x": 2, **self.sizes}.items():
                self.register_parameter(
                    target + source, torch.nn.Parameter(torch.randn(len(gates) * rows, columns) * 0.1)
                )

    def step(self, input, state):
        raise AssertionError("a summary runs nothing")

    output = step

    def matrices(self):
        return {
            name: SimpleNamespace(source="input" if name[1] == "x" else "state", offset=3 * (name[0] == "y"))
            for name, _ in self.named_parameters()
        }


@pytest.mark.parametrize("gates", ["h", "ab"])
@pytest.mark.parametrize("outputs", [1, 3, 5])
def test_units_with_weights_of_their_own_are_counted_one_by_one(outputs, gates):
    """Also where the blocks of two sets of units have the same shape."""
    module = Blocks(outputs, gates)
    drawn = {name: torch.rand(weight.shape) < 0.4 for name, weight in module.named_parameters()}
    for name, mask in drawn.items():
        mask.view(len(gates), -1, mask.shape[1])[:, 0] = name == "hx"  # the first h reads x only, the first y nothing
    srnn_masks.apply(module, drawn)
    masks = {name: mask.tolist() for name, mask in drawn.items()}
    blind, idle, used = 0, 0, set()
    for target, size in module.sizes.items():
        for unit in range(size):
            rows = {(g, s): masks[target + s][g * size + unit] for g in range(len(gates)) for s in "xhy"}
            blind += not any(any(row) for (_, source), row in rows.items() if source != "x")
            idle += not any(any(row) for row in rows.values())
            used |= {gate for (gate, _), row in rows.items() if any(row)}
    (row,) = summarize(module).recurrences
    assert (row.units, row.without_recurrent, row.reading_nothing) == (3 + outputs, blind, idle)
    assert 0 < idle < blind
    assert row.empty_gates == tuple(name for number, name in enumerate(gates) if number not in used)
    assert row.input_entries == len(gates) * 2 * (3 + outputs)
    assert row.recurrent_entries == len(gates) * (3 + outputs) ** 2


def test_a_recurrence_without_one_of_its_weights_is_an_error():
    """Only a module without any recurrence has a summary without recurrences."""
    module = torch.nn.GRU(3, 5)
    del module.weight_hh_l0
    with pytest.raises(PruningError, match="weight_hh_l0: expected a weight of a recurrence, got no such parameter"):
        summarize(module)


def test_a_plain_cell_has_one_row_per_matrix():
    rows = summarize(torch.nn.RNNCell(3, 5)).rows
    assert [(row.name, row.gate, row.kept) for row in rows] == [("weight_ih", "", 15), ("weight_hh", "", 25)]


def test_scope_adds_matrices_outside_of_the_recurrences():
    rows = summarize(Classifier(), scope=("*weight*",)).rows
    assert [row.name for row in rows if row.recurrence == ""] == ["embedding.weight", "head.weight"]
    assert [row.name for row in rows if not row.gate].count("lstm.weight_hh_l0") == 1
    linear = summarize(torch.nn.Linear(4, 3), scope=("weight",))
    assert linear == Summary(rows=(KeptRow(name="weight", shape=(3, 4), kept=12),), recurrences=())
    with pytest.raises(PruningError, match="scope"):
        summarize(Classifier(), scope=("other*",))


def test_a_summary_survives_json():
    module = Classifier(bidirectional=True)
    masked(module, density=0.02)
    summary = summarize(module)
    assert summary.warnings
    assert Summary.model_validate_json(summary.model_dump_json()) == summary


def test_a_printed_summary_is_aligned():
    module = torch.nn.GRU(2, 4)
    mask = torch.zeros(12, 4, dtype=torch.bool)
    mask[9, 1] = True
    srnn_masks.apply(module, {"weight_hh_l0": mask})
    assert str(summarize(module)) == (
        "matrix        gate   shape  kept  density\n"
        "weight_ih_l0        12 x 2    24   1.0000\n"
        "              r      4 x 2     8   1.0000\n"
        "              z      4 x 2     8   1.0000\n"
        "              n      4 x 2     8   1.0000\n"
        "weight_hh_l0        12 x 4     1   0.0208\n"
        "              r      4 x 4     0   0.0000\n"
        "              z      4 x 4     0   0.0000\n"
        "              n      4 x 4     1   0.0625\n"
        "\n"
        "recurrence  units  without recurrent input  reading nothing  input/recurrent  if dense\n"
        "l0              4                        3                0          24.0000    0.5000"
    )


def test_the_other_names_of_a_tied_weight_are_marked():
    module = torch.nn.GRU(5, 5, num_layers=2)
    module.weight_hh_l1 = module.weight_hh_l0
    masked(module)
    summary = summarize(module)
    for row in summary.rows:
        assert row.tied_to == ("weight_hh_l0" if row.name == "weight_hh_l1" else "")
    lines = [line for line in str(summary).splitlines() if "tied" in line]
    assert len(lines) == 1 and lines[0].startswith("weight_hh_l1 (tied to weight_hh_l0) ")
    assert Summary.model_validate_json(summary.model_dump_json()) == summary
