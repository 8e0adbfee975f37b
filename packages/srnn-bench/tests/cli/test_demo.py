"""`srnn demo`: what it says before it trains, and what it leaves behind."""


def test_the_demonstration_says_what_it_does_then_prints_a_table_and_writes_a_report(srnn, tmp_path):
    code, out, _ = srnn("demo", "--scale", "smoke", "--jobs", "1", "--device", "cpu")
    assert code == 0
    before, trained, after = out.partition("[1/6]")
    assert "3 networks of 25 units (d = 0, d = 1, dense) with 2 seeds" in before and "Time: about" in before
    assert trained and "numbers are noise" in after and "decision accuracy" in after
    report = tmp_path / "results" / "demo.html"
    assert f"Open it in a browser: {report}" in after and "modcog/demo" in report.read_text(encoding="utf-8")
    assert "reused" in srnn("demo", "--scale", "smoke", "--jobs", "1", "--device", "cpu")[1]
