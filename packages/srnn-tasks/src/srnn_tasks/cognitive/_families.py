"""The 20 tasks of Yang et al. 2019 as members of five families, with the timing of Mod-Cog."""

from ._decision import Decision, DelayedDecision, Ring
from ._family import Family
from ._go import Go, Reaction
from ._match import Match

BOTH: tuple[Ring, Ring] = (0, 1)

YANG: dict[str, Family] = {
    "go": Go(anti=False, delay=False),
    "rtgo": Reaction(anti=False),
    "dlygo": Go(anti=False, delay=True),
    "anti": Go(anti=True, delay=False),
    "rtanti": Reaction(anti=True),
    "dlyanti": Go(anti=True, delay=True),
    "dm1": Decision(attended=(0,), seen=(0,)),
    "dm2": Decision(attended=(1,), seen=(1,)),
    "ctxdm1": Decision(attended=(0,), seen=BOTH),
    "ctxdm2": Decision(attended=(1,), seen=BOTH),
    "multidm": Decision(attended=BOTH, seen=BOTH),
    "dlydm1": DelayedDecision(attended=(0,), seen=(0,)),
    "dlydm2": DelayedDecision(attended=(1,), seen=(1,)),
    "ctxdlydm1": DelayedDecision(attended=(0,), seen=BOTH),
    "ctxdlydm2": DelayedDecision(attended=(1,), seen=BOTH),
    "multidlydm": DelayedDecision(attended=BOTH, seen=BOTH),
    "dms": Match(category=False, on_match=True),
    "dnms": Match(category=False, on_match=False),
    "dmc": Match(category=True, on_match=True),
    "dnmc": Match(category=True, on_match=False),
}
FAMILIES: tuple[type[Family], ...] = (Go, Reaction, Decision, DelayedDecision, Match)
