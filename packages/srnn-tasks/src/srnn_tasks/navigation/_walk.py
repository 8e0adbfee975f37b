"""Batched random walks in a box; near a wall, a walk slows down and turns away.

Source: the trajectories of arXiv 2406.06290, taken from Sorscher et al. 2019 (`ganguli-lab/grid-pattern-formation`).
"""

import math

import torch
from torch import Tensor


def random_walk(
    steps: int,
    size: int,
    *,
    box: float,
    dt: float,
    speed_scale: float,
    turn_sd: float,
    border: float,
    border_speed: float,
    generator: torch.Generator,
) -> Tensor:
    """Return positions `(steps + 1, size, 2)` in metres; the box has side `box` and is centred at 0.

    Each step first moves along the heading, then turns. The speed is Rayleigh distributed with scale `speed_scale`
    (m/s), the turn is normal with standard deviation `turn_sd * dt` (`turn_sd` in rad/s). If the nearest wall is closer
    than `border` (m) and the angle a between the heading and the wall's outward normal is below 90 degrees, the speed
    is multiplied by `border_speed`, and the heading turns by an additional sign(a) (pi/2 - |a|), which makes it
    parallel to the wall.
    """
    device = generator.device
    position = (torch.rand(size, 2, generator=generator, device=device, dtype=torch.float32) - 0.5) * box  # (B, 2)
    heading = torch.rand(size, generator=generator, device=device, dtype=torch.float32) * (2 * math.pi)  # (B,) rad
    turns = torch.randn(steps, size, generator=generator, device=device, dtype=torch.float32) * (
        turn_sd * dt
    )  # (T, B) rad
    rayleigh = (
        torch.empty(steps, size, device=device, dtype=torch.float32).exponential_(generator=generator).mul_(2).sqrt_()
    )  # (T, B)
    lengths = rayleigh * (speed_scale * dt)  # (T, B) m
    positions = torch.empty(steps + 1, size, 2, device=device, dtype=torch.float32)  # (T + 1, B, 2)
    positions[0] = position
    for t in range(steps):
        slowed, away = _wall(position, heading, box=box, border=border, border_speed=border_speed)
        direction = torch.stack([heading.cos(), heading.sin()], -1)  # (B, 2)
        position = torch.addcmul(position, (lengths[t] * slowed)[:, None], direction)
        positions[t + 1] = position
        heading = heading + away + turns[t]
    return positions


def _wall(
    position: Tensor, heading: Tensor, *, box: float, border: float, border_speed: float
) -> tuple[Tensor, Tensor]:
    """Return the factor on the speed and the additional turn away from the wall in rad, both `(B,)`."""
    gaps = torch.cat([box / 2 - position, box / 2 + position], -1)  # (B, 4) m to the east, north, west and south wall
    gap, wall = gaps.min(-1)  # (B,)
    angle = (
        torch.remainder(heading - wall.to(heading.dtype) * (math.pi / 2) + math.pi, 2 * math.pi) - math.pi
    )  # (B,) in [-pi, pi)
    near = (gap < border) & (angle.abs() < math.pi / 2)
    factor = torch.ones_like(gap).masked_fill(near, border_speed)
    return factor, near * angle.sign() * (math.pi / 2 - angle.abs())
