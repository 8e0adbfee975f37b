"""Who makes the runs of a sweep: a Ray cluster. Ray places them, and begins those of a lost worker or node again."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from .._files import DiskError
from ..experiment import EpochEnd, RunOutput
from ._executor import Ended
from ._work import RunEvents, Work, failures, make

PATIENCE = 10.0  # seconds in which a cluster must answer

LOOK = 5.0  # seconds between two looks at how large the cluster is


class RayExecutor:
    """Makes runs as tasks of a Ray cluster, each with `threads` CPUs and `gpus_per_run` GPUs, of which 0.1 is a tenth.

    `address` is `host:port` of the cluster's head, or `auto` for the cluster that this machine belongs to; None is
    what RAY_ADDRESS says, else a cluster of this machine alone, which ends with the sweep. This machine must be a node
    of the cluster. A process that is connected to a cluster already stays with that.

    Ray begins a run again, three times by default, whose worker or node is lost; a run that Ray gives up has failed.
    It goes on from its last checkpoint where `checkpoints` is a folder that all nodes see, and begins anew where that
    is None. Runs without a share of a GPU are made on the CPU.

    Raises ValueError where Ray is not installed, or no cluster answers.
    """

    def __init__(
        self,
        address: str | None = None,
        threads: int = 1,
        gpus_per_run: float = 0.0,
        checkpoints: Path | None = None,
    ) -> None:
        if not (0 <= gpus_per_run <= 1 or (gpus_per_run > 1 and float(gpus_per_run).is_integer())):
            raise ValueError(f"gpus_per_run: expected a share such as 0.1 or a whole number, got {gpus_per_run}")
        try:
            self.ray: Any = import_module("ray")
            strategies: Any = import_module("ray.util.scheduling_strategies")
        except ImportError as error:
            raise ValueError(f"ray: {error}; install it with pip install 'srnn-bench[ray]'") from error
        self.threads, self.gpus, self.checkpoints = threads, gpus_per_run, checkpoints
        self.works: dict[Any, Work] = {}  # those given to Ray, by the reference of what they make
        self.begun: dict[str, int] = {}  # how often, by the key of the first run of a piece of work
        self.slots, self.next_look, self.waiting = 0, 0.0, False
        self.closed = False
        self.answer: Any = None  # what the mailbox was asked for and has not given yet
        self.connected = not self.ray.is_initialized()
        if self.connected:
            self._connect(address or os.environ.get("RAY_ADDRESS") or "local")
        here = self.ray.get_runtime_context().get_node_id()
        self.mailbox = (
            self.ray.remote(_Mailbox)
            .options(
                num_cpus=0,
                max_restarts=-1,
                scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(here, soft=False),
            )
            .remote()
        )
        self.task = self.ray.remote(_make).options(num_cpus=threads, num_gpus=gpus_per_run)

    def _connect(self, address: str) -> None:
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        if address == "local":
            quiet["include_dashboard"] = False
        elif address != "auto":
            _check_reachable(address)  # Ray itself would try for minutes
        try:
            self.ray.init(address=address, **quiet)
        except Exception as error:
            raise ValueError(f"address: cannot use the Ray cluster {address!r}: {error}") from error

    def device(self, name: str) -> torch.device:
        """Return the GPU of some node where runs have a share of one, else the CPU."""
        return torch.device("cuda" if self.gpus else "cpu")

    def free(self) -> int:
        """Return how many more pieces of work keep the whole cluster busy, with a few for Ray to begin next.

        Those few also show Ray's autoscaler that more nodes are wanted.
        """
        if time.monotonic() >= self.next_look:
            self.next_look = time.monotonic() + LOOK
            self.slots = sum(
                slots(node["Resources"], self.threads, self.gpus) for node in self.ray.nodes() if node["Alive"]
            )
        return max(0, self.slots + self.slots // 8 + 1 - len(self.works))

    def submit(self, work: Work) -> None:
        """Give the work to Ray."""
        device = work.conditions.device
        if not self.gpus and device not in ("auto", "cpu"):
            raise ValueError(f"gpus_per_run: expected a share of a GPU for runs on device {device!r}, got 0")
        there = replace(
            work,
            conditions=replace(work.conditions, device=device if self.gpus else "cpu"),
            policy=replace(work.policy, checkpoints=self.checkpoints),
        )
        self.works[self.task.remote(there, self.mailbox)] = work

    def ended(self, events: RunEvents, timeout: float) -> list[Ended]:
        """Wait for a piece of work to end, telling what the runs say."""
        if not self.slots and not self.waiting:
            self.waiting = True
            events.note(f"ray: no node has {self.threads} CPUs and {self.gpus:g} GPUs; waiting for one that has")
        works = list(self.works)
        done = self.ray.wait(works, timeout=timeout)[0] if works else []
        if done:
            done = self.ray.wait(works, num_returns=len(works), timeout=0)[0]
        self._hear(events)
        return [(work, self._made(work, reference)) for reference, work in self._taken(done)]

    def _taken(self, done: list[Any]) -> list[tuple[Any, Work]]:
        taken = [(reference, self.works.pop(reference)) for reference in done]
        for _, work in taken:
            self.begun.pop(work.jobs[0].key, None)
            replace(work.policy, checkpoints=self.checkpoints).remove([job.key for job in work.jobs])
        return taken

    def _made(self, work: Work, reference: Any) -> list[RunOutput]:
        """Return what a task made; raise what ends the sweep."""
        try:
            made: list[RunOutput] | DiskError = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:  # not from within a run: its errors are results
            raise ValueError(
                f"ray: a node cannot make runs: {_first_line(error.cause)}; are the same srnn packages on all nodes?"
            ) from error
        except self.ray.exceptions.RayError as error:
            gave_up = f"Ray gave this run up, {type(error).__name__}: {_first_line(error)}"
            return failures(work, RuntimeError(gave_up))
        if isinstance(made, DiskError):
            raise made
        return made

    def _hear(self, events: RunEvents) -> None:
        """Tell what the runs have said since the last time; what cannot be had now is told later, or never."""
        self.answer = self.answer or self.mailbox.hear.remote()
        try:
            messages = self.ray.get(self.answer, timeout=1.0)
        except self.ray.exceptions.GetTimeoutError:
            return
        except self.ray.exceptions.RayError:
            messages = []
        self.answer = None
        jobs = {job.key: job for work in self.works.values() for job in work.jobs}
        for kind, *said in messages:
            if kind == "note":
                events.note(*said)
            elif said[0] not in jobs:  # it has ended
                continue
            elif kind == "epoch":
                events.epoch(*said)
            else:
                key, host = said
                self.begun[key] = self.begun.get(key, 0) + 1
                if self.begun[key] > 1:
                    events.note(f"{jobs[key].label}: its worker or node was lost; begun once more on {host}")

    def close(self) -> None:
        """End what is under way, and the connection if it was made here; once more does nothing."""
        if self.closed:
            return
        self.closed = True
        with suppress(Exception):  # the cluster may be lost
            for reference in self.works:
                self.ray.cancel(reference, force=True)
            self.ray.kill(self.mailbox)
        if self.connected:
            self.ray.shutdown()


def slots(resources: Mapping[str, float], threads: int, gpus_per_run: float) -> int:
    """Return how many runs a node of these resources makes at once."""
    runs = int(resources.get("CPU", 0.0) / threads)
    gpus = int(resources.get("GPU", 0.0))
    if 0 < gpus_per_run < 1:  # a run has its share of one GPU, not parts of two
        return min(runs, gpus * int(1 / gpus_per_run + 1e-6))
    return min(runs, int(gpus / gpus_per_run)) if gpus_per_run else runs


class _Mailbox:
    """Holds, on the machine of the sweep, what the runs say until the sweep asks for it."""

    def __init__(self) -> None:
        self.messages: list[tuple[Any, ...]] = []

    def say(self, *message: Any) -> None:
        self.messages.append(message)

    def hear(self) -> list[tuple[Any, ...]]:
        messages, self.messages = self.messages, []
        return messages


class _Messages:
    """Sends the events of runs on a node to the mailbox. That the mailbox is gone harms no run."""

    def __init__(self, mailbox: Any) -> None:
        self.mailbox = mailbox
        self.last: Any = None

    def send(self, kind: str, *content: Any) -> None:
        with suppress(Exception):
            self.last = self.mailbox.say.remote(kind, *content)  # this does not wait

    def epoch(self, key: str, end: EpochEnd) -> None:
        self.send("epoch", key, end)

    def note(self, text: str) -> None:
        self.send("note", text)


def _make(work: Work, mailbox: Any) -> list[RunOutput] | DiskError:
    """Execute the runs, on a node."""
    messages = _Messages(mailbox)
    messages.send("begun", work.jobs[0].key, socket.gethostname())
    try:
        return make(work, messages)
    except DiskError as error:
        return error
    finally:
        with suppress(Exception):  # messages arrive in order: after the last one is there, so are all
            import_module("ray").wait([messages.last], timeout=PATIENCE)


def _check_reachable(address: str) -> None:
    """Raise ValueError when nobody answers at that address."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ValueError(
            f"address: expected host:port of the head of a Ray cluster, got {address!r}, where nobody answers: {error}"
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
