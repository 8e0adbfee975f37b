"""The expert of the hammer task: the pre-trained policy of DAPG (Rajeswaran et al. 2018, arXiv 1709.10087).

A perceptron 46 -> 32 -> 32 -> 26 with tanh, from the authors' repository `hand_dapg`, and the standard deviation of its
Gaussian exploration noise.
"""

from hashlib import sha256
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from .._data_files import find_files, read_bytes
from ..contract import DataSet, TaskError

FOLDER, FILE = "adroit-hammer", "dapg_expert_policy.npz"
SHA256 = "cfcf885465c72fabd595b061f1cebc597419b6eae2fc7f5fd0cc95ed2a504d84"


class Expert:
    """The mean of the policy. Calling it maps observations `(B, 46)` to actions `(B, 26)` in [-1, 1], float32.

    Reads `adroit-hammer/dapg_expert_policy.npz` from the folder named by `SRNN_DATA`; raises a TaskError if it is not
    there or is another file.
    """

    def __init__(self) -> None:
        paths, searched = find_files(FOLDER, [FILE])
        if not paths:
            raise TaskError(
                f"Expert: {FILE} was not found. Searched: {searched}. Set SRNN_DATA to the folder that has "
                f"{FOLDER}/{FILE}"
            )
        data = read_bytes(paths[FILE])
        if sha256(data).hexdigest() != SHA256:
            raise TaskError(f"Expert: expected {paths[FILE]} to be the policy with sha256 {SHA256}; it is another file")
        with np.load(BytesIO(data), allow_pickle=False) as arrays:
            self._arrays = {name: arrays[name].astype(np.float64) for name in arrays.files}

    @property
    def noise(self) -> NDArray[np.float64]:
        """Standard deviation of the exploration noise of each action, `(26,)`."""
        sd: NDArray[np.float64] = np.exp(self._arrays["log_std"])
        return sd

    def mean(self, observations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean actions `(B, 26)` for observations `(B, 46)`, not clipped."""
        a = self._arrays
        scaled = (observations - a["in_shift"]) / (a["in_scale"] + 1e-8)  # (B, 46)
        hidden = np.tanh(scaled @ a["W0"].T + a["b0"])  # (B, 32)
        hidden = np.tanh(hidden @ a["W1"].T + a["b1"])  # (B, 32)
        actions: NDArray[np.float64] = (hidden @ a["W2"].T + a["b2"]) * a["out_scale"] + a["out_shift"]  # (B, 26)
        return actions

    def __call__(self, observations: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the mean actions, clipped."""
        return np.clip(self.mean(observations), -1, 1).astype(np.float32)


def search_expert() -> DataSet:
    """Return where the file of the policy is, without reading it."""
    paths, searched = find_files(FOLDER, [FILE])
    return DataSet(title="DAPG's policy", place=str(paths[FILE].parent) if paths else None, searched=searched)
