"""Criteria of another package, as a user would write them: each has its name, `module:Class`, as its kind."""

import time
from typing import Literal

import torch

from srnn_pruning import Criterion, Magnitude


class Saliency(Criterion):
    """Scores |w dL/dw|."""

    kind: Literal["own_criteria:Saliency"] = "own_criteria:Saliency"

    @property
    def wants(self):
        return ("loss",)

    def scores(self, parameters, *, generator=None, loss=None, **evidence):
        gradients = torch.autograd.grad(loss(), list(parameters.values()))
        return {
            name: (weight * gradient).abs().detach()
            for (name, weight), gradient in zip(parameters.items(), gradients, strict=True)
        }


class Onlooker(Criterion):
    """Scores as `Magnitude` does, after it has asked for everything more than once, and slept for some seconds."""

    kind: Literal["own_criteria:Onlooker"] = "own_criteria:Onlooker"
    seconds: float = 0.0

    @property
    def wants(self):
        return ("loss", "run")

    def scores(self, parameters, *, generator=None, loss=None, run=None, **evidence):
        first, outputs = loss(), run()
        assert first.dim() == 0 and first.requires_grad
        assert torch.equal(loss(), first) and torch.equal(run(), outputs), "the same batch at each call"
        time.sleep(self.seconds)
        return Magnitude().scores(parameters)


class Labelled(Criterion):
    """Needs what no run has."""

    kind: Literal["own_criteria:Labelled"] = "own_criteria:Labelled"

    @property
    def wants(self):
        return ("loss", "labels")
