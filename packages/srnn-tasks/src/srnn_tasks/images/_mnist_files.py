"""The MNIST images: IDX files, or the data set of Hugging Face.

The IDX format: a big-endian magic number (2051 images, 2049 labels), the sizes, then one byte a value.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._data_files import find_files, from_datasets, read_bytes

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
DATASET = "ylecun/mnist"


class Mnist(NamedTuple):
    """The digits in their original order, uint8: images `(60000, 28, 28)` and `(10000, 28, 28)`, labels 0 to 9."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def load_mnist() -> Mnist:
    """Return MNIST from the first place that has it; an error tells every place that was tried."""
    found, looked = find_files("mnist", tuple(FILES.values()))
    if len(found) == len(FILES):
        return _checked({part: read_idx(found[name]) for part, name in FILES.items()}, "SRNN_DATA")
    files = f"the four IDX files ({', '.join(FILES.values())}; raw, or .gz) in it or in its subfolder mnist"
    arrays = from_datasets("MNIST", (DATASET,), _converted, looked=looked, files=files)
    return _checked(arrays, f"datasets.load_dataset({DATASET!r})")


def read_idx(path: Path) -> Tensor:
    """Return the uint8 tensor of one IDX file, gzipped if its name ends in `.gz`; a ValueError names a broken file."""
    data = read_bytes(path)
    magic = int.from_bytes(data[:4], "big")
    dims = {2051: 3, 2049: 1}.get(magic)
    if dims is None or len(data) < 4 + 4 * dims:
        raise ValueError(f"{path}: expected an IDX file of magic number 2051 or 2049; got {magic}")
    shape = struct.unpack(f">{dims}I", data[4 : 4 + 4 * dims])
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * dims)
    if values.size != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{path}: expected {shape} values as its header says; got {values.size}")
    return torch.from_numpy(values.reshape(shape).copy())


def _converted(splits: Any) -> dict[str, Tensor]:
    """Return the arrays of the data set of Hugging Face."""
    arrays = {}
    for split in ("train", "test"):
        images = np.stack([np.asarray(image, dtype=np.uint8) for image in splits[split]["image"]])
        arrays[f"{split}_images"] = torch.from_numpy(images)
        arrays[f"{split}_labels"] = torch.tensor(list(splits[split]["label"]), dtype=torch.uint8)
    return arrays


def _checked(arrays: Mapping[str, Tensor], origin: str) -> Mnist:
    for split, count in (("train", 60_000), ("test", 10_000)):
        for part, shape in (("images", (count, 28, 28)), ("labels", (count,))):
            found = tuple(arrays[f"{split}_{part}"].shape)
            if found != shape:
                raise ValueError(f"MNIST from {origin}: expected {split} {part} {shape}; got {found}")
        highest = int(arrays[f"{split}_labels"].max())
        if highest > 9:
            raise ValueError(f"MNIST from {origin}: expected {split} labels 0 to 9; got {highest}")
    return Mnist(**arrays)
