"""The experiments of one's own in a store, each with a name that no other one has."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import Any

from ..experiment import Experiment, GridPoint, Request, RequestedExperiment
from ..store import Store
from ..tables import OwnExperiment

FEW = 3  # fields; experiments of one name that differ in more of them are told apart by their keys


@dataclass
class _Found:
    """An experiment that was requested or stored: its name so far, its seeds, and the request if there was one."""

    name: str
    seeds: dict[int, None] = field(default_factory=dict)
    request: RequestedExperiment | None = None


def own_experiments(store: Store, requests: Sequence[Request], in_tables: Collection[str]) -> list[OwnExperiment]:
    """Return the experiments that were requested, then those of stored runs that nothing else contains.

    The latter were swept from Python or by an earlier version, and are named by their labels. Runs of which the label
    names a table, and those with a key among `in_tables`, are left out.
    """
    stored = store.keys()
    found: dict[Experiment, _Found] = {}
    for request in requests:
        if isinstance(request, RequestedExperiment):
            name = ", ".join(part for part in (request.name, request.changes) if part)
            entry = found.setdefault(request.experiment, _Found(name, request=request))
            entry.seeds |= dict.fromkeys(request.seeds)
    requested = {key for experiment in found for key in experiment.keys(stored.values()).values()}
    for key, label in store.labels().items():
        if key in requested or key in in_tables or "/" in label.partition(" ")[0]:
            continue
        result = store.get(key)
        if result is not None:
            name = re.sub(r", seed -?\d+$", "", label) or result.experiment.task.kind
            found.setdefault(result.experiment, _Found(name)).seeds[result.seed] = None
    names = _unique_names({experiment: entry.name for experiment, entry in found.items()})
    seeds = dict.fromkeys(sorted(stored.values()))
    return [
        OwnExperiment(
            names[experiment],
            experiment,
            {
                seed: store.get(key) if key in stored else None
                for seed, key in experiment.keys(entry.seeds | seeds).items()
                if key in stored or seed in entry.seeds
            },
            {} if entry.request is None else entry.request.grid,
            "" if entry.request is None else _command(entry.request, entry.seeds),
        )
        for experiment, entry in found.items()
    ]


def _command(request: RequestedExperiment, seeds: Iterable[int]) -> str:
    settings = "".join(f" --set {quote(setting)}" for setting in request.all_settings)
    return f"srnn run {quote(request.name)}.json{settings} --seeds {','.join(map(str, seeds))}"


def _unique_names(names: Mapping[Experiment, str]) -> dict[Experiment, str]:
    """Return the names, with the fields in which experiments of one name differ; with a key where these are many.

    A file that was edited between two runs gives two experiments of one name.
    """
    unique = dict(names)
    for name, count in Counter(names.values()).items():
        if count > 1:
            fields = {each: dict(_flat(each.model_dump(mode="json"))) for each in names if names[each] == name}
            paths = dict.fromkeys(path for data in fields.values() for path in data)
            differing = [path for path in paths if len({json.dumps(data.get(path)) for data in fields.values()}) > 1]
            for experiment, data in fields.items():
                point = GridPoint({path: data.get(path) for path in differing})
                unique[experiment] = f"{name}, {point if len(differing) <= FEW else experiment.key(0)[:8]}"
    repeated = {name for name, count in Counter(unique.values()).items() if count > 1}
    return {
        experiment: f"{name}, {experiment.key(0)[:8]}" if name in repeated else name
        for experiment, name in unique.items()
    }


def _flat(data: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of everything in JSON data that is not a list or an object."""
    if isinstance(data, dict | list):
        for name, part in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _flat(part, f"{prefix}{name}.")
    else:
        yield prefix.removesuffix("."), data
