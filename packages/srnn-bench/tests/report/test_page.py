"""The report in a browser: no error on the console, and nothing wider than a phone or a screen."""

import re
import shutil
import subprocess
from html import escape
from types import SimpleNamespace

import pytest

from srnn_bench import Conditions, Store, papers, run, summarise, write_html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (360, 400, 1600)
# The browser itself uses neither network nor desktop; CI runs as root, without a sandbox
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1700,1000"),
    *("--virtual-time-budget=2000", "--enable-logging=stderr", "--v=0", "--dump-dom"),
)
# A window is at least 500 px wide, so the page is in a frame; it is measured with all details unfolded.
FRAME = """<!doctype html>
<title>frame</title>
<iframe style="border: 0; width: {width}px; height: 900px" srcdoc="{page}"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  for (const folded of frame.contentDocument.querySelectorAll("details")) folded.open = true;
  document.body.dataset.window = frame.contentWindow.innerWidth;
  document.body.dataset.wide = frame.contentDocument.documentElement.scrollWidth;
}};
</script>
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]


@pytest.fixture
def browse(tmp_path):
    """Return a function that opens a page and returns console messages, width of the frame and width of the page."""

    def open_(page: str, width: int) -> SimpleNamespace:
        framed = tmp_path / "framed.html"
        framed.write_text(FRAME.format(width=width, page=escape(page)), encoding="utf-8")
        command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", framed.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        numbers = {name: int(value) for name, value in re.findall(r'data-(window|wide)="(\d+)"', done.stdout)}
        return SimpleNamespace(console=re.findall(r":CONSOLE.*", done.stderr), **numbers)

    return open_


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    """Return the page of a table whose runs are made here."""
    folder = tmp_path_factory.mktemp("page")
    table = papers.table("moduli/table1", "smoke")
    store = Store(folder)
    for job in table.jobs():
        store.put(run(job.experiment, seed=job.seed, conditions=Conditions("cpu")))
    summary = summarise(table, store)
    assert len(summary.results) == summary.wanted
    return write_html([summary, summary], folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_and_the_console_stays_empty(browse, page, width):
    seen = browse(page, width)
    assert (seen.window, seen.wide) == (width, width)
    assert seen.console == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("<script>console.error('deliberate')</script>", "deliberate"),
        ("<script>nothing()</script>", "nothing is not defined"),
        ('<svg><path d="M 0 zero"/></svg>', "attribute d"),
    ],
)
def test_an_error_on_the_console_is_seen(browse, page, wrong, message):
    seen = browse(page.replace("</body>", f"{wrong}</body>"), WIDTHS[0])
    assert any(message in line for line in seen.console)


def test_a_page_that_is_too_wide_is_seen(browse, page):
    seen = browse(page.replace("</body>", '<p style="width: 30rem">wide</p></body>'), WIDTHS[0])
    assert seen.wide > seen.window == WIDTHS[0]
