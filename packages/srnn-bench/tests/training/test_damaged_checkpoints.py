"""Damage to checkpoints: the run ends as if it had not been interrupted."""

from contextlib import suppress
from pathlib import Path

import pytest
from damage import edited, many
from hypothesis import given
from hypothesis import strategies as st

from srnn_bench import Conditions, Stage, Training
from srnn_bench.training import CheckpointPolicy, pack, run_together, unpack
from srnn_pruning import Pruning, Random


class Stop(BaseException):
    """Stands for the death of the process."""


class Torn:
    """A run that was stopped, with its two checkpoints, and the results of the uninterrupted run."""

    def __init__(self, tiny, folder: Path) -> None:
        short = Training(epochs=2, batches=2, batch_size=4, learning_rate=1e-2)
        pruned = Pruning(sparsity=0.5, criterion=Random())
        self.experiment = tiny(penalties=(), stages=(Stage(name="only", training=short, pruning=pruned),))
        self.folder, self.notes = folder, []
        self.expected = self.run(None)
        with pytest.raises(Stop):
            self.run(self.folder, stop=True)
        self.files = {path.name: path.read_bytes() for path in self.place().iterdir()}
        assert len(self.files) == 2

    def place(self) -> Path:
        return self.folder / self.experiment.key(0)

    def run(self, folder, stop=False):
        def stop_first(end):
            if stop:
                raise Stop

        self.notes.clear()
        policy = CheckpointPolicy(folder, every=0.0, weights=True)
        (output,) = run_together(
            self.experiment,
            (0,),
            conditions=Conditions("cpu"),
            policy=policy,
            on_epoch=stop_first,
            on_note=self.notes.append,
        )
        (stage,) = output.result.stages
        return output.result.status, stage.metrics, stage.densities, stage.history, output.weights

    def write(self, files) -> None:
        self.place().mkdir(parents=True, exist_ok=True)
        for path in self.place().iterdir():
            path.unlink()
        for name, data in files.items():
            (self.place() / name).write_bytes(data)


@pytest.fixture
def torn(tiny, tmp_path, monkeypatch) -> Torn:
    monkeypatch.setattr("os.fsync", lambda _: None)
    return Torn(tiny, tmp_path)


@st.composite
def torn_files(draw, whole: dict[str, bytes]):
    """Draw the files of checkpoints with some changed: bytes, length, name, or gone."""
    files = {}
    names = sorted(whole)
    for name in names:
        data = whole[name]
        place = draw(st.integers(0, len(data)))
        how = draw(
            st.sampled_from(["none", "cut", "flip", "insert", "empty", "other", "gone", "name", "zeros", "append"])
        )
        if how == "cut":
            data = data[:place]
        elif how == "flip":
            place = min(place, len(data) - 1)
            data = data[:place] + bytes([data[place] ^ (1 << draw(st.integers(0, 7)))]) + data[place + 1 :]
        elif how == "insert":
            data = data[:place] + draw(st.binary(min_size=1, max_size=9)) + data[place:]
        elif how == "empty":
            data = b""
        elif how == "other":
            data = whole[names[name == names[0]]]
        elif how == "zeros":
            data = data[:place] + b"\x00" * (len(data) - place)
        elif how == "append":
            data += draw(st.binary(min_size=1, max_size=9))
        elif how == "name":
            number = draw(st.sampled_from(["0", "00000000", "7", "99999999999999999999", "x", "-1", "1.5", ""]))
            name = number + name[8:]
        if how != "gone":
            files[name] = data
    return files


@many(3)
@given(data=st.data())
def test_a_run_with_damaged_checkpoints_ends_like_an_uninterrupted_one(torn, data):
    files = data.draw(torn_files(torn.files))
    torn.write(files)
    assert torn.run(torn.folder) == torn.expected
    aside = [path for path in torn.place().iterdir() if path.suffix == ".damaged"]
    assert len(aside) == len(torn.notes)
    for path in aside:
        assert any(path.stem in text and "set aside as damaged" in text for text in torn.notes)


@many(2)
@given(data=st.data())
def test_bytes_of_any_kind_are_read_as_a_checkpoint_or_refused(tmp_path, data):
    """Even if the checksum matches, what is unpacked is plain data, and any error is a ValueError."""
    whole = pack({"identity": 1, "state": [(1.5, None), {"a": True, 2: "b"}]})
    length = int.from_bytes(whole[:8], "little")
    header = edited(data.draw, whole[8 : 8 + length].decode()).encode(errors="replace")
    with suppress(ValueError):
        unpack(len(header).to_bytes(8, "little") + header + whole[8 + length :])
