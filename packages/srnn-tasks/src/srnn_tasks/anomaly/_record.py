"""Everything that is random in a set of series, drawn before any image is made.

Rendering is a function of this record alone, so another renderer can be compared on the same series.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

PIPELINES = ("baseline", "perspective_small", "perspective", "erase", "noise", "both", "blur", "sharpness")
DISTORTION = {"perspective_small": 0.5, "perspective": 0.9, "both": 0.5}  # largest shift of a corner, of half a side
ERASED = ("erase", "both")
BLURRED = ("blur",)
AREA, ASPECT = (0.1, 0.2), (0.3, 3.3)  # of an erased box: share of the image, height by width
SIGMA = (0.1, 2.0)  # pixels


@dataclass(frozen=True, eq=False, kw_only=True)
class Record:
    """The random parts of S series of n images, tensors on the CPU.

    digit: int64 `(S,)`, the class of all images of a series.
    position: int64 `(S,)`, the index of its anomaly.
    image: int64 `(S, n)`, the index of each source image.
    pipeline: int64 `(S, n)`, the index in `PIPELINES` of what is done to it: that of the anomaly at `position`, and
    another one, the base, elsewhere.
    corners: int64 `(S, n, 4, 2)`, the x and y of the pixels to which a perspective moves the corners, in the order top
    left, top right, bottom right, bottom left; the corners themselves for pipelines without a perspective.
    box: int64 `(S, n, 4)`, the top row, left column, height and width of the erased box; zeros if nothing is erased.
    sigma: float64 `(S, n)`, the standard deviation of the blur in pixels; 0 if nothing is blurred.
    noise_seed: int64 `(S, n)`, from 0 to 2**32 - 1, the seed of the CPU generator from which the noise of an image is
    drawn, as one normal tensor (side, side).
    side: the height and width of a rendered image in pixels.
    """

    digit: Tensor
    position: Tensor
    image: Tensor
    pipeline: Tensor
    corners: Tensor
    box: Tensor
    sigma: Tensor
    noise_seed: Tensor
    side: int = 50

    def __getitem__(self, series: slice) -> "Record":
        """Return the record of some of the series."""
        tensors = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "side"}
        return Record(**{name: tensor[series] for name, tensor in tensors.items()}, side=self.side)

    def __len__(self) -> int:
        """Return S, the number of series."""
        return len(self.digit)


def draw_record(
    labels: Tensor, *, series: int, images: int, side: int = 50, first: int = 0, generator: torch.Generator
) -> Record:
    """Return the record of `series` series of `images` images of `side` x `side` pixels.

    The class of series i is that of the item first + i of `labels` (from the beginning again after the last one). The
    base and the anomaly are two different pipelines, each pair equally likely. The source images are drawn from all
    images of the class, with replacement.

    generator: a generator of the CPU.
    labels: uint8 `(M,)`, the classes 0 to 9 of the source images.
    """
    labels = labels.long()  # (M,)
    digit = labels[(first + torch.arange(series, device="cpu")) % len(labels)]  # (S,)
    kinds = len(PIPELINES)
    base, position = _below(kinds, (series,), generator), _below(images, (series,), generator)  # (S,)
    other = (base + 1 + _below(kinds - 1, (series,), generator)) % kinds  # (S,)
    at = torch.arange(images, device="cpu") == position[:, None]  # (S, n)
    pipeline = torch.where(at, other[:, None], base[:, None])  # (S, n)
    return Record(
        digit=digit,
        position=position,
        image=_images_of(digit, labels, images, generator),
        pipeline=pipeline,
        corners=_corners(pipeline, side, generator),
        box=_boxes(pipeline, side, generator),
        sigma=_among(BLURRED)[pipeline] * _between(SIGMA, pipeline.shape, generator),
        noise_seed=_below(2**32, pipeline.shape, generator),
        side=side,
    )


def _images_of(digit: Tensor, labels: Tensor, images: int, generator: torch.Generator) -> Tensor:
    """Return `(S, n)` indices of images of the class of each series, uniform with replacement."""
    by_class = labels.argsort(stable=True)  # (M,)
    counts = torch.bincount(labels, minlength=10)  # (10,)
    begins = counts.cumsum(0) - counts  # (10,)
    shares = _between((0.0, 1.0), (len(digit), images), generator)
    return by_class[begins[digit][:, None] + (shares * counts[digit][:, None]).long()]


def _corners(pipeline: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Return `(S, n, 4, 2)` corners, each moved inward by a whole number of pixels from 0 to the pipeline's most."""
    shifts = [int(DISTORTION.get(name, 0.0) * (side // 2)) for name in PIPELINES]
    most = torch.tensor(shifts, device="cpu")[pipeline]  # (S, n)
    shares = _between((0.0, 1.0), (*pipeline.shape, 4, 2), generator)
    shift = (shares * (most + 1)[..., None, None]).long()  # (S, n, 4, 2)
    far = side - 1
    corners = torch.tensor([[0, 0], [far, 0], [far, far], [0, far]], device="cpu")  # (4, 2)
    return torch.where(corners == 0, shift, far - shift)


def _boxes(pipeline: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Return `(S, n, 4)` boxes: area uniform, aspect log-uniform, place uniform. All are smaller than the image."""
    area = side**2 * _between(AREA, pipeline.shape, generator)  # (S, n)
    aspect = _between((math.log(ASPECT[0]), math.log(ASPECT[1])), pipeline.shape, generator).exp()  # (S, n)
    height, width = (area * aspect).sqrt().round().long(), (area / aspect).sqrt().round().long()
    shares = _between((0.0, 1.0), (*pipeline.shape, 2), generator)
    top, left = (shares[..., 0] * (side - height + 1)).long(), (shares[..., 1] * (side - width + 1)).long()
    return torch.stack([top, left, height, width], -1) * _among(ERASED)[pipeline][..., None]


def _among(names: tuple[str, ...]) -> Tensor:
    """Return for each pipeline whether it is one of these."""
    return torch.tensor([name in names for name in PIPELINES], device="cpu")


def _below(limit: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randint(limit, shape, generator=generator, device="cpu")


def _between(limits: tuple[float, float], shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    low, high = limits
    return low + (high - low) * torch.rand(shape, generator=generator, device="cpu", dtype=torch.float64)
