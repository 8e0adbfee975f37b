"""Locality against published counts and a plain loop."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from srnn_masks import Locality, density

DEGREES = {
    0: 1, 1: 5, 2: 9, 4: 13, 5: 21, 8: 25, 9: 29, 10: 37, 13: 45, 16: 49, 17: 57, 18: 61, 20: 69, 25: 81, 26: 89,
    29: 97, 32: 101, 36: 113, 49: 149, 64: 197, 81: 253, 100: 317,
}  # fmt: skip

# radius: (torus, open) on 20 x 20, 35 x 35, 50 x 50; None: not published. The source prints .0102 for the open 35 x 35
# at radius 2; the count is 15229 of 1500625 = .01015, see test_open_counts_in_closed_form.
DENSITIES = {
    0: [(".0025", ".0025"), (".00082", None), (".0004", None)],
    1: [(".0125", ".0120"), (".0041", ".0040"), (".0020", ".0020")],
    2: [(".0325", ".0300"), (".0106", ".0101"), (".0052", ".0050")],
    3: [(".0725", ".0637"), (".0237", ".0220"), (".0116", ".0110")],
    4: [(".1225", ".1032"), (".0400", ".0363"), (".0196", ".0183")],
    5: [(".2025", ".1611"), (".0661", ".0582"), (".0324", ".0297")],
    6: [(".2825", ".2150"), (".0922", ".0793"), (".0452", ".0407")],
    8: [(".4925", ".3397"), (".1608", ".1313"), (".0788", ".0686")],
    10: [(".7875", ".4865"), (".2588", ".1991"), (".1268", ".1060")],
    12: [(".9375", ".6105"), (".3600", ".2633"), (".1764", ".1426")],
    15: [("1.0", ".8021"), (".5788", ".3848"), (".2836", ".2153")],
    20: [("1.0", ".9769"), (".9249", ".5816"), (".5028", ".3448")],
}
TABLE = [
    (side, radius, periodic, text)
    for radius, row in DENSITIES.items()
    for side, pair in zip((20, 35, 50), row, strict=True)
    for periodic, text in zip((True, False), pair, strict=True)
    if text is not None
]


def oracle(height, width, square, periodic):
    """A plain loop over pairs with integer distances; `square` is the largest squared distance allowed."""
    rows = []
    for i in range(height * width):
        row = []
        for j in range(height * width):
            down, across = abs(i // width - j // width), abs(i % width - j % width)
            if periodic:
                down, across = min(down, height - down), min(across, width - across)
            row.append(down * down + across * across <= square)
        rows.append(row)
    return torch.tensor(rows)


@pytest.mark.parametrize(("square", "degree"), DEGREES.items())
def test_in_degree_on_the_torus(square, degree):
    pattern = Locality(sheet=(25, 25), radius=math.sqrt(square))
    mask = pattern.mask(625, 625)
    assert (mask.sum(dim=1) == degree).all() and (mask.sum(dim=0) == degree).all()
    assert pattern.indices(625, 625).shape == (2, 625 * degree)


@pytest.mark.parametrize(("side", "radius", "periodic", "text"), TABLE)
def test_density_table(side, radius, periodic, text):
    n = side * side
    value = density(Locality(sheet=(side, side), radius=radius, periodic=periodic).mask(n, n))
    assert abs(value - float(text)) <= 0.5000001 * 10.0 ** -len(text.partition(".")[2])


@pytest.mark.parametrize(
    ("side", "radius", "text"), [(25, 2, ".0208"), (25, 4, ".0784"), (50, math.sqrt(32), ".0404"), (50, 6, ".0452")]
)
def test_densities_named_in_the_text(side, radius, text):
    n = side * side
    assert round(density(Locality(sheet=(side, side), radius=radius).mask(n, n)), 4) == float(text)


@pytest.mark.parametrize(
    "square", [s for s in range(200) if s in {a * a + b * b for a in range(15) for b in range(15)}]
)
def test_the_radius_tolerates_rounding_of_roots(square):
    """A root rounded up or down, as a power or as a product, gives one mask; a smaller radius gives fewer entries."""
    root = math.sqrt(square)
    written = [root, math.nextafter(root, 100), square**0.5]
    written += [math.nextafter(root, 0)] if square else []
    written += [f * math.sqrt(square // f**2) for f in range(1, 15) if square and square % f**2 == 0]
    sheet, n = (30, 30), 900
    exact = sum(a * a + b * b <= square for a in range(-15, 16) for b in range(-15, 16))
    for radius in written:
        assert Locality(sheet=sheet, radius=radius).indices(n, n).shape[1] == n * exact, radius
    if square:
        below = Locality(sheet=sheet, radius=math.sqrt(square - 1e-6)).indices(n, n).shape[1]
        assert below == n * sum(a * a + b * b < square for a in range(-15, 16) for b in range(-15, 16))


def test_neighbouring_squares_of_large_sheets_are_distinguished():
    for radius, count in ((200, 401), (200 - 1e-6, 399), (200 + 1e-6, 401)):
        assert Locality(sheet=(1, 500), radius=radius).indices(500, 500).shape == (2, 500 * count)


@pytest.mark.parametrize("side", [20, 35, 50])
@pytest.mark.parametrize("radius", DENSITIES)
def test_open_counts_in_closed_form(side, radius):
    steps = range(1 - side, side)
    count = sum((side - abs(a)) * (side - abs(b)) for a in steps for b in steps if a * a + b * b <= radius * radius)
    mask = Locality(sheet=(side, side), radius=radius, periodic=False).mask(side * side, side * side)
    assert int(mask.sum()) == count


sheets = st.tuples(st.integers(1, 6), st.integers(1, 6))


@given(sheet=sheets, square=st.integers(0, 60), periodic=st.booleans(), gates=st.integers(1, 4))
def test_against_a_plain_loop(sheet, square, periodic, gates):
    n = sheet[0] * sheet[1]
    pattern = Locality(sheet=sheet, radius=math.sqrt(square), periodic=periodic)
    expected = oracle(*sheet, square, periodic).repeat(gates, 1)
    assert torch.equal(pattern.mask(gates * n, n, gates=gates), expected)
    assert torch.equal(pattern.indices(gates * n, n, gates=gates), expected.nonzero().T)


@pytest.mark.slow
@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("square", [0, 4, 16, 18, 32, 100, 225, 400])
@pytest.mark.parametrize("sheet", [(20, 20), (16, 25), (25, 16), (3, 130)])
def test_against_a_plain_loop_at_full_size(sheet, square, periodic):
    n = sheet[0] * sheet[1]
    pattern = Locality(sheet=sheet, radius=math.sqrt(square), periodic=periodic)
    expected = oracle(*sheet, square, periodic)
    assert torch.equal(pattern.mask(n, n), expected)
    assert torch.equal(pattern.indices(n, n), expected.nonzero().T)


@given(sheet=sheets, radius=st.floats(0, 10), periodic=st.booleans())
def test_the_mask_is_symmetric_and_includes_the_unit(sheet, radius, periodic):
    n = sheet[0] * sheet[1]
    mask = Locality(sheet=sheet, radius=radius, periodic=periodic).mask(n, n)
    assert torch.equal(mask, mask.T) and mask.diagonal().all()


def test_units_are_numbered_row_by_row():
    mask = Locality(sheet=(3, 5), radius=1, periodic=False).mask(15, 15)
    assert mask[0].nonzero().flatten().tolist() == [0, 1, 5]
    assert mask[7].nonzero().flatten().tolist() == [2, 6, 7, 8, 12]
    closed = Locality(sheet=(3, 5), radius=1).mask(15, 15)
    assert closed[0].nonzero().flatten().tolist() == [0, 1, 4, 5, 10]


class Sizes(TorchDispatchMode):
    """Collects the number of entries of every tensor that is made."""

    def __init__(self):
        super().__init__()
        self.made = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        results = result if isinstance(result, tuple | list) else [result]
        self.made += [each.numel() for each in results if isinstance(each, torch.Tensor)]
        return result


@pytest.mark.parametrize("periodic", [True, False])
def test_indices_of_many_units_are_made_by_blocks(periodic):
    pattern = Locality(sheet=(80, 60), radius=10, periodic=periodic)
    with Sizes() as sizes:
        indices = pattern.indices(2 * 4800, 4800, gates=2)
    assert torch.equal(indices, pattern.mask(2 * 4800, 4800, gates=2).nonzero().T)
    pairs = indices.numel() // 2
    # besides the result, its rows and their halves of one gate
    assert max(size for size in sizes.made if size not in (2 * pairs, pairs, pairs // 2)) <= 2**18 < pairs // 2
