"""The committed proposals of parents are those that follow from the published runs of `blocks/parent-draws`."""

import json
from pathlib import Path

import pytest

from srnn_bench.papers.blocks.parent import PARENTS, as_json, propose, settings, trained
from srnn_bench.store import open_results

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "packages" / "srnn-bench" / "src" / "srnn_bench" / "papers" / "blocks" / "parent" / "proposals.json"


@pytest.fixture(scope="module")
def groups():
    return trained(open_results(ROOT / "docs" / "results" / "runs"), "quick")


@pytest.fixture(scope="module")
def kept():
    return json.loads(KEPT.read_text())


def test_losses_are_those_of_the_published_runs(groups, kept):
    assert [len(group.losses) for group in groups] == [50] * 20
    contents = as_json(groups, {})
    assert contents.keys() == kept.keys()
    for task, by_budget in contents.items():
        for budget, found in by_budget.items():
            assert found["losses"] == pytest.approx(kept[task][budget]["losses"], rel=1e-12)
            assert found["diverged"] == kept[task][budget]["diverged"]


@pytest.mark.slow
def test_a_forest_proposes_again_what_is_kept(groups, kept):
    """Also on another processor: its splits compare numbers that do not depend on it."""
    pytest.importorskip("sklearn")
    proposals = propose(groups, settings("quick"), {"forest": PARENTS["forest"]})
    for task, by_budget in as_json(groups, proposals).items():
        for budget, found in by_budget.items():
            assert found["proposals"]["forest"] == kept[task][budget]["proposals"]["forest"]
