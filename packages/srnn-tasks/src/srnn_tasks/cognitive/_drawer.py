"""Drawing trials of any mixture of tasks, whole batches at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ._decision import DelayedDecision
from ._families import FAMILIES
from ._family import Span
from ._go import Go
from ._interval import interval
from ._order import rings_in_turn
from ._rule import Rule
from ._trials import DELAY, Trials
from ._world import World


class Drawer:
    """Draws trials of the tasks `rules`; the index of a task in them is its slot.

    Each attribute is a table by slot: family, parameters of the family, spans of the periods, interval, sequence. Every
    family that occurs draws trials for all rows, and each row keeps the trial of its own family, so no row waits for
    the device. `longest` is an upper bound on the steps of a trial.

    The constructor draws from the generator only for delays that are the same in all trials
    (`Conventions.match_delay="instance"`).
    """

    def __init__(self, rules: Sequence[Rule], world: World, *, generator: torch.Generator) -> None:
        self.rules, self.world = tuple(rules), world
        self.families = [family for family in FAMILIES if any(type(rule.family) is family for rule in rules)]
        parameters = [rule.family.parameters() for rule in rules]
        names = dict.fromkeys(name for each in parameters for name in each)
        self.parameters = {name: world.table(tuple(each.get(name, 0) for each in parameters)) for name in names}
        self.kind = world.table(tuple(self.families.index(type(rule.family)) for rule in rules))
        spans = tuple(rule.periods(world.timing, world.conventions) for rule in rules)
        self.spans = world.table(spans).double()  # (slots, 5, 2) ms; the other tables are (slots,)
        self.interval = world.table(tuple(rule.interval for rule in rules))
        self.sequence = world.table(tuple(rule.sequence for rule in rules))
        self.shortest = torch.tensor(
            [sum(low // world.dt for low, _ in periods) for periods in spans], dtype=torch.float64, device="cpu"
        )
        self.longest = max(sum(_most(span, world.dt) for span in periods) for periods in spans)
        self.delays: Tensor | None = None  # (slots, 2) steps, by ring
        if world.conventions.match_delay == "instance":
            self.delays = world.durations(self.spans[:, None, DELAY].expand(-1, 2, 2), generator=generator)

    def enough(self, steps: int, chances: Tensor) -> int:
        """Return the number of trials that fill `steps` when drawn with `chances` `(slots,)`, float64 on the CPU.

        Every trial counts with its minimal length, and the number exceeds the mean by seven standard deviations, but
        not the number of the shortest trials that fill the row. A row that is not filled (less than one in 1e11) ends
        in padding.
        """
        probability = chances / chances.sum()
        mean = float(probability @ self.shortest)
        sd = math.sqrt(probability @ (self.shortest - mean).square())
        root = (7 * sd + math.sqrt(49 * sd**2 + 4 * mean * (steps + 1))) / (2 * mean)  # square root of the number
        return min(math.ceil(root * root), steps // int(self.shortest[probability > 0].min()) + 1)

    def turn(self, rows: int, *, generator: torch.Generator) -> Tensor:
        """Draw the ring of the first trial of each task in each row: `(rows, slots)`."""
        return self.world.integers(rows * len(self.rules), 2, generator=generator).view(rows, -1)

    def draw(self, slots: Tensor, *, turn: Tensor | None = None, generator: torch.Generator) -> Trials:
        """Draw one trial for each entry of slots `(B, K)`; a row shows its trials in the order of K.

        turn `(B, slots)`: for the alternating order, the next ring of each task in rows that continue; None draws it.
        In rows with a single trial that do not continue, the order runs from row to row instead.
        """
        slot = slots.flatten()
        if self.world.conventions.order == "alternating":
            rows = slots.T if turn is None and slots.shape[1] == 1 else slots
            turn = self.turn(len(rows), generator=generator) if turn is None else turn
            ring = rings_in_turn(rows, turn).flatten()
        else:
            ring = self.world.integers(len(slot), 2, generator=generator)
        parameters = {name: table[slot] for name, table in self.parameters.items()}  # (n,) each
        kind = self.kind[slot]
        scene = self.families[0].draw(ring, parameters, self.world, generator)
        for number, family in enumerate(self.families[1:], 1):
            scene = family.draw(ring, parameters, self.world, generator).where(kind == number, scene)
        lengths = self.world.durations(self.spans.index_select(0, slot), generator=generator)  # (n, 5)
        if self.delays is not None:
            lengths[:, DELAY] = self.delays[slot, ring]
        none = torch.zeros_like(slot)
        added = {"lengths": lengths, "shift": none.float(), "displaced": none, "drift": self.sequence[slot]}
        trials = Trials(slot=slot, ring=ring, **added, **vars(scene))
        if any(rule.interval for rule in self.rules):
            is_go, is_decision = self._is(Go, kind), self._is(DelayedDecision, kind)
            trials = interval(trials, self.interval[slot], is_go, is_decision, self.world, generator)
        return trials.map(lambda tensor: tensor.reshape(*slots.shape, *tensor.shape[1:]))

    def _is(self, family: type, kind: Tensor) -> Tensor:
        return kind == (self.families.index(family) if family in self.families else -1)


def _most(span: Span, dt: int) -> int:
    """Return the largest number of whole steps in a span. Its upper end is drawn only if it equals the lower one."""
    low, high = span
    return low // dt if low == high else -(-high // dt) - 1
