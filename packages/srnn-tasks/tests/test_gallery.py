"""The gallery of the cognitive tasks is what its script writes: every task is there, with its picture."""

import base64
import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from srnn_tasks.cognitive import BATTERIES

FOLDER = Path(__file__).parents[3] / "docs" / "gallery"
NAMES = BATTERIES["all126"]

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the gallery is part of the repository, not of the package")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("gallery", FOLDER / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_script_writes_and_shows_every_task(script):
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert page == script.page()
    assert sorted(re.findall(r'<img src="trials/([\w-]+)\.svg"', page)) == sorted(NAMES)
    assert len(NAMES) == 126


def test_every_task_has_a_small_picture_and_nothing_else_is_there(script):
    files = {file.stem: file for file in (FOLDER / "trials").iterdir()}
    assert set(files) == set(NAMES)
    assert all(file.suffix == ".svg" for file in files.values())
    assert sum(file.stat().st_size for file in FOLDER.rglob("*.*")) < 2.5e6
    for name, file in files.items():
        root = ElementTree.parse(file).getroot()
        assert root.find("{http://www.w3.org/2000/svg}title").text == f"{name}: {script.description(name)}"
        text = file.read_text(encoding="utf-8")
        assert "prefers-color-scheme:dark" in text and script.INK not in text.replace(script.CSS, "")
        assert {">fixation<", ">ring 1<", ">ring 2<", ">target<", ">decision<", f">{name}<"} <= set(
            re.findall(r">[^<>]+<", text)
        )


@pytest.mark.parametrize("name", ["rtgo", "dmc-intl-seqr"])
def test_the_script_draws_the_picture_that_is_there(script, name):
    kept, drawn = (FOLDER / "trials" / f"{name}.svg").read_text(encoding="utf-8"), script.picture(name)
    assert re.findall(r">[^<>]+<", kept) == re.findall(r">[^<>]+<", drawn), "titles, names, periods and ticks"
    images = [re.findall(r"base64, *([^\"]+)\"", text) for text in (kept, drawn)]
    assert len(images[0]) == len(images[1]) == 3
    for one, two in zip(*images, strict=True):
        assert abs(pixels(one).astype(int) - pixels(two).astype(int)).max() <= 2, "rings and target"


def pixels(data):
    import io

    import numpy as np
    from matplotlib.image import imread

    return np.round(255 * imread(io.BytesIO(base64.b64decode(data)))).astype(np.uint8)
