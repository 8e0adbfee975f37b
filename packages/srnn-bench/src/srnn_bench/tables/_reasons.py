"""The sentences that explain verdicts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ._claim import LEVEL
from ._claim_tests import ClaimTests
from ._contrast_test import ContrastTest, censored_runs, p_text
from ._sample import Sample, failure_text, missing_text
from ._table import Table


@dataclass(frozen=True)
class Reasons:
    """The sentences about the tests of one claim of a table."""

    tests: ClaimTests
    table: Table

    def obstacle(self) -> str | None:
        """Return why the claim cannot be tested, None if it can."""
        if self.table.scale == "smoke":
            return "runs at scale smoke only test the code; their numbers mean nothing"
        samples = self._samples
        if not any(any(sample.cell.results.values()) for sample in samples):
            return "no run yet"
        if missing := self.tests.missing:
            total = missing + sum(sample.ended for sample in samples)
            return f"{missing} of {total} runs are missing: {missing_text(samples)}"
        for sample in samples:
            if len(sample.values) < 2:
                failed = f", {sample.failures} failed to learn" if sample.failures else ""
                return (
                    f"a t test needs two runs per cell that learned, and {sample} has {len(sample.values)} "
                    f"(of {sample.ended}{failed})"
                )
        for test in self.tests.tests:
            if test.form is None:
                return f"{test.contrast} has no form in logarithms, which the plan compares"
            if test.values is None:
                return f"{test.contrast}: the plan compares logarithms, and a value is not above 0"
            if test.t_test is None:
                return f"no t test: the values of {test.contrast} have no spread, are too few or too large"
        return None

    def difference(self, p_holm: float, *, is_equivalent: bool) -> str:
        """Return on which side of its limit the deciding contrast lies."""
        test = self.tests.deciding
        assert test.t_test is not None
        claimed, _ = self._sides
        side = "below" if test.t_test.t < 0 else "above"
        agreement = " as claimed" if side == claimed else f", not {claimed} as claimed"
        within = f"; the difference is within the margin of {self._margin(test)}" if is_equivalent else ""
        text = f"{self._sum(test)}, {side} {self._number(test.limit)}{agreement} (Holm p {p_text(p_holm)}){within}"
        return text + self._lost_runs()

    def equivalence(self, p_equivalent_holm: float, doubt: str | None) -> str:
        """Return that the means compared are within the margin, and what rules out that this is the verdict."""
        test = self.tests.least_equivalent
        text = f"{self._sum(test)}, within the margin of {self._margin(test)} (Holm p {p_text(p_equivalent_holm)})"
        return f"{text}, but {doubt}" if doubt else text + self._lost_runs()

    def neither(self, p_holm: float, p_equivalent_holm: float | None, detectable: float | None) -> str:
        """Return that neither a difference nor an equivalence was found, and what would be."""
        test, p = self.tests.deciding, self.tests.p
        uncorrected = f", uncorrected p {p_text(p)}" if p < LEVEL else ""
        text = (
            f"{self._sum(test)}, not significantly {' or '.join(self._sides)} {self._number(test.limit)} "
            f"(Holm p {p_text(p_holm)}{uncorrected})"
        )
        if p_equivalent_holm is not None:
            text += f" nor within {self._margin(test)} (Holm p {p_text(p_equivalent_holm)})"
        if detectable is not None:
            kind = "ratio" if self.table.plan.log else "difference"
            what = f"a {kind}" if len(self.tests.tests) == 1 else f"a {kind} in all comparisons"
            text += f"; {what} of {self._with_unit(detectable)} would be detected with 80 % power"
        return text + self._lost_runs()

    @property
    def _samples(self) -> list[Sample]:
        return list(self.tests.samples.values())

    @property
    def _sides(self) -> tuple[str, str]:
        return ("below", "above") if self.table.better == "lower" else ("above", "below")

    def _sum(self, test: ContrastTest) -> str:
        """Return a contrast and its estimate."""
        assert test.t_test is not None
        may_fail = self.table.plan.failure_threshold is not None or any(sample.failures for sample in self._samples)
        learned = "among the runs that learned, " if may_fail else ""
        weakest = "" if len(self.tests.tests) == 1 else f"weakest of {len(self.tests.tests)} comparisons: "
        geometric = "the ratio of geometric means in " if test.plan.log and len(test.samples) == 2 else ""
        return f"{learned}{weakest}{geometric}{test.contrast} is {self._with_unit(test.t_test.estimate)}"

    def _margin(self, test: ContrastTest) -> str:
        return self._with_unit(test.margin or 0.0)

    def _with_unit(self, value: float) -> str:
        return self._number(value) if self.table.plan.log else f"{self._number(value)} {self.table.unit}"

    def _number(self, value: float) -> str:
        return f"{math.exp(value) if self.table.plan.log else value:.3g}"

    def _lost_runs(self) -> str:
        """Return what became of runs that failed to learn or did not reach a threshold."""
        text = ""
        if any(sample.failures for sample in self._samples):
            p_values = [
                f"{test.contrast} {p_text(test.fisher)}" for test in self.tests.tests if test.fisher is not None
            ]
            fisher = f" (Fisher p: {', '.join(p_values)})" if p_values else ""
            text += f"; failed to learn: {failure_text(self._samples)}{fisher}"
        if censored := censored_runs(self._samples):
            count = "counts with all its" if censored.startswith("1 ") else "count with all their"
            text += f"; {censored} and {count} steps"
        return text
