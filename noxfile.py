"""The sessions of the workspace: `nox` tests everything, `nox -s bench` reproduces the papers' tables.

Every environment is made by virtualenv and pip, with the tested versions of constraints.txt.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from itertools import chain
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["tests"]
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"

ROOT = Path(__file__).parent
PACKAGES = ("srnn-manifolds", "srnn-masks", "srnn-pruning", "srnn-models", "srnn-tasks", "srnn-bench")
CONSTRAINTS = ("-c", str(ROOT / "constraints.txt"))
EVERYTHING = ("integration_tests", *(f"packages/{name}" for name in PACKAGES))  # the longest tests first


def pyproject(package: str) -> dict:
    """Return the parsed pyproject.toml of a package."""
    return tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text())


def with_siblings(package: str) -> list[str]:
    """Return the package after the sibling packages that it declares."""
    declared = {re.match(r"[\w-]+", line)[0] for line in pyproject(package)["project"]["dependencies"]}
    return [name for name in PACKAGES if name in declared] + [package]


def folders(*packages: str) -> list[str]:
    """Return the folders of packages, as pip takes them."""
    return [f"./packages/{name}" for name in packages]


def test_tools(package: str) -> list[str]:
    """Return the test tools that a package declares."""
    return pyproject(package)["dependency-groups"]["test"]


@nox.session
def tests(session: nox.Session) -> None:
    """Test the six packages and how they work together, with a plug-in installed as a third party would install it.

    Arguments are passed to pytest: `nox -s tests -- packages/srnn-masks -x`. `--hypothesis-profile=deep` draws more
    examples.
    """
    tools = {tool for package in PACKAGES for tool in test_tools(package)}
    session.install(*CONSTRAINTS, *folders(*PACKAGES), *sorted(tools), "pytest-xdist>=3.6")
    session.install(*CONSTRAINTS, "--no-deps", "./integration_tests/plugin")
    threads = {"OMP_NUM_THREADS": "1"}  # two workers share the cores; more threads than cores only wait
    options = ("-n", "2", "--dist", "worksteal", "--durations", "15")
    session.run("python", "-m", "pytest", *options, *(session.posargs or EVERYTHING), env=threads)


@nox.session
def neurogym(session: nox.Session) -> None:
    """Test srnn-tasks with neurogym, which pins gymnasium, numpy and matplotlib below the tested versions."""
    session.install("torch==2.13.0", "./packages/srnn-tasks[neurogym]", *test_tools("srnn-tasks"))
    with session.chdir(ROOT / "packages" / "srnn-tasks"):
        session.run("python", "-m", "pytest", "tests/gym", "tests/test_neurogym.py", *session.posargs)


@nox.session
def onnx(session: nox.Session) -> None:
    """Test the export of srnn-models to ONNX."""
    session.install(*CONSTRAINTS, "./packages/srnn-models[onnx]", *test_tools("srnn-models"))
    with session.chdir(ROOT / "packages" / "srnn-models"):
        session.run("python", "-m", "pytest", "tests/test_export.py", *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session
def speed(session: nox.Session) -> None:
    """Measure engines, compact models and networks of edges, and write docs/results/speed.

    It takes 35 minutes and needs a quiet machine, a C++ compiler and 16 GB of memory.
    `-- --scale 0.05 --repeat 2` only shows that everything runs.
    """
    session.install(*CONSTRAINTS, *folders("srnn-masks", "srnn-models"))
    options, compiled = (session.posargs, []) if session.posargs else (["--write"], ["--compile"])
    waiting = {"OMP_WAIT_POLICY": "passive"} if session.posargs else {}  # other processes may use the cores
    session.run("python", "benchmarks/engine_speed.py", *compiled, *options, env=waiting)
    for script in ("compact_speed", "edges_speed", "engine_crossover", "block_speed"):
        session.run("python", f"benchmarks/{script}.py", *options, env=waiting)
    session.run("python", "benchmarks/engine_speed.py", "--threads", "2", "--only", "d = 6", *options, env=waiting)


OLDER_SIMULATOR = ("gymnasium-robotics==1.2.4", "gymnasium==0.29.1", "mujoco==2.3.7", "minari[hdf5]==0.5.4")
BESIDE_NEUROGYM = ("neurogym==2.3.1", "numpy==2.2.6", "matplotlib==3.10.9")


@nox.session
def robotics(session: nox.Session) -> None:
    """Test the tasks with a simulator, MuJoCo, in the tested versions; those that need data read SRNN_DATA."""
    session.install(*CONSTRAINTS, "./packages/srnn-tasks[robotics]", *test_tools("srnn-tasks"))
    _test_robotics(session)


@nox.session
def robotics_older(session: nox.Session) -> None:
    """Test the tasks with a simulator in the lowest declared versions, which neurogym can be installed beside."""
    pinned = ("torch==2.13.0", *OLDER_SIMULATOR, *BESIDE_NEUROGYM)
    session.install(*pinned, "./packages/srnn-tasks[robotics,neurogym]", *test_tools("srnn-tasks"))
    _test_robotics(session)


def _test_robotics(session: nox.Session) -> None:
    session.run("python", "-m", "pip", "check")
    wanted = ("tests/robotics", "tests/test_laws.py", "-k", "robotics or hammer or minari")
    with session.chdir(ROOT / "packages" / "srnn-tasks"):
        session.run("python", "-m", "pytest", *wanted, *session.posargs, env={"OMP_NUM_THREADS": "1"})


BENCH = ("moduli/table1", "moduli/strength", "--scale", "quick")


@nox.session
def demo(session: nox.Session) -> None:
    """Train masked and dense networks on 20 cognitive tasks, print which learn faster, and write a report."""
    session.log("Installs the packages (about a minute), then trains for about three minutes on two CPU cores.")
    session.install(*CONSTRAINTS, *folders(*PACKAGES))
    session.run("srnn", "demo", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Reproduce the papers' tables and write the report: `nox -s bench -- all --scale paper` runs every table."""
    wanted = session.posargs or BENCH
    session.log(f"Installs the packages, runs {' '.join(wanted)}, and writes a report.")
    session.log("An effect in three minutes: nox -s demo. Only to see that it all works: -- TABLE --scale smoke.")
    session.log("Everything, for days: nox -s bench -- all --scale quick; as in the papers, on a GPU: --scale paper.")
    session.install(*CONSTRAINTS, *folders(*PACKAGES))
    session.run("srnn", "run", *wanted, "--dry-run")  # prints how long it takes on this machine
    session.run("srnn", "run", *wanted)
    session.run("srnn", "report")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting with ruff, and each package's imports against what it declares with deptry."""
    session.install(*CONSTRAINTS, "ruff", "deptry")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    for package in PACKAGES:
        with session.chdir(ROOT / "packages" / package):
            session.run("deptry", "src")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of all six packages with mypy, strictly."""
    session.install(*CONSTRAINTS, *folders(*PACKAGES), "./packages/srnn-tasks[gymnasium]", "mypy")
    session.run("mypy", *[f"packages/{name}/src" for name in PACKAGES])


@nox.session
def build(session: nox.Session) -> None:
    """Build sdists and wheels, check them, then install each package alone and import all of its modules.

    Each package is installed from its wheel into an environment with nothing but what it declares, so an import that
    it does not declare fails here.
    """
    session.install(*CONSTRAINTS, "build", "twine", "hatchling")
    dist = Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    for package in PACKAGES:
        folder = f"packages/{package}"
        session.run("python", "-m", "build", "--no-isolation", "--outdir", str(dist), folder, silent=True)
    session.run("twine", "check", "--strict", *sorted(str(path) for path in dist.iterdir()))
    alone = Path(session.create_tmp()) / "alone"
    for package in PACKAGES:
        wheels = [str(next(dist.glob(f"{name.replace('-', '_')}-*.whl"))) for name in with_siblings(package)]
        python = str(alone / "bin" / "python")
        session.run("virtualenv", "--clear", str(alone), external=True, silent=True)
        session.run(python, "-m", "pip", "install", "--quiet", *CONSTRAINTS, *wheels, external=True)
        session.run(python, "-m", "pip", "check", external=True)
        module = package.replace("-", "_")
        session.run(python, "integration_tests/import_everything.py", module, external=True)
    shutil.rmtree(alone)


@nox.session
@nox.parametrize("package", PACKAGES, ids=PACKAGES)
def minimums(session: nox.Session, package: str) -> None:
    """Test one package with the lowest versions that it declares, torch apart."""
    lowest = [f"{name}=={version}" for name, version in lowest_versions(with_siblings(package)).items()]
    session.install("torch==2.13.0", *lowest, *folders(*with_siblings(package)), *test_tools(package))
    with session.chdir(ROOT / "packages" / package):
        session.run("python", "-m", "pytest", "-m", "not slow", *session.posargs)


def lowest_versions(packages: list[str]) -> dict[str, str]:
    """Return the lower bounds that packages declare for others than torch and srnn; the highest bound wins."""
    lowest: dict[str, str] = {}
    for package in packages:
        project = pyproject(package)["project"]
        extras = dict(project.get("optional-dependencies", {}))
        for own in ("neurogym", "robotics", "onnx"):  # they have sessions, and versions, of their own
            extras.pop(own, None)
        lines = chain(project["dependencies"], *extras.values())
        for line in lines:
            name, version = re.match(r"([\w-]+)(?:\[[\w,-]+\])?>=([\d.]+)", line).groups()
            if name != "torch" and not name.startswith("srnn-"):
                key = [int(part) for part in version.split(".")]
                held = lowest.get(name)
                if held is None or key > [int(part) for part in held.split(".")]:
                    lowest[name] = version
    return lowest


@nox.session
def release(session: nox.Session) -> None:
    """Build the one package that a tag such as srnn-masks-v0.1.0 names into dist/, if version and changelog agree."""
    tag = (
        session.posargs[0]
        if len(session.posargs) == 1
        else session.error("expected one tag, such as srnn-masks-v0.1.0")
    )
    package, _, version = tag.rpartition("-v")
    if package not in PACKAGES:
        session.error(f"tag {tag!r}: expected <package>-v<version> with one of {', '.join(PACKAGES)}")
    if version != pyproject(package)["project"]["version"]:
        session.error(f"tag {tag!r}: {package} has the version {pyproject(package)['project']['version']}")
    if "Repository" not in pyproject(package)["project"]["urls"]:
        session.error(f"tag {tag!r}: expected the public address of this repository as Repository in [project.urls]")
    changelog = (ROOT / "packages" / package / "CHANGELOG.md").read_text().splitlines()
    if not any(re.fullmatch(rf"## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", line) for line in changelog):
        session.error(f"tag {tag!r}: expected a heading '## {version} (YYYY-MM-DD)' in the CHANGELOG.md of {package}")
    session.install(*CONSTRAINTS, "build", "twine")
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist", f"packages/{package}")
    session.run("twine", "check", "--strict", *sorted(str(path) for path in (ROOT / "dist").iterdir()))
