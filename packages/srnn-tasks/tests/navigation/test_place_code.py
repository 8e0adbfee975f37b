"""Place code and decoding against plain formulas."""

import numpy as np
import pytest
import torch

from srnn_tasks import decode, place_code

CODES = ["reference", "gaussian", "paper"]


def uniform(count: int) -> torch.Tensor:
    return (torch.rand(count, 2, generator=torch.Generator().manual_seed(11)) - 0.5) * 2.2


def slow_code(positions: np.ndarray, centres: np.ndarray, width: float, code: str) -> np.ndarray:
    """The definitions, in float64, one position at a time."""

    def softmax(values: np.ndarray) -> np.ndarray:
        powers = np.exp(values - values.max())
        return powers / powers.sum()

    rows = []
    for position in positions:
        squared = np.array([(position[0] - c[0]) ** 2 + (position[1] - c[1]) ** 2 for c in centres])
        if code == "gaussian":
            row = softmax(-squared / (2 * width**2))
        elif code == "reference":
            row = softmax(-squared / (2 * width**2)) - softmax(-squared / (4 * width**2))
            row = row + abs(row.min())
            row = row / row.sum()
        else:
            cm = 100 * width
            row = softmax(np.exp(-1e4 * squared / (2 * cm**2)) / (cm * np.sqrt(2 * np.pi)))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(("cells", "width"), [(512, 0.12), (256, 0.2), (5, 0.3)])
def test_the_place_code_is_its_formula(code: str, cells: int, width: float) -> None:
    centres, positions = uniform(cells), uniform(60) * 1.05
    fast = place_code(positions.view(6, 10, 2), centres, width=width, code=code)
    slow = slow_code(positions.double().numpy(), centres.double().numpy(), width, code)
    assert fast.shape == (6, 10, cells)
    np.testing.assert_allclose(fast.view(60, cells).numpy(), slow, atol=2e-5, rtol=2e-4)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("width", [1e-3, 0.01, 0.03, 100.0])
def test_a_width_that_fits_badly_still_gives_distributions(code: str, width: float) -> None:
    activity = place_code(uniform(500), uniform(5), width=width, code=code)
    assert (activity >= 0).all()
    torch.testing.assert_close(activity.sum(-1), torch.ones(500), atol=1e-5, rtol=0)


def test_decode_is_the_mean_of_the_three_most_active_centres() -> None:
    centres = uniform(20)
    outputs = torch.randn(4, 3, 20, generator=torch.Generator().manual_seed(0))
    found = decode(outputs, centres)
    for t in range(4):
        for b in range(3):
            best = sorted(range(20), key=lambda k: -outputs[t, b, k].item())[:3]
            torch.testing.assert_close(found[t, b], (centres[best[0]] + centres[best[1]] + centres[best[2]]) / 3)
