"""Checkpoints: states are restored bit for bit; damaged files are noticed, noted and skipped."""

import math
import re
import struct
from collections import namedtuple
from pathlib import Path

import numpy
import pytest
import torch
from damage import many
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save
from torch import Tensor

import srnn_bench
from srnn_bench import BenchError
from srnn_bench.training import DTYPES, Checkpoints, pack, unpack

ALL = [*sorted(DTYPES, key=str), torch.complex64, torch.complex128]


# --- pack and unpack --------------------------------------------------------------------------------------------------


def same(one, other) -> bool:
    """Return whether two nests have the same types, keys, order and bits."""
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
            same(key, another) and same(one[key], other[another]) for key, another in zip(one, other, strict=True)
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
    """Draw tensors of every dtype: empty, 0-d, and views that share memory, are transposed, strided or expanded."""
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
    change = draw(st.sampled_from(["none", "transposed", "expanded", "strided", "part", "trained", "conjugate"]))
    if change == "transposed" and tensor.dim() > 1:
        return tensor.transpose(0, -1)
    if change == "expanded":
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


@many(5)
@given(nest=NESTS)
def test_a_nest_is_restored_with_types_and_bits(nest):
    assert same(unpack(pack(nest)), nest)


@many(1)
@given(nest=NESTS)
def test_the_same_state_gives_the_same_bytes(nest):
    assert pack(nest) == pack(nest)


def test_tensors_that_share_memory_are_restored_separately():
    base = torch.arange(6.0)
    one, other = unpack(pack([base[:4], base[2:]]))
    one.zero_()
    assert other.tolist() == [2, 3, 4, 5]


def test_surrogates_are_restored():
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
def test_what_cannot_be_restored_is_refused_by_its_type(thing, named):
    for nest in (thing, {"a": [1, (thing,)]}):
        with pytest.raises(BenchError, match=f"checkpoint: expected .*{re.escape(named)}"):
            pack(nest)


def test_an_unhashable_key_is_refused():
    with pytest.raises(BenchError, match="checkpoint: expected tensors and plain data, got bytes"):
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
def test_other_bytes_are_refused(data):
    with pytest.raises(BenchError, match="expected a "):
        unpack(data)


def test_nothing_is_ever_unpickled():
    sources = [path.read_text() for path in Path(srnn_bench.__file__).parent.rglob("*.py")]
    assert len(sources) > 30
    for text in sources:
        assert not re.search(r"^\s*(import|from) (pickle|cloudpickle|dill|joblib|marshal|shelve)\b", text, re.MULTILINE)
        assert not re.search(r"\btorch\.(load|save)\b|from torch import .*\b(load|save)\b", text)


# --- the files --------------------------------------------------------------------------------------------------------


STATE = {"number": 1, "weights": torch.arange(3.0), "nan": math.inf}


def checkpoints(folder, identity="me", notes=None):
    return Checkpoints(folder, identity, every=0.0, on_note=(lambda _: None) if notes is None else notes.append)


def files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix == ".safetensors")


def test_the_newest_is_read_and_two_are_kept(tmp_path):
    written = checkpoints(tmp_path)
    assert written.read() is None
    for number in range(12):
        written.write(STATE | {"number": number})
        assert len(files(tmp_path)) == min(2, number + 1)
        assert checkpoints(tmp_path).read()["number"] == number
    assert [path.name.partition("-")[0] for path in files(tmp_path)] == ["00000011", "00000012"]


def test_numbers_beyond_their_width_are_still_in_order(tmp_path):
    written = checkpoints(tmp_path)
    written.write(STATE)
    (path,) = files(tmp_path)
    path.rename(path.with_name(path.name.replace("00000001", "99999999")))
    written.write(STATE | {"number": 2})
    assert written.read()["number"] == 2


def test_a_checkpoint_is_due_after_some_seconds(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    written = Checkpoints(tmp_path, "me", every=60.0)
    for after, due in ((159.9, False), (160.0, True)):
        now = after
        assert written.due() is due
    written.write(STATE)
    assert not written.due()


def damages(data: bytes):
    """Yield the file cut short at every length, and with a bit flipped in each of its bytes."""
    for length in range(len(data)):
        yield data[:length]
    for place in range(len(data)):
        yield data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :]
    yield data + b"\x00"


def test_a_damaged_file_is_set_aside_with_a_note_and_the_one_before_is_read(tmp_path):
    written = checkpoints(tmp_path)
    written.write(STATE | {"number": 1})
    written.write(STATE | {"number": 2})
    _, newest = files(tmp_path)
    whole = newest.read_bytes()
    for damaged in damages(whole):
        newest.write_bytes(damaged)
        notes = []
        assert checkpoints(tmp_path, notes=notes).read()["number"] == 1
        aside = newest.with_suffix(".damaged")
        assert aside.read_bytes() == damaged
        assert [str(newest) in text and "set aside as damaged" in text for text in notes] == [True]
        aside.unlink()
    newest.write_bytes(whole)
    assert checkpoints(tmp_path).read()["number"] == 2


def test_an_intact_file_with_the_name_of_another_is_damaged(tmp_path):
    written = checkpoints(tmp_path)
    written.write(STATE | {"number": 1})
    written.write(STATE | {"number": 2})
    older, newest = files(tmp_path)
    newest.write_bytes(older.read_bytes())
    assert checkpoints(tmp_path).read()["number"] == 1
    assert newest.with_suffix(".damaged").exists()


def test_if_all_are_damaged_there_is_no_state(tmp_path):
    written = checkpoints(tmp_path)
    written.write(STATE)
    written.write(STATE)
    for path in files(tmp_path):
        path.write_bytes(path.read_bytes()[:-1])
    notes = []
    written = checkpoints(tmp_path, notes=notes)
    assert written.read() is None
    assert len(notes) == 2
    assert written.read() is None
    assert len(notes) == 2, "what was set aside is not read again"
    written.write(STATE)
    assert checkpoints(tmp_path).read()["number"] == 1


@pytest.mark.parametrize("plain", [1, ["state"], {"state": 1}, {"identity": "me"}])
def test_a_file_with_the_right_checksum_but_no_state_is_set_aside(tmp_path, plain):
    import hashlib

    data = pack(plain)
    path = tmp_path / f"00000001-{hashlib.sha256(data).hexdigest()}.safetensors"
    path.write_bytes(data)
    notes = []
    assert checkpoints(tmp_path, notes=notes).read() is None
    assert len(notes) == 1
    assert path.with_suffix(".damaged").exists()


def test_a_checkpoint_of_another_run_is_ignored_and_kept(tmp_path):
    checkpoints(tmp_path, {"keys": ["a"], "threads": 1}).write(STATE)
    notes = []
    assert checkpoints(tmp_path, {"keys": ["a"], "threads": 2}, notes).read() is None
    assert ["ignored, it was written under other conditions" in text for text in notes] == [True]
    assert same(checkpoints(tmp_path, {"keys": ["a"], "threads": 1}).read(), STATE)


def test_other_files_in_the_folder_are_ignored(tmp_path):
    written = checkpoints(tmp_path)
    written.write(STATE)
    for name in ("notes.txt", "x-y.safetensors", "-.safetensors", "٣-y.safetensors", ".00000009-a.safetensors.1.half"):
        (tmp_path / name).write_text("x")
    assert same(written.read(), STATE)


def test_a_checkpoint_that_another_process_removes_while_it_is_read_is_skipped(tmp_path, monkeypatch):
    """Another process does so if it presumed this one dead and finished the run first."""
    written = checkpoints(tmp_path)
    written.write(STATE | {"number": 1})
    written.write(STATE | {"number": 2})
    read_bytes, removed = Path.read_bytes, []

    def remove_first(self):
        if not removed:
            removed.append(self)
            self.unlink()
        return read_bytes(self)

    monkeypatch.setattr(Path, "read_bytes", remove_first)
    notes = []
    assert checkpoints(tmp_path, notes=notes).read()["number"] == 1
    assert removed and notes == []


def test_a_folder_that_another_process_removes_while_a_checkpoint_is_written_is_created_again(tmp_path, monkeypatch):
    written = checkpoints(tmp_path / "run")
    removed = []
    replace = Path.replace

    def remove_first(self, target):
        if not removed:
            removed.append(self)
            self.unlink()
            self.parent.rmdir()
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", remove_first)
    written.write(STATE)
    assert removed
    assert same(written.read(), STATE)
