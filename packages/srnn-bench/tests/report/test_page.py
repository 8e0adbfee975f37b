"""The report in a browser, on a phone and on a screen, light and dark.

No message on the console, nothing wider than the window, no first column scrolled out of sight or covered, and every
text with enough contrast (WCAG 2: 4.5, or 3 for large text).
"""

import dataclasses
import json
import re
import shutil
import subprocess
from html import escape, unescape
from types import SimpleNamespace
from typing import get_args

import pytest

from srnn_bench import Conditions, Store, papers, run, section, summarise, write_html
from srnn_bench.tables import Verdict

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (400, 1600)
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
function numbers(colour) {{ return colour.match(/[\\d.]+/g).map(Number); }}
function luminance(colour) {{
  const linear = numbers(colour).slice(0, 3).map(value => value / 255).map(
    share => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}}
function background(element) {{
  for (; element; element = element.parentElement) {{
    const colour = getComputedStyle(element).backgroundColor;
    if (numbers(colour)[3] !== 0) return colour;
  }}
  return "rgb(255, 255, 255)";
}}
function isFaint(element) {{
  const style = getComputedStyle(element);
  const colour = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
  const [low, high] = [luminance(colour), luminance(background(element))].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05) < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5);
}}
function isHidden(cell, box) {{
  cell.scrollIntoView({{block: "center", inline: "nearest"}});
  box.scrollLeft = box.scrollWidth;
  const place = cell.getBoundingClientRect(), room = box.getBoundingClientRect();
  if (place.left < room.left - 1 || place.width > 0.6 * room.width) return true;
  const top = cell.ownerDocument.elementFromPoint((place.left + place.right) / 2, (place.top + place.bottom) / 2);
  return !cell.contains(top);
}}
frame.onload = () => {{
  const page = frame.contentDocument, data = document.body.dataset;
  for (const folded of page.querySelectorAll("details")) folded.open = true;
  data.window = frame.contentWindow.innerWidth;
  data.wide = page.documentElement.scrollWidth;
  data.back = luminance(background(page.body));
  const texts = [...page.body.querySelectorAll("*")].filter(
    each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && each.tagName !== "title");
  data.faint = JSON.stringify(texts.filter(isFaint).map(each => each.textContent.trim().slice(0, 60)));
  const hidden = [];
  for (const box of page.querySelectorAll(".wide"))
    for (const row of [...box.querySelectorAll("tbody tr")].filter((_, at, all) => at % 8 == 0 || at == all.length - 1))
      if (isHidden(row.cells[0], box)) hidden.push(row.cells[0].textContent);
  data.hidden = JSON.stringify(hidden);
  data.texts = texts.length;
}};
</script>
"""
SCHEMES = {"dark": "0", "light": "1"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]


@pytest.fixture
def browse(tmp_path):
    """Return a function that opens a page and returns console messages and what the script of the frame measures."""

    def open_(page: str, width: int, scheme: str = "light") -> SimpleNamespace:
        framed = tmp_path / "framed.html"
        framed.write_text(FRAME.format(width=width, page=escape(page)), encoding="utf-8")
        settings = (
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            f"--user-data-dir={tmp_path / 'profile'}",
        )
        command = [BROWSER, *FLAGS, *settings, framed.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        measured = re.search(r"<body ([^>]*)>", done.stdout)
        assert measured is not None, done.stdout[:1000]
        data = {name: json.loads(unescape(text)) for name, text in re.findall(r'data-(\w+)="([^"]*)"', measured[1])}
        return SimpleNamespace(console=re.findall(r":CONSOLE.*", done.stderr), **data)

    return open_


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    """Return the page of a table whose runs are made here, as it is and as if at a scale at which claims are judged."""
    folder = tmp_path_factory.mktemp("page")
    table = papers.table("moduli/table1", "smoke")
    store = Store(folder)
    for job in table.jobs():
        store.put(run(job.experiment, seed=job.seed, conditions=Conditions("cpu")))
    summary = summarise(table, store)
    assert len(summary.results) == summary.wanted
    judged = dataclasses.replace(summary, table=dataclasses.replace(table, scale="quick"))
    return write_html([section(summary), section(judged)], folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_readable_at_every_width_and_in_both_schemes(browse, page, width, scheme):
    every_verdict = "".join(f'<p class="{verdict}">{verdict}</p>' for verdict in get_args(Verdict))
    seen = browse(page.replace("</body>", f"{every_verdict}</body>"), width, scheme)
    assert (seen.window, seen.wide) == (width, width)
    assert seen.console == []
    assert seen.hidden == [], "first columns that are scrolled away, covered or too wide"
    assert seen.faint == [], "texts with too little contrast"
    assert seen.texts > 200
    assert (seen.back < 0.1) == (scheme == "dark")


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


def test_what_is_wrong_with_a_page_is_seen(browse, page):
    wrong = "<style>th:first-child { position: static !important; } .quiet { color: #888 !important; }</style>"
    seen = browse(page.replace("</body>", f'{wrong}<p style="width: 30rem">wide</p></body>'), WIDTHS[0])
    assert seen.wide > seen.window == WIDTHS[0]
    assert "Baseline" in seen.hidden
    assert any(text.startswith("Position error in cm") for text in seen.faint)
