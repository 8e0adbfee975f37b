"""The images of a record: eight pipelines, each applied to all of its images at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ._filters import add_noise, blur, erase, sharpen
from ._perspective import perspective
from ._record import PIPELINES, Record
from ._resize import resize

MEAN, SD = 0.1307, 0.3081  # of the pixels of MNIST from 0 to 1, as rounded in the published code
NOISE = 0.01  # standard deviation, before normalization
CHUNK = 50  # series rendered at once: their intermediate results fit into the cache of a CPU


@dataclass(frozen=True, eq=False)
class _Draws:
    """The random parts of P images; see `Record`."""

    corners: Tensor
    box: Tensor
    sigma: Tensor
    noise_seed: Tensor


# From resized images uint8 (P, H, H) to float32 of the same shape, mostly from 0 to 1.
OPERATIONS: dict[str, Callable[[Tensor, _Draws], Tensor]] = {
    "baseline": lambda pixels, draws: _unit(pixels),
    "perspective_small": lambda pixels, draws: _unit(perspective(pixels, draws.corners)),
    "perspective": lambda pixels, draws: _unit(perspective(pixels, draws.corners)),
    "erase": lambda pixels, draws: _unit(erase(pixels, draws.box)),
    "noise": lambda pixels, draws: add_noise(_unit(pixels), draws.noise_seed, NOISE),
    "both": lambda pixels, draws: _unit(perspective(erase(pixels, draws.box), draws.corners)),
    "blur": lambda pixels, draws: blur(_unit(pixels), draws.sigma),
    "sharpness": lambda pixels, draws: sharpen(_unit(pixels)),
}


def render(record: Record, images: Tensor) -> Tensor:
    """Return the pixels of all images of a record, float32 `(S, n, H * H)`, where H is the side of the record.

    Each source image is resized to H x H pixels from 0 to 1, changed by its pipeline, normalized to mean 0 and
    standard deviation 1 of MNIST, and clamped to the range of the same image without the pipeline.

    images: uint8 `(M, 28, 28)` on the CPU, the source images that `record.image` counts.
    """
    pixels = resize(images[record.image.flatten()], record.side)  # (S n, H, H) uint8
    pipeline = record.pipeline.flatten()  # (S n,)
    shown = torch.empty(pixels.shape, device="cpu", dtype=torch.float32)
    for number, name in enumerate(PIPELINES):
        rows = (pipeline == number).nonzero()[:, 0]
        shown[rows] = OPERATIONS[name](pixels[rows], _draws(record, rows))
    low, high = (_normalized(_unit(edge)) for edge in torch.aminmax(pixels.flatten(1), dim=1))  # (S n,)
    shown = _normalized(shown).clamp_(low[:, None, None], high[:, None, None])
    return shown.view(*record.image.shape, record.side**2)


def render_chunks(record: Record, images: Tensor) -> Iterator[Tensor]:
    """Yield `render(record, images)` in parts of consecutive series, which is faster than all at once."""
    for begin in range(0, len(record), CHUNK):
        yield render(record[begin : begin + CHUNK], images)


def _draws(record: Record, rows: Tensor) -> _Draws:
    return _Draws(
        corners=record.corners.flatten(0, 1)[rows],
        box=record.box.flatten(0, 1)[rows],
        sigma=record.sigma.flatten()[rows],
        noise_seed=record.noise_seed.flatten()[rows],
    )


def _unit(pixels: Tensor) -> Tensor:
    """Return 8-bit pixels as float32 from 0 to 1."""
    return pixels.to(torch.float32) / 255


def _normalized(values: Tensor) -> Tensor:
    return (values - MEAN) / SD
