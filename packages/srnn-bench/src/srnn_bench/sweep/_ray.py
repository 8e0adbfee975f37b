"""An executor that runs on a Ray cluster."""

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

from .._errors import BenchError
from .._files import DiskError
from ..experiment import EpochEnd, RunOutput
from ._executor import Ended
from ._work import RunEvents, Work, execute, failures

PATIENCE = 10.0  # seconds in which a cluster must answer

LOOK = 5.0  # seconds between two looks at the size of the cluster


class RayExecutor:
    """Executes runs as tasks of a Ray cluster.

    If the worker or the node of a run is lost, Ray starts the run again, three times by default; a run that Ray gives
    up has failed.

    Args:
        address: `host:port` of the head of the cluster, or `auto` for the cluster that this machine belongs to. None
            stands for the value of RAY_ADDRESS, or, if that is not set, for a cluster on this machine alone, which
            ends with the sweep. This machine must be a node of the cluster. A process that is already connected to a
            cluster keeps its connection.
        threads: CPUs per run.
        gpus_per_run: GPUs per run; 0.1 is a tenth of one. With 0, runs are executed on the CPU.
        checkpoints: A folder that all nodes see, from which a lost run resumes. None: a lost run starts over.

    Raises:
        BenchError: If Ray is not installed, no cluster answers, or `gpus_per_run` is neither a share nor an integer.

    Its attributes hold the connection to Ray, the work given to it, and what the mailbox was asked for.
    """

    def __init__(
        self,
        address: str | None = None,
        threads: int = 1,
        gpus_per_run: float = 0.0,
        checkpoints: Path | None = None,
    ) -> None:
        if not (0 <= gpus_per_run <= 1 or (gpus_per_run > 1 and float(gpus_per_run).is_integer())):
            raise BenchError(f"gpus_per_run: expected a share such as 0.1 or a whole number, got {gpus_per_run}")
        try:
            self.ray: Any = import_module("ray")
            strategies: Any = import_module("ray.util.scheduling_strategies")
        except ImportError as error:
            raise BenchError(f"ray: {error}; install it with pip install 'srnn-bench[ray]'") from error
        self.threads, self.gpus, self.checkpoints = threads, gpus_per_run, checkpoints
        self.works: dict[Any, Work] = {}  # submitted to Ray, by the reference to their outputs
        self.begun: dict[str, int] = {}  # number of starts, by the key of the first run of the work
        self.slots, self.next_look, self.waiting = 0, 0.0, False
        self.closed = False
        self.answer: Any = None  # messages requested from the mailbox and not received yet
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
        self.task = self.ray.remote(_execute).options(num_cpus=threads, num_gpus=gpus_per_run)

    def _connect(self, address: str) -> None:
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        if address == "local":
            quiet["include_dashboard"] = False
        elif address != "auto":
            _check_reachable(address)  # Ray itself would try for minutes
        try:
            self.ray.init(address=address, **quiet)
        except Exception as error:
            raise BenchError(f"address: cannot use the Ray cluster {address!r}: {error}") from error

    def device(self, name: str) -> torch.device:
        """Return the GPU if runs have a share of one, else the CPU."""
        return torch.device("cuda" if self.gpus else "cpu")

    def free(self) -> int:
        """Return how many more pieces of work fill the cluster, plus a few for Ray to start next.

        Those few also make Ray's autoscaler request more nodes.
        """
        if time.monotonic() >= self.next_look:
            self.next_look = time.monotonic() + LOOK
            self.slots = sum(
                slots(node["Resources"], self.threads, self.gpus) for node in self.ray.nodes() if node["Alive"]
            )
        return max(0, self.slots + self.slots // 8 + 1 - len(self.works))

    def submit(self, work: Work) -> None:
        """Submit the work to Ray."""
        device = work.conditions.device
        if not self.gpus and device not in ("auto", "cpu"):
            raise BenchError(f"gpus_per_run: expected a share of a GPU for runs on device {device!r}, got 0")
        there = replace(
            work,
            conditions=replace(work.conditions, device=device if self.gpus else "cpu"),
            policy=replace(work.policy, checkpoints=self.checkpoints),
        )
        self.works[self.task.remote(there, self.mailbox)] = work

    def ended(self, events: RunEvents, timeout: float) -> list[Ended]:
        """Wait for a piece of work to end, and report the messages of the runs."""
        if not self.slots and not self.waiting:
            self.waiting = True
            events.note(f"ray: no node has {self.threads} CPUs and {self.gpus:g} GPUs; waiting for such a node")
        works = list(self.works)
        done = self.ray.wait(works, timeout=timeout)[0] if works else []
        if done:
            done = self.ray.wait(works, num_returns=len(works), timeout=0)[0]
        self._report(events)
        return [(work, self._outputs(work, reference)) for reference, work in self._taken(done)]

    def _taken(self, done: list[Any]) -> list[tuple[Any, Work]]:
        taken = [(reference, self.works.pop(reference)) for reference in done]
        for _, work in taken:
            self.begun.pop(work.jobs[0].key, None)
            replace(work.policy, checkpoints=self.checkpoints).remove([job.key for job in work.jobs])
        return taken

    def _outputs(self, work: Work, reference: Any) -> list[RunOutput]:
        """Return the outputs of a task; raise an error that ends the sweep."""
        try:
            outputs: list[RunOutput] | DiskError = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:  # not an error within a run: those are results
            raise BenchError(
                f"ray: a node cannot execute runs: {_first_line(error.cause)}; "
                "are the same srnn packages installed on all nodes?"
            ) from error
        except self.ray.exceptions.RayError as error:
            reason = f"Ray gave up this run after {type(error).__name__}: {_first_line(error)}"
            return failures(work, RuntimeError(reason))
        if isinstance(outputs, DiskError):
            raise outputs
        return outputs

    def _report(self, events: RunEvents) -> None:
        """Report the messages since the last call; those that cannot be fetched now are reported later, or never."""
        self.answer = self.answer or self.mailbox.take.remote()
        try:
            messages = self.ray.get(self.answer, timeout=1.0)
        except self.ray.exceptions.GetTimeoutError:
            return
        except self.ray.exceptions.RayError:
            messages = []
        self.answer = None
        jobs = {job.key: job for work in self.works.values() for job in work.jobs}
        for kind, *content in messages:
            if kind == "note":
                events.note(*content)
            elif content[0] not in jobs:  # the run has ended
                continue
            elif kind == "epoch":
                events.epoch(*content)
            else:
                key, host = content
                self.begun[key] = self.begun.get(key, 0) + 1
                if self.begun[key] > 1:
                    events.note(f"{jobs[key].label}: its worker or node was lost; started once more on {host}")

    def close(self) -> None:
        """Cancel what is in progress, and disconnect if this object connected; calling it again does nothing."""
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
    """Return how many runs a node with these resources executes at once."""
    runs = int(resources.get("CPU", 0.0) / threads)
    gpus = int(resources.get("GPU", 0.0))
    if 0 < gpus_per_run < 1:  # the share of a run is on one GPU
        return min(runs, gpus * int(1 / gpus_per_run + 1e-6))
    return min(runs, int(gpus / gpus_per_run)) if gpus_per_run else runs


class _Mailbox:
    """Actor on the driver's node that queues the workers' messages."""

    def __init__(self) -> None:
        self.messages: list[tuple[Any, ...]] = []

    def put(self, *message: Any) -> None:
        self.messages.append(message)

    def take(self) -> list[tuple[Any, ...]]:
        messages, self.messages = self.messages, []
        return messages


class _Messages:
    """Sends the events of runs on a node to the mailbox; runs go on if the mailbox is lost."""

    def __init__(self, mailbox: Any) -> None:
        self.mailbox = mailbox
        self.last: Any = None

    def send(self, kind: str, *content: Any) -> None:
        with suppress(Exception):
            self.last = self.mailbox.put.remote(kind, *content)  # this does not wait

    def epoch(self, key: str, end: EpochEnd) -> None:
        self.send("epoch", key, end)

    def note(self, text: str) -> None:
        self.send("note", text)


def _execute(work: Work, mailbox: Any) -> list[RunOutput] | DiskError:
    """Execute the runs, on a node."""
    messages = _Messages(mailbox)
    messages.send("begun", work.jobs[0].key, socket.gethostname())
    try:
        return execute(work, messages)
    except DiskError as error:
        return error
    finally:
        with suppress(Exception):  # messages arrive in order: once the last one is there, all are
            import_module("ray").wait([messages.last], timeout=PATIENCE)


def _check_reachable(address: str) -> None:
    """Raise BenchError if nothing answers at the address."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except (OSError, ValueError, OverflowError) as error:
        raise BenchError(
            f"address: expected host:port of the head of a Ray cluster, got {address!r}, where nothing answers: {error}"
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
