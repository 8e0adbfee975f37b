"""`srnn list`: papers, groups of tables, tasks, and counts of runs on request."""

from srnn_bench import Conditions, Store, papers, run


def test_papers_are_listed_with_their_groups_of_tables(srnn, tmp_path):
    code, out, err = srnn("list")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "Paper moduli: Geometric sparsification in recurrent neural networks, arXiv 2406.06290 (built-in)" in lines
    assert "moduli/table1 also -hh, -reference, -paper" in lines and "modcog/figure2a also -speed" in lines
    assert "modcog/dale" in lines and "path_integration" in out
    assert "smoke" not in out
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
