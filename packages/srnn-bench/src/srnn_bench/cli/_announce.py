"""What `srnn run` says before it begins: how many runs, how long they take, and where a faster or fuller result is."""

from __future__ import annotations

from collections.abc import Sequence

from .. import papers
from .._errors import BenchError
from ..experiment import Conditions, Job
from ..store import Store
from ..sweep import Expectation, roughly
from ..tables import SCALES
from ..training import resolve_device
from ._app import print_line
from ._arguments import is_file_name

MEANING = {
    "smoke": "shows only that everything works",
    "quick": "has numbers that mean something",
    "paper": "is the size of the paper",
}


def runs_to_execute(jobs: Sequence[Job], store: Store | None, *, again: bool) -> list[Job]:
    """Return the jobs with different keys that have no result yet, or a failed one; all of them with `again`."""
    distinct = list({job.key: job for job in jobs}.values())
    if store is None or again:
        return distinct
    results = [(job, store.get(job.key)) for job in distinct]
    return [job for job, result in results if result is None or result.status == "failed"]


def announce(
    targets: Sequence[str],
    scale: str,
    jobs: Sequence[Job],
    missing: Sequence[Job],
    conditions: Conditions,
    workers: int,
) -> None:
    """Print how many runs there are, how long the missing ones take, and what other scales of the tables take."""
    number = len({job.key for job in jobs})
    stored = number - len(missing)
    print_line(f"{', '.join(targets)}: {number} {'run' if number == 1 else 'runs'}, {stored} of them stored")
    device = resolve_device(conditions.device).type
    if not missing:
        return
    if device != "cpu":
        print_line("The time on a GPU is not known before; `--dry-run` times a few training steps.")
        return
    expectation = Expectation()
    seconds = expectation.jobs(missing, workers)
    if seconds is None:
        return
    by = "" if conditions.engine == "loop" else " by the loop"
    print_line(
        f"Time: about {roughly(seconds)}{by} on this CPU if it does nothing else, "
        f"{min(workers, len(missing))} in parallel."
    )
    tables = [target for target in targets if not is_file_name(target) and ":" not in target and target != "all"]
    if len(tables) < len(targets):
        return
    for other in SCALES:
        if other != scale:
            try:
                runs = [job for name in tables for job in papers.table(name, other).jobs()]
            except BenchError:  # a table need not have every scale
                continue
            time = roughly(expectation.jobs(runs, workers))
            print_line(f"--scale {other} {MEANING[other]} and takes about {time}.")
