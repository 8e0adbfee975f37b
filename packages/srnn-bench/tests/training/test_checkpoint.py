"""Checkpoints: what goes in comes out, bit for bit; what is damaged is found, told and passed over."""

import math
import re
import struct
from collections import namedtuple
from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from torch import Tensor

import srnn_bench
from srnn_bench.training import DTYPES, Checkpoints, pack, unpack

ALL = [*sorted(DTYPES, key=str), torch.complex64, torch.complex128]


# --- pack and unpack --------------------------------------------------------------------------------------------------


def same(one, other) -> bool:
    """Say whether two nests have the same types, keys, order and bits."""
    if isinstance(one, Tensor):
        return (
            isinstance(other, Tensor)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and bytes_of(one) == bytes_of(other)
        )
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            same(key, held) and same(one[key], other[held]) for key, held in zip(one, other, strict=True)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other) or (math.isnan(one) and math.isnan(other))
    return one == other


def bytes_of(tensor: Tensor) -> bytes:
    tensor = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    own = tensor.detach().resolve_neg().clone(memory_format=torch.contiguous_format)
    return own.flatten().view(torch.uint8).numpy().tobytes()


@st.composite
def tensors(draw):
    """Draw tensors of every dtype: empty, 0-d, and views that share memory, stand in another order or are stretched."""
    dtype = draw(st.sampled_from(ALL))
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    count = math.prod(shape)
    raw = draw(st.binary(min_size=16 * count, max_size=16 * count))
    flat = torch.frombuffer(bytearray(raw), dtype=torch.uint8) if raw else torch.empty(0, dtype=torch.uint8)
    if dtype is torch.bool:
        flat = flat % 2 == 0
    elif dtype.is_complex:
        flat = torch.view_as_complex(flat.view(dtype.to_real()).view(-1, 2)) if count else torch.empty(0, dtype=dtype)
    else:
        flat = flat.view(dtype) if count else torch.empty(0, dtype=dtype)
    tensor = flat[:count].view(shape)
    change = draw(st.sampled_from(["none", "transposed", "stretched", "strided", "part", "trained", "conjugate"]))
    if change == "transposed" and tensor.dim() > 1:
        return tensor.transpose(0, -1)
    if change == "stretched":
        return tensor[None].expand(2, *tensor.shape)
    if change == "strided" and tensor.dim():
        return tensor[::2]
    if change == "part" and tensor.dim() and len(tensor):
        return tensor[0]
    if change == "trained" and dtype.is_floating_point:
        return torch.nn.Parameter(tensor)
    return tensor.conj() if change == "conjugate" else tensor


NUMBERS = st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308, 2**64, -(2**200), 10**4000, 0, True])
SCALARS = st.one_of(NUMBERS, st.none(), st.booleans(), st.integers(), st.floats(), st.text())
KEYS = st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False))
NESTS = st.recursive(
    SCALARS | tensors(),
    lambda part: st.one_of(
        st.lists(part, max_size=4), st.lists(part, max_size=4).map(tuple), st.dictionaries(KEYS, part, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=1500)
@given(nest=NESTS)
def test_what_is_packed_comes_back_with_types_and_bits(nest):
    assert same(unpack(pack(nest)), nest)


@settings(max_examples=50)
@given(nest=NESTS)
def test_the_same_state_gives_the_same_bytes(nest):
    assert pack(nest) == pack(nest)


def test_tensors_that_share_memory_come_back_apart():
    base = torch.arange(6.0)
    one, other = unpack(pack([base[:4], base[2:]]))
    one.zero_()
    assert other.tolist() == [2, 3, 4, 5]


def test_halves_of_characters_come_back():
    assert unpack(pack({"\ud800": "\udfff"})) == {"\ud800": "\udfff"}


@pytest.mark.parametrize(
    ("thing", "named"),
    [
        (object(), "object"),
        ({1, 2}, "set"),
        (b"bytes", "bytes"),
        (1j, "complex"),
        (numpy.zeros(2), "ndarray"),
        (numpy.int64(1), "int64"),
        (torch.float32, "dtype"),
        (torch.Generator(), "Generator"),
        (namedtuple("Pair", "a b")(1, 2), "Pair"),
        (Path("x"), "Path"),
        (len, "builtin_function_or_method"),
        (torch.eye(2).to_sparse(), "torch.sparse_coo"),
        (torch.zeros(2, device="meta"), "torch.float32"),
        (torch.zeros(2).to(torch.float8_e5m2), "torch.float8_e5m2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_come_back_as_it_was_is_refused_by_its_type(thing, named):
    for nest in (thing, {"a": [1, (thing,)]}):
        with pytest.raises(ValueError, match=f"checkpoint: expected .*{re.escape(named)}"):
            pack(nest)


def test_an_unhashable_key_is_refused():
    with pytest.raises(ValueError, match="checkpoint: expected tensors and plain data, got bytes"):
        pack({b"a": 1})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 8,
        b"\xff" * 100,
        save({"a": torch.zeros(2)}),
        save({"a": torch.zeros(2)}, metadata={"format": "pt"}),
        save({}, metadata={"srnn-checkpoint/1": "{"}),
        save({}, metadata={"srnn-checkpoint/1": '{"a": 1}'}),
        save({}, metadata={"srnn-checkpoint/1": '["tensor", "0"]'}),
        save({}, metadata={"srnn-checkpoint/1": '["tensor", ["0"]]'}),
        save({}, metadata={"srnn-checkpoint/1": '["dict", [[["list", []], 1]]]'}),
        save({}, metadata={"srnn-checkpoint/1": '["float", []]'}),
        save({}, metadata={"srnn-checkpoint/1": '["complex", 1]'}),
        save({}, metadata={"srnn-checkpoint/1": '["module", "os"]'}),
        save({}, metadata={"srnn-checkpoint/1": "[1]"}),
        save({}, metadata={"srnn-checkpoint/1": "[" * 100_000}),
    ],
)
def test_other_bytes_are_no_checkpoint(data):
    with pytest.raises(ValueError):
        unpack(data)


def test_nothing_is_ever_unpickled():
    sources = [path.read_text() for path in Path(srnn_bench.__file__).parent.rglob("*.py")]
    assert len(sources) > 30
    for text in sources:
        assert not re.search(r"^\s*(import|from) (pickle|cloudpickle|dill|joblib|marshal|shelve)\b", text, re.MULTILINE)
        assert not re.search(r"\btorch\.(load|save)\b|from torch import .*\b(load|save)\b", text)


# --- the files --------------------------------------------------------------------------------------------------------


STATE = {"number": 1, "weights": torch.arange(3.0), "nan": math.inf}


def checkpoints(folder, identity="me", told=None):
    return Checkpoints(folder, identity, every=0.0, on_note=(lambda _: None) if told is None else told.append)


def files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix == ".safetensors")


def test_the_newest_is_read_and_two_are_kept(tmp_path):
    held = checkpoints(tmp_path)
    assert held.read() is None
    for number in range(12):
        held.write(STATE | {"number": number})
        assert len(files(tmp_path)) == min(2, number + 1)
        assert checkpoints(tmp_path).read()["number"] == number
    assert [path.name.partition("-")[0] for path in files(tmp_path)] == ["00000011", "00000012"]


def test_numbers_beyond_their_width_are_still_in_order(tmp_path):
    held = checkpoints(tmp_path)
    held.write(STATE)
    (path,) = files(tmp_path)
    path.rename(path.with_name(path.name.replace("00000001", "99999999")))
    held.write(STATE | {"number": 2})
    assert held.read()["number"] == 2


def test_a_checkpoint_is_due_when_the_time_has_come(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr("srnn_bench.training._checkpoint.time.monotonic", lambda: now)
    held = Checkpoints(tmp_path, "me", every=60.0)
    for after, due in ((159.9, False), (160.0, True)):
        now = after
        assert held.due() is due
    held.write(STATE)
    assert not held.due()


def damages(data: bytes):
    """Give every way in which a file is cut short, and each of its bytes with a bit flipped."""
    for length in range(len(data)):
        yield data[:length]
    for place in range(len(data)):
        for bit in (0, 7):
            yield data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]
    yield data + b"\x00"


def test_a_damaged_file_is_set_aside_and_told_and_the_one_before_used(tmp_path):
    held = checkpoints(tmp_path)
    held.write(STATE | {"number": 1})
    held.write(STATE | {"number": 2})
    _, newest = files(tmp_path)
    whole = newest.read_bytes()
    for damaged in damages(whole):
        newest.write_bytes(damaged)
        told = []
        assert checkpoints(tmp_path, told=told).read()["number"] == 1
        aside = newest.with_suffix(".damaged")
        assert aside.read_bytes() == damaged
        assert [str(newest) in text and "set aside as damaged" in text for text in told] == [True]
        aside.unlink()
    newest.write_bytes(whole)
    assert checkpoints(tmp_path).read()["number"] == 2


def test_a_whole_file_under_the_name_of_another_is_damaged(tmp_path):
    held = checkpoints(tmp_path)
    held.write(STATE | {"number": 1})
    held.write(STATE | {"number": 2})
    older, newest = files(tmp_path)
    newest.write_bytes(older.read_bytes())
    assert checkpoints(tmp_path).read()["number"] == 1
    assert newest.with_suffix(".damaged").exists()


def test_where_all_are_damaged_there_is_none(tmp_path):
    held = checkpoints(tmp_path)
    held.write(STATE)
    held.write(STATE)
    for path in files(tmp_path):
        path.write_bytes(path.read_bytes()[:-1])
    told = []
    held = checkpoints(tmp_path, told=told)
    assert held.read() is None
    assert len(told) == 2
    assert held.read() is None
    assert len(told) == 2, "what was set aside is not looked at again"
    held.write(STATE)
    assert checkpoints(tmp_path).read()["number"] == 1


@pytest.mark.parametrize("plain", [1, ["state"], {"state": 1}, {"identity": "me"}])
def test_a_file_with_the_right_checksum_but_no_state_is_set_aside(tmp_path, plain):
    import hashlib

    data = pack(plain)
    path = tmp_path / f"00000001-{hashlib.sha256(data).hexdigest()}.safetensors"
    path.write_bytes(data)
    told = []
    assert checkpoints(tmp_path, told=told).read() is None
    assert len(told) == 1
    assert path.with_suffix(".damaged").exists()


def test_a_checkpoint_of_something_else_is_not_taken_up_and_stays(tmp_path):
    checkpoints(tmp_path, {"keys": ["a"], "threads": 1}).write(STATE)
    told = []
    assert checkpoints(tmp_path, {"keys": ["a"], "threads": 2}, told).read() is None
    assert ["not taken up" in text for text in told] == [True]
    assert same(checkpoints(tmp_path, {"keys": ["a"], "threads": 1}).read(), STATE)


def test_other_files_in_the_folder_are_none_of_its_business(tmp_path):
    held = checkpoints(tmp_path)
    held.write(STATE)
    for name in ("notes.txt", "x-y.safetensors", "-.safetensors", "٣-y.safetensors", ".00000009-a.safetensors.1.half"):
        (tmp_path / name).write_text("x")
    assert same(held.read(), STATE)


def test_a_folder_that_is_removed_meanwhile_costs_the_checkpoint_alone(tmp_path, monkeypatch):
    """As when a process that was taken for dead, and is not, ends the run first."""
    held = checkpoints(tmp_path / "run")
    held.write(STATE)
    (path,) = files(tmp_path / "run")
    monkeypatch.setattr(Checkpoints, "_files", lambda _: [path])
    path.unlink()
    assert held.read() is None
    (tmp_path / "run").rmdir()
    monkeypatch.undo()
    removed = []
    replace = Path.replace

    def remove_first(self, target):
        if not removed:
            removed.append(self)
            self.unlink()
            self.parent.rmdir()
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", remove_first)
    held.write(STATE)
    assert removed
    assert same(held.read(), STATE)
