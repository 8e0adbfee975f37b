"""The density of a mask."""

import pytest
import torch

from srnn_masks import Locality, MaskError, density


def test_density_is_the_share_present():
    assert density(torch.tensor([[True, False, False], [False, False, True]])) == 1 / 3
    assert density(Locality(sheet=(20, 20), radius=4).mask(1200, 400, gates=3)) == 0.1225


def test_other_tensors_are_refused():
    with pytest.raises(MaskError, match=r"expected a mask of dtype torch.bool, got torch.float32"):
        density(torch.ones(2))
    with pytest.raises(MaskError, match=r"expected a mask with entries, got shape \(0, 3\)"):
        density(torch.ones(0, 3, dtype=torch.bool))
