"""DAPG's policy, against its formula written out unit by unit."""

import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from srnn_tasks import TaskError
from srnn_tasks.robotics import Expert

FILE = "dapg_expert_policy.npz"
needs_data = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no data files")


def by_hand(arrays: dict[str, np.ndarray], observation: np.ndarray) -> list[float]:
    """Return the actions of one observation."""
    values = [
        (x - shift) / (scale + 1e-8)
        for x, shift, scale in zip(observation, arrays["in_shift"], arrays["in_scale"], strict=True)
    ]
    for layer in "01":
        rows = zip(arrays[f"W{layer}"], arrays[f"b{layer}"], strict=True)
        values = [math.tanh(sum(w * x for w, x in zip(row, values, strict=True)) + bias) for row, bias in rows]
    rows = zip(arrays["W2"], arrays["b2"], arrays["out_scale"], arrays["out_shift"], strict=True)
    outputs = [
        (sum(w * x for w, x in zip(row, values, strict=True)) + b) * scale + shift for row, b, scale, shift in rows
    ]
    return [min(max(each, -1.0), 1.0) for each in outputs]


@needs_data
def test_the_actions_are_those_of_the_published_formula() -> None:
    path = Path(os.environ["SRNN_DATA"]) / "adroit-hammer" / FILE
    with np.load(path, allow_pickle=False) as arrays:
        held = {name: arrays[name].astype(float) for name in arrays.files}
    observations = held["in_shift"] + 2 * held["in_scale"] * np.random.default_rng(0).normal(size=(5, 46))
    expert = Expert()
    actions = expert(observations)
    assert actions.dtype == np.float32
    np.testing.assert_allclose(actions, [by_hand(held, each) for each in observations], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(expert.noise, [math.exp(each) for each in held["log_std"]])


def test_a_missing_policy_is_named_with_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SRNN_DATA", raising=False)
    with pytest.raises(TaskError, match=r"Expert: dapg_expert_policy\.npz was not found.*SRNN_DATA is not set"):
        Expert()
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    with pytest.raises(TaskError, match=r"Set SRNN_DATA to the folder that has adroit-hammer/dapg_expert_policy\.npz"):
        Expert()


@needs_data
def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / FILE
    shutil.copy(Path(os.environ["SRNN_DATA"]) / "adroit-hammer" / FILE, path)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    with pytest.raises(TaskError, match=r"expected .*npz to be the policy with sha256 cfcf885"):
        Expert()
