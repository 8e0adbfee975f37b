"""Drawings: SVG for pages and files, PNG, and a style that leaves the settings of matplotlib alone."""

import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.lines import Line2D

from srnn_bench.drawing import (
    COLOURS,
    DASHES,
    MARKERS,
    Drawing,
    PlainNumbers,
    canvas,
    file_png,
    file_svg,
    inline_svg,
    legend,
    logarithmic,
    series,
    style,
    write_drawing,
)
from srnn_bench.report import write_html

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("<b> & \"c\" 'd'", "$x^2$", "_hidden", "90% sparse", "λ = 0.1 ± 2", "]]>")


def draw(name="name") -> Drawing:
    """Return a drawing with lines, a legend and a logarithmic axis."""
    with style():
        figure, axes = canvas(2.0)
        looks = {label: series(index) for index, label in enumerate(NAMES)}
        for index, look in enumerate(looks.values()):
            axes.plot([0, 1], [1, 10 + index], **look)
        logarithmic(axes, "y")
        legend(figure, {label: Line2D([], [], **look) for label, look in looks.items()})
    return Drawing(name, "A title & more", "A caption.", figure)


def test_a_file_is_black_on_white(tmp_path):
    drawing = draw()
    text = file_svg(drawing)
    root = ElementTree.fromstring(text)
    assert root.find(f"{SVG}title").text == drawing.title
    assert (root[1].tag, root[1].get("style")) == (f"{SVG}rect", "fill: #ffffff")
    assert "#000000" in text and "currentColor" not in text
    svg, png = write_drawing(drawing, tmp_path)
    assert (svg.name, png.name) == ("name.svg", "name.png")
    assert svg.read_text() == text and png.read_bytes() == file_png(drawing)
    assert png.read_bytes().startswith(b"\x89PNG")


def test_an_inline_drawing_takes_colour_font_and_width_of_its_page():
    drawing = draw()
    text = inline_svg(drawing)
    root = ElementTree.fromstring(text)
    assert "currentColor" in text and "#010203" not in text and "font-family" not in text
    assert "width" not in root.attrib and "viewBox" in root.attrib
    assert (root.get("role"), root.get("aria-label")) == ("img", "A title & more. A caption.")
    assert root[0].tag == f"{SVG}title" and root[0].text == drawing.title
    assert not list(root.iter(f"{SVG}style")), "a style element would apply to the whole page"
    assert re.findall("https?://[^\"' ]*", text) == ["http://www.w3.org/2000/svg"]


def test_only_identifiers_that_are_used_are_kept_and_they_have_the_name_of_the_drawing():
    for render in (inline_svg, file_svg):
        text = render(draw("other"))
        identifiers = {
            element.get("id") for element in ElementTree.fromstring(text.partition("?>\n")[2] or text).iter()
        }
        used = set(re.findall(r"""(?:href="|url\()#([^")]+)""", text))
        assert identifiers - {None} == used != set()
        assert all(name.startswith("other-") for name in used)


@pytest.mark.parametrize("render", [inline_svg, file_svg])
def test_names_are_drawn_literally(render):
    root = ElementTree.fromstring(render(draw()).rpartition("?>\n")[2])
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert all(any(name in text for text in texts) for name in NAMES)


def test_the_settings_of_matplotlib_change_no_drawing_and_are_left_alone():
    expected = [render(draw()) for render in (file_svg, file_png, inline_svg)]
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        assert [render(draw()) for render in (file_svg, file_png, inline_svg)] == expected
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.0, 0.5, 1.0], ["0", "0.5", "1"]),
        ([3.465, 3.4651, 3.4652], ["3.465", "3.4651", "3.4652"]),
        ([91.00001, 91.00002], ["91.00001", "91.00002"]),
        ([0.0, 2e-7, 4e-7], ["0", "2e-07", "4e-07"]),
        ([-1e-17, 0.1, 0.2, 0.30000000000000004], ["0", "0.1", "0.2", "0.3"]),
        ([1e6, 1.5e6], ["1e+06", "1.5e+06"]),
        ([0, 250, 1000, 1250, 12500], ["0", "250", "1,000", "1,250", "12,500"]),
        ([7.25], ["7.25"]),
        ([], []),
    ],
)
def test_tick_labels_are_complete_numbers(ticks, labels):
    assert PlainNumbers().format_ticks(ticks) == labels


def test_nothing_is_printed_beside_an_axis():
    with style():
        figure, axes = canvas(2.0)
        axes.plot([3.465, 3.4651], [1e9, 1e9 + 1])
        figure.draw_without_rendering()
        assert axes.xaxis.get_offset_text().get_text() == axes.yaxis.get_offset_text().get_text() == ""


def test_a_backend_that_is_not_installed_does_not_matter():
    code = "import srnn_bench.drawing, matplotlib, os; print(os.environ['MPLBACKEND'], matplotlib.rcParams['backend'])"
    for backend, kept in (("module://matplotlib_inline.backend_inline", False), ("nonsense", False), ("svg", True)):
        environment = {**os.environ, "MPLBACKEND": backend}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split()[0] == backend
        assert not kept or done.stdout.split()[1] == backend


def test_a_matplotlibrc_of_the_current_folder_changes_no_drawing(tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 30\ntext.usetex: True\naxes.grid: False\nbackend: nonsense\n")
    code = (
        "from srnn_bench.drawing import Drawing, canvas, file_svg, style\n"
        "with style():\n"
        "    figure, axes = canvas(2.0)\n"
        "    axes.plot([0, 1], [1, 10])\n"
        "print(file_svg(Drawing('name', 'title', 'caption', figure)), end='')\n"
    )
    files = [
        subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True).stdout
        for folder in (tmp_path, tmp_path.parent)
    ]
    assert files[0] == files[1] != ""


def test_series_differ_by_more_than_colour():
    looks = [(series(index)["color"], series(index)["marker"]) for index in range(56)]
    assert len(set(looks)) == 56
    for index in range(len(COLOURS)):
        assert series(index)["marker"] == MARKERS[index]
    assert len({str(series(index)["linestyle"]) for index in range(len(DASHES))}) == len(DASHES)


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_contrast_with_the_light_and_the_dark_page(tmp_path):
    page = write_html([], tmp_path / "report.html").read_text()
    backgrounds = [
        f"#{''.join(2 * digit for digit in back)}" if len(back) == 3 else f"#{back}"
        for back in re.findall(r"--back: #([0-9a-f]+)", page)
    ]
    assert len(backgrounds) == 2
    for background in backgrounds:
        for colour in COLOURS:
            low, high = sorted((luminance(colour), luminance(background)))
            assert (high + 0.05) / (low + 0.05) >= 3, colour


def test_only_drawing_imports_matplotlib_only_verdicts_scipy_and_nothing_pyplot(tmp_path):
    code = (
        "import sys, srnn_bench.report, srnn_bench.tables\n"
        f"srnn_bench.report.write_html([], {str(tmp_path / 'report.html')!r})\n"
        "assert not {'matplotlib', 'scipy'} & set(sys.modules)\n"
        "from srnn_bench.drawing import Drawing, canvas, file_png, file_svg\n"
        "figure, axes = canvas(1.0); drawing = Drawing('a', 'b', 'c', figure); file_png(drawing), file_svg(drawing)\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
