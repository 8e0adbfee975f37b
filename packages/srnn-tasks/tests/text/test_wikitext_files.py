"""Where a text comes from: files, raw or gzipped, or Hugging Face."""

import gzip
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from srnn_tasks import TaskError
from srnn_tasks.text import WIKITEXT_2, counts_digest, read_corpus

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
        ("validation", "\n", "", r"expected \d+ tokens of validation; got \d+"),
        ("test", "in test\n", "\n", r"expected \d+ tokens of test; got \d+"),
        ("test", "in test\n", "the the\n", r"expected \d+ words; got \d+$"),
    ],
)
def test_another_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str, old: str, new: str, message: str
) -> None:
    write(tmp_path, TEXTS | {split: TEXTS[split].replace(old, new, 1)})
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    with pytest.raises(TaskError, match=f"^Made-up text from .*: {message}") as caught:
        MADE_UP.load()
    assert str(tmp_path / FILES[SPLITS.index(split)]) in str(caught.value)


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_byte_order_mark_and_line_ends_of_windows_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str, end: str
) -> None:
    write(tmp_path, {split: mark + text.replace("\n", end) for split, text in TEXTS.items()})
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    assert same(MADE_UP.load(), corpus())


def test_blank_lines_lost_at_the_end_of_a_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As editors do that strip the end of a file."""
    texts = {split: text + " \n \n" for split, text in TEXTS.items()}
    longer = replace(MADE_UP, tokens=tuple(count + 2 for count in MADE_UP.tokens))
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    write(tmp_path, texts | {"validation": TEXTS["validation"].rstrip("\n")})
    with pytest.raises(TaskError, match=r"expected \d+ tokens of validation; got \d+: are there 2 blank") as caught:
        longer.load()
    assert str(tmp_path / FILES[1]) in str(caught.value)


def test_a_refused_file_that_is_replaced_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    write(tmp_path, TEXTS | {"test": "the\n"})
    with pytest.raises(TaskError, match="tokens of test"):
        MADE_UP.load()
    write(tmp_path, TEXTS)
    assert same(MADE_UP.load(), corpus())
    write(tmp_path, TEXTS | {"test": "the\n"})
    with pytest.raises(TaskError, match="tokens of test"):
        MADE_UP.load()


def test_the_words_and_their_counts_identify_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of the text does not: of two copies of WikiText-2, one has its articles in another order."""
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    source = replace(MADE_UP, sha256=counts_digest(corpus()))
    write(tmp_path, TEXTS)
    assert same(source.load(), corpus())
    lines = TEXTS["train"].splitlines(keepends=True)
    write(tmp_path, TEXTS | {"train": "".join(reversed(lines))})
    assert len(source.load().train) == source.tokens[0]
    write(tmp_path, TEXTS | {"train": TEXTS["train"].replace(" the ", " of ", 1)})
    MADE_UP.load()
    with pytest.raises(TaskError, match=r"SHA-256 .* of its words and their counts; got .*: some words differ"):
        source.load()


def test_a_text_with_the_unknown_word_of_a_web_page_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    texts = {split: text.replace("<unk>", "&lt;unk&gt;") for split, text in TEXTS.items()}
    write(tmp_path, texts)
    with pytest.raises(TaskError, match=r"expected the word <unk>; got &lt;unk&gt;"):
        replace(MADE_UP, sha256="0" * 64).load()
    with pytest.raises(TaskError, match=r"vocabulary: a smaller one needs the word <unk> for all others"):
        read_corpus(*(texts[split] for split in SPLITS)).smaller(5)


@pytest.mark.parametrize(
    ("suffix", "data", "message"),
    [
        ("", b"the \xff word\n", "expected text in UTF-8; got"),
        ("", b"", "cannot be read: it is empty"),
        (".gz", b"plainly not gzip", "cannot be read"),
        (".gz", b"", "cannot be read: it is empty"),
    ],
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


def test_without_a_network_the_cache_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    from huggingface_hub import constants

    seen = []

    def load(*names: str) -> dict[str, dict[str, list[str]]]:
        seen.append((config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE))
        return {split: {"text": text.splitlines(keepends=True)} for split, text in TEXTS.items()}

    config = SimpleNamespace(HF_ENDPOINT="http://127.0.0.1:1", HF_HUB_OFFLINE=False)
    fake_datasets(monkeypatch, load)
    monkeypatch.setattr(sys.modules["datasets"], "config", config, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert same(replace(MADE_UP, title="A cached title").load(), corpus())
    assert seen == [(True, True)]
    assert (config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE) == (False, False)


NO_NETWORK = """
import time
import datasets
from srnn_tasks import TaskError
from srnn_tasks.images import load_mnist
from srnn_tasks.text import WIKITEXT_2

for load in (WIKITEXT_2.load, load_mnist):
    start = time.monotonic()
    try:
        load()
    except TaskError as error:
        print(error)
    assert time.monotonic() - start < 10
assert not datasets.config.HF_HUB_OFFLINE
"""


def test_without_a_network_there_is_one_message_within_seconds(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # not listening: connections are refused
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        unset = ("SRNN_DATA", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
        kept = {name: value for name, value in os.environ.items() if name not in unset}
        env = kept | {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"}
        done = subprocess.run([sys.executable, "-c", NO_NETWORK], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    text, images = done.stdout.splitlines()
    for line, title in ((text, "WikiText-2"), (images, "MNIST")):
        assert line.startswith(f"{title} was not found") and f"{endpoint} cannot be reached: Connect" in line
        assert "set SRNN_DATA to a folder" in line
