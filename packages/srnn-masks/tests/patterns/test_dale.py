"""The pattern that draws the signs of Dale's law."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from srnn_masks import Dale, MaskError


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@given(excitatory=st.floats(0, 1), cols=st.integers(1, 300), seed=st.integers(0, 10))
def test_the_share_is_exact(excitatory, cols, seed):
    drawn = Dale(excitatory=excitatory).signs(cols, generator=seeded(seed))
    assert drawn.shape == (cols,) and drawn.dtype is torch.float32
    assert drawn.tolist().count(1.0) == round(excitatory * cols)
    assert drawn.tolist().count(-1.0) == cols - round(excitatory * cols)
    assert torch.equal(drawn, Dale(excitatory=excitatory).signs(cols, generator=seeded(seed)))


@pytest.mark.parametrize("excitatory", [0.1, 0.8])  # a sparse and a dense draw
def test_every_unit_and_pair_is_equally_likely(excitatory):
    """Six standard errors over 4000 draws."""
    g, n, cols = seeded(3), 4000, 40
    dale = Dale(excitatory=excitatory)
    drawn = torch.stack([dale.signs(cols, generator=g) for _ in range(n)]) > 0
    share = drawn.double().mean(dim=0)
    assert (share - excitatory).abs().max() < 6 * math.sqrt(excitatory * (1 - excitatory) / n)
    count = round(excitatory * cols)
    both = count * (count - 1) / (cols * (cols - 1))
    pairs = (drawn[:, 0::2] & drawn[:, 1::2]).double().mean()
    assert abs(float(pairs) - both) < 6 * math.sqrt(both * (1 - both) / (n * cols / 2))


def test_draws_come_from_the_generator_alone():
    state = torch.get_rng_state()
    assert not torch.equal(Dale().signs(400, generator=seeded(0)), Dale().signs(400, generator=seeded(1)))
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(MaskError, match=r"Dale: expected generator=torch.Generator\(\) .*got generator=None"):
        Dale().signs(400)
    with pytest.raises(MaskError, match=r"Dale: expected cols >= 1, got cols=0"):
        Dale().signs(0, generator=seeded())


@given(st.builds(Dale, excitatory=st.floats(0, 1)))
def test_json_round_trip(dale):
    back = Dale.model_validate_json(dale.model_dump_json())
    assert back == dale and hash(back) == hash(dale) and back.kind == "dale"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"excitatory": 1.1}, "excitatory"),
        ({"excitatory": -0.1}, "excitatory"),
        ({"excitatory": math.nan}, "excitatory"),
        ({"kind": "masks"}, "kind"),
        ({"inhibitory": 0.2}, "inhibitory"),
    ],
    ids=str,
)
def test_refusals_name_the_field(value, named):
    with pytest.raises(ValidationError, match=named):
        Dale.model_validate(value)
    with pytest.raises(ValidationError, match="frozen"):
        Dale().excitatory = 0.5
