"""What the claims of a study can decide with its draws, before they are run."""

from __future__ import annotations

from dataclasses import dataclass

from ._claim import LEVEL
from ._study import Study
from ._study_claim import StudyClaim, StudyTest
from ._study_tests import detectable


@dataclass(frozen=True)
class StudyForecast:
    """What one test of a claim can decide.

    Attributes:
        claim: The claim.
        test: One of its tests.
        draws: Number of draws of each group of the test.
        distance: If the number that is tested lies this far from its bound, as claimed, it is found with 80 % power at
            the first step of Holm's procedure; None if that depends on the results, or nothing is far enough.
    """

    claim: StudyClaim
    test: StudyTest
    draws: tuple[int, ...]
    distance: float | None


def study_forecast(study: Study, family_size: int) -> list[StudyForecast]:
    """Return a forecast for each test of the claims of a study, of a family of `family_size` claims."""
    level, forecasts = LEVEL / 2 / family_size, list[StudyForecast]()
    for claim in study.claims:
        assert isinstance(claim, StudyClaim)
        for test in claim.tests:
            draws = tuple(sum(draw in group for draw in study.draws) for group in test.groups)
            forecasts.append(StudyForecast(claim, test, draws, detectable(test, draws, level)))
    return forecasts
