"""The file of proposals: what parents proposed, and the losses of the random networks of each task.

It is made from the runs of `blocks/parent-draws` at scale `quick` and committed before any proposed network is trained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import inf, isfinite
from pathlib import Path
from typing import Any

from srnn_masks import Blocks, Densities

from ....tables import require_predictors
from ... import FigureRequest
from ._draws_table import trained
from ._proposals import Trained, propose
from ._tasks import settings

FILE = Path(__file__).with_name("proposals.json")

Kept = Mapping[str, Mapping[str, Any]]  # by task and number of weights


def write_proposals(request: FigureRequest) -> list[Path]:
    """What parents propose for each task, and the losses of the random networks: the file `proposals.json`."""
    require_predictors("proposals")
    groups = trained(request.required_store(), request.scale)
    proposals = propose(groups, settings(request.scale))
    path = request.folder / FILE.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(groups, proposals), indent=1) + "\n", encoding="utf-8")
    return [path]


def as_json(
    groups: Sequence[Trained], proposals: Mapping[str, Mapping[str, Mapping[int, Blocks]]]
) -> dict[str, dict[str, Any]]:
    """Return the contents of the file: losses in rising order, the number of diverged runs, and densities."""
    contents: dict[str, dict[str, Any]] = {}
    for group in groups:
        contents.setdefault(group.task, {})[str(group.budget)] = {
            "losses": sorted(loss for loss in group.losses if isfinite(loss)),
            "diverged": sum(not isfinite(loss) for loss in group.losses),
            "proposals": {
                name: by_task[group.task][group.budget].densities.model_dump(exclude={"kind"})
                for name, by_task in proposals.items()
            },
        }
    return contents


def read_proposals() -> Kept:
    """Return the contents of the committed file."""
    contents: Kept = json.loads(FILE.read_text(encoding="utf-8"))
    return contents


def losses_of(kept: Kept, task: str, budget: int) -> tuple[float, ...]:
    """Return the losses of the random networks of a group; infinite for those that diverged."""
    group = kept[task][str(budget)]
    return (*group["losses"], *[inf] * group["diverged"])


def densities_of(kept: Kept, task: str, budget: int) -> dict[str, Densities]:
    """Return what each parent proposes for a group."""
    proposals: dict[str, dict[str, float]] = kept[task][str(budget)]["proposals"]
    return {name: Densities.model_validate(each) for name, each in proposals.items()}
