"""Perspective transforms of 8-bit images, computed as by Pillow's `Image.transform` with bilinear interpolation.

A corner of the image moves to a given pixel, and the image is stretched between its four corners. What lies outside is
black. Coordinates are computed in float64, and results are truncated to 8 bits, as in Pillow.
"""

import torch
from torch import Tensor


def perspective(images: Tensor, corners: Tensor) -> Tensor:
    """Return images uint8 `(P, H, W)` whose corners are moved to `corners`.

    corners: int64 `(P, 4, 2)`, the x and y of the pixels to which the top left, top right, bottom right and bottom left
    corner pixels move.
    """
    height, width = images.shape[1:]
    c = _coefficients(corners.double(), height, width)[:, :, None, None]  # (P, 8, 1, 1)
    x = torch.arange(width, device="cpu", dtype=torch.float64) + 0.5  # (W,)
    y = torch.arange(height, device="cpu", dtype=torch.float64)[:, None] + 0.5  # (H, 1)
    below = c[:, 6] * x + c[:, 7] * y + 1  # (P, H, W)
    across = (c[:, 0] * x + c[:, 1] * y + c[:, 2]) / below  # (P, H, W) the x from which a pixel is taken
    down = (c[:, 3] * x + c[:, 4] * y + c[:, 5]) / below  # (P, H, W)
    inside = (across >= 0) & (across < width) & (down >= 0) & (down < height)
    left, right, dx = _neighbours(across, width)
    top, bottom, dy = _neighbours(down, height)
    pixels = images.flatten(1)  # (P, H W)

    def row(line: Tensor) -> Tensor:  # (P, H, W) interpolated along x in the line
        first = _taken(pixels, line * width + left)
        return first + (_taken(pixels, line * width + right) - first) * dx

    upper = row(top)
    values = upper + (row(bottom) - upper) * dy
    return torch.where(inside, values, 0.0).to(torch.uint8)  # truncates


def _neighbours(position: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the indices of the pixel centres before and after a position, and its distance from the former."""
    position = position - 0.5
    before = position.floor()
    index = before.clamp_(-1, size).long()  # far outside, the index has no meaning and the distance is not used
    return index.clamp(0, size - 1), (index + 1).clamp_(0, size - 1), position - before


def _taken(pixels: Tensor, index: Tensor) -> Tensor:
    """Return the pixels `(P, H * W)` at `index` `(P, H, W)`, as float64."""
    return pixels.gather(1, index.flatten(1)).view(index.shape).double()


def _coefficients(corners: Tensor, height: int, width: int) -> Tensor:
    """Return `(P, 8)` coefficients a to h of the map from a moved pixel to its source.

    The source of (x, y) is ((a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y + 1)). Where three corners
    lie on a line there is no such map; the coefficients are then the least-squares solution of smallest norm.
    """
    right, bottom = float(width - 1), float(height - 1)
    sources = torch.tensor([[0, 0], [right, 0], [right, bottom], [0, bottom]], device="cpu", dtype=torch.float64)
    x, y = corners.unbind(-1)  # (P, 4)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    equations = torch.cat(
        [
            torch.stack([x, y, one, zero, zero, zero, -sources[:, 0] * x, -sources[:, 0] * y], -1),
            torch.stack([zero, zero, zero, x, y, one, -sources[:, 1] * x, -sources[:, 1] * y], -1),
        ],
        1,
    )  # (P, 8, 8)
    targets = sources.T.reshape(8).expand(len(x), 8)
    solved: Tensor
    solved, singular = torch.linalg.solve_ex(equations, targets)
    for row in singular.nonzero()[:, 0].tolist():
        solved[row] = torch.linalg.lstsq(equations[row], targets[row, :, None], driver="gelsd").solution[:, 0]
    return solved
