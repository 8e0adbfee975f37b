"""Where a text comes from: files, raw or gzipped, or Hugging Face."""

import gzip
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from srnn_tasks import TaskError
from srnn_tasks.text import WIKITEXT_2

from .made_up import FILES, MADE_UP, SPLITS, TEXTS, corpus

DATASET = "somebody/made-up"


def write(folder: Path, texts: dict[str, str], suffix: str = "") -> None:
    folder.mkdir(exist_ok=True)
    for split, text in texts.items():
        data = text.encode()
        path = folder / (FILES[SPLITS.index(split)] + suffix)
        path.write_bytes(gzip.compress(data) if suffix else data)


def same(one: object, two: object) -> bool:
    return all(map(lambda a, b: list(a) == list(b), one, two))


def test_the_files_of_wikitext_2_are_those_of_its_authors() -> None:
    assert WIKITEXT_2.files == ("wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens")
    assert (WIKITEXT_2.tokens, WIKITEXT_2.words) == ((2_088_628, 217_646, 245_569), 33_278)
    assert (WIKITEXT_2.subfolder, WIKITEXT_2.dataset) == ("wikitext-2", ("Salesforce/wikitext", "wikitext-2-v1"))


# --- the files ---


@pytest.mark.parametrize(("subfolder", "suffix"), [("made-up", ""), ("made-up", ".gz"), ("", ""), ("", ".gz")])
def test_files_are_found_in_the_folder_or_its_subfolder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subfolder: str, suffix: str
) -> None:
    write(tmp_path / subfolder, TEXTS, suffix)
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    assert same(MADE_UP.load(), corpus())


def test_the_text_is_read_once_per_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, TEXTS)
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    assert MADE_UP.load() is MADE_UP.load()


@pytest.mark.parametrize(
    ("split", "old", "new", "message"),
    [
        ("train", "\n", " more \n", r"expected \d+ tokens of train; got \d+$"),
        ("validation", "\n", "", r"expected \d+ tokens of validation; got \d+$"),
        ("test", "in test\n", "\n", r"expected \d+ tokens of test; got \d+$"),
        ("test", "in test\n", "the the\n", r"expected \d+ words; got \d+$"),
    ],
)
def test_another_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str, old: str, new: str, message: str
) -> None:
    write(tmp_path, TEXTS | {split: TEXTS[split].replace(old, new, 1)})
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    with pytest.raises(TaskError, match=f"^Made-up text from SRNN_DATA: {message}"):
        MADE_UP.load()


@pytest.mark.parametrize(
    ("suffix", "data", "message"),
    [("", b"the \xff word\n", "expected text in UTF-8; got"), (".gz", b"plainly not gzip", "cannot be read")],
)
def test_a_broken_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, data: bytes, message: str
) -> None:
    write(tmp_path, TEXTS)
    path = tmp_path / (FILES[1] + suffix)
    path.write_bytes(data)
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    with pytest.raises(TaskError, match=message) as caught:
        MADE_UP.load()
    assert str(caught.value).startswith(str(path))


# --- Hugging Face, or no source of the data ---


def fake_datasets(monkeypatch: pytest.MonkeyPatch, load: object) -> None:
    module = ModuleType("datasets")
    module.load_dataset = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    monkeypatch.delenv("SRNN_DATA", raising=False)


def test_without_files_the_data_set_is_downloaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def load(*names: str) -> dict[str, dict[str, list[str]]]:
        calls.append(names)
        lines = {split: text.split("\n")[:-1] for split, text in TEXTS.items()}
        return {split: {"text": [line + "\n" if line.strip() else "" for line in lines[split]]} for split in lines}

    fake_datasets(monkeypatch, load)
    source = replace(MADE_UP, title="Another title")  # so that no other test has read it in this process
    assert same(source.load(), corpus())
    assert source.load() is source.load()
    assert calls == [(DATASET, "v1")]
    with pytest.raises(TaskError, match=rf"from datasets\.load_dataset\('{DATASET}', 'v1'\): expected 5 words; got"):
        replace(source, words=5).load()


@pytest.mark.parametrize("set_to", [None, "folder"])
def test_without_anything_the_error_lists_what_was_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_to: str | None
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # as if it were not installed
    if set_to is None:
        monkeypatch.delenv("SRNN_DATA", raising=False)
        searched = ["SRNN_DATA is not set"]
    else:
        write(tmp_path / "made-up", {"test": "a\n"})
        monkeypatch.setenv("SRNN_DATA", str(tmp_path))
        searched = [f"in {tmp_path / 'made-up'} and {tmp_path}: no made.train.tokens, made.valid.tokens (raw, or .gz)"]
    with pytest.raises(TaskError, match=r"Made-up text was not found\. Searched: ") as caught:
        MADE_UP.load()
    advice = "set SRNN_DATA to a folder with the three files"
    for part in [*searched, "package datasets", advice, "install srnn-tasks[datasets]", *FILES]:
        assert part in str(caught.value)


def test_a_download_that_fails_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [ConnectionError("no network"), KeyError("text")]

    def load(*names: str) -> None:
        raise failures.pop(0)

    fake_datasets(monkeypatch, load)
    call = rf"load_dataset\('{DATASET}', 'v1'\)"
    with pytest.raises(TaskError, match=rf"{call}: ConnectionError: no network.*set SRNN_DATA"):
        MADE_UP.load()
    with pytest.raises(TaskError, match=rf"{call}: KeyError: 'text'"):
        MADE_UP.load()
