"""Claims about studies: statements about the draws of a study, as tests that need no seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .._errors import BenchError
from ._claim import BaseClaim
from ._draw import Group


@dataclass(frozen=True)
class StudyTest:
    """A statement that a number, estimated from the draws, lies on one side of `bound`.

    `measure` names the number. A subclass names its groups of draws.
    """

    measure: ClassVar[str]
    margin: ClassVar[float] = 0.0

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of draws that are used."""
        raise NotImplementedError

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that are used besides those of the groups."""
        return ()

    @property
    def inputs_used(self) -> tuple[str, ...]:
        """Names of the inputs (`Study.inputs`) from which the loss is predicted; most tests predict nothing."""
        return ()

    @property
    def bound(self) -> float:
        """The value that the number is compared with."""
        return 0.0

    @property
    def above(self) -> bool:
        """Whether the number is said to lie above the bound."""
        return True


@dataclass(frozen=True)
class LowerLoss(StudyTest):
    """A draw of `ours` has a lower loss than one of `theirs` with a probability above one half; a tie counts half."""

    measure: ClassVar[str] = "P(lower loss)"
    ours: Group
    theirs: Group

    @property
    def groups(self) -> tuple[Group, ...]:
        """Both groups."""
        return self.ours, self.theirs

    @property
    def bound(self) -> float:
        """One half."""
        return 0.5

    def __str__(self) -> str:
        """Return both groups."""
        return f"loss of ({self.ours}) below loss of ({self.theirs})"


@dataclass(frozen=True)
class RankCorrelation(StudyTest):
    """Loss, or being unstable, rises with a feature: Spearman's rank correlation over the draws of a group is positive.

    `of`: the loss, or 1 for an unstable draw and 0 for another.
    """

    measure: ClassVar[str] = "rank correlation"
    group: Group
    feature: str
    of: Literal["loss", "unstable"] = "loss"

    @property
    def groups(self) -> tuple[Group, ...]:
        """The group."""
        return (self.group,)

    @property
    def features(self) -> tuple[str, ...]:
        """The feature."""
        return (self.feature,)

    def __str__(self) -> str:
        """Return what is correlated over which draws."""
        return f"{self.of} with {self.feature} over ({self.group})"


@dataclass(frozen=True)
class ShareUnstable(StudyTest):
    """The share of unstable draws of a group lies above or below `share`."""

    measure: ClassVar[str] = "share unstable"
    group: Group
    share: float
    side: Literal["above", "below"]

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise BenchError(f"ShareUnstable: expected a share between 0 and 1, got {self.share}")

    @property
    def groups(self) -> tuple[Group, ...]:
        """The group."""
        return (self.group,)

    @property
    def bound(self) -> float:
        """The share."""
        return self.share

    @property
    def above(self) -> bool:
        """Whether the side is above."""
        return self.side == "above"

    def __str__(self) -> str:
        """Return the group, the side and the share."""
        return f"share unstable of ({self.group}) {self.side} {self.share:g}"


@dataclass(frozen=True)
class MoreOftenUnstable(StudyTest):
    """The share of unstable draws is larger in one group than in another."""

    measure: ClassVar[str] = "difference of shares unstable"
    group: Group
    than: Group

    @property
    def groups(self) -> tuple[Group, ...]:
        """Both groups."""
        return self.group, self.than

    def __str__(self) -> str:
        """Return both groups."""
        return f"share unstable of ({self.group}) above that of ({self.than})"


@dataclass(frozen=True)
class Predicts(StudyTest):
    """The forest predicts the loss of draws that it was not fitted to better than their mean does: R² is above 0.

    `inputs`: name of the features that it sees (`Study.inputs`).
    """

    measure: ClassVar[str] = "R²"
    inputs: str

    @property
    def groups(self) -> tuple[Group, ...]:
        """All draws."""
        return (Group(),)

    @property
    def inputs_used(self) -> tuple[str, ...]:
        """The inputs."""
        return (self.inputs,)

    def __str__(self) -> str:
        """Return the inputs."""
        return f"forest with inputs: {self.inputs}"


@dataclass(frozen=True)
class PredictsBetter(StudyTest):
    """The forest predicts the loss better from some features than from others: the difference of R² is above 0."""

    measure: ClassVar[str] = "difference of R²"
    inputs: str
    than: str

    @property
    def groups(self) -> tuple[Group, ...]:
        """All draws."""
        return (Group(),)

    @property
    def inputs_used(self) -> tuple[str, ...]:
        """Both."""
        return self.inputs, self.than

    def __str__(self) -> str:
        """Return both sets of inputs."""
        return f"forest with inputs: {self.inputs}, against {self.than}"


@dataclass(frozen=True)
class StudyClaim(BaseClaim):
    """A claim about the draws of a study; it is true if all its tests hold."""

    tests: tuple[StudyTest, ...]

    def __post_init__(self) -> None:
        if not self.tests:
            raise BenchError(f"claim {self.name!r}: expected at least one test, got none")

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of draws used, each once."""
        return tuple(dict.fromkeys(group for test in self.tests for group in test.groups))
