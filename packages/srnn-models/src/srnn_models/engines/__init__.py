"""Engines: faster ways to run the time loop of a cell, with the same results up to rounding.

A pass over time (`elman`, `leaky`, `gru`, `lstm`) has its own backward pass and takes a `Product`: `Dense`, or `Edges`
for the entries that a mask leaves. `fused_elman` is the loop of an Elman network on a GPU. An engine works on tensors:
it takes neither modules nor values. `srnn_models.accelerate` sets the engines of a model.
"""

from ._choice import choose as choose
from ._columns import map_columns as map_columns
from ._elman import elman as elman
from ._fused import fused_elman as fused_elman
from ._fused import runs_fused as runs_fused
from ._gru import gru as gru
from ._leaky import leaky as leaky
from ._lstm import lstm as lstm
from ._product import Dense as Dense
from ._product import Edges as Edges
from ._product import Product as Product
from ._product import SparseProduct as SparseProduct
from ._product import bags as bags
from ._reading import Reading as Reading
from ._refusal import refusal as refusal
from ._replay import Loop as Loop
from ._structure import Compressed as Compressed
from ._structure import Structure as Structure

__all__ = [
    "Compressed",
    "Dense",
    "Edges",
    "Loop",
    "Product",
    "Reading",
    "SparseProduct",
    "Structure",
    "bags",
    "choose",
    "elman",
    "fused_elman",
    "gru",
    "leaky",
    "lstm",
    "map_columns",
    "refusal",
    "runs_fused",
]
