"""A fixed random share of the windows of a training text, on which a model is evaluated."""

import torch
from torch import Tensor

from ..contract import Batch, TaskError

SEED = 0  # the share is the same for every seed of a run, so that runs are compared on the same words


class TrainWindows:
    """Windows of `steps` consecutive targets from a text `(tokens,)`, drawn at random without replacement.

    The text is cut into windows of T = `steps` words from its beginning. Each window but the first can be drawn; the
    draw depends on nothing but the length of the text, T and `share`. A row of a batch is a drawn window after the one
    before it: its state starts at 0, reads the T words before the window, whose predictions have weight 0, and then the
    window itself. In this way a scored word has from T + 1 to 2T words of context, almost as in a carried state.

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

    def batches(self) -> list[Batch]:
        """Return all windows: inputs and targets `(2T, B)`, weight 0 in the first T steps and 1 in the last T."""
        steps = torch.arange(2 * self._steps + 1, device=self._text.device)[:, None]  # (2T + 1, 1)
        weight = (steps[:-1] >= self._steps).float()  # (2T, 1)
        batches = []
        for first in self._first.split(self._rows):
            words = self._text[first + steps]  # (2T + 1, B)
            reset = torch.ones(len(first), dtype=torch.bool, device=first.device)  # (B,)
            counted = weight.expand(-1, len(first))  # (2T, B)
            batches.append(Batch(inputs=words[:-1], targets=words[1:], weight=counted, reset=reset))
        return batches
