"""Operations on float images `(P, H, W)` with values from 0 to 1: erasing, noise, blur and sharpening."""

import torch
from torch import Tensor

RADIUS = 7  # of the blur, whose kernel has 15 x 15 pixels
SHARPNESS = 4.0


def erase(images: Tensor, boxes: Tensor) -> Tensor:
    """Return images with a box of zeros. boxes: int64 `(P, 4)`, its top row, left column, height and width."""
    top, left, height, width = boxes[:, :, None, None].unbind(1)  # (P, 1, 1)
    y = torch.arange(images.shape[1], device="cpu")[:, None]  # (H, 1)
    x = torch.arange(images.shape[2], device="cpu")  # (W,)
    covered = (y >= top) & (y < top + height) & (x >= left) & (x < left + width)  # (P, H, W)
    return images.masked_fill(covered, 0.0)


def add_noise(images: Tensor, seeds: Tensor, sd: float) -> Tensor:
    """Return images plus normal noise, which the seed of each image determines. seeds: int64 `(P,)`."""
    noisy = torch.empty_like(images)
    stream = torch.Generator("cpu")
    for row, seed in zip(noisy, seeds.tolist(), strict=True):
        row.normal_(0.0, sd, generator=stream.manual_seed(seed))
    return noisy.add_(images)


def blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Return images blurred by a Gaussian of 15 x 15 pixels; the border is reflected. sigma: `(P,)` in pixels.

    The kernel is a product of two, and reflecting is linear: each image is multiplied by a matrix from both sides. The
    products are in float64, as torch may be set to round those of float32.
    """
    distance = torch.arange(-RADIUS, RADIUS + 1, device="cpu", dtype=torch.float64)  # (15,)
    kernel = torch.exp(-0.5 * (distance / sigma.double()[:, None]).square())  # (P, 15)
    kernel = kernel / kernel.sum(1, keepdim=True)
    down, across = (_band(kernel, size) for size in images.shape[1:])
    return (down @ images.double() @ across.transpose(1, 2)).float()


def _band(kernel: Tensor, size: int) -> Tensor:
    """Return the matrices `(P, size, size)` that convolve a reflected line of pixels with a kernel `(P, 15)`."""
    offset = torch.arange(-RADIUS, RADIUS + 1, device="cpu")  # (15,)
    source = (torch.arange(size, device="cpu")[:, None] + offset).abs()  # (size, 15)
    source = torch.where(source < size, source, 2 * (size - 1) - source)
    bands = kernel.new_zeros(len(kernel), size, size)
    return bands.scatter_add_(2, source.expand(len(kernel), -1, -1), kernel[:, None].expand(-1, size, -1))


def sharpen(images: Tensor) -> Tensor:
    """Return images moved away from a smoothed copy by the factor 4, between 0 and 1.

    The smoothing kernel is 1/13 around a centre of 5/13; the border is kept.
    """
    height, width = images.shape[1:]
    smooth = images.clone()
    inner = smooth[:, 1:-1, 1:-1].zero_()  # (P, H - 2, W - 2)
    for row in range(3):
        for column in range(3):
            share = (5 if row == column == 1 else 1) / 13
            inner.add_(images[:, row : height - 2 + row, column : width - 2 + column], alpha=share)
    return (SHARPNESS * images + (1 - SHARPNESS) * smooth).clamp_(0.0, 1.0)
