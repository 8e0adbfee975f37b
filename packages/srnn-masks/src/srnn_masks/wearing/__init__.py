"""Masks and signs on the parameters of a module: apply them, keep them enforced in training, read and release them.

A module wears a mask while the mask is enforced. Everything here works on any `nn.Module` through hooks, so that models
and optimizers need no support for masks. All state is in one `Record` per parameter and module; the public functions
find the records and check their arguments.
"""

from ._balance import balance_signs as balance_signs
from ._dense_gradients import dense_gradients as dense_gradients
from ._dense_gradients import lifted as lifted
from ._distributed import check_same_masks as check_same_masks
from ._fan_in import correct_fan_in as correct_fan_in
from ._find import maskable as maskable
from ._load_masked import check_fit as check_fit
from ._load_masked import load_masked as load_masked
from ._signs import align_signs as align_signs
from ._signs import apply_signs as apply_signs
from ._signs import signs as signs
from ._wear import apply as apply
from ._wear import enforce as enforce
from ._wear import masks as masks
from ._wear import release as release
from ._wear import replace as replace

__all__ = [
    "align_signs",
    "apply",
    "apply_signs",
    "balance_signs",
    "check_fit",
    "check_same_masks",
    "correct_fan_in",
    "dense_gradients",
    "enforce",
    "lifted",
    "load_masked",
    "maskable",
    "masks",
    "release",
    "replace",
    "signs",
]
