"""The pictures of the READMEs are drawn by the scripts in docs/pictures, and every picture that a page shows exists."""

import csv
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]

PICTURES = ROOT / "docs" / "pictures"

SCRIPTS = {
    "masks.py": {"masks"},
    "inhibitor.py": {"inhibitor"},
    "trial.py": {"trial"},
    "anomaly.py": {"anomaly"},
    "learning.py": {"learning"},
    "pruned.py": {"pruned"},
    "findings.py": {f"finding-{name}" for name in ("faster", "rates", "density", "random", "pruned", "before")},
}

KILOBYTES = 100  # at most, per picture

NEEDS_MNIST = {"anomaly.py"}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_draws_its_pictures_for_light_and_dark_pages(script, tmp_path):
    if script in NEEDS_MNIST and "SRNN_DATA" not in os.environ:
        pytest.skip("SRNN_DATA is not set: no MNIST files")
    subprocess.run([sys.executable, str(PICTURES / script), str(tmp_path)], check=True, cwd=tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == SCRIPTS[script]
    for path in tmp_path.iterdir():
        text = path.read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert root.tag.endswith("svg") and float(root.get("width")) > 0 and float(root.get("height")) > 0
        assert len(root.get("aria-label")) > 40
        assert "prefers-color-scheme:dark" in text and "currentColor" in text and "#010203" not in text
        committed = (PICTURES / path.name).read_text(encoding="utf-8")
        if script != "pruned.py":  # whose weights depend on the rounding of the machine
            assert words(text) == words(committed), f"run docs/pictures/{script} again"


def words(svg):
    """Return the text of a picture, its numbers included."""
    root = ElementTree.fromstring(svg)
    return [root.get("aria-label"), *(element.text for element in root.iter() if element.tag.endswith("}text"))]


def test_each_committed_picture_has_a_script_and_is_small():
    pictures = set(PICTURES.glob("*.svg"))
    assert {path.stem for path in pictures} == set().union(*SCRIPTS.values())
    assert {path.name for path in PICTURES.glob("*.py")} == {*SCRIPTS, "_pages.py", "_picture.py", "collect_demo.py"}
    assert {path.name: path.stat().st_size for path in pictures if path.stat().st_size > KILOBYTES * 1000} == {}


PAGES = [ROOT / "README.md", *ROOT.glob("packages/*/README.md"), *ROOT.glob("docs/**/*.md"), ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_pictures_and_files_that_a_page_links_exist(page):
    links = re.findall(r"\]\(([^)#\s]+)", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def test_the_readme_shows_the_numbers_of_the_demonstration():
    """An independent calculation of what `collect_demo.py` writes."""
    shares = {}
    with (PICTURES / "data" / "demo.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if (row["split"], row["steps"]) == ("test", "500"):
                shares.setdefault(row["network"], []).append(float(row["decision_accuracy"]))
    block = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- demo -->")[2].partition("<!-- end")[0]
    shown = dict(re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+ \| \d+) \|$", block, re.MULTILINE))
    assert shown == {
        name: f"{statistics.fmean(each):.2f} ± {statistics.stdev(each):.2f} | {len(each)}"
        for name, each in shares.items()
    }
    assert set(shown) == {"d = 0", "d = 1", "dense"}
