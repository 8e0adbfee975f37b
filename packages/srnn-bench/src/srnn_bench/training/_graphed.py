"""Training steps that a GPU repeats by itself: a step is recorded once, as a CUDA graph, and replayed from then on.

A step of navigation is some thousand kernels. Launched one by one from Python they take longer than the GPU takes to
run them. A replay is one launch. It repeats the same kernels on the same memory and runs no Python, so all that
changes from step to step must lie in tensors that stay where they are: the batch, the carried state, learning rates
and counts of steps. What stands in Python (a position in a text, a mask that is a new tensor) is frozen as it was.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from srnn_tasks import Batch, carried

from ._engine import EMBEDDING, FIELDS, Batches
from ._parts import Parts
from ._single import Single

REHEARSALS = 3  # steps before a recording: they allocate, choose kernels, and fill what is kept from step to step

LEAST = 100  # steps that a recording should serve; an estimate, no GPU was measured

T = TypeVar("T")

Fields = dict[tuple[str, str], Tensor]  # of a batch: ("", "inputs"), ("info", "position")


class Recorder(Protocol):
    """What makes a function repeatable, and how its steps before that are run."""

    fused: bool  # whether an optimizer must keep rates and counts on the device, and so be a fused one

    def rehearse(self, function: Callable[[], T]) -> T:
        """Call the function, and learn what a recording of it needs to know."""

    def record(self, function: Callable[[], T], generator: torch.Generator | None = None) -> Callable[[], T]:
        """Return what repeats the function, with the same tensors as result each time; nothing is computed yet.

        Raises an error where the function cannot be recorded. The generator is one that the function draws from.
        """

    def beside(self, function: Callable[[], T]) -> Callable[[], T]:
        """Start the function beside what is started next; return what waits for it and gives its result."""


class Plain:
    """Records nothing: a repetition calls the function."""

    fused = False

    def rehearse(self, function: Callable[[], T]) -> T:
        """Call the function."""
        return function()

    def record(self, function: Callable[[], T], generator: torch.Generator | None = None) -> Callable[[], T]:
        """Return the function."""
        return function

    def beside(self, function: Callable[[], T]) -> Callable[[], T]:
        """Call the function, and hand out its result later."""
        result = function()
        return lambda: result


class CudaRecorder:
    """Records CUDA graphs on a stream of its own, on which it also rehearses.

    A failed recording can leave a generator unusable. So what makes the host wait for the device, the usual reason, is
    noticed in the last rehearsal, and then nothing is recorded.
    """

    fused = True

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream, self.second = _stream(device), _stream(device)
        self.waited: str | None = None

    def rehearse(self, function: Callable[[], T]) -> T:
        """Call the function on the recorder's stream, and note whether the host waited."""
        current = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream), self._watched():
            value = function()
        current.wait_stream(self.stream)
        return value

    def record(self, function: Callable[[], T], generator: torch.Generator | None = None) -> Callable[[], T]:
        """Capture the function as a graph. Raises RuntimeError, before anything is captured, if the host waited."""
        if self.waited is not None:
            raise RuntimeError(f"the host waits for the device ({self.waited})")
        graph = torch.cuda.CUDAGraph()
        if generator is not None:
            graph.register_generator_state(generator)  # type: ignore[no-untyped-call, unused-ignore]
        with torch.cuda.graph(graph, stream=self.stream):
            value = function()

        def replay() -> T:
            graph.replay()
            return value

        return replay

    def beside(self, function: Callable[[], T]) -> Callable[[], T]:
        """Run the function on a second stream; in a graph it becomes a branch."""
        current = torch.cuda.current_stream(self.device)
        self.second.wait_stream(current)
        with torch.cuda.stream(self.second):
            result = function()

        def wait() -> T:
            current.wait_stream(self.second)
            return result

        return wait

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Within, torch warns where the host waits; that is noted, and other warnings are passed on."""
        before = torch.cuda.get_sync_debug_mode()
        self.waited = None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                yield
            finally:
                torch.cuda.set_sync_debug_mode(before)
        for warning in caught:
            text = str(warning.message)
            if "called a synchronizing CUDA operation" in text:
                self.waited = f"{warning.filename}, line {warning.lineno}"
            elif "is a prototype feature" not in text:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


class Graphed(Single):
    """The engine of one run that records its step and replays it; it agrees with `Single` to float tolerance.

    The draw of the next batch is recorded too, beside the training, where a batch depends on the generator alone: the
    source keeps no position, and the recorded draw gave again the batches that rehearsals had drawn. Otherwise each
    batch is copied to where the recorded step reads it. A step is recorded anew when a stage begins and when masks have
    changed. Batches of another shape, and stages too short to be worth it, are taken step by step.

    No run fails because it cannot be recorded. `tell` is told why, and the run goes on with the training recorded and
    the draws not; if that fails too, by the steps of `Single`. A checkpoint holds what that of `Single` does, so that
    each can go on from the other's.
    """

    recording: bool  # whether this stage is recorded at all
    replay: Callable[[], Tensor] | None
    rehearsed: int  # steps since the stage began or masks changed
    drawn: list[tuple[Tensor, Fields]]  # the last batches of rehearsals, each after the generator's state before it
    before: Tensor | None  # the generator's state before the batch that lies ready, if one was drawn ahead
    places: list[tuple[int, int]]
    on_host: list[dict[str, Any]]  # of each group what `Single` has of it

    def __init__(
        self,
        parts: Sequence[Parts],
        device: torch.device,
        recorder: Recorder,
        *,
        tell: Callable[[str], None] = lambda text: None,
        least: int = LEAST,
    ) -> None:
        super().__init__(parts, device)
        self.recorder, self.tell, self.least = recorder, tell, least
        self.draws_too, self.given_up = True, False

    def begin(self, number: int) -> None:
        """Begin a stage: a new optimizer, the stage's own stream of batches, no hidden state, no recording."""
        super().begin(number)
        self.draws_too = self.draws_too and not self.source.state_dict()
        self.number, plan = number, self.parts.plans[number]
        served = plan.batches * (plan.stage.training.epochs if plan.pruner is None else 1)
        self.recording = not self.given_up and served >= self.least
        if self.recording:
            self.batches = Ready(self.batches)
        self._make_ready()

    def step(self) -> Tensor:
        """Take one step; return loss and weighted penalty `(1, 2)`, on the device."""
        if self.recording and self.replay is None and self.rehearsed >= REHEARSALS:
            self._record()
        if not self.recording:
            return super().step()
        return self._step_and_draw() if self.draws_too else self._draw_and_step()

    def pruned(self) -> None:
        """Record anew if masks have changed, after rehearsals with the new ones."""
        if self.replay is None or self._places() != self.places:
            self._forget()

    @property
    def learning_rate(self) -> float:
        """The learning rate of the network now, or of the embeddings where nothing else trains."""
        return float(self.on_host[0]["lr"])

    def slow(self, network: float, embedding: float) -> None:
        """Multiply the learning rates of network and embeddings, where a recorded step reads them."""
        for held, group in zip(self.on_host, self.optimizer.param_groups, strict=True):
            held["lr"] *= embedding if group.get(EMBEDDING) else network
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(held["lr"])
            else:
                group["lr"] = held["lr"]

    def state_dict(self) -> dict[str, Any]:
        """Return what `Single` does; a batch that is drawn and not yet trained on will be drawn again."""
        state = super().state_dict()
        if self.before is not None:
            state["generator"] = self.before
        optimizer = state["optimizer"]
        groups = [{**group, **held} for group, held in zip(optimizer["param_groups"], self.on_host, strict=True)]
        moments = {number: dict(moments) for number, moments in optimizer["state"].items()}
        for held in moments.values():
            if "step" in held:
                held["step"] = held["step"].cpu()
        return {**state, "optimizer": {"state": moments, "param_groups": groups}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on, in a stage that was just begun, from what `state_dict` gave."""
        super().load_state_dict(state)
        self._make_ready()

    # --- a step ---------------------------------------------------------------------------------------------------

    def _step_and_draw(self) -> Tensor:
        """Train on the batch that was drawn during the step before, and draw the next one."""
        ready = self._ready
        if not ready.fields:
            ready.take(_fields(next(ready.stream)))
        self.before = ready.generator.get_state()  # that of the host: no wait
        if self.replay is not None:
            return self.replay().clone()
        losses = self.recorder.rehearse(self._train_and_draw)
        self.rehearsed += 1
        drawn = {name: tensor.clone() for name, tensor in ready.fields.items()}
        self.drawn = [*self.drawn, (self.before, drawn)][-REHEARSALS:]
        return losses

    def _draw_and_step(self) -> Tensor:
        """Draw a batch, and train on it."""
        ready = self._ready
        fields = _fields(next(ready.stream))
        if self.replay is None:
            self.rehearsed = self.rehearsed + 1 if ready.take(fields) else 1
            return self.recorder.rehearse(self._train)
        if ready.fits(fields):
            ready.take(fields)
            return self.replay().clone()
        held, ready.fields = ready.fields, fields
        try:
            return self.recorder.rehearse(self._train)
        finally:
            ready.fields = held

    def _train_and_draw(self) -> Tensor:
        drawn = self.recorder.beside(self._draw)
        losses = self._train()
        self._ready.take(drawn())
        return losses

    def _train(self) -> Tensor:
        """Take the step of `Single` on the batch that lies ready; the carried state stays where it is."""
        held = self.state
        losses = super().step()
        self.state = _settle(self.state, held) if self.source.spec.carry else None
        return losses

    def _draw(self) -> Fields:
        return _fields(next(self._ready.stream))

    # --- recording ------------------------------------------------------------------------------------------------

    def _record(self) -> None:
        """Record the step, or less of it where that fails."""
        fields, state = self._ready.fields, self.state
        try:
            if self.draws_too:
                self._check_draws()
                self.replay = self.recorder.record(self._train_and_draw, self._ready.generator)
            else:
                self.replay = self.recorder.record(self._train)
            if self._ready.fields is not fields or self.state is not state:
                raise ValueError("expected batches and states of one shape, got another one while recording")
        except Exception as error:  # whatever a task or a driver says of it, the run goes on
            self._ready.fields, self.state = fields, state  # what was recorded is not computed
            self._record_less(str(error).partition("\n")[0])
        else:
            self.drawn, self.places = [], self._places()

    def _check_draws(self) -> None:
        """Raise ValueError unless a recorded draw gives again the batches that the rehearsals drew."""
        generator = self._ready.generator
        draw = self.recorder.record(self._draw, generator)
        generator.set_state(self.drawn[0][0])
        for _, expected in self.drawn:  # the generator ends where it was
            if not _agree(draw(), expected):
                raise ValueError("expected a recorded draw to give the batches that were drawn, got others")

    def _record_less(self, reason: str) -> None:
        """Go on from here without recording the draws, or else without recording anything."""
        state = self.state_dict()
        self.draws_too, self.given_up = False, not self.draws_too
        rest = "steps are not recorded" if self.given_up else "batches are drawn outside of the recorded steps"
        self.tell(f"stage {self.parts.plans[self.number].stage.name!r}: {rest} from now on: {reason}")
        self.begin(self.number)  # new generator and optimizer: those of a failed recording may be of no use
        self.load_state_dict(state)

    def _make_ready(self) -> None:
        """Forget what was recorded and drawn ahead; put what changes between steps where a recorded step reads it."""
        self._forget()
        self.before = None
        groups = self.optimizer.param_groups
        self.on_host = [{key: group[key] for key in ("lr", "fused", "capturable") if key in group} for group in groups]
        if not (self.recording and self.recorder.fused):
            return
        for group in groups:
            group["lr"] = torch.tensor(group["lr"], dtype=torch.float32, device=self.device)
            group.update({key: True for key in ("fused", "capturable") if key in group})
        for moments in self.optimizer.state.values():
            if "step" in moments:
                moments["step"] = moments["step"].to(self.device, torch.float32)
        # else it warns that steps are taken that are not recorded: the rehearsals
        self.optimizer._warned_capturable_if_run_uncaptured = True

    def _forget(self) -> None:
        self.replay, self.rehearsed, self.drawn, self.places = None, 0, [], []

    def _places(self) -> list[tuple[int, int]]:
        """Return where all that a recorded step reads lies, and for masks how often they were written to."""
        model = self.parts.model
        parameters = [(parameter.data_ptr(), 0) for parameter in model.parameters()]
        buffers = [(held.data_ptr(), held._version if held.dtype is torch.bool else 0) for held in model.buffers()]
        return parameters + buffers

    @property
    def _ready(self) -> Ready:
        assert isinstance(self.batches, Ready)
        return self.batches


class Ready(Batches):
    """Stands before a stream of batches, and gives one batch that lies in tensors which stay where they are."""

    def __init__(self, stream: Batches) -> None:
        self.stream, self.generator = stream, stream.generator
        self.fields: Fields = {}

    def __next__(self) -> Batch:
        info = {name: tensor for (place, name), tensor in self.fields.items() if place == "info"}
        rest: dict[str, Any] = {name: tensor for (place, name), tensor in self.fields.items() if not place}
        return Batch(**rest, info=info)

    def resume(self, generator: Tensor) -> None:
        """Go on with a generator in that state, from where the source stands."""
        self.stream.resume(generator)

    def fits(self, fields: Fields) -> bool:
        """Say whether a batch has the fields, shapes and types of the one here."""
        return _kinds(fields) == _kinds(self.fields)

    def take(self, fields: Fields) -> bool:
        """Copy a batch to here; say whether it fitted, else it lies in new tensors."""
        if not self.fits(fields):
            self.fields = {name: tensor.clone() for name, tensor in fields.items()}
            return False
        for name, tensor in fields.items():
            self.fields[name].copy_(tensor)
        return True


def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def _fields(batch: Batch) -> Fields:
    """Return what a batch has of fields, and its info."""
    fields = {("", name): getattr(batch, name) for name in FIELDS if getattr(batch, name) is not None}
    return fields | {("info", name): tensor for name, tensor in batch.info.items()}


def _kinds(fields: Fields) -> dict[tuple[str, str], tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in fields.items()}


def _agree(fields: Fields, expected: Fields) -> bool:
    """Say whether two batches are the same but for roundings."""
    return _kinds(fields) == _kinds(expected) and all(
        torch.allclose(tensor.double(), expected[name].double(), rtol=1e-4, atol=1e-6, equal_nan=True)
        for name, tensor in fields.items()
    )


def _settle(state: Any, held: Any) -> Any:
    """Return a nest of tensors detached, in the memory of one that is held, if that is alike."""
    state = carried(state, None)
    tensors, places = _leaves(state), _leaves(held)
    if [(each.shape, each.dtype) for each in tensors] != [(each.shape, each.dtype) for each in places]:
        return deepcopy(state)
    for place, tensor in zip(places, tensors, strict=True):
        place.copy_(tensor)
    return held


def _leaves(nest: Any) -> list[Tensor]:
    if isinstance(nest, Tensor):
        return [nest]
    parts = nest.values() if isinstance(nest, dict) else nest if isinstance(nest, tuple | list) else ()
    return [leaf for part in parts for leaf in _leaves(part)]
