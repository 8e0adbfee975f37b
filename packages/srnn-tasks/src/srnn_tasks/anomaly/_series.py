"""The series of one split: a record, drawn from the seed of the data, and its pixels, rendered once and stored."""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..cache import cached_array
from ..images import Mnist
from ._record import Record, draw_record
from ._render import render_chunks

Part = Literal["train", "validation", "test"]
VERSION = 1  # part of the names of stored files: raise it when records or images of the same task change
TRAINED = 50_000  # source images of train, if the splits are apart


@dataclass(frozen=True, eq=False, kw_only=True)
class Series:
    """S series of n images, on the device of a source.

    record: how they were made; on the CPU. pixels: float16 `(S, n, I)`. position, digit: int64 `(S,)`, as in
    the record. base, anomaly: int64 `(S,)`, the indices in `PIPELINES` of most images and of the one at `position`.
    """

    record: Record
    pixels: Tensor
    position: Tensor
    digit: Tensor
    base: Tensor
    anomaly: Tensor


def open_series(
    digits: Mnist,
    part: Part,
    *,
    series: int,
    images: int,
    side: int,
    data_seed: int,
    split: Literal["apart", "shared"],
    device: torch.device,
) -> Series:
    """Return the series of a split, rendered or from the cache; see `RandomAnomaly` for the arguments."""
    sources, labels, first = _sources(digits, part, split, series)
    stream = np.random.SeedSequence((data_seed, ("train", "validation", "test").index(part)))
    generator = torch.Generator("cpu").manual_seed(int(stream.generate_state(1)[0]))
    record = draw_record(labels, series=series, images=images, side=side, first=first, generator=generator)
    contents = json.dumps([VERSION, part, series, images, side, data_seed, split])
    name = f"random_anomaly/v{VERSION}-{part}-{hashlib.sha256(contents.encode()).hexdigest()[:16]}"
    pixels = cached_array(name, (series, images, side**2), lambda: render_chunks(record, sources))
    rows = torch.arange(series, device="cpu")
    return Series(
        record=record,
        pixels=pixels.to(device),
        position=record.position.to(device),
        digit=record.digit.to(device),
        base=record.pipeline[rows, (record.position + 1) % images].to(device),
        anomaly=record.pipeline[rows, record.position].to(device),
    )


def _sources(digits: Mnist, part: Part, split: str, series: int) -> tuple[Tensor, Tensor, int]:
    """Return the source images of a split, their labels, and the item that gives its first series its class."""
    images, labels = digits.train_images, digits.train_labels
    if split == "shared":  # the classes of the held-out series are those of the last items, test after validation
        first = {"train": 0, "validation": len(images) - 2 * series, "test": len(images) - series}
        return images, labels, first[part] % len(images)
    if part == "train":
        return images[:TRAINED], labels[:TRAINED], 0
    if part == "validation":
        return images[TRAINED:], labels[TRAINED:], 0
    return digits.test_images, digits.test_labels, 0
