"""Papers are found by folder or entry point: a new one is listed, run, reported and judged; broken ones are listed."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import srnn_bench
from srnn_bench import BenchError, Paper, Table, override_table, papers

TOY = """
from srnn_bench import Cell, Claim, Experiment, Paper, Stage, Table, Training, beats
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding


def sizes(scale):
    training = Training(epochs=2, batches=2, batch_size=8, learning_rate=1e-2)
    cells = []
    for hidden in (2, 4):
        model = SequenceModel(recurrence=ElmanRNN(hidden=hidden))
        task = Adding(steps=4, held_out=20)
        experiment = Experiment(task=task, model=model, stages=(Stage(name="dense", training=training),))
        cells.append(Cell(f"N = {hidden}", "error", experiment, "dense", "mse"))
    better = beats(("N = 4", "error"), over=("N = 2", "error"))
    return Table(
        name="toy/sizes",
        scale=scale,
        title="Sizes of toys",
        source="arXiv 0000.00000, Table 1",
        metric="Error",
        unit="1",
        better="lower",
        seeds=(0, 1),
        cells=tuple(cells),
        claims=(Claim("more is better", "Four neurons are better.", "abstract", (better,)),),
    )


PAPER = Paper("toy", "A toy paper", "0000.00000", {"sizes": sizes}, figures="figures:FIGURES")
"""

FIGURES = '''
from pathlib import Path

from srnn_bench import Figure


def note(request):
    """A note."""
    request.folder.mkdir(exist_ok=True)
    path = request.folder / "note.md"
    path.write_text(f"scale {request.scale}, store {request.store}")
    return [path]


FIGURES = {"note": Figure(note)}
'''

COMMANDS = """
import contextlib, io, json, sys
from srnn_bench.cli import main

printed = {}
for line in sys.argv[1:]:
    sys.argv = ["srnn", *line.split()]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main()
    printed[line] = out.getvalue()
json.dump(printed, sys.stdout)
"""


def in_copy(folder: Path, *commands: str) -> dict[str, str]:
    """Run commands with the copy of the package in a folder, in one process, and return what each printed."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    script = [sys.executable, "-c", COMMANDS, *commands]
    ended = subprocess.run(script, capture_output=True, text=True, cwd=folder, env=environment, timeout=600)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture
def copy(tmp_path) -> Path:
    """Return a folder with a copy of `srnn_bench`, to which one paper folder was added."""
    package = Path(srnn_bench.__file__).parent
    shutil.copytree(package, tmp_path / "srnn_bench", ignore=shutil.ignore_patterns("__pycache__"))
    toy = tmp_path / "srnn_bench" / "papers" / "toy"
    (toy / "figures").mkdir(parents=True)
    (toy / "__init__.py").write_text(TOY)
    (toy / "figures" / "__init__.py").write_text(FIGURES)
    return tmp_path


def test_a_paper_joins_by_adding_a_folder(copy):
    printed = in_copy(
        copy,
        "list",
        "run toy/sizes --scale smoke --device cpu --jobs 1",
        "report toy/sizes --scale smoke --format md --output report.md",
        "claims toy/sizes --scale smoke --json",
        "figure toy/note --scale smoke",
        "figure",
    )
    listed, _, reported, judged, figure, figures = printed.values()
    assert "Paper toy: A toy paper, arXiv 0000.00000" in listed and "toy/sizes" in listed and "moduli/table1" in listed
    assert "Sizes of toys" in reported and "Sizes of toys" in (copy / "report.md").read_text()
    (claim,) = json.loads(judged)
    assert claim["claim"] == "more is better" and claim["verdict"] == "undecided"
    assert figure.split() == ["figures/note.md"]
    assert "toy/note" in figures and "A note." in figures
    assert (copy / "figures" / "note.md").read_text() == "scale smoke, store None"


BROKEN = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "no_paper": ("PAPER = 3", "TypeError: expected a srnn_bench.Paper, got 3"),
    "other_name": (
        "from srnn_bench import Paper\nPAPER = Paper('another', '', '', {})",
        "expected a paper named 'other_name', as its folder or entry point, got 'another'",
    ),
    "no_value": ("", "has no attribute 'PAPER'"),
}
BROKEN_FIGURES = """
from srnn_bench import Paper
PAPER = Paper("drawn", "", "", {}, figures="no_such_module:FIGURES")
"""


def test_broken_papers_are_listed_with_their_errors_and_others_run(copy):
    for name, (text, _) in BROKEN.items():
        (copy / "srnn_bench" / "papers" / name).mkdir()
        (copy / "srnn_bench" / "papers" / name / "__init__.py").write_text(text)
    (copy / "srnn_bench" / "papers" / "drawn").mkdir()
    (copy / "srnn_bench" / "papers" / "drawn" / "__init__.py").write_text(BROKEN_FIGURES)
    dry_run = "run toy/sizes --scale smoke --device cpu --dry-run"
    listed, run, figures = in_copy(copy, "list", dry_run, "figure").values()
    lines = {line.split()[1].rstrip(",:"): line for line in listed.splitlines() if line.startswith("Paper ")}
    for name, (_, error) in BROKEN.items():
        assert "broken: " in lines[name] and error in lines[name]
    assert "broken" not in lines["toy"] and "broken" not in lines["moduli"]
    assert "4 runs" in run
    assert "toy/note" in figures and "drawn/" not in figures
    assert "paper 'drawn': figures 'no_such_module:FIGURES' are broken: ModuleNotFoundError" in figures


def test_a_table_that_cannot_be_built_does_not_keep_others_from_being_listed_and_judged(copy):
    (copy / "srnn_bench" / "papers" / "partly").mkdir()
    paper = "from srnn_bench import Paper\nPAPER = Paper('partly', '', '', {'gone': lambda scale: 1 / 0})"
    (copy / "srnn_bench" / "papers" / "partly" / "__init__.py").write_text(paper)
    run = "run toy/sizes --scale smoke --device cpu --jobs 1"
    publish, published = "publish toy/sizes --scale smoke --to runs", "claims --results runs"
    commands = (run, "list --state", "claims --json --scale smoke", publish, published)
    _, listed, judged, _, of_published = in_copy(copy, *commands).values()
    (state,) = (line for line in listed.splitlines() if line.startswith("    partly/gone"))
    assert "smoke broken: ZeroDivisionError: division by zero" in state
    assert "    toy/sizes                    smoke 4/4;" in listed
    assert {"toy/sizes", "moduli/table1"} <= {row["table"] for row in json.loads(judged)}
    assert "[toy/sizes, scale smoke]" in of_published


def test_a_paper_is_found_without_importing_another():
    script = "import sys; from srnn_bench import papers; papers.find('modcog/table1'); print(*sys.modules, sep='\\n')"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = ended.stdout.split()
    assert "srnn_bench.papers.modcog" in modules and "srnn_bench.papers.moduli" not in modules
    assert "srnn_bench.papers.modcog.figures" not in modules


def test_papers_and_their_names():
    assert {"modcog", "moduli"} <= set(papers.PAPERS.names())  # and those of installed plug-ins
    for name in papers.PAPERS.names():
        paper = papers.find(name)
        assert paper.name == name and paper.title and paper.arxiv
        assert all(f"{name}/{table}" in papers.table_names() for table in paper.tables)
    assert all(figure.title.endswith(".") for figure in papers.figures().values())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "moduli/tabel1",
            r"table: no table 'moduli/tabel1'; did you mean 'moduli/table1' or .*\? `srnn list` shows all",
        ),
        ("table1", r"table: no table 'table1'"),
        ("modul/table1", r"did you mean 'moduli/table1'"),
    ],
)
def test_an_unknown_table_is_an_error_with_near_matches(name, message):
    with pytest.raises(BenchError, match=message):
        papers.table(name, "smoke")


def test_an_unknown_figure_is_an_error_with_near_matches():
    with pytest.raises(BenchError, match=r"figure: no figure 'moduli/figure9'; did you mean 'moduli/figure"):
        papers.figure("moduli/figure9")


def test_tables_are_grouped_by_the_table_that_they_vary():
    names = ("table1", "table2", "low-degree", "table1-hh", "table1-hh-x", "low")
    paper = Paper("p", "", "", dict.fromkeys(names, papers.find("moduli").tables["table1"]))
    assert paper.groups == {"table1": ("table1-hh", "table1-hh-x"), "table2": (), "low": ("low-degree",)}
    assert papers.find("moduli").groups["table1"] == ("table1-hh", "table1-reference", "table1-paper")


def test_a_table_with_another_name_is_an_error():
    def build(scale) -> Table:
        return papers.table("moduli/table1", scale)

    with pytest.raises(
        BenchError, match="paper 'mine': expected table 'mine/first' at scale 'smoke', got 'moduli/table1'"
    ):
        Paper("mine", "", "", {"first": build}).table("first", "smoke")


def test_tables_that_cannot_be_built_are_named_beside_the_family_of_another():
    def named(name, family):
        return lambda scale: replace(papers.table("moduli/table1", scale), name=name, family=family)

    def broken(scale) -> Table:
        raise RuntimeError("nope")

    tables = {"one": named("mine/one", "mine/x"), "two": broken, "three": named("mine/three", "mine/x")}
    tables |= {"four": named("other/four", "mine/x"), "five": named("mine/five", "mine/five")}
    relatives = Paper("mine", "", "", tables).table("one", "smoke").relatives()
    assert [table.name for table in relatives.siblings] == ["mine/three"]
    assert relatives.broken == (
        "mine/two (RuntimeError: nope)",
        "mine/four (BenchError: paper 'mine': expected table 'mine/four' at scale 'smoke', "
        "got 'other/four' at scale 'smoke')",
    )
    table = Paper("mine", "", "", tables).table("one", "smoke")
    assert override_table(table, ["stages.0.training.learning_rate=0.5"]).relatives().broken == relatives.broken
