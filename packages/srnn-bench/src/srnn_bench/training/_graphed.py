"""The engine of one run that records its training step as a CUDA graph and replays it.

A step of navigation is some thousand kernels. Launching them one by one from Python takes longer than the GPU takes to
run them; a replay is one launch. It repeats the same kernels on the same memory and runs no Python, so everything that
changes from step to step must lie in tensors that keep their place: the batch, the carried state, learning rates and
step counts. Off by default; it has not been timed on a GPU yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol

import torch
from torch import Tensor

from srnn_tasks import Batch, carried

from ._engine import EMBEDDING, FIELDS
from ._parts import Parts
from ._single import Single

REHEARSALS = 3  # steps before a recording: they allocate memory, choose kernels, and fill what is kept between steps

Step = Callable[[], Tensor]
Fields = dict[tuple[str, str], Tensor]  # of a batch: ("", "inputs"), ("info", "position")


class Recorder(Protocol):
    """Makes a step repeatable."""

    fused: bool  # whether the optimizer must keep learning rates and step counts on the device

    def rehearse(self, step: Step) -> Tensor:
        """Take the step in the setting in which it will be recorded."""

    def record(self, step: Step) -> Step:
        """Return a function that repeats the step and returns the same tensor each time; nothing is computed yet.

        Any exception means that the step cannot be recorded.
        """


class CudaRecorder:
    """Records CUDA graphs on a stream of its own, which also runs the rehearsals."""

    fused = True

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def rehearse(self, step: Step) -> Tensor:
        """Take the step on the recorder's stream."""
        current = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            value = step()
        current.wait_stream(self.stream)
        return value

    def record(self, step: Step) -> Step:
        """Capture the step as a graph."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            value = step()

        def replay() -> Tensor:
            graph.replay()
            return value

        return replay


class Graphed(Single):
    """Engine of one run that records its step and replays it; it agrees with `Single` to float tolerance.

    Each batch is copied to the tensors that the recorded step reads. The step is recorded again when a stage begins and
    when masks have changed. Batches of another shape are trained on without the recording. If the step cannot be
    recorded, `on_note` receives the reason, and the run continues without recording. A checkpoint holds the same as one
    of `Single`.

    Attributes in addition to those of `Single`: `replay` repeats the recorded step, None while there is none;
    `rehearsed` counts the steps since the stage began or masks changed; `fields` is the batch that the recorded step
    reads; `host_groups` keeps, per group of the optimizer, the options that `Single` has and that are changed or moved
    to the device here.
    """

    replay: Step | None
    rehearsed: int
    fields: Fields
    host_groups: list[dict[str, Any]]

    def __init__(
        self,
        parts: Sequence[Parts],
        device: torch.device,
        recorder: Recorder,
        *,
        on_note: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__(parts, device)
        self.recorder, self.on_note = recorder, on_note
        self.recording = True

    def begin(self, number: int) -> None:
        """Begin stage `number`: a new optimizer, the stage's own stream of batches, no hidden state, no recording."""
        super().begin(number)
        self.fields = {}
        self._move_optimizer()
        self.masks_changed()

    def train_on(self, batch: Batch) -> Tensor:
        """Take one step on this batch; return loss and weighted penalty (1, 2), on the device."""
        fields = _fields(batch)
        if self.recording and self.replay is None and self.rehearsed >= REHEARSALS:
            self._record()
        if not self.recording:
            return super().train_on(batch)
        fits = _kinds(fields) == _kinds(self.fields)
        if fits:
            copy_state_into(self.fields, fields)
        elif self.replay is None:
            self.fields, self.rehearsed = {name: tensor.clone() for name, tensor in fields.items()}, 0
        if self.replay is None:
            self.rehearsed += 1
            return self.recorder.rehearse(self._train)
        if fits:
            return self.replay().clone()
        state = self.state
        losses = self.recorder.rehearse(lambda: self._train(fields))
        if self.state is not state:  # the recorded step reads a state of another shape
            self.masks_changed()
        return losses

    def masks_changed(self) -> None:
        """Drop the recording: it reads the old masks."""
        self.replay, self.rehearsed = None, 0

    @property
    def learning_rate(self) -> float:
        """Current learning rate of the network, or of the embeddings if nothing else trains."""
        return float(self.host_groups[0]["lr"])

    def scale_learning_rates(self, network: float, embedding: float) -> None:
        """Multiply the learning rates of network and embeddings by these factors, where a recorded step reads them."""
        for host, group in zip(self.host_groups, self.optimizer.param_groups, strict=True):
            host["lr"] *= embedding if group.get(EMBEDDING) else network
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(host["lr"])
            else:
                group["lr"] = host["lr"]

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer as `Single` has it, the carried hidden state, and the generator of the batches."""
        state = super().state_dict()
        optimizer = state["optimizer"]
        groups = [{**group, **host} for group, host in zip(optimizer["param_groups"], self.host_groups, strict=True)]
        moments = {number: dict(moments) for number, moments in optimizer["state"].items()}
        for each in moments.values():
            if "step" in each:
                each["step"] = each["step"].cpu()
        return {**state, "optimizer": {"state": moments, "param_groups": groups}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore, in a stage that has just begun, what `state_dict` returned."""
        super().load_state_dict(state)
        self._move_optimizer()
        self.masks_changed()

    def _train(self, fields: Fields | None = None) -> Tensor:
        """Take the step of `Single` on the batch in `fields`, or on another; the carried state keeps its place."""
        place = self.state
        losses = super().train_on(_batch(self.fields if fields is None else fields))
        self.state = copy_state_into(place, carried(self.state, None)) if self.batches.source.spec.carry else None
        return losses

    def _record(self) -> None:
        state = self.state
        try:
            self.replay = self.recorder.record(self._train)
            if self.state is not state:
                raise RuntimeError("expected a state of one shape, got another one while recording")
        except Exception as error:  # whatever a task or a driver raises, the run continues
            self.replay, self.recording, self.state = None, False, state  # nothing was computed
            reason = str(error).partition("\n")[0]
            self.on_note(f"stage {self.plan.stage.name!r}: steps are not recorded from now on: {reason}")

    def _move_optimizer(self) -> None:
        """Move what changes between steps in the optimizer to where a recorded step reads it."""
        groups = self.optimizer.param_groups
        keys = ("lr", "fused", "capturable")
        self.host_groups = [{key: group[key] for key in keys if key in group} for group in groups]
        if not (self.recording and self.recorder.fused):
            return
        for group in groups:
            group["lr"] = torch.tensor(group["lr"], dtype=torch.float32, device=self.device)
            group.update({key: True for key in ("fused", "capturable") if key in group})
        for moments in self.optimizer.state.values():
            if "step" in moments:
                moments["step"] = moments["step"].to(self.device, torch.float32)
        # it warns about steps that are not recorded: the rehearsals
        self.optimizer._warned_capturable_if_run_uncaptured = True


def copy_state_into(place: Any, state: Any) -> Any:
    """Copy a nest of tensors into the memory of one of the same shapes and types, and return that; else a copy."""
    tensors, places = _leaves(state), _leaves(place)
    if [(each.shape, each.dtype) for each in tensors] != [(each.shape, each.dtype) for each in places]:
        return deepcopy(state)
    for target, tensor in zip(places, tensors, strict=True):
        target.copy_(tensor)
    return place


def _leaves(nest: Any) -> list[Tensor]:
    if isinstance(nest, Tensor):
        return [nest]
    parts = nest.values() if isinstance(nest, dict) else nest if isinstance(nest, tuple | list) else ()
    return [leaf for part in parts for leaf in _leaves(part)]


def _fields(batch: Batch) -> Fields:
    """Return all tensors of a batch, those of its info too."""
    fields = {("", name): getattr(batch, name) for name in FIELDS if getattr(batch, name) is not None}
    return fields | {("info", name): tensor for name, tensor in batch.info.items()}


def _batch(fields: Fields) -> Batch:
    info = {name: tensor for (place, name), tensor in fields.items() if place == "info"}
    others: dict[str, Any] = {name: tensor for (place, name), tensor in fields.items() if not place}
    return Batch(**others, info=info)


def _kinds(fields: Fields) -> dict[tuple[str, str], tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in fields.items()}
