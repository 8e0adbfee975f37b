"""Versions of the packages, and which results are stale."""

from __future__ import annotations

import subprocess
from functools import cache
from importlib.metadata import entry_points, version
from pathlib import Path

from ._result import Environment

ELSEWHERE = "a GPU of the cluster"  # seen from a machine that has none

PACKAGES = ("srnn-manifolds", "srnn-masks", "srnn-pruning", "srnn-models", "srnn-tasks", "srnn-bench")


@cache
def packages_of(task: str) -> dict[str, str]:
    """Return the versions of the six packages, and of the distribution that brings the task of that kind."""
    plugins = {
        point.dist.name: point.dist.version for point in entry_points(group="srnn.tasks", name=task) if point.dist
    }
    return {name: version(name) for name in PACKAGES} | plugins


@cache
def commit() -> str | None:
    """Return the commit of the working copy that srnn is run from, `-dirty` if changed; None where it is none."""
    here = Path(__file__).resolve()
    git = ("git", "-C", str(here.parent))
    try:
        tracked = subprocess.run([*git, "ls-files", "--error-unmatch", here.name], capture_output=True, timeout=20)
        if tracked.returncode != 0:  # installed, though perhaps below some other repository
            return None
        said = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            timeout=20,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.strip() or None


def versions_differ(made: dict[str, str], now: dict[str, str]) -> str | None:
    """Say which packages had another version, or None: a result made by other versions is stale."""
    changes = [
        f"{name} {made.get(name, 'absent')}, now {now.get(name, 'absent')}"
        for name in sorted({*made, *now})
        if made.get(name) != now.get(name)
    ]
    return "; ".join(changes) or None


def difference_between(made: Environment, now: Environment) -> str | None:
    """Say how a result's packages, device, precision or threads differ from those of now, or None."""
    changes = [
        f"{field} {getattr(made, field)}, now {getattr(now, field)}"
        for field in ("torch", "device", "precision", "threads")
        if getattr(made, field) != getattr(now, field)
        and not (field == "device" and now.device == ELSEWHERE and not made.device.startswith("cpu"))
    ]
    return "; ".join(filter(None, [versions_differ(made.packages, now.packages), *changes])) or None
