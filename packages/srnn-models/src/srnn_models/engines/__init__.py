"""Engines: faster ways to run the time loop of a cell, with the same results up to rounding.

A pass over time (`elman`, `leaky`, `gru`, `lstm`) has its own backward pass and takes a `Product`: `Dense`, `Edges` for
the entries that a mask leaves, or `EdgeValues` for a W that is given by the values of its edges. `block` has its own
backward pass too, and multiplies all entries. `fused_elman` is the loop of an Elman network on a GPU. An engine works
on tensors: it takes neither modules nor values. `srnn_models.accelerate` sets the engines of a model.
"""

from ._block import block as block
from ._choice import choose as choose
from ._choice import choose_block as choose_block
from ._choice import choose_over_torch as choose_over_torch
from ._columns import map_columns as map_columns
from ._elman import elman as elman
from ._fused import fused_elman as fused_elman
from ._fused import runs_fused as runs_fused
from ._gru import gru as gru
from ._layer import LayerWeights as LayerWeights
from ._layer import layer_by_product as layer_by_product
from ._layer import layer_by_torch as layer_by_torch
from ._leaky import leaky as leaky
from ._lstm import lstm as lstm
from ._product import Dense as Dense
from ._product import Edges as Edges
from ._product import EdgeValues as EdgeValues
from ._product import Product as Product
from ._product import SparseProduct as SparseProduct
from ._product import bags as bags
from ._product import dots_by_bags as dots_by_bags
from ._product import dots_by_samples as dots_by_samples
from ._product import gathered_product as gathered_product
from ._reading import Reading as Reading
from ._refusal import DTYPES as DTYPES
from ._refusal import refusal as refusal
from ._replay import Loop as Loop
from ._structure import INDEX_LIMIT as INDEX_LIMIT
from ._structure import Compressed as Compressed
from ._structure import EdgeList as EdgeList
from ._structure import Structure as Structure
from ._structure import row_starts as row_starts

__all__ = [
    "DTYPES",
    "INDEX_LIMIT",
    "Compressed",
    "Dense",
    "EdgeList",
    "EdgeValues",
    "Edges",
    "LayerWeights",
    "Loop",
    "Product",
    "Reading",
    "SparseProduct",
    "Structure",
    "bags",
    "block",
    "choose",
    "choose_block",
    "choose_over_torch",
    "dots_by_bags",
    "dots_by_samples",
    "elman",
    "fused_elman",
    "gathered_product",
    "gru",
    "layer_by_product",
    "layer_by_torch",
    "leaky",
    "lstm",
    "map_columns",
    "refusal",
    "row_starts",
    "runs_fused",
]
