"""Sections of experiments of one's own: rows, comparison, findings, figure, in terminal, HTML and Markdown."""

import io

import pytest
from rich.console import Console

from srnn_bench import Conditions, Result, StageResult
from srnn_bench.report import own_sections, print_report, write_html, write_markdown
from srnn_bench.report import write_figures as write
from srnn_bench.tables import OwnExperiment
from srnn_bench.training import describe
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import PathIntegration

ENVIRONMENT = describe("adding", Conditions("cpu"))
EPOCHS = [{"loss": 1 / epoch, "penalty": 0.0, "density": 0.5} for epoch in (1, 2, 3)]


def result_of(experiment, seed, values, *, status="done", reason=None) -> Result:
    """Return a run with the metric mse of each stage."""
    stages = [
        StageResult(
            name=name,
            metrics={"mse": value, "accuracy": 0.5},
            densities={"w": 1.0 if name == "dense" else 0.25, "b": 1.0},
            history=[{**epoch, "metrics": {"mse": value}} if epoch["loss"] < 1 else epoch for epoch in EPOCHS],
            steps=6,
            step_ms=2.0 + seed,
            peak_memory_mb=None,
        )
        for name, value in values.items()
    ]
    run = {"key": experiment.key(seed), "experiment": experiment, "seed": seed, "status": status, "reason": reason}
    return Result(**run, stages=stages, environment=ENVIRONMENT, seconds=1.0)


def own(name, experiment, values, *others, command="", grid=None) -> OwnExperiment:
    """Return an experiment of which the last stage has these values, and other results."""
    stages = [stage.name for stage in experiment.stages]
    runs = [result_of(experiment, seed, dict.fromkeys(stages, value)) for seed, value in enumerate(values)]
    results = {run.seed: run for run in (*runs, *others)}
    return OwnExperiment(name, experiment, results, grid or {}, command)


@pytest.fixture
def experiments(tiny) -> list[OwnExperiment]:
    """Two experiments with two stages, one of which has a diverged run and one that was not run, and a dense one."""
    sizes = {name: tiny(model=SequenceModel(recurrence=ElmanRNN(hidden=size))) for name, size in (("a", 5), ("b", 7))}
    dense = tiny(stages=(tiny().stages[0].model_copy(update={"name": "dense", "pruning": None}),))
    diverged = result_of(sizes["b"], 8, {"sparse": 1.0}, status="diverged", reason="loss is nan")
    found = [
        own("a", sizes["a"], [1.0, 1.01, 1.02], command="srnn run a.json --seeds 0,1,2"),
        own("b & <b>", sizes["b"], [2.0, 2.1, 2.05], diverged),
        own("dense", dense, [1.015, 1.0, 1.03]),
    ]
    found[1].results[9] = None
    return found


def texts(sheet):
    return [dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows]


def test_there_is_one_row_per_experiment(experiments):
    (section,) = own_sections(experiments)
    a, b, dense = texts(section.cells)
    assert (a["experiment"], a["n"], a["mse"]) == ("a\nafter lottery", "3", "1.010 ± 0.010")
    assert (b["experiment"], b["n"]) == ("b & <b>\nafter lottery", "3\n1 diverged, 1 not run")
    assert a["mse after sparse"] == "1.010 ± 0.010" and b["mse after sparse"] == "1.79 ± 0.53"
    assert (dense["experiment"], dense["mse after sparse"]) == ("dense\nafter dense", "")
    assert (a["w present"], dense["w present"]) == ("25.00 %", "100.00 %")
    assert "b present" not in a, "no experiment has a mask there"
    assert (a["accuracy"], a["ms per step"]) == ("0.5 ± 0", "3.00")
    assert section.counts == {"done": 9, "diverged": 1, "not run": 1}
    assert "b & <b>: 1 diverged: loss is nan" in section.remarks
    assert section.commands == ("srnn run a.json --seeds 0,1,2", "srnn report")


def test_any_two_are_compared_and_differences_are_findings(experiments):
    (section,) = own_sections(experiments)
    rows = texts(section.shown[0])
    assert [row["pair"] for row in rows][-1] == "a\nminus dense", "the pairs are sorted by p"
    first, third, second = sorted(rows, key=lambda row: (row["pair"] == "a\nminus dense", row["pair"]))
    assert first["pair"] == "a\nminus b & <b>" and first["n"] == "3, 3"
    assert first["difference of mse"].startswith("-1.04\n")
    assert first["conclusion"].startswith("the mean of a is lower than that of b & <b>, among the runs with a value")
    assert second["conclusion"].startswith("no difference found; a difference of ")
    assert third["conclusion"].startswith("the mean of dense is lower than that of b & <b>")
    assert [finding.verdict for finding in section.findings] == ["different", "different"]
    assert section.findings[0].statement.startswith("mse: the mean of ")
    assert all("corrected over 3 pairs" in finding.reason for finding in section.findings)
    (tests,) = [remark for remark in section.remarks if remark.startswith("Comparison: ")]
    assert "by a t test" in tests and "Holm's procedure over 3 tested pairs" in tests


def test_without_a_difference_the_finding_is_undecided(tiny):
    a, b = tiny(), tiny(penalties=())
    (section,) = own_sections([own("a", a, [1.0, 1.2, 1.4]), own("b", b, [1.1, 1.2, 1.5])])
    (finding,) = section.findings
    assert finding.verdict == "undecided" and finding.statement == (
        "mse: no difference found between any two of the experiments"
    )
    assert "corrected" not in finding.reason, "there is one pair"
    (single,) = own_sections([own("a", a, [1.0, 1.2])])
    assert (single.findings, single.shown[0].rows, single.cells.rows[0][0]) == ((), (), "a")
    (one_run,) = own_sections([own("a", a, [1.0]), own("b", b, [1.1, 1.2])])
    assert one_run.findings == () and texts(one_run.shown[0])[0]["conclusion"].startswith("not tested: ")


def test_of_many_pairs_the_strongest_are_shown_and_all_are_folded(tiny):
    many = [
        own(f"e{size}", tiny(model=SequenceModel(recurrence=ElmanRNN(hidden=size))), [size, size + 0.1, size + 0.3])
        for size in range(1, 9)
    ]
    (section,) = own_sections(many)
    assert len(section.shown[0].rows) == 15 and len(section.folded[0].rows) == 8 * 7 // 2
    assert "15 of 28 pairs" in section.shown[0].title
    assert len(section.findings) == 15


def test_tasks_have_sections_of_their_own(tiny):
    other = tiny(task=PathIntegration(), penalties=())
    sections = own_sections([own("a", tiny(), [1.0, 1.1]), own("b", other, [1.0, 1.1]), own("c", tiny(), [1.0, 1.1])])
    kinds = ("adding", other.task.kind)
    assert [section.heading for section in sections] == [f"Experiments of your own: {kind}" for kind in kinds]
    assert [len(section.cells.rows) for section in sections] == [2, 1]


def test_the_learning_curves_of_all_experiments_are_in_one_figure(experiments, tmp_path):
    (section,) = own_sections(experiments)
    losses, metric = section.drawings
    assert (losses.name, metric.name) == ("own-adding-curves", "own-adding-validation-mse")
    assert "Runs: a (3), b & <b> (4, then 3), dense (3)." in losses.caption
    (axes,) = losses.figure.axes
    curves = [line for line in axes.lines if line.get_xydata().shape[0] == 3]
    assert len(curves) == 5, "two stages of two experiments, one stage of the third"
    assert {path.name for path in write([section], tmp_path)} == {
        f"{drawing.name}.{ending}" for drawing in (losses, metric) for ending in ("svg", "png")
    }


def test_terminal_html_and_markdown_show_the_same(experiments, tmp_path):
    sections = own_sections(experiments)
    console = Console(file=io.StringIO(), width=300)
    print_report(sections, console)
    html = write_html(sections, tmp_path / "report.html").read_text(encoding="utf-8")
    markdown = write_markdown(sections, tmp_path / "report.md").read_text(encoding="utf-8")
    for text in (console.file.getvalue(), html, markdown):
        for part in ("1.010 ± 0.010", "Comparison, each experiment with every other", "25.00 %", "uncorrected"):
            assert part in text
    assert "b &amp; &lt;b&gt;" in html and "<b>" not in html
    assert "<svg" in html and "All runs" in html


def test_a_page_wraps_sentences_and_counts_runs_only_if_not_all_are_done(experiments, tiny, tmp_path):
    some = write_html(own_sections(experiments), tmp_path / "some.html").read_text()
    every = write_html(own_sections([own("a", tiny(), [1.0, 1.2])]), tmp_path / "all.html").read_text()
    assert "<p>Runs: " in some and "<p>Runs: " not in every
    assert "td.words { white-space: normal; min-width: 18em; }" in some and "max-content; font" not in some


def test_runs_by_an_engine_are_shown_with_those_that_ran(tiny):
    loop, sparse = (result_of(tiny(), seed, {"sparse": 1.0, "lottery": 1.0}) for seed in (0, 1))
    stages = tuple(
        stage.model_copy(update={"engines": used})
        for stage, used in zip(sparse.stages, (("loop", "sparse"), ("sparse",)), strict=True)
    )
    environment = ENVIRONMENT.model_copy(update={"engine": "sparse"})
    sparse = sparse.model_copy(update={"stages": stages, "environment": environment})
    (section,) = own_sections([OwnExperiment("a", tiny(), {0: loop, 1: sparse}, {}, "")])
    assert "1 run by the engine sparse; those that ran: loop, sparse" in section.remarks
    place = section.runs.columns.index("ms per step")
    assert [row[place] for row in section.runs.rows] == ["2.00", "2.00", "3.00\nloop, sparse", "3.00\nsparse"]
    assert section.cells.rows[0][-1] == "2.50\nsparse"
    assert all(
        f"engine {engine}" in text for engine, text in zip(("loop", "sparse"), section.environments, strict=True)
    )
