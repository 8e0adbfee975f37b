"""A picture of an environment as an array of pixels: what is shown at this step, and the last action."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

SIDE = 160  # pixels of each of the three dials; the picture is (SIDE + BAR, 3 SIDE, 3)
BAR = 16
RADIUS = 0.36 * SIDE
BLACK, GREY, WHITE = (13, 17, 23), (72, 79, 88), (240, 246, 252)
BLUE, ORANGE, GREEN = (88, 166, 255), (247, 129, 60), (63, 185, 80)


def picture(
    observation: NDArray[np.float32], *, action: int | None, correct: int | None, progress: float, decision: bool
) -> Image:
    """Return three dials side by side and a bar, `(176, 480, 3)` uint8.

    The first two dials are the rings of the observation `(1 + 2R,)`: a unit is the brighter the more active it is, and
    the disc in the middle is the fixation cue. The third dial is the response, with fixation in the middle: the last
    action is a filled disc, green if it was correct and orange otherwise, and the action that was correct is a circle.
    The bar below is the progress of the trial, green in the decision period.

    action, correct: 0 fixates, 1 + direction answers; None before the first action.
    """
    ring = (len(observation) - 1) // 2
    image = np.empty((SIDE + BAR, 3 * SIDE, 3), dtype=np.uint8)
    image[:] = BLACK
    for dial in range(2):
        units = observation[1 + dial * ring : 1 + (dial + 1) * ring]
        for direction, activity in enumerate(units):
            _disc(image, dial, 1 + direction, ring, _mixed(GREY, BLUE, float(activity)))
        _disc(image, dial, 0, ring, _mixed(GREY, WHITE, float(observation[0])))
    for place in range(1 + ring):
        _disc(image, 2, place, ring, GREY)
    if action is not None and correct is not None:
        _disc(image, 2, action, ring, GREEN if action == correct else ORANGE)
        _disc(image, 2, correct, ring, GREEN, hollow=True)
    image[SIDE + 4 : -4, 8:-8] = GREY
    image[SIDE + 4 : -4, 8 : 8 + round((3 * SIDE - 16) * min(1.0, progress))] = GREEN if decision else BLUE
    return image


def _disc(
    image: Image, dial: int, place: int, ring: int, colour: tuple[int, int, int], *, hollow: bool = False
) -> None:
    """Draw a disc into a dial: in the middle at place 0, otherwise at direction `place - 1`, counterclockwise."""
    angle = 2 * math.pi * (place - 1) / ring
    distance = RADIUS if place else 0.0
    row, column = SIDE / 2 - distance * math.sin(angle), SIDE / 2 + distance * math.cos(angle)
    size = min(9.0, 0.8 * math.pi * RADIUS / ring)
    rows, columns = np.ogrid[:SIDE, :SIDE]
    away = np.hypot(rows - row, columns - column)
    inside = np.abs(away - size - 3) < 1.2 if hollow else away <= size
    image[:SIDE, dial * SIDE : (dial + 1) * SIDE][inside] = colour


def _mixed(low: tuple[int, int, int], high: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    share = min(1.0, max(0.0, share))
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return red, green, blue
