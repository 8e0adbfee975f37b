"""The graph of the packages: what importing one of them may bring along."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEAVES = ("srnn_manifolds", "srnn_masks", "srnn_pruning", "srnn_models", "srnn_tasks")
ALLOWED = {"srnn_pruning": {"srnn_masks"}}
EXTRAS = {"datasets", "gymnasium", "neurogym", "ripser", "ray", "matplotlib", "pandas", "pyarrow", "flip_flop_task"}


@pytest.mark.parametrize("leaf", LEAVES)
def test_importing_a_leaf_imports_no_other_and_no_extra(leaf):
    code = f"import sys, {leaf}; print(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert leaf in loaded
    assert {name for name in loaded if name.startswith("srnn_")} == {leaf} | ALLOWED.get(leaf, set())
    assert not loaded & EXTRAS


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_declares_only_the_arrows_of_the_graph(leaf):
    pyproject = ROOT / "packages" / leaf.replace("_", "-") / "pyproject.toml"
    declared = tomllib.loads(pyproject.read_text())["project"]["dependencies"]
    siblings = {line for line in declared if line.startswith("srnn-")}
    assert siblings == {f"{name.replace('_', '-')}>=0.2,<0.3" for name in ALLOWED.get(leaf, set())}
