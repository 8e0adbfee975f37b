"""Where the text comes from, and how words become numbers."""

import gzip
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from srnn_tasks.text import Corpus, _wikitext_files, read_corpus
from srnn_tasks.text._wikitext_files import FILES, load_wikitext


def spelled(corpus: Corpus) -> dict[str, list[str]]:
    return {split: [corpus.words[i] for i in getattr(corpus, split)] for split in FILES}


def slow_vocabulary(tokens: dict[str, list[str]]) -> list[str]:
    """Every word, by falling count in train, ties by first appearance."""
    everything = tokens["train"] + tokens["validation"] + tokens["test"]
    counts = Counter(tokens["train"])
    return sorted(set(everything), key=lambda word: (-counts[word], everything.index(word)))


def write(folder: Path, texts: dict[str, str], suffix: str = "") -> None:
    folder.mkdir(exist_ok=True)
    for split, text in texts.items():
        data = text.encode()
        (folder / (FILES[split] + suffix)).write_bytes(gzip.compress(data) if suffix else data)


# --- the files ---


@pytest.mark.parametrize(("subfolder", "suffix"), [("wikitext-2", ""), ("wikitext-2", ".gz"), ("", ""), ("", ".gz")])
def test_files_are_found_in_the_folder_or_its_subfolder(
    made_tokens: dict[str, list[str]],
    made_texts: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    subfolder: str,
    suffix: str,
) -> None:
    root = tmp_path / "elsewhere"
    root.mkdir()
    write(root / subfolder, made_texts, suffix)
    monkeypatch.setenv("SRNN_DATA", str(root))
    corpus = load_wikitext()
    assert spelled(corpus) == made_tokens
    assert list(corpus.words) == slow_vocabulary(made_tokens)
    assert corpus.train.dtype == np.int64


def test_the_text_is_read_once_a_process(made_tokens: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counted(*texts: str) -> Corpus:
        read.append(texts)
        return read_corpus(*texts)

    monkeypatch.setattr(_wikitext_files, "read_corpus", counted)
    assert load_wikitext() is load_wikitext()
    assert len(read) == 1


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
    made_tokens: dict[str, list[str]],
    made_texts: dict[str, str],
    tmp_path: Path,
    split: str,
    old: str,
    new: str,
    message: str,
) -> None:
    write(tmp_path, made_texts | {split: made_texts[split].replace(old, new, 1)})
    with pytest.raises(ValueError, match=f"^WikiText-2 from SRNN_DATA: {message}"):
        load_wikitext()


@pytest.mark.parametrize(
    ("suffix", "data", "message"),
    [("", b"the \xff word\n", "expected text in UTF-8; got"), (".gz", b"plainly not gzip", "cannot be read")],
)
def test_a_broken_file_is_named(
    made_tokens: dict[str, list[str]], tmp_path: Path, suffix: str, data: bytes, message: str
) -> None:
    path = tmp_path / (FILES["validation"] + suffix)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        load_wikitext()
    assert str(caught.value).startswith(str(path))


# --- Hugging Face, and nothing at all ---


def fake_datasets(monkeypatch: pytest.MonkeyPatch, load: object) -> None:
    module = ModuleType("datasets")
    module.load_dataset = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    monkeypatch.delenv("SRNN_DATA", raising=False)
    _wikitext_files._download.cache_clear()


def test_without_files_hugging_face_is_asked_once(
    made_tokens: dict[str, list[str]], made_texts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load(*names: str) -> dict[str, dict[str, list[str]]]:
        asked.append(names)
        lines = {split: text.split("\n")[:-1] for split, text in made_texts.items()}
        return {split: {"text": [line + "\n" if line.strip() else "" for line in lines[split]]} for split in lines}

    fake_datasets(monkeypatch, load)
    assert spelled(load_wikitext()) == made_tokens
    assert load_wikitext() is load_wikitext()
    assert asked == [("Salesforce/wikitext", "wikitext-2-v1")]
    monkeypatch.setattr(_wikitext_files, "WORDS", 5)
    with pytest.raises(ValueError, match=r"from datasets\.load_dataset\('Salesforce/wikitext', 'wikitext-2-v1'\): exp"):
        load_wikitext()
    _wikitext_files._download.cache_clear()


@pytest.mark.parametrize("set_to", [None, "folder"])
def test_without_anything_the_error_says_what_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_to: str | None
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # as if it were not installed
    if set_to is None:
        monkeypatch.delenv("SRNN_DATA", raising=False)
        looked = ["SRNN_DATA is not set"]
    else:
        write(tmp_path / "wikitext-2", {"test": "a\n"})
        monkeypatch.setenv("SRNN_DATA", str(tmp_path))
        looked = [f"in {tmp_path / 'wikitext-2'} and {tmp_path}: no wiki.train.tokens, wiki.valid.tokens (raw, or .gz)"]
    with pytest.raises(ValueError, match=r"WikiText-2 was not found\. Looked at: ") as caught:
        load_wikitext()
    advice = "set SRNN_DATA to a folder with the three files"
    for part in [*looked, "package datasets", advice, "install srnn-tasks[datasets]", *FILES.values()]:
        assert part in str(caught.value)


def test_a_download_that_fails_says_so_and_may_be_tried_again(
    made_texts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [ConnectionError("no network"), KeyError("text")]

    def load(*names: str) -> None:
        raise failures.pop(0)

    fake_datasets(monkeypatch, load)
    call = r"load_dataset\('Salesforce/wikitext', 'wikitext-2-v1'\)"
    with pytest.raises(ValueError, match=rf"{call}: ConnectionError: no network.*set SRNN_DATA"):
        load_wikitext()
    with pytest.raises(ValueError, match=rf"{call}: KeyError: 'text'"):
        load_wikitext()


# --- words and numbers ---


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ""),
        ("\n", "<eos>"),
        (" \n \n", "<eos> <eos>"),
        (" a  b \n", "a b <eos>"),
        ("a\tb\r\nc\r\n", "a b <eos> c <eos>"),
        ("a\n\nb", "a <eos> <eos> b <eos>"),
        ("a\x0bb\x85c\u2028d\n", "a b c d <eos>"),  # white space, but no line ends
    ],
)
def test_a_line_is_its_words_and_an_end(text: str, tokens: str) -> None:
    assert spelled(read_corpus("x\n", text, ""))["validation"] == tokens.split()


def test_words_stand_by_count_in_train_then_by_first_appearance() -> None:
    corpus = read_corpus("c b b\na c\n", "e d a a a a\n", "f d\n")
    assert corpus.words == ("c", "b", "<eos>", "a", "e", "d", "f")


@pytest.mark.parametrize("vocabulary", [2, 3, 5, 17, 40])
def test_a_smaller_vocabulary_keeps_the_most_frequent_words(made_tokens: dict[str, list[str]], vocabulary: int) -> None:
    corpus = load_wikitext().smaller(vocabulary)
    order = slow_vocabulary(made_tokens)
    others = [word for word in order if word not in ("<unk>", "<eos>")][: vocabulary - 2]
    kept = {"<unk>", "<eos>", *others}
    assert list(corpus.words) == [word for word in order if word in kept]
    assert len(corpus.words) == vocabulary
    expected = {split: [word if word in kept else "<unk>" for word in tokens] for split, tokens in made_tokens.items()}
    assert spelled(corpus) == expected


def test_the_whole_vocabulary_is_a_smaller_one_too(made_tokens: dict[str, list[str]]) -> None:
    whole = load_wikitext()
    again = whole.smaller(len(whole.words))
    assert again.words == whole.words
    assert np.array_equal(again.train, whole.train)
