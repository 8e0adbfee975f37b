"""Gates of weight matrices, for models that describe them and for models that do not."""

import pytest
import torch
from torch import nn

from srnn_bench import Penalty
from srnn_bench.training import assemble, matrices_of, stream
from srnn_manifolds import Moduli
from srnn_models import (
    GRU,
    LSTM,
    BlockRNN,
    ElmanRNN,
    LanguageModel,
    Matrix,
    PeepholeLSTM,
    ProjectedLSTM,
    SequenceModel,
)
from srnn_tasks import Metric, TaskSpec

SPEC = TaskSpec(inputs=5, outputs=5, tokens=True, loss="cross_entropy", metrics=(Metric(name="loss", better="lower"),))
PLAIN = Matrix(gates=1, recurrent=False)


def network(**modules: nn.Module) -> nn.Module:
    """Return a network that does not describe its matrices."""
    return nn.ModuleDict(modules)


@pytest.fixture(autouse=True)
def restore_the_global_generator():
    """Restore the global generator, from which torch's own modules draw their initial weights."""
    with torch.random.fork_rng():
        yield


def test_a_network_describes_itself():
    model = LanguageModel(recurrence=GRU(hidden=4), layers=2).build(SPEC, generator=torch.Generator())
    assert matrices_of(model) == model.matrices()
    assert matrices_of(model)["recurrence.layers.1.weight_hh"] == Matrix(gates=3, recurrent=True)


@pytest.mark.parametrize(
    "recurrence", [ElmanRNN(hidden=4), LSTM(hidden=4), PeepholeLSTM(hidden=4)], ids=lambda value: value.kind
)
def test_a_layer_within_another_module_describes_itself(recurrence):
    model = network(core=recurrence.build(3, generator=torch.Generator()), readout=nn.Linear(4, 2))
    expected = {f"core.{name}": matrix for name, matrix in model["core"].matrices().items()}
    assert matrices_of(model) == expected | {"readout.weight": PLAIN}


@pytest.mark.parametrize(
    ("kind", "gates"),
    [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4), (nn.RNNCell, 1), (nn.GRUCell, 3), (nn.LSTMCell, 4)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_torch_s_layers_and_cells_are_known(kind, gates):
    model = network(core=kind(3, 4), readout=nn.Linear(4, 2))
    suffix = "" if issubclass(kind, nn.RNNCellBase) else "_l0"
    assert matrices_of(model) == {
        f"core.weight_ih{suffix}": Matrix(gates),
        f"core.weight_hh{suffix}": Matrix(gates, recurrent=True),
        "readout.weight": PLAIN,
    }


def test_an_lstm_with_projection():
    """weight_hr (P, N) has no gates, and the columns of weight_hh (4N, P) are projections instead of neurons."""
    model = nn.LSTM(3, 6, num_layers=2, proj_size=2, bidirectional=True)
    matrices = matrices_of(model)
    assert set(matrices) == {name for name, parameter in model.named_parameters() if parameter.dim() == 2}
    for name, matrix in matrices.items():
        assert matrix == (PLAIN if "weight_hr" in name else Matrix(gates=4))
    assert tuple(model.weight_hr_l0.shape) == (2, 6) and tuple(model.weight_hh_l0.shape) == (24, 2)


def test_other_parameters_have_one_gate():
    model = network(deep=network(weight_hh=nn.Linear(4, 12)), table=nn.Embedding(5, 4), norm=nn.LayerNorm(4))
    assert matrices_of(model) == {"deep.weight_hh.weight": PLAIN, "table.weight": PLAIN}


# --- what is drawn by gates -------------------------------------------------------------------------------------------


class Projected:
    """A model value whose network has an LSTM with projection, N = 6 and P = 2."""

    def build(self, spec, *, generator):
        with torch.random.fork_rng():
            return network(core=nn.LSTM(spec.inputs, 6, proj_size=2), readout=nn.Linear(2, spec.outputs))


def penalties_of(experiment):
    return assemble(experiment, 0, torch.device("cpu")).penalties


@pytest.mark.parametrize("model", [BlockRNN(hidden=6), ProjectedLSTM(hidden=6)], ids=lambda value: value.kind)
def test_penalties_have_the_populations_of_outputs_in_the_state(tiny, model):
    """Two populations for every matrix but those of the hidden units, and of the outputs, among themselves."""
    penalties = (Penalty(parameter="*weight*", regularizer=Moduli(), strength=1.0),)
    built = penalties_of(tiny(model=model, penalties=penalties))
    points = {name.removeprefix("points.recurrence.") for name in built.embeddings}
    names = {"weight_hx", "weight_hy", "weight_yx", "weight_yh"}
    alone = {"weight_hh", "weight_yy"}
    if model.kind == "projected_lstm":
        names, alone = {"weight_ih", "weight_hh", "weight_hr"}, set()
        assert built.embeddings["points.recurrence.weight_hh"].shape == (4, 6, 2)
    assert points == names | alone | {f"{name}.sources" for name in names}


def test_the_penalty_of_an_lstm_with_projection(tiny):
    names = ("core.weight_ih_l0", "core.weight_hh_l0", "core.weight_hr_l0")
    penalties = tuple(Penalty(parameter=name, regularizer=Moduli(), strength=0.5) for name in names)
    experiment = tiny(stages=(tiny().stages[1].model_copy(update={"start": "continue"}),), penalties=penalties)
    built = penalties_of(experiment.model_copy(update={"model": Projected()}))
    shapes = {name: tuple(points.shape) for name, points in built.embeddings.items()}
    assert shapes == {
        "points.core.weight_ih_l0": (4, 6, 2),
        "points.core.weight_ih_l0.sources": (4, 2, 2),
        "points.core.weight_hh_l0": (4, 6, 2),
        "points.core.weight_hh_l0.sources": (4, 2, 2),
        "points.core.weight_hr_l0": (1, 2, 2),
        "points.core.weight_hr_l0.sources": (1, 6, 2),
    }
    spec = experiment.task.open(device="cpu", generator=torch.Generator()).spec
    network = Projected().build(spec, generator=torch.Generator())
    assert bool(built(dict(network.named_parameters())).isfinite())


def test_a_penalty_has_points_for_each_gate(tiny):
    experiment = tiny(model=SequenceModel(recurrence=GRU(hidden=6)))
    parts = assemble(experiment, 0, torch.device("cpu"))
    weight = parts.model.recurrence.weight_hh
    built = Moduli().build(6, gates=3, generator=stream(0, "penalties", 0, "recurrence.weight_hh"))
    assert torch.equal(parts.penalties(dict(parts.model.named_parameters())), 0.1 * built(weight))


def test_a_matrix_that_is_not_recurrent_has_a_second_population_of_points(tiny):
    penalties = tuple(
        Penalty(parameter=name, regularizer=Moduli(), strength=1.0) for name in ("readout*", "*weight_hh")
    )
    readout, recurrent = penalties_of(tiny(penalties=penalties)).terms
    assert readout.shape == (1, 6) and readout.points.shape == (1, 1, 2) and readout.source_points.shape == (1, 6, 2)
    assert recurrent.shape == (6, 6) and recurrent.source_points is None
