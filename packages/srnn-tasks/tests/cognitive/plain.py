"""An oracle: one trial at a time, in plain Python, from the definitions of arXiv 2207.03523 (Mod-Cog) and its code.

It does not use the package. `Drawn` has what is random in a trial; everything else follows from the name of the task.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

# section 1
GO = ("go", "dlygo", "anti", "dlyanti")
REACTION = ("rtgo", "rtanti")
CHOICE = ("dm1", "dm2", "ctxdm1", "ctxdm2", "multidm")
DELAYED_CHOICE = ("dlydm1", "dlydm2", "ctxdlydm1", "ctxdlydm2", "multidlydm")
MATCH = ("dms", "dnms", "dmc", "dnmc")
ORDER = ("go", "rtgo", "dlygo", "anti", "rtanti", "dlyanti", *CHOICE, *DELAYED_CHOICE, *MATCH)
DELAYED = ("dlygo", "dlyanti", *DELAYED_CHOICE, *MATCH)

# sections 3 and 4, in ms
TIMES = {
    "fixation": 500,
    "match_fixation": 300,
    "stimulus": 500,
    "delay": 500,
    "decision": 500,
    "choice_decision": 200,
    "match_decision": 900,
    "sequence_decision": 1000,
    "reaction_sequence_decision": 500,
    "unit": 100,
}
DELAY, SECOND, DECISION = 2, 3, 4  # periods: fixation, stimulus, delay, second stimulus, decision
LEGACY = ("wrap", "go_interval", "decision_interval", "match_delay", "go_delay", "sample_category")  # B1 to B6


@dataclass(frozen=True)
class Drawn:
    """What is random in a trial. fixation, delay: in steps. strengths: by bump and ring. coin: which bump wins a tie.

    Only what the task draws is read: no fixation but that of decision tasks, no delay that is fixed.
    """

    ring: int
    directions: tuple[int, int]
    strengths: tuple[tuple[float, float], tuple[float, float]]
    delay: int = 0
    fixation: int = 0
    coin: int = 0


def sign(name: str, part: str) -> int:
    """Return +1 for R, -1 for L, 0 where the name has no such part (`int` or `seq`)."""
    parts = name.split("-")[1:]
    if part + "r" in parts:
        return 1
    if part + "l" in parts:
        return -1
    return 0


def plain_lengths(
    name: str, drawn: Drawn, *, legacy: Collection[str] = (), dt: int = 100, times: Mapping[str, int] = TIMES
) -> list[int]:
    """Return the steps of the five periods (sections 3, 4, 5 and 14.1)."""
    base = name.split("-")[0]
    interval = sign(name, "int") != 0
    stimulus, fixed = times["stimulus"] // dt, times["delay"] // dt
    if base in GO:
        delay = fixed if base.startswith("dly") or "go_delay" in legacy else 0
        if interval:
            delay = drawn.delay
        lengths = [times["fixation"] // dt, stimulus, delay, 0, times["decision"] // dt]
    elif base in REACTION:
        lengths = [times["fixation"] // dt, 0, 0, 0, times["decision"] // dt]
    elif base in CHOICE:
        lengths = [drawn.fixation, stimulus, 0, 0, times["choice_decision"] // dt]
    elif base in DELAYED_CHOICE:
        delay = drawn.delay if interval and "decision_interval" not in legacy else fixed
        lengths = [drawn.fixation, stimulus, delay, stimulus, times["choice_decision"] // dt]
    else:
        delay = drawn.delay if interval or "match_delay" in legacy else fixed
        lengths = [times["match_fixation"] // dt, stimulus, delay, stimulus, times["match_decision"] // dt]
    if sign(name, "seq") != 0:
        lengths[DECISION] = times["reaction_sequence_decision" if base in REACTION else "sequence_decision"] // dt
    return lengths


def rings_shown(name: str, drawn: Drawn) -> tuple[int, ...]:
    """Return the rings that have a stimulus (section 3)."""
    base = name.split("-")[0]
    if base in ("dm1", "dlydm1"):
        return (0,)
    if base in ("dm2", "dlydm2"):
        return (1,)
    if base in CHOICE + DELAYED_CHOICE:
        return (0, 1)
    return (drawn.ring,)


def sums(name: str, drawn: Drawn) -> tuple[float, float]:
    """Return the strength of each bump, over the rings that a decision task attends to."""
    base = name.split("-")[0]
    attended = (0, 1) if base.startswith("multi") else (0,) if base.endswith("1") else (1,)
    first = sum(drawn.strengths[0][ring] for ring in attended)
    second = sum(drawn.strengths[1][ring] for ring in attended)
    return first, second


def tied(name: str, drawn: Drawn) -> bool:
    """Return whether neither bump of a decision task is the stronger one."""
    if name.split("-")[0] not in CHOICE + DELAYED_CHOICE:
        return False
    first, second = sums(name, drawn)
    return abs(first - second) < 1e-5


def goes(name: str, drawn: Drawn, *, legacy: Collection[str] = (), ring: int = 16) -> bool:
    """Return whether the trial asks for a direction (section 3, match rules, and B6)."""
    base = name.split("-")[0]
    if base not in MATCH:
        return True
    sample, test = drawn.directions
    if base in ("dms", "dnms"):
        assert test in (sample, (sample + ring // 2) % ring)
        match = sample == test
    else:
        second = sample > ring // 2 if "sample_category" in legacy else sample >= ring // 2
        match = second == (test >= ring // 2)
    return match if base in ("dms", "dmc") else not match


def answer(name: str, drawn: Drawn, *, ring: int = 16) -> int:
    """Return the direction to choose, before interval and sequence."""
    base = name.split("-")[0]
    if base in GO + REACTION:
        return drawn.directions[0] + (ring // 2 if "anti" in base else 0)
    if base in MATCH:
        return drawn.directions[1]
    first, second = sums(name, drawn)
    winner = drawn.coin if tied(name, drawn) else 0 if first > second else 1
    return drawn.directions[winner]


def profile(angle: float, ring: int) -> list[float]:
    """Return the activity of the units of a ring for a bump of strength 1 at `angle` (section 2)."""
    values = []
    for k in range(ring):
        apart = abs(2 * math.pi * k / ring - angle) % (2 * math.pi)
        apart = min(apart, 2 * math.pi - apart)
        values.append(0.8 * math.exp(-((apart / (math.pi / 8)) ** 2) / 2))
    return values


def plain_trial(
    name: str,
    drawn: Drawn,
    *,
    legacy: Collection[str] = (),
    dt: int = 100,
    ring: int = 16,
    times: Mapping[str, int] = TIMES,
) -> tuple[list[list[float]], list[int], list[int]]:
    """Return inputs (T rows of 1 + 2 ring numbers, without noise and rule), targets (T), and steps of the periods.

    legacy: the points of section 6 that are as in the published code.
    """
    base = name.split("-")[0]
    lengths = plain_lengths(name, drawn, legacy=legacy, dt=dt, times=times)
    interval, sequence = sign(name, "int"), sign(name, "seq")
    moves_stimulus = base in GO and "go_interval" in legacy

    # bumps: when, where, how strong on which ring
    shown = [DECISION if base in REACTION else 1]
    if base not in GO + REACTION:
        shown.append(1 if base in CHOICE else SECOND)
    bumps = []
    for which, period in enumerate(shown):
        angle = 2 * math.pi * drawn.directions[which] / ring
        if moves_stimulus:
            angle += interval * 0.01 * (lengths[DELAY] * dt)  # 0.01 rad/ms
        for side in rings_shown(name, drawn):
            strength = drawn.strengths[which][side] if base in CHOICE + DELAYED_CHOICE else 1.0
            bumps.append((period, side, [strength * value for value in profile(angle, ring)]))

    # one row for each step of each period
    inputs, targets = [], []
    go = goes(name, drawn, legacy=legacy, ring=ring)
    displaced = 0 if moves_stimulus else interval * (lengths[DELAY] * dt // times["unit"])
    for period, length in enumerate(lengths):
        row = [0.0] * (1 + 2 * ring)
        row[0] = 0.0 if period == DECISION else 1.0
        for when, side, values in bumps:
            if when == period:
                for k, value in enumerate(values):
                    row[1 + side * ring + k] += value
        for t in range(length):
            target = 0
            if period == DECISION and go:
                direction = answer(name, drawn, ring=ring) + displaced + sequence * (t * dt // times["unit"])
                target = (direction % ring + 1) % ring if "wrap" in legacy else direction % ring + 1
            inputs.append(row)
            targets.append(target)
    return inputs, targets, lengths


def with_fixation(name: str, drawn: Drawn, total: int, **choices: object) -> Drawn:
    """Return the trial whose fixation in a decision task is what makes it last `total` steps."""
    rest = sum(plain_lengths(name, replace(drawn, fixation=0), **choices))
    return replace(drawn, fixation=total - rest)
