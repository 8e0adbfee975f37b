"""`srnn list`: papers, groups of tables, tasks, and counts of runs on request."""

from srnn_bench import Conditions, Store, papers, run


def test_papers_are_listed_with_their_groups_of_tables(srnn, tmp_path):
    code, out, err = srnn("list")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "Paper moduli: Geometric sparsification in recurrent neural networks, arXiv 2406.06290 (built-in)" in lines
    first = next(number for number, line in enumerate(lines) if line.startswith("moduli/table1 "))
    assert lines[first + 1] == "also -hh, -reference, -paper"
    assert "other readings of the one above, which take roughly as long, or further tables of the same runs." in out
    assert "path_integration" in out and "moduli/table1-hh" not in out
    assert list(tmp_path.iterdir()) == [], "listing creates no folder"


def test_the_state_counts_the_runs_of_each_table(srnn, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    code, out, _ = srnn("list", "--state")
    assert code == 0 and "smoke 0/24" in out
    assert list(folder.iterdir()) == [], "listing creates no store"
    table = papers.table("moduli/table1", "smoke")
    store = Store(folder)
    job = next(job for job in table.jobs() if len(job.experiment.stages) == 1)
    store.put(run(job.experiment, seed=job.seed, conditions=Conditions("cpu")))
    lines = [" ".join(line.split()) for line in srnn("list", "--state")[1].splitlines()]
    assert any(line.startswith("moduli/table1 smoke 1/24; quick 0/36") for line in lines), lines[:20]
    assert "Runs in results/results.sqlite: 1 done" in lines


def test_a_table_has_a_title_times_data_and_its_readings(srnn, monkeypatch):
    monkeypatch.delenv("SRNN_DATA", raising=False)
    monkeypatch.setenv("HF_DATASETS_CACHE", "nowhere")
    out = srnn("list")[1]
    lines = [line.split() for line in out.splitlines()]
    (navigation,) = (line for line in lines if line[:1] == ["moduli/table1"])
    assert "none" in navigation and out.count("Navigation error after pruning, by regularizer") == 1
    (text,) = (line for line in out.splitlines() if line.split()[:1] == ["moduli/table4"])
    assert "WikiText-2 (missing)" in text and "?" not in text, "times are known without the data"


def test_a_title_is_that_of_the_scale_quick(srnn):
    (line,) = (line for line in srnn("list")[1].splitlines() if line.split()[:1] == ["modcog/demo"])
    assert papers.table("modcog/demo", "quick").title in line and "500 steps" in line
