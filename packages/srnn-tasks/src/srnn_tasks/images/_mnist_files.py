"""The MNIST images, or other data in files of the same names and sizes: IDX files, or the data set of Hugging Face.

The IDX format: a big-endian magic number (2051 images, 2049 labels), the sizes, then one byte per value.
"""

import hashlib
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._data_files import find_files, from_datasets, read_bytes, subfolders
from .._data_search import search
from ..contract import DataSet, TaskError

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
DATASET = "ylecun/mnist"
SHA256 = "b2d8f5bf39174ee5ffeefa97e42d673c35432b411bb5d1f74fbbeddae7f1690a"  # of MNIST; see `fingerprint`


class Mnist(NamedTuple):
    """The images in the order of their files, uint8 `(n, 28, 28)`, and their labels `(n,)` from 0 to 9.

    n is 60,000 in train and 10,000 in test.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def load_mnist(data: str = "mnist") -> Mnist:
    """Return MNIST from the first place that has it, or other images of the same names and sizes.

    data: "mnist", or "sha256:" and the `fingerprint` of other images, such as Fashion-MNIST. Those are searched in all
    subfolders of SRNN_DATA and are never downloaded.

    Raises a TaskError if no place has the files (the message lists all that were searched), or if they hold other data.
    """
    if data != "mnist":
        return _other(data)
    paths, searched = find_files("mnist", tuple(FILES.values()))
    if len(paths) == len(FILES):
        return _checked(_read(paths), f"SRNN_DATA ({paths[FILES['train_images']].parent})")
    files = f"the four IDX files ({', '.join(FILES.values())}; raw, or .gz) in it or in its subfolder mnist"
    arrays = from_datasets("MNIST", (DATASET,), _converted, searched=searched, files=files)
    return _checked(arrays, f"datasets.load_dataset({DATASET!r})")


def locate_mnist() -> DataSet:
    """Return where MNIST is, without reading it."""
    return search("MNIST", "mnist", tuple(FILES.values()), DATASET)


def fingerprint(images: Mnist) -> str:
    """Return the SHA-256 of the four IDX files, raw, one after the other: the same for files and for downloads."""
    digest = hashlib.sha256()
    for array in images:
        digest.update(struct.pack(f">{1 + array.ndim}I", {3: 2051, 1: 2049}[array.ndim], *array.shape))
        digest.update(array.numpy().tobytes())
    return digest.hexdigest()


def read_idx(path: Path) -> Tensor:
    """Return the uint8 tensor of one IDX file, raw or gzipped; a TaskError names a broken file."""
    data = read_bytes(path)
    magic = int.from_bytes(data[:4], "big")
    dims = {2051: 3, 2049: 1}.get(magic)
    if dims is None or len(data) < 4 + 4 * dims:
        raise TaskError(f"{path}: expected an IDX file of magic number 2051 or 2049; got {magic}")
    shape = struct.unpack(f">{dims}I", data[4 : 4 + 4 * dims])
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * dims)
    if values.size != math.prod(shape):
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


def _read(paths: Mapping[str, Path]) -> dict[str, Tensor]:
    return {part: read_idx(paths[name]) for part, name in FILES.items()}


def folders_with_images() -> tuple[list[Path], str]:
    """Return SRNN_DATA and its subfolders that have four files of MNIST's names, and a description of the search."""
    names = tuple(FILES.values())
    found = [find_files(folder, names) for folder in (*subfolders(), ".")]
    folders = [paths[names[0]].parent for paths, _ in found if len(paths) == len(names)]
    return list(dict.fromkeys(folders)), f"all subfolders of it; {found[-1][1]}"


def _other(data: str) -> Mnist:
    """Return the images with the fingerprint that `data` names, from the first folder that has them."""
    names = tuple(FILES.values())
    found = {}
    for folder in folders_with_images()[0]:
        try:
            images = _of_sizes(_read(find_files(str(folder), names)[0]), data)
        except TaskError as error:
            found[folder] = str(error)
            continue
        found[folder] = f"sha256:{fingerprint(images)}"
        if found[folder] == data:
            return images
    seen = "; ".join(f"{folder} has {what}" for folder, what in found.items()) or "none has them"
    raise TaskError(
        f"data: expected the four IDX files ({', '.join(names)}; raw, or .gz) of {data} in SRNN_DATA or one of its "
        f"subfolders; {seen}"
    )


def _checked(arrays: Mapping[str, Tensor], origin: str) -> Mnist:
    """Return MNIST, or raise a TaskError if these are other images."""
    images = _of_sizes(arrays, f"MNIST from {origin}")
    found = fingerprint(images)
    if found != SHA256:
        raise TaskError(
            f"MNIST from {origin}: these are other images or labels, such as Fashion-MNIST, in files of MNIST's names; "
            f"expected SHA-256 {SHA256}, got {found}. To use them, set the field data='sha256:{found}' of the task"
        )
    return images


def _of_sizes(arrays: Mapping[str, Tensor], title: str) -> Mnist:
    for split, count in (("train", 60_000), ("test", 10_000)):
        for part, shape in (("images", (count, 28, 28)), ("labels", (count,))):
            actual = tuple(arrays[f"{split}_{part}"].shape)
            if actual != shape:
                raise TaskError(f"{title}: expected {split} {part} {shape}; got {actual}")
        highest = int(arrays[f"{split}_labels"].max())
        if highest > 9:
            raise TaskError(f"{title}: expected {split} labels 0 to 9; got {highest}")
    return Mnist(**arrays)
