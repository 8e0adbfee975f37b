"""Sparsity patterns of weights, and masks that any torch module wears while it trains."""

from importlib.metadata import version as _version

from ._balance import balance_signs as balance_signs
from ._dale import Dale as Dale
from ._dense import Dense as Dense
from ._dense_gradients import dense_gradients as dense_gradients
from ._dense_gradients import lifted as lifted
from ._density import density as density
from ._fan_in import correct_fan_in as correct_fan_in
from ._files import load as load
from ._files import save as save
from ._locality import Locality as Locality
from ._patterns import AnyPattern as AnyPattern
from ._random import Bernoulli as Bernoulli
from ._random import FixedInDegree as FixedInDegree
from ._random import UniformRandom as UniformRandom
from ._signs import align_signs as align_signs
from ._signs import apply_signs as apply_signs
from ._signs import signs as signs
from ._wear import apply as apply
from ._wear import enforce as enforce
from ._wear import masks as masks
from ._wear import release as release
from ._wear import replace as replace

__version__ = _version("srnn-masks")

__all__ = [
    "AnyPattern",
    "Bernoulli",
    "Dale",
    "Dense",
    "FixedInDegree",
    "Locality",
    "UniformRandom",
    "align_signs",
    "apply",
    "apply_signs",
    "balance_signs",
    "correct_fan_in",
    "dense_gradients",
    "density",
    "enforce",
    "lifted",
    "load",
    "masks",
    "release",
    "replace",
    "save",
    "signs",
]
