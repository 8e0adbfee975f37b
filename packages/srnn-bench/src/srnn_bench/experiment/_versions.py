"""Versions of the packages, and which results were produced under different ones."""

from __future__ import annotations

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from srnn_tasks import TaskError, find

from ._result import Environment

ELSEWHERE = "a GPU of the cluster"  # the device of a sweep whose own machine has no GPU

PACKAGES = ("srnn-manifolds", "srnn-masks", "srnn-pruning", "srnn-models", "srnn-tasks", "srnn-bench")


@cache
def packages_of(task: str) -> dict[str, str]:
    """Return the versions of the six packages, of the distribution that provides the task, and of `Task.packages`.

    Distributions that are not installed are left out.
    """
    plugins = {
        point.dist.name: point.dist.version for point in entry_points(group="srnn.tasks", name=task) if point.dist
    }
    return {name: version(name) for name in PACKAGES} | plugins | _used_by(task)


def _used_by(task: str) -> dict[str, str]:
    """Return the versions of the installed distributions that a task declares as `packages`."""
    try:
        declared = find(task).packages
    except TaskError:  # the plug-in of a stored result was removed
        return {}
    versions = {}
    for name in declared:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@cache
def commit() -> str | None:
    """Return the commit of the working copy that srnn runs from, with `-dirty` if it has changes.

    None if srnn does not run from a working copy.
    """
    here = Path(__file__).resolve()
    git = ("git", "-C", str(here.parent))
    try:
        tracked = subprocess.run([*git, "ls-files", "--error-unmatch", here.name], capture_output=True, timeout=20)
        if tracked.returncode != 0:  # installed, possibly within some other repository
            return None
        description = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            timeout=20,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return description.stdout.strip() or None


def versions_differ(recorded: dict[str, str], now: dict[str, str]) -> str | None:
    """Return which packages had another version, such as `srnn-masks 0.1.0, now 0.2.0`, or None.

    A result produced by other versions is stale. A package that is not installed now, such as the simulator of a
    published result, is not compared.
    """
    changes = [
        f"{name} {recorded.get(name, 'absent')}, now {now[name]}"
        for name in sorted(now)
        if recorded.get(name) != now[name]
    ]
    return "; ".join(changes) or None


def difference_between(recorded: Environment, now: Environment) -> str | None:
    """Return how packages, torch, device, precision, threads or engine of a result differ from now, or None."""
    changes = [
        f"{field} {getattr(recorded, field)}, now {getattr(now, field)}"
        for field in ("torch", "device", "precision", "threads", "engine")
        if getattr(recorded, field) != getattr(now, field)
        and not (field == "device" and now.device == ELSEWHERE and not recorded.device.startswith("cpu"))
    ]
    return "; ".join(filter(None, [versions_differ(recorded.packages, now.packages), *changes])) or None
