"""Verdicts: whether the results of a table support its claims."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ._claim import LEVEL, BaseClaim, Claim, Verdict
from ._claim_tests import ClaimTests, claim_tests
from ._column_case import ColumnCase
from ._column_claim import AcrossColumns
from ._contrast_test import ContrastTest
from ._judgement import Judgement
from ._reasons import Reasons
from ._statistics import holm
from ._study_case import StudyCase, study_case
from ._study_claim import StudyClaim
from ._summary import Summary


def judge(summary: Summary) -> list[Judgement]:
    """Judge every claim of a table by its results, in the order of the table.

    The rules are those of docs/decisions/0012-claims.md. In short: each contrast has one-sided t tests. A claim is
    supported if all its contrasts hold (intersection-union test: the largest p counts) and contradicted if one of them
    is reversed (Bonferroni over its contrasts). It is equivalent if all pairs of means that it compares are within the
    margin of the plan (two one-sided tests each). Holm's procedure corrects the two-sided p values over all claims of
    the family, and those of the equivalences separately, each at 5 %; a claim that cannot be tested counts with p = 1.

    Claims are judged among the runs that learned. The verdict is "undecided" if the scale is smoke, a run is missing,
    a cell has fewer than two such runs or no spread, or failures favour the cells that the verdict would favour.

    Claims about a study are corrected with the others of their family, by the rules of docs/decisions/0024-studies.md.
    """
    cases = [_case(claim, each) for each in (summary, *summary.siblings) for claim in each.table.claims]
    different = holm([1.0 if case.p is None else case.p for case in cases])
    equivalent = holm([1.0 if case.p_equivalent is None else case.p_equivalent for case in cases])
    own = len(summary.table.claims)
    return [
        case.judgement(*corrected)
        for case, *corrected in zip(cases[:own], different[:own], equivalent[:own], strict=True)
    ]


def _case(claim: BaseClaim, summary: Summary) -> _Case | StudyCase | ColumnCase:
    if isinstance(claim, StudyClaim):
        return study_case(claim, summary)
    if isinstance(claim, AcrossColumns):
        return ColumnCase(claim, summary)
    assert isinstance(claim, Claim)
    table = summary.table
    tests = claim_tests(claim, summary.judged, table.plan, lower=table.better == "lower")
    return _Case(tests, summary, Reasons(tests, table))


@dataclass(frozen=True)
class _Decision:
    verdict: Verdict
    reason: str
    test: ContrastTest  # whose numbers are shown


@dataclass(frozen=True)
class _Case:
    """A claim with its tests, and the sentences about them."""

    tests: ClaimTests
    summary: Summary
    reasons: Reasons

    @cached_property
    def obstacle(self) -> str | None:
        """Why the claim cannot be tested, None if it can."""
        return self.reasons.obstacle()

    @property
    def p(self) -> float | None:
        return None if self.obstacle else self.tests.p

    @property
    def p_equivalent(self) -> float | None:
        return None if self.obstacle else self.tests.p_equivalent

    @cached_property
    def detectable(self) -> float | None:
        """Distance that is found with 80 % power at the first step of Holm's procedure over the family."""
        return None if self.obstacle else self.tests.detectable(LEVEL / 2 / self.summary.family_size)

    def judgement(self, p_holm: float, p_equivalent_holm: float) -> Judgement:
        decision = self._decide(p_holm, p_equivalent_holm)
        test, samples = decision.test, self.tests.samples
        t_test, readings = test.t_test, self.summary.readings
        return Judgement(
            claim=self.tests.claim,
            verdict=decision.verdict,
            reason=decision.reason + self.summary.stale_text(samples),
            exploratory=self.summary.table.plan.exploratory,
            family=self.summary.family_size,
            readings=(sum(readings.values()), max(1, len(readings))),
            n={place: len(sample.values) for place, sample in samples.items()},
            failures={place: sample.failures for place, sample in samples.items()},
            fisher={each.contrast: each.fisher for each in self.tests.tests if each.fisher is not None},
            missing=self.tests.missing,
            deciding=test.contrast,
            estimate=t_test.estimate if t_test else None,
            interval=t_test.interval if t_test else None,
            bootstrap=test.bootstrap if t_test else None,
            effect=test.effect if t_test else None,
            p=self.p,
            p_holm=None if self.p is None else p_holm,
            margin=test.margin,
            p_equivalent=self.p_equivalent,
            p_equivalent_holm=None if self.p_equivalent is None else p_equivalent_holm,
            detectable=self.detectable if decision.verdict == "undecided" else None,
            rank_p=test.ranks[0] if test.ranks else None,
            rank_effect=test.ranks[1] if test.ranks else None,
        )

    def _decide(self, p_holm: float, p_equivalent_holm: float) -> _Decision:
        tests, reasons, deciding = self.tests, self.reasons, self.tests.deciding
        if self.summary.table.scale == "smoke":
            return _Decision(
                "undecided", "runs at scale smoke only test the code; their numbers mean nothing", deciding
            )
        if self.obstacle:
            return _Decision("undecided", self.obstacle, deciding)
        doubt_of_equivalence = tests.doubt_of_equivalence if p_equivalent_holm < LEVEL else None
        is_equivalent = p_equivalent_holm < LEVEL and doubt_of_equivalence is None
        if p_holm < LEVEL:
            supported = tests.sides[0] < tests.sides[1]
            if doubt := tests.doubt(supported):
                return _Decision("undecided", doubt, deciding)
            verdict: Verdict = "supported" if supported else "contradicted"
            return _Decision(verdict, reasons.difference(p_holm, is_equivalent=is_equivalent), deciding)
        if p_equivalent_holm < LEVEL:
            reason = reasons.equivalence(p_equivalent_holm, doubt_of_equivalence)
            return _Decision("equivalent" if is_equivalent else "undecided", reason, tests.least_equivalent)
        corrected = None if self.p_equivalent is None else p_equivalent_holm
        return _Decision("undecided", reasons.neither(p_holm, corrected, self.detectable), deciding)
