"""Exact selection: from scores and a number of zeros to masks."""

from collections.abc import Sequence

import torch
from torch import Tensor


def select(scores: Sequence[Tensor], present: Sequence[Tensor], zeros: int) -> list[Tensor]:
    """Return masks within `present` with exactly `zeros` absent entries over all tensors together.

    The entries of lowest score are removed; among equal scores, those that come first (first tensor, then row by row).
    Entries already absent stay absent and count; if there are `zeros` of them or more, `present` is returned unchanged.

    Cost for E entries in all: one copy of the scores and one selection on the CPU (O(E), about 16 bytes per entry while
    it runs) or one sort on a GPU; one host synchronisation per tensor.
    """
    extra = zeros - sum(mask.numel() - int(mask.count_nonzero()) for mask in present)
    if extra <= 0:
        return list(present)
    dtype = scores[0].dtype
    for score in scores:
        dtype = torch.promote_types(dtype, score.dtype)
    scores = [score.to(dtype) for score in scores]  # one dtype, or comparisons would round the threshold
    threshold, ties = _threshold(scores, present, extra)
    masks = []
    for score, mask in zip(scores, present, strict=True):
        keep = (mask & (score >= threshold)).contiguous()
        if ties:
            tied = (mask & (score == threshold)).flatten().nonzero().flatten()[:ties]
            keep.view(-1)[tied] = False
            ties -= len(tied)
        masks.append(keep)
    return masks


def _threshold(scores: Sequence[Tensor], present: Sequence[Tensor], extra: int) -> tuple[float, int]:
    """Return the `extra`-th lowest score of present entries, and how many entries of exactly this score to remove."""
    candidates = torch.cat([score[mask].to(scores[0].device) for score, mask in zip(scores, present, strict=True)])
    if candidates.is_cuda:  # kthvalue is refused there under use_deterministic_algorithms, and hardly faster
        threshold = candidates.sort().values[extra - 1].item()
    else:
        threshold = candidates.kthvalue(extra).values.item()
    return threshold, extra - int((candidates < threshold).count_nonzero())
