"""Other names of cognitive tasks: ids of environments that are the same task, and environments of neurogym like one."""

from __future__ import annotations

import re

LIKE = {  # class of neurogym -> the cognitive task most like it
    "AntiReach": "anti",
    "ContextDecisionMaking": "ctxdm1",
    "DelayComparison": "dlydm1",
    "DelayMatchCategory": "dmc",
    "DelayMatchSample": "dms",
    "DelayMatchSampleDistractor1D": "dms",
    "MultiSensoryIntegration": "multidm",
    "PerceptualDecisionMaking": "dm1",
    "PerceptualDecisionMakingDelayResponse": "dlygo",
    "Reaching1D": "go",
    "ReachingDelayResponse": "dlygo",
    "SingleContextDecisionMaking": "ctxdm1",
}
OTHERS = [
    "AngleReproduction",
    "AnnubesEnv",
    "Bandit",
    "DawTwoStep",
    "DelayPairedAssociation",
    "Detection",
    "DualDelayMatchSample",
    "EconomicDecisionMaking",
    "GoNogo",
    "HierarchicalReasoning",
    "IntervalDiscrimination",
    "MotorTiming",
    "Null",
    "OneTwoThreeGo",
    "PostDecisionWager",
    "ProbabilisticReasoning",
    "PulseDecisionMaking",
    "Reaching1DWithSelfDistraction",
    "ReadySetGo",
    "SpatialSuppressMotion",
    "ToneDetection",
]
ENVIRONMENTS = {re.sub("[^a-z0-9]", "", name.lower()): name for name in (*LIKE, *OTHERS)}
IDENTIFIER = re.compile(r"(?:(?:[\w.]+:)?srnn/|(?:neurogym\.)?(?:envs\.)?yang19\.)?([a-z0-9-]+?)(?:-v\d+)?")


def same_task(name: str) -> str:
    """Return the name of a task by the id of its environment, here or in neurogym; any other name as it is.

    >>> same_task("yang19.dm1-v0"), same_task("srnn/dlygo-intr-v0"), same_task("dm1")
    ('dm1', 'dlygo-intr', 'dm1')
    """
    found = IDENTIFIER.fullmatch(name)
    return found[1] if found else name


def environment(name: str) -> str | None:
    """Return the class of neurogym that a name means, however it is spelled, or None.

    >>> environment("DelayMatchSample-v0"), environment("go_nogo"), environment("dms")
    ('DelayMatchSample', 'GoNogo', None)
    """
    return ENVIRONMENTS.get(re.sub("[^a-z0-9]", "", re.sub(r"-v\d+$", "", name.lower())))
