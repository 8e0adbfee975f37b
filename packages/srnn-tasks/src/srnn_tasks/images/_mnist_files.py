"""The MNIST images: IDX files, or the data set of Hugging Face.

The IDX format: a big-endian magic number (2051 images, 2049 labels), the sizes, then one byte per value.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._data_files import find_files, from_datasets, read_bytes
from ..contract import TaskError

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
DATASET = "ylecun/mnist"


class Mnist(NamedTuple):
    """The digits in the order of their files, uint8: images `(n, 28, 28)` and labels `(n,)` from 0 to 9.

    n is 60,000 in train and 10,000 in test.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def load_mnist() -> Mnist:
    """Return MNIST from the first place that has it; if none does, the TaskError lists all that were searched."""
    paths, searched = find_files("mnist", tuple(FILES.values()))
    if len(paths) == len(FILES):
        return _checked({part: read_idx(paths[name]) for part, name in FILES.items()}, "SRNN_DATA")
    files = f"the four IDX files ({', '.join(FILES.values())}; raw, or .gz) in it or in its subfolder mnist"
    arrays = from_datasets("MNIST", (DATASET,), _converted, searched=searched, files=files)
    return _checked(arrays, f"datasets.load_dataset({DATASET!r})")


def read_idx(path: Path) -> Tensor:
    """Return the uint8 tensor of one IDX file, gzipped if its name ends in `.gz`; a TaskError names a broken file."""
    data = read_bytes(path)
    magic = int.from_bytes(data[:4], "big")
    dims = {2051: 3, 2049: 1}.get(magic)
    if dims is None or len(data) < 4 + 4 * dims:
        raise TaskError(f"{path}: expected an IDX file of magic number 2051 or 2049; got {magic}")
    shape = struct.unpack(f">{dims}I", data[4 : 4 + 4 * dims])
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * dims)
    if values.size != np.prod(shape, dtype=np.int64):
        raise TaskError(f"{path}: expected {shape} values according to its header; got {values.size}")
    return torch.from_numpy(values.reshape(shape).copy())


def _converted(splits: Any) -> dict[str, Tensor]:
    """Return the tensors of the data set of Hugging Face, by their name in `Mnist`."""
    arrays = {}
    for split in ("train", "test"):
        images = np.stack([np.asarray(image, dtype=np.uint8) for image in splits[split]["image"]])
        arrays[f"{split}_images"] = torch.from_numpy(images)
        arrays[f"{split}_labels"] = torch.tensor(list(splits[split]["label"]), dtype=torch.uint8)
    return arrays


def _checked(arrays: Mapping[str, Tensor], origin: str) -> Mnist:
    for split, count in (("train", 60_000), ("test", 10_000)):
        for part, shape in (("images", (count, 28, 28)), ("labels", (count,))):
            actual = tuple(arrays[f"{split}_{part}"].shape)
            if actual != shape:
                raise TaskError(f"MNIST from {origin}: expected {split} {part} {shape}; got {actual}")
        highest = int(arrays[f"{split}_labels"].max())
        if highest > 9:
            raise TaskError(f"MNIST from {origin}: expected {split} labels 0 to 9; got {highest}")
    return Mnist(**arrays)
