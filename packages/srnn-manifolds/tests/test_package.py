"""The package keeps to its declared dependencies."""

import ast
import subprocess
import sys
from pathlib import Path

import srnn_manifolds

SOURCES = sorted(Path(srnn_manifolds.__file__).parent.rglob("*.py"))


def test_source_imports_torch_pydantic_and_the_standard_library_only():
    allowed = {"torch", "pydantic", "srnn_manifolds"} | set(sys.stdlib_module_names)
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            assert {name.split(".")[0] for name in names} <= allowed, source.name


def test_importing_it_imports_no_sibling_and_draws_nothing():
    code = (
        "import sys, torch; before = torch.get_rng_state(); import srnn_manifolds, srnn_manifolds.testing\n"
        "assert torch.equal(before, torch.get_rng_state())\n"
        "print(sorted({m.split('.')[0] for m in sys.modules if m.startswith('srnn')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['srnn_manifolds']"


def test_version_is_that_of_the_distribution():
    assert srnn_manifolds.__version__.count(".") == 2
