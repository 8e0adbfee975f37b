"""A fixed random share of the windows of a training text, on which a model is evaluated."""

import torch
from torch import Tensor

from ..contract import Batch, TaskError

SEED = 0  # the share is the same for every seed of a run, so that runs are compared on the same words


class TrainWindows:
    """Windows of `steps` consecutive targets from a text `(tokens,)`, drawn at random without replacement.

    The text is cut into windows of T = `steps` words from its beginning. Each window but the first can be drawn; the
    draw depends on nothing but the length of the text, T and `share`. A model reads the window before a drawn one from
    a state of 0, and then the drawn one, whose words alone are scored: each has from T + 1 to 2T words of context, so
    that the perplexity is close to that of a state carried from further back.

    share: of the windows that can be drawn; at least one is. rows: B of a batch, fewer in the last.

    Raises a TaskError for a text of less than 2T + 1 words.
    """

    def __init__(self, text: Tensor, steps: int, share: float, *, rows: int) -> None:
        windows = (len(text) - 1) // steps - 1
        if windows < 1:
            raise TaskError(
                f"train_share: expected at least {2 * steps + 1} words of train for steps={steps}; got {len(text)}"
            )
        count = max(1, round(share * windows))
        drawn = torch.randperm(windows, generator=torch.Generator().manual_seed(SEED), device="cpu")[:count]  # (W,)
        first = drawn.sort().values.to(text.device) * steps  # (W,) the first word that is read
        self._text, self._first, self._steps, self._rows = text, first, steps, rows
        self.targets = count * steps

    def pairs(self) -> list[tuple[Batch, Batch]]:
        """Return all drawn windows, in groups of rows: the windows before them, and the drawn windows, each (T, B)."""
        steps = torch.arange(2 * self._steps + 1, device=self._text.device)[:, None]  # (2T + 1, 1)
        pairs = []
        for first in torch.split(self._first, self._rows):
            words = self._text[first + steps]  # (2T + 1, B)
            before, drawn = words[: self._steps + 1], words[self._steps :]  # (T + 1, B) each, one word in common
            reset = torch.ones(len(first), dtype=torch.bool, device=first.device)  # (B,)
            pairs.append(
                (
                    Batch(inputs=before[:-1], targets=before[1:], reset=reset),
                    Batch(inputs=drawn[:-1], targets=drawn[1:], reset=~reset),
                )
            )
        return pairs
