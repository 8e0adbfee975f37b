"""Sparsity patterns, and masks and column signs on the parameters of any torch module.

`patterns/` draws masks and signs, without modules. `wearing/` applies them to parameters and keeps them
enforced while the module trains, whatever their origin. The files for block RNNs compute sizes and masks from a number
of weights.
"""

from importlib.metadata import version as _version

from ._blocks import Blocks as Blocks
from ._blocks import Densities as Densities
from ._budget import balance as balance
from ._budget import sized as sized
from ._density import density as density
from ._errors import MaskError as MaskError
from ._files import load as load
from ._files import save as save
from ._hidden_proportion import hidden_proportion as hidden_proportion
from .patterns import AnyPattern as AnyPattern
from .patterns import Bernoulli as Bernoulli
from .patterns import Dale as Dale
from .patterns import Dense as Dense
from .patterns import FixedInDegree as FixedInDegree
from .patterns import Locality as Locality
from .patterns import UniformRandom as UniformRandom
from .wearing import align_signs as align_signs
from .wearing import apply as apply
from .wearing import apply_signs as apply_signs
from .wearing import balance_signs as balance_signs
from .wearing import check_same_masks as check_same_masks
from .wearing import correct_fan_in as correct_fan_in
from .wearing import dense_gradients as dense_gradients
from .wearing import enforce as enforce
from .wearing import lifted as lifted
from .wearing import load_masked as load_masked
from .wearing import maskable as maskable
from .wearing import masks as masks
from .wearing import release as release
from .wearing import replace as replace
from .wearing import signs as signs

__version__ = _version("srnn-masks")

__all__ = [
    "AnyPattern",
    "Bernoulli",
    "Blocks",
    "Dale",
    "Dense",
    "Densities",
    "FixedInDegree",
    "Locality",
    "MaskError",
    "UniformRandom",
    "align_signs",
    "apply",
    "apply_signs",
    "balance",
    "balance_signs",
    "check_same_masks",
    "correct_fan_in",
    "dense_gradients",
    "density",
    "enforce",
    "hidden_proportion",
    "lifted",
    "load",
    "load_masked",
    "maskable",
    "masks",
    "release",
    "replace",
    "save",
    "signs",
    "sized",
]
