"""`srnn doctor`: what is installed, found and writable, for a user who wonders why something does not work."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

import torch

from srnn_tasks import entries, find

from .. import papers
from ..experiment import PACKAGES, Conditions
from ..sweep import EXECUTORS, TRACKERS, duration, measure_speed
from ._app import app, print_line
from ._arguments import Results, default_workers, existing_store, has_store
from ._data import data_set_of


@app.command("doctor")
def doctor_(results: Results = Path("results")) -> None:
    """Check the installation: versions, extras, data, devices, the store, and plug-ins that are broken."""
    for title, lines in (
        ("Versions", _versions()),
        ("Extras", _extras()),
        ("Data", _data()),
        ("Devices", _devices()),
        ("Store", _store(results)),
        ("Plug-ins", _plugins()),
    ):
        print_line(title)
        for line in lines:
            print_line(f"  {line}")


def _versions() -> Iterator[str]:
    for package in PACKAGES:
        yield f"{package:<16} {_installed(package) or 'not installed'}"
    yield f"{'torch':<16} {torch.__version__}"
    yield f"{'python':<16} {platform.python_version()} on {platform.platform()}"


def _extras() -> Iterator[str]:
    """Yield a line per extra of the packages: present, or the command that installs what is missing."""
    for package in PACKAGES:
        for extra in metadata(package).get_all("Provides-Extra") or ():
            missing = list(dict.fromkeys(_missing(package, extra)))
            quoted = " ".join(f'"{line}"' for line in missing)
            state = f"missing; install with: pip install {quoted}" if missing else "present"
            yield f"{f'{package}[{extra}]':<28} {state}"


def _missing(package: str, extra: str) -> Iterator[str]:
    """Yield the requirements of an extra that are not installed, also those of the extras that it names itself."""
    for line in requires(package) or ():
        if not _is_of_extra(line, extra):
            continue
        name, nested, wanted = _requirement(line)
        if _installed(name) is None:
            yield wanted
            continue
        for each in nested:
            yield from _missing(name, each)


def _is_of_extra(line: str, extra: str) -> bool:
    return re.search(rf"""extra\s*==\s*['"]{re.escape(extra)}['"]""", line) is not None


def _requirement(line: str) -> tuple[str, list[str], str]:
    """Return the name of a requirement, its extras, and the requirement without its condition."""
    wanted = line.partition(";")[0].strip()
    match = re.match(r"([\w.-]+)\s*(?:\[([^\]]*)\])?", wanted)
    if match is None:
        return wanted, [], wanted
    return match[1], [each.strip() for each in (match[2] or "").split(",") if each.strip()], wanted


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _data() -> Iterator[str]:
    """Yield a line per data set that an installed task declares."""
    lines: dict[str, str] = {}
    for entry in entries():
        if entry.error is not None:
            continue
        try:
            data = data_set_of(find(entry.kind).model_validate({}))
        except Exception:  # a task with required fields, or one of a third party that fails
            continue
        if data is not None:
            place = f"found in {data.place}" if data.place else f"not found; searched: {data.searched}"
            lines[data.title] = f"{data.title:<16} {place}"
    yield from lines.values()
    root = os.environ.get("SRNN_DATA")
    yield f"{'SRNN_DATA':<16} {root or 'not set; set it to the folder with the data, e.g. export SRNN_DATA=~/data'}"


def _devices() -> Iterator[str]:
    speed = measure_speed()
    workers = default_workers("processes", Conditions(device="cpu"))
    threads = os.environ.get("OMP_NUM_THREADS")
    note = f", OMP_NUM_THREADS={threads}" if threads else ""
    yield f"cpu: {os.cpu_count()} cores, {workers} runs in parallel with 1 thread each by default"
    yield f"cpu: {1e-9 / speed.flop:.0f} GFLOPS per core in matrix products"
    yield f"cpu: torch uses {torch.get_num_threads()} threads outside runs{note}"
    if not torch.cuda.is_available():
        yield f"no GPU that torch can use (torch was built for {torch.version.cuda or 'the CPU only'})"
        return
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        yield f"cuda:{number}: {properties.name}, {properties.total_memory / 2**30:.0f} GiB"


def _store(results: Path) -> Iterator[str]:
    place = results.resolve()
    folder = next(each for each in (place, *place.parents) if each.exists())
    writable = "writable" if os.access(folder, os.W_OK) else f"not writable: no permission to write to {folder}"
    if not has_store(results):
        yield f"{place}: no results yet; {writable}"
        return
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    yield f"{place}: {size / 2**20:.1f} MiB, {writable}"
    try:
        store = existing_store(results)
        counts = ", ".join(f"{count} {status}" for status, count in sorted(store.statuses().items()))
        seconds = sum(result.seconds for result in store)
        yield f"runs: {counts or 'none'}; {duration(seconds)} of training"
    except Exception as error:  # a damaged or locked store is what a user looks for here
        yield f"cannot be read: {error}"


def _plugins() -> Iterator[str]:
    """Yield a line per broken task, paper, tracker, executor or set of figures."""
    families = (("paper", papers.PAPERS), ("tracker", TRACKERS), ("executor", EXECUTORS))
    broken = [f"task {each.kind} of {each.distribution}: {each.error}" for each in entries() if each.error]
    for noun, family in families:
        broken += [
            f"{noun} {each.name} of {each.distribution}: {each.error}" for each in family.entries() if each.error
        ]
    broken += list(papers.listed_figures()[1].values())
    others = sorted({each.distribution for each in entries()} - {f"srnn-tasks {version('srnn-tasks')}"})
    yield f"tasks of other packages: {', '.join(others) or 'none'}"
    yield from (f"broken: {line}" for line in broken)
    if not broken:
        yield "none is broken"
