"""Path integration: displacements in, position as place-cell activity out (arXiv 2406.06290, section 4.1)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor

from ..contract import (
    BaseSource,
    Batch,
    Channels,
    Metric,
    Task,
    TaskError,
    TaskSpec,
    check_generator,
    position_losses,
)
from ._place_code import PlaceCode, decode, drawn_centres, place_code, seeded_centres
from ._walk import random_walk

BLOCK = 5000  # trajectories drawn at once: a step of the walk costs the same for 50 of them as for some thousand


class PathIntegration(Task):
    """Path integration in a square box: output the position at each step, given the initial position and the steps.

    The defaults are those of the authors' code. Inputs `(T, B, 2)` are displacements per step in metres, start `(B, K)`
    is the place code of the initial position, targets `(T, B, K)` are the place codes after each step.
    `info` contains `position` `(T, B, 2)` and `initial_position` `(B, 2)`, in metres.

    steps: T. dt: seconds per step. box: side length in metres; the box is centred at 0.
    place_cells: K. place_width: s in metres. place_code: see `srnn_tasks.place_code`.
    layout_seed: seed of the place-cell centres, which are uniform in the box and drawn by numpy's legacy generator (all
    x, then all y), so they are the same in every run. With None, they are drawn from the generator passed to `open`.
    speed_scale: scale of the Rayleigh distribution of speeds, m/s. turn_sd: standard deviation of turning, rad/s.
    border_width: in metres; closer than this to a wall and heading towards it, the speed is multiplied by border_speed.
    batches_per_epoch: batches per epoch. evaluation_batches, evaluation_size: fresh batches of an evaluation, and the
    number of trajectories in each.
    scored: whether the loss counts `all` steps, as in the authors' code, or only the `last`, as in the paper's text
    (the weight is then 1 at the last step and 0 before). The metrics are the same for both.

    There are many fields because every setting of the walk and of the place code is part of the experiment's key.

    >>> PathIntegration(steps=10, place_cells=256, place_width=0.2).place_code
    'reference'
    """

    kind: Literal["path_integration"] = "path_integration"
    steps: PositiveInt = 50
    dt: PositiveFloat = 0.02
    box: PositiveFloat = 2.2
    place_cells: Annotated[int, Field(ge=3)] = 512
    place_width: PositiveFloat = 0.12
    place_code: PlaceCode = "reference"
    layout_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = 0
    speed_scale: PositiveFloat = 0.13 * 2 * math.pi
    turn_sd: NonNegativeFloat = 11.52
    border_width: NonNegativeFloat = 0.03
    border_speed: Annotated[float, Field(ge=0, le=1)] = 0.25
    batches_per_epoch: PositiveInt = 1000
    evaluation_batches: PositiveInt = 5
    evaluation_size: PositiveInt = 200
    scored: Literal["all", "last"] = "all"

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> "PathIntegrationSource":
        """Return the source; the place-cell centres are drawn here."""
        return PathIntegrationSource(self, device=device, generator=generator)


@dataclass(frozen=True)
class Block:
    """Trajectories of several training batches, drawn at once.

    routes: positions `(batches, T + 1, B, 2)` in metres. used: number of batches that were yielded. drawn: state of the
    generator after the block was drawn. A generator in another state starts a new block, so that the same seed gives
    the same batches, whatever the source yielded before.
    """

    routes: Tensor
    used: int
    drawn: Tensor

    def serves(self, size: int, generator: torch.Generator) -> bool:
        """Return whether the next batch of `size` rows of this generator is in the block."""
        batches, _, rows, _ = self.routes.shape
        return self.used < batches and rows == size and torch.equal(self.drawn, generator.get_state())


class PathIntegrationSource(BaseSource):
    """Trajectories of a random walk. The fixed part is `centres` `(K, 2)`, the place-cell centres in metres.

    Training batches are cut from blocks of 5,000 trajectories; `draw` returns trajectories of their own.
    """

    centres: Tensor
    _block: Block | None = None

    def __init__(self, task: PathIntegration, *, device: torch.device | str, generator: torch.Generator) -> None:
        metrics = (
            Metric(name="error_cm", better="lower", unit="cm"),
            Metric(name="final_error_cm", better="lower", unit="cm"),
            Metric(name="cross_entropy", better="lower", unit="nats"),
        )
        cells = task.place_cells
        spec = TaskSpec(
            inputs=2,
            outputs=cells,
            start=cells,
            loss="distribution_cross_entropy",
            metrics=metrics,
            input_channels=(Channels(name="displacement", size=2, labels=("x", "y")),),
            output_channels=(Channels(name="place cells", size=cells),),
        )
        super().__init__(spec, device=device)
        check_generator(generator, device)
        self.task = task
        self.evaluation_batches = task.evaluation_batches
        self.evaluation_size = task.evaluation_size
        if task.layout_seed is None:
            self.centres = drawn_centres(cells, task.box, generator=generator)
        else:
            self.centres = seeded_centres(cells, task.box, task.layout_seed).to(device)

    def epoch_batches(self, size: int) -> int:
        """Return the number of batches per epoch, which does not depend on their size."""
        return self.task.batches_per_epoch

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return `size` fresh trajectories."""
        return self._batch(self.routes(size, generator=generator))

    def _stream(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        while True:
            block = self._block
            if block is None or not block.serves(size, generator):
                block = self._draw_block(size, generator)
            self._block = replace(block, used=block.used + 1)
            yield self._batch(block.routes[block.used])

    def _draw_block(self, size: int, generator: torch.Generator) -> Block:
        batches = max(1, BLOCK // size)
        routes = self.routes(batches * size, generator=generator)  # (T + 1, batches * B, 2)
        routes = routes.view(-1, batches, size, 2).transpose(0, 1).contiguous()  # (batches, T + 1, B, 2)
        return Block(routes, 0, generator.get_state())

    def state_dict(self) -> dict[str, Any]:
        """Return the current block of trajectories and the position in it; empty before the first batch."""
        return {} if self._block is None else dict(vars(self._block))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the block that `state_dict` returned."""
        if not state:
            self._block = None
            return
        if set(state) != {field.name for field in fields(Block)}:
            raise TaskError(f"state: expected that of `state_dict`; got {sorted(state)}")
        self._block = Block(state["routes"].to(self.device), state["used"], state["drawn"].cpu())

    def _batch(self, positions: Tensor) -> Batch:
        """Return the batch of trajectories with these positions, `(T + 1, B, 2)` in metres."""
        codes = self.encode(positions)  # (T + 1, B, K)
        return Batch(
            inputs=positions.diff(dim=0),  # (T, B, 2); start plus their sum is the position up to one rounding
            targets=codes[1:],
            weight=self._weight(positions.shape[1]),
            start=codes[0],
            info={"position": positions[1:], "initial_position": positions[0]},
        )

    def routes(self, size: int, *, generator: torch.Generator) -> Tensor:
        """Return the positions of `size` fresh trajectories, `(T + 1, B, 2)` in metres."""
        task = self.task
        walk = random_walk(
            task.steps + 1,
            size,
            box=task.box,
            dt=task.dt,
            speed_scale=task.speed_scale,
            turn_sd=task.turn_sd,
            border=task.border_width,
            border_speed=task.border_speed,
            generator=generator,
        )
        return walk[1:]  # as in the authors' code, a trajectory starts after the first of T + 1 steps

    def encode(self, positions: Tensor) -> Tensor:
        """Return the place code `(..., K)` of positions `(..., 2)` in metres."""
        return place_code(positions, self.centres, width=self.task.place_width, code=self.task.place_code)

    def decode(self, outputs: Tensor) -> Tensor:
        """Return positions `(..., 2)` in metres from outputs `(..., K)`: the mean of the three most active centres."""
        return decode(outputs, self.centres)

    def measure(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the mean decoding error over all steps and at the last step, and the mean cross entropy.

        The decoding error is the distance between the decoded and the true position. The cross entropy is averaged over
        all steps, whichever steps are scored.
        """
        errors = 100 * torch.linalg.vector_norm(self.decode(outputs) - batch.info["position"], dim=-1)  # (T, B) cm
        return {
            "error_cm": errors.mean(),
            "final_error_cm": errors[-1].mean(),
            "cross_entropy": position_losses(self.spec.loss, outputs, batch.targets).mean(),
        }

    def floor(self, *, generator: torch.Generator) -> dict[str, float]:
        """Return every metric for the true place code as output: the lowest errors a perfect model can reach."""
        self.check_generator(generator)
        totals = torch.zeros(len(self.spec.metrics), device=self.device, dtype=torch.float32)
        for batch in self.held_out("test", generator=generator):
            log_code = batch.targets.clamp_min(torch.finfo(batch.targets.dtype).tiny).log_()  # (T, B, K)
            totals += torch.stack(list(self.measure(log_code, batch).values()))
        means = (totals / self.evaluation_batches).tolist()
        return {metric.name: mean for metric, mean in zip(self.spec.metrics, means, strict=True)}

    def _weight(self, size: int) -> Tensor | None:
        if self.task.scored == "all":
            return None
        weight = torch.zeros(self.task.steps, size, device=self.device, dtype=torch.float32)  # (T, B)
        weight[-1] = 1.0
        return weight
