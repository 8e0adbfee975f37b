"""Files of compact models: what they hold, and files that are refused."""

import json
import struct

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from srnn_models import GRU, LSTM, ElmanRNN, LeakyRNN, ModelError, compact, load_compact, save_compact


def sparse(module, density, seed=0):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if "weight" in name:
                weight.mul_(torch.rand(weight.shape, generator=generator) < density)
    return module


def layer(density=0.05, inputs=20, hidden=40, kind=nn.GRU, **options):
    torch.manual_seed(0)
    return sparse(kind(inputs, hidden, **options), density)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


# --- what a file holds ------------------------------------------------------------------------------------------------

SINGLE = {
    "elman": lambda: ElmanRNN(hidden=40, nonlinearity="relu", bias="double"),
    "leaky": lambda: LeakyRNN(hidden=40, alpha=0.2, nonlinearity="softplus"),
    "gru": lambda: GRU(hidden=40),
    "lstm": lambda: LSTM(hidden=40, bias=False),
    "nn.RNN": lambda: layer(kind=nn.RNN, nonlinearity="relu"),
    "nn.GRU": lambda: layer(num_layers=2, bidirectional=True, batch_first=True),
    "nn.LSTM": lambda: layer(kind=nn.LSTM, bias=False, num_layers=3),
}


@pytest.mark.parametrize("density", [0, 0.01, 0.05, 0.15, 0.4, 1])
@pytest.mark.parametrize("name", SINGLE)
def test_a_single_recurrence_is_read_without_a_model(name, density, path):
    module = SINGLE[name]()
    if not isinstance(module, nn.Module):
        module = module.build(20, generator=torch.Generator().manual_seed(0))
    small = compact(sparse(module, density))
    save_compact(small, path)
    inputs = torch.randn(4, 4, 20)
    for loaded in (load_compact(path), load_compact(path, into=SINGLE[name]()) if "nn" in name else None):
        if loaded is not None:
            assert type(loaded) is type(small) and str(loaded) == str(small)
            assert loaded.state_dict().keys() == small.state_dict().keys()
            assert all(torch.equal(tensor, small.state_dict()[key]) for key, tensor in loaded.state_dict().items())
            assert torch.equal(loaded(inputs)[0], small(inputs)[0])


@given(st.integers(1, 9), st.integers(1, 9), st.floats(0, 1), st.integers(0, 99))
def test_any_matrix_is_restored(tmp_path_factory, inputs, hidden, density, seed):
    path = tmp_path_factory.mktemp("files") / "model.safetensors"
    module = sparse(nn.RNN(inputs, hidden), density, seed)
    save_compact(compact(module), path)
    loaded = load_compact(path, into=nn.RNN(inputs, hidden))
    assert loaded.state_dict().keys() == compact(module).state_dict().keys()
    eye = torch.eye(inputs)[None]
    assert torch.equal(loaded(eye)[0], compact(module)(eye)[0])


def form(path, name):
    return {key.removeprefix(name) for key in load_file(path) if key.partition(":")[0] == name}


@pytest.mark.parametrize(
    ("density", "expected"),
    [
        (0.03, {":values", ":columns", ":starts"}),
        (0.1, {":values", ":bitmap"}),
        (0.5, {":values", ":bitmap"}),
        (1, {""}),
    ],
)
def test_a_matrix_has_its_smallest_form(density, expected, path):
    save_compact(compact(layer(density, hidden=300)), path)
    assert form(path, "weight_hh_l0") == expected


@pytest.mark.parametrize(("inputs", "dtype"), [(2**15 - 1, torch.int16), (2**15, torch.int32)])
def test_columns_are_short_where_they_fit(inputs, dtype, path):
    module = layer(0, inputs, 4, nn.RNN)
    with torch.no_grad():
        module.weight_ih_l0[1, -1] = 3
    save_compact(compact(module), path)
    assert load_file(path)["weight_ih_l0:columns"].dtype is dtype
    inputs = torch.zeros(1, inputs)
    inputs[0, -1] = 1
    assert torch.equal(load_compact(path)(inputs)[0], compact(module)(inputs)[0])
    assert load_compact(path)(inputs)[0][0, 1] > 0.9


def test_a_gru_of_5_percent_is_eleven_times_smaller(path, tmp_path):
    module = layer(0.05, 64, 512)
    torch.save(module.state_dict(), tmp_path / "dense.pt")
    save_compact(compact(module), path)
    assert (tmp_path / "dense.pt").stat().st_size > 11 * path.stat().st_size


class Model(nn.Module):
    """Layers of both kinds, a tied map, and a buffer of integers."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 20)
        self.layers = nn.GRU(20, 40)
        self.cell = GRU(hidden=20).build(40, generator=torch.Generator().manual_seed(0))
        self.decoder = nn.Linear(20, 9)
        self.decoder.weight = self.embedding.weight
        self.register_buffer("count", torch.tensor(7))

    def forward(self, tokens):
        return self.decoder(self.cell(self.layers(self.embedding(tokens))[0])[0]) + self.count


def model(seed):
    torch.manual_seed(seed)
    made = Model()
    sparse(made.layers, 0.05, seed)
    made.cell.reset_parameters(generator=torch.Generator().manual_seed(seed))
    made.count.fill_(seed)
    return made.eval()


def test_a_model_is_filled(path):
    trained, fresh = model(1), model(2)
    save_compact(compact(trained), path)
    fresh.train()
    loaded = load_compact(path, into=fresh)
    tokens = torch.randint(9, (5, 2))
    assert loaded is fresh and torch.equal(loaded(tokens), compact(trained)(tokens))
    torch.testing.assert_close(loaded(tokens), trained(tokens))
    assert loaded.decoder.weight is loaded.embedding.weight and loaded.cell.training
    assert sorted(name for name in load_file(path) if not name.startswith(("layers", "cell"))) == [
        *("count", "decoder.bias", "embedding.weight")
    ]


class Twice(nn.Module):
    """A layer with two names."""

    def __init__(self):
        super().__init__()
        self.first = layer()
        self.second = self.first
        self.both = nn.ModuleList([self.first, self.first])


def test_a_module_is_filled_under_each_of_its_names(path):
    trained = Twice()
    save_compact(compact(trained), path)
    fresh = Twice()
    torch.nn.init.zeros_(fresh.first.weight_ih_l0)
    loaded = load_compact(path, into=fresh)
    assert loaded.second is loaded.first and list(loaded.both) == [loaded.first] * 2
    x = torch.randn(4, 2, 20)
    torch.testing.assert_close(loaded.second(x)[0], trained.second(x)[0])


def test_the_file_replaces_another_as_a_whole(path, monkeypatch):
    save_compact(compact(layer()), path)
    before = path.read_bytes()
    with pytest.raises(ModelError, match="expected a file that can be written"):
        save_compact(compact(layer()), path.parent / "absent" / "file")
    with pytest.raises(ModelError, match="expected a file that can be written"):
        save_compact(compact(layer()), path.parent)
    with pytest.raises(ModelError, match="expected a model from `compact`, got a GRU"):
        save_compact(layer(), path)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


# --- files that are refused -------------------------------------------------------------------------------------------


def change(path, tensors=None, metadata=None, drop=()):
    """Write a file again with other tensors and metadata."""
    with safe_open(path, framework="pt") as file:
        found = {name: file.get_tensor(name) for name in file.keys() if name not in drop}  # noqa: SIM118
        known = file.metadata()
    save_file(found | (tensors or {}), path, metadata=known | (metadata or {}))


def test_a_file_that_is_cut_is_refused(path):
    save_compact(compact(layer()), path)
    whole = path.read_bytes()
    for length in (0, 4, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=rf"load_compact: {path}: expected a compact model"):
            load_compact(path)
    with pytest.raises(ModelError, match="expected a compact model"):
        load_compact(path.parent)
    with pytest.raises(FileNotFoundError):
        load_compact(path.parent / "absent")


def test_another_version_is_refused(path):
    save_compact(compact(layer()), path)
    change(path, metadata={"format": "srnn-models/compact/2"})
    with pytest.raises(ModelError, match="expected format 'srnn-models/compact/1', got 'srnn-models/compact/2'"):
        load_compact(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="got None"):
        load_compact(path)


def test_sizes_that_do_not_fit_are_refused_before_anything_is_allocated(path):
    save_compact(compact(layer()), path)
    with safe_open(path, framework="pt") as file:
        settings = json.loads(file.metadata()["recurrence"])
    huge = {"hidden": 10**12, "inputs": 10**15, "layers": 10**12}
    for name, size in huge.items():  # any tensor of these sizes would be too large for the memory
        change(path, metadata={"recurrence": json.dumps(settings | {name: size})})
        with pytest.raises(ModelError, match="expected"):
            load_compact(path)
    for text in ("{}", "nonsense", json.dumps(settings | {"hidden": 0}), json.dumps(settings | {"kind": "other"})):
        change(path, metadata={"recurrence": text})
        with pytest.raises(ModelError, match="expected the settings of a recurrence"):
            load_compact(path)


def test_a_header_that_claims_more_than_the_file_has_is_refused(path):
    save_compact(compact(layer()), path)
    whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + length])
    header["weight_hh_l0:values"]["shape"] = [10**12]
    text = json.dumps(header).encode()
    for claimed in (len(text), 2**62):
        path.write_bytes(struct.pack("<Q", claimed) + text + whole[8 + length :])
        with pytest.raises(ModelError, match="expected a compact model"):
            load_compact(path)


def of_columns(change_):
    """Return a case: the columns and starts of W_hh, changed in place."""

    def changed(tensors):
        columns, starts = tensors["weight_hh_l0:columns"], tensors["weight_hh_l0:starts"]
        row = int((starts.diff() > 1).nonzero()[0, 0])
        change_(columns, starts, int(starts[row]))
        return tensors

    return changed


def swap(columns, starts, first):
    columns[[first, first + 1]] = columns[[first + 1, first]]


def repeat(columns, starts, first):
    columns[first + 1] = columns[first]


WRONG = {
    "too large": (of_columns(lambda columns, starts, first: columns.__setitem__(first, 200)), "from 0 to 199"),
    "negative": (of_columns(lambda columns, starts, first: columns.__setitem__(first, -1)), "from 0 to 199"),
    "not in order": (of_columns(swap), "ascending order"),
    "twice": (of_columns(repeat), "ascending order"),
    "starts": (of_columns(lambda columns, starts, first: starts.__setitem__(3, 10**6)), "starts: expected numbers"),
    "last start": (of_columns(lambda columns, starts, first: starts.__setitem__(-1, 1)), "starts: expected numbers"),
    "first start": (of_columns(lambda columns, starts, first: starts.__setitem__(0, 1)), "starts: expected numbers"),
    "dtype of columns": (
        lambda tensors: {"weight_hh_l0:columns": tensors["weight_hh_l0:columns"].int()},
        "expected torch.int16, got torch.int32",
    ),
    "dtype of values": (
        lambda tensors: {"weight_hh_l0:values": tensors["weight_hh_l0:values"].int()},
        "expected floats, got torch.int32",
    ),
    "number of columns": (
        lambda tensors: {"weight_hh_l0:columns": tensors["weight_hh_l0:columns"][1:]},
        r"weight_hh_l0:columns: expected shape",
    ),
    "number of starts": (
        lambda tensors: {"weight_hh_l0:starts": tensors["weight_hh_l0:starts"][1:]},
        r"weight_hh_l0:starts: expected shape \(601,\), got \(600,\)",
    ),
    "values of two dimensions": (
        lambda tensors: {"weight_hh_l0:values": tensors["weight_hh_l0:values"][None]},
        "weight_hh_l0:values: expected shape",
    ),
    "bits": (lambda tensors: {"weight_ih_l0:bitmap": 255 - tensors["weight_ih_l0:bitmap"]}, "bitmap: expected"),
    "bias": (lambda tensors: {"bias_hh_l0": torch.zeros(3)}, r"bias_hh_l0: expected shape \(600,\), got \(3,\)"),
    "another tensor": (lambda tensors: {"surplus": torch.zeros(1)}, "expected a model with the tensors surplus"),
}


@pytest.mark.parametrize("case", WRONG)
def test_tensors_that_do_not_fit_are_refused(case, path):
    wrong, message = WRONG[case]
    module = layer(0.03, hidden=200)
    with torch.no_grad():
        module.weight_ih_l0[:, ::10] = 1  # density above 1/16: a bitmap
    save_compact(compact(module), path)
    change(path, wrong(load_file(path)))
    with pytest.raises(ModelError, match=message):
        load_compact(path)


def test_a_tensor_that_is_missing_is_refused(path):
    for name in ("weight_hh_l0:values", "weight_hh_l0:starts"):
        save_compact(compact(layer(0.03, hidden=200)), path)
        change(path, drop=(name,))
        with pytest.raises(ModelError, match="weight_hh_l0: expected the tensors of a weight, got none"):
            load_compact(path)


INTO = {
    "another size": (lambda: setattr_(model(2), "layers", nn.GRU(20, 41)), "expected shape"),
    "another class": (lambda: setattr_(model(2), "layers", nn.LSTM(20, 40)), "expected shape"),
    "a tensor more": (lambda: setattr_(model(2), "more", nn.Linear(1, 1)), "more.weight: expected shape"),
    "a tensor less": (lambda: setattr_(model(2), "decoder", nn.Identity()), "the tensors decoder.bias"),
    "another dtype": (
        lambda: setattr_(model(2), "count", torch.tensor(1.0)),
        "got torch.int64",
    ),
    "weights of another dtype": (lambda: setattr_(model(2), "cell", model(2).cell.double()), "expected torch.float64"),
    "no recurrence": (lambda: nn.Linear(1, 1), "expected a model with a recurrence"),
}


def setattr_(module, name, value):
    setattr(module, name, value)
    return module


@pytest.mark.parametrize("case", INTO)
def test_a_model_that_does_not_fit_is_refused_and_does_not_change(case, path):
    save_compact(compact(model(1)), path)
    make, message = INTO[case]
    into = make()
    before = {name: tensor.clone() for name, tensor in into.state_dict().items()}
    with pytest.raises(ModelError, match=message):
        load_compact(path, into=into)
    after = into.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(ModelError, match="give the model that it is for as `into`"):
        load_compact(path)
