"""Draws trials of any mixture of tasks, whole batches at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ._families import FAMILIES, DelayedDecision, Go, Span
from ._interval import interval
from ._order import rings_in_turn
from ._rule import Rule
from ._trials import DELAY, Trials
from ._world import World


class Drawer:
    """Draws trials of the tasks `rules`, whose number is their slot.

    Tables hold for each slot its family, what it asks for there, the spans of its periods, its interval and its
    sequence. The trials of all families that occur are drawn for all rows, and each row takes those of its own.
    `longest` bounds the steps of a trial.

    The generator is drawn from only for delays that stay what they are (`Conventions.match_delay="instance"`).
    """

    def __init__(self, rules: Sequence[Rule], world: World, *, generator: torch.Generator) -> None:
        self.rules, self.world = tuple(rules), world
        self.families = [family for family in FAMILIES if any(type(rule.family) is family for rule in rules)]
        asks = [rule.family.asks() for rule in rules]
        names = dict.fromkeys(name for each in asks for name in each)
        self.asked = {name: world.table(tuple(each.get(name, 0) for each in asks)) for name in names}  # (slots,) each
        self.kind = world.table(tuple(self.families.index(type(rule.family)) for rule in rules))
        spans = tuple(rule.periods(world.timing, world.conventions) for rule in rules)
        self.spans = world.table(spans).double()  # (slots, 5, 2) ms
        self.interval = world.table(tuple(rule.interval for rule in rules))
        self.sequence = world.table(tuple(rule.sequence for rule in rules))
        self.shortest = torch.tensor([sum(low // world.dt for low, _ in periods) for periods in spans]).double()
        self.longest = max(sum(_most(span, world.dt) for span in periods) for periods in spans)
        self.delays: Tensor | None = None  # (slots, 2) steps, by ring
        if world.conventions.match_delay == "instance":
            self.delays = world.durations(self.spans[:, None, DELAY].expand(-1, 2, 2), generator=generator)

    def enough(self, steps: int, chances: Tensor) -> int:
        """Return how many trials fill `steps`, drawn by their chances `(slots,)`, float64 on the CPU.

        With the least length of each, seven standard deviations more than on average; never more than of the shortest
        trial alone. A row that they do not fill, once in more than 1e11, ends in padding.
        """
        share = chances / chances.sum()
        mean = float(share @ self.shortest)
        spread = math.sqrt(share @ (self.shortest - mean).square())
        root = (7 * spread + math.sqrt(49 * spread**2 + 4 * mean * (steps + 1))) / (2 * mean)  # of the number
        return min(math.ceil(root * root), steps // int(self.shortest[share > 0].min()) + 1)

    def turn(self, rows: int, *, generator: torch.Generator) -> Tensor:
        """Draw the ring that comes first, for each row and task: `(rows, slots)`."""
        return self.world.integers(rows * len(self.rules), 2, generator=generator).view(rows, -1)

    def draw(self, slots: Tensor, *, turn: Tensor | None = None, generator: torch.Generator) -> Trials:
        """Draw one trial for each entry of slots `(B, K)`; K is the order in which a row shows them.

        turn `(B, slots)`: the next ring of each task in rows that go on, by the alternating order; drawn where it is
        None. Rows of one trial that do not go on follow each other in it.
        """
        slot = slots.flatten()
        if self.world.conventions.order == "alternating":
            rows = slots.T if turn is None and slots.shape[1] == 1 else slots
            turn = self.turn(len(rows), generator=generator) if turn is None else turn
            ring = rings_in_turn(rows, turn).flatten()
        else:
            ring = self.world.integers(len(slot), 2, generator=generator)
        asked = {name: table[slot] for name, table in self.asked.items()}
        kind = self.kind[slot]
        scene = self.families[0].draw(ring, asked, self.world, generator)
        for number, family in enumerate(self.families[1:], 1):
            scene = family.draw(ring, asked, self.world, generator).where(kind == number, scene)
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
    """Return the greatest number of whole steps: the upper end of a span is never drawn, but where it is the lower."""
    low, high = span
    return low // dt if low == high else -(-high // dt) - 1
