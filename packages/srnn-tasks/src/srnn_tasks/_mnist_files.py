"""Where the MNIST images come from: IDX files under `SRNN_DATA`, else Hugging Face `datasets`, else a clear error.

The IDX format: a big-endian magic number (2051 images, 2049 labels), the sizes, then one byte a value.
"""

import gzip
import importlib
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

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
    folders, looked = _folders()
    paths: dict[str, Path] = {}
    missing = []
    for part, name in FILES.items():
        candidates = [folder / (name + suffix) for folder in folders for suffix in (".gz", "")]
        found = next((path for path in candidates if path.is_file()), None)
        if found is None:
            missing.append(name)
        else:
            paths[part] = found
    if not missing:
        return _checked({part: read_idx(path) for part, path in paths.items()}, "SRNN_DATA")
    if folders:
        looked += f": no {', '.join(missing)} (raw, or .gz)"
    return _from_datasets(looked)


def read_idx(path: Path) -> Tensor:
    """Return the uint8 tensor of one IDX file, gzipped if its name ends in `.gz`; a ValueError names a broken file."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    magic = int.from_bytes(data[:4], "big")
    dims = {2051: 3, 2049: 1}.get(magic)
    if dims is None or len(data) < 4 + 4 * dims:
        raise ValueError(f"{path}: expected an IDX file of magic number 2051 or 2049; got {magic}")
    shape = struct.unpack(f">{dims}I", data[4 : 4 + 4 * dims])
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * dims)
    if values.size != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{path}: expected {shape} values as its header says; got {values.size}")
    return torch.from_numpy(values.reshape(shape).copy())


def _folders() -> tuple[list[Path], str]:
    root = os.environ.get("SRNN_DATA")
    if not root:
        return [], "the environment variable SRNN_DATA is not set"
    folders = [Path(root) / "mnist", Path(root)]
    return folders, f"SRNN_DATA = {root}, in {folders[0]} and {folders[1]}"


def _from_datasets(looked: str) -> Mnist:
    names = ", ".join(FILES.values())
    advice = (
        f"Either set SRNN_DATA to a folder with the four IDX files ({names}; raw, or .gz) in it or in its subfolder "
        "mnist, or install srnn-tasks[datasets] and allow it to download."
    )
    try:
        datasets: Any = importlib.import_module("datasets")
    except ImportError as error:
        raise ValueError(
            f"MNIST was not found. Looked at: {looked}; the package datasets: {error}. {advice}"
        ) from error
    try:
        splits = datasets.load_dataset(DATASET)
        arrays = {}
        for split in ("train", "test"):
            images = np.stack([np.asarray(image, dtype=np.uint8) for image in splits[split]["image"]])
            arrays[f"{split}_images"] = torch.from_numpy(images)
            arrays[f"{split}_labels"] = torch.tensor(list(splits[split]["label"]), dtype=torch.uint8)
    except Exception as error:
        raise ValueError(
            f"MNIST was not found. Looked at: {looked}; datasets.load_dataset({DATASET!r}): "
            f"{type(error).__name__}: {error}. {advice}"
        ) from error
    return _checked(arrays, f"datasets.load_dataset({DATASET!r})")


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
