"""Reference numbers of arXiv 2406.06290 on WikiText-2, and the task on a made-up text."""

import math
import os
from collections import Counter
from collections.abc import Callable
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from srnn_tasks import Batch, TaskError, WikiText, WikiTextSource
from srnn_tasks.testing import check_task

from .made_up import WORDS, MadeUp

needs_data = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no WikiText-2 files")

SPLITS = ("validation", "test")


def opened(**fields: object) -> WikiTextSource:
    return WikiText(**fields).open(device="cpu", generator=torch.Generator().manual_seed(0))


def made(**fields: object) -> WikiTextSource:
    return MadeUp(**fields).open(device="cpu", generator=torch.Generator().manual_seed(0))


def stream(source: WikiTextSource, size: int):
    return source.batches(size, generator=torch.Generator())


def evaluated(source: WikiTextSource, model: Callable[..., object], split: str = "test") -> dict[str, float]:
    return source.evaluate(model, split=split, generator=torch.Generator())


def always(number: int, words: int) -> Callable[..., tuple[Tensor, None]]:
    def model(inputs: Tensor, start: None = None, state: None = None) -> tuple[Tensor, None]:
        return torch.nn.functional.one_hot(torch.full_like(inputs, number), words).float(), None

    return model


def silent(words: int) -> Callable[..., tuple[Tensor, None]]:
    return lambda inputs, start=None, state=None: (torch.zeros(*inputs.shape, words), None)


# --- the real text: check 10, and section 6 ---


@needs_data
def test_the_files_hold_wikitext_2() -> None:
    source = opened()
    assert len(source.words) == source.spec.inputs == source.spec.outputs == 33_278
    assert source.words[:7] == ("the", ",", ".", "of", "<unk>", "and", "in")
    assert source.epoch_batches(20) == 2984
    targets = {
        split: sum(b.targets.numel() for b in source.held_out(split, generator=torch.Generator())) for split in SPLITS
    }
    assert targets == {"validation": 217_630, "test": 245_550}
    first = next(stream(source, 1))
    assert [source.words[i] for i in first.inputs[:6, 0]] == ["<eos>", "=", "Valkyria", "Chronicles", "III", "="]


@needs_data
@pytest.mark.parametrize(
    ("token", "accuracy", "reported"), [("the", 5.702, 2.851), (",", 4.528, 2.264), ("and", 2.390, 1.195)]
)
def test_constant_answers_on_test(token: str, accuracy: float, reported: float) -> None:
    word, found = opened().constant(token)
    assert word == token
    assert 100 * found["accuracy"] == pytest.approx(accuracy, abs=5e-4)
    assert 100 * found["accuracy_reported"] == pytest.approx(reported, abs=5.1e-4)
    small = opened(vocabulary=8)  # the same answers from a model, on a small vocabulary
    measured = evaluated(small, always(small.words.index(token), 8))
    assert found == pytest.approx({name: measured[name] for name in found}, rel=1e-12)


@needs_data
def test_the_best_constant_answer_on_test_is_unk() -> None:
    word, found = opened().constant()
    assert word == "<unk>"
    assert 100 * found["accuracy"] == pytest.approx(6.197, abs=5e-4)


@needs_data
def test_the_reported_accuracy_is_a_half_on_test_and_a_2_8th_on_validation() -> None:
    source = opened(vocabulary=8)
    for split, divisor in (("test", 2.0), ("validation", 2.8)):
        found = evaluated(source, always(0, 8), split)
        assert found["accuracy"] == pytest.approx(divisor * found["accuracy_reported"])


@needs_data
def test_a_constant_output_has_the_loss_of_the_uniform_distribution() -> None:
    found = evaluated(opened(evaluation_tokens=900), silent(33_278))
    assert found["loss"] == pytest.approx(10.41, abs=0.005)
    assert found["loss"] == pytest.approx(math.log(33_278), rel=1e-6)
    assert found["perplexity"] == pytest.approx(33_278, rel=1e-4)


# --- a made-up text: the train stream ---


def slow_windows(tokens: list[str], rows: int, steps: int) -> list[tuple[list[list[str]], list[list[str]]]]:
    """Return inputs and targets of each window, row by row, as the words themselves."""
    length = len(tokens) // rows
    parts = [tokens[b * length : (b + 1) * length] for b in range(rows)]
    windows = []
    for first in range(0, length - 1, steps):
        last = min(first + steps, length - 1)
        windows.append(([part[first:last] for part in parts], [part[first + 1 : last + 1] for part in parts]))
    return windows


def as_words(source: WikiTextSource, numbers: Tensor) -> list[list[str]]:
    return [[source.words[i] for i in row] for row in numbers.T]


@pytest.mark.parametrize(
    ("size", "steps", "train_tokens"), [(1, 35, None), (4, 35, None), (7, 1, 400), (3, 10**6, None), (5, 11, 277)]
)
def test_an_epoch_is_the_train_text_in_windows(size: int, steps: int, train_tokens: int | None) -> None:
    source = made(steps=steps, train_tokens=train_tokens)
    expected = slow_windows(WORDS["train"][:train_tokens], size, steps)
    epoch = source.epoch_batches(size)
    assert epoch == len(expected)
    for number, batch in enumerate(islice(stream(source, size), 2 * epoch)):
        inputs, targets = expected[number % epoch]
        assert as_words(source, batch.inputs) == inputs
        assert as_words(source, batch.targets) == targets
        assert batch.reset.tolist() == [number % epoch == 0] * size
        assert (batch.weight, batch.start) == (None, None)
        assert batch.inputs.dtype == batch.targets.dtype == torch.int64


@pytest.mark.parametrize(
    ("tokens", "size", "steps", "windows"),
    [(700, 20, 35, 1), (720, 20, 35, 1), (740, 20, 35, 2), (739, 20, 35, 1), (40, 20, 35, 1), (21, 1, 4, 5)],
)
def test_windows_of_an_epoch(tokens: int, size: int, steps: int, windows: int) -> None:
    assert made(train_tokens=tokens, steps=steps).epoch_batches(size) == windows


@pytest.mark.parametrize("size", [0, 51])
def test_streams_of_less_than_two_words_are_refused(size: int) -> None:
    source = made(train_tokens=101)
    with pytest.raises(TaskError, match=f"size: expected 1 to 50 rows, for 101 words of train; got {size}"):
        source.epoch_batches(size)
    with pytest.raises(TaskError, match=r"size: expected .* got"):
        next(stream(source, size))
    assert source.epoch_batches(50) == 1


def test_the_spec_has_tokens_and_a_carried_state() -> None:
    spec = made(vocabulary=12).spec
    assert (spec.inputs, spec.outputs, spec.tokens, spec.carry, spec.start) == (12, 12, True, True, None)
    assert [(metric.name, metric.better) for metric in spec.metrics] == [
        ("accuracy", "higher"),
        ("accuracy_reported", "higher"),
        ("perplexity", "lower"),
        ("loss", "lower"),
    ]


@pytest.mark.parametrize(("vocabulary", "train_share"), [(None, 0), (9, 0), (None, 0.1)])
def test_the_contract_holds(vocabulary: int | None, train_share: float) -> None:
    check_task(MadeUp(vocabulary=vocabulary, steps=6, evaluation_rows=4, train_share=train_share), seeded=False)


def test_sources_of_several_seeds_give_batches_that_stack() -> None:
    sources = [MadeUp(steps=9).open(device="cpu", generator=torch.Generator().manual_seed(n)) for n in range(3)]
    streams = [source.batches(4, generator=torch.Generator().manual_seed(n)) for n, source in enumerate(sources)]
    for _ in range(sources[0].epoch_batches(4) + 2):
        batches = [next(each) for each in streams]
        for name in ("inputs", "targets", "reset"):
            held = [getattr(batch, name) for batch in batches]
            assert torch.equal(torch.stack(held), held[0].expand(3, *held[0].shape))


# --- the position in the stream ---


def same(first: Batch, second: Batch) -> bool:
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in ("inputs", "targets", "reset"))


def test_a_resumed_stream_continues_where_it_stopped() -> None:
    epoch = made(steps=20).epoch_batches(6)
    expected = list(islice(stream(made(steps=20), 6), 3 * epoch))
    for stop in (0, 1, epoch - 1, epoch, epoch + 1, 2 * epoch):
        source = made(steps=20)
        list(islice(stream(source, 6), stop))
        state = source.state_dict()
        next(stream(source, 6))  # the first source continues without effect on the second
        resumed = made(steps=20)
        resumed.load_state_dict(state)
        assert resumed.state_dict() == state
        assert all(map(same, stream(resumed, 6), expected[stop:]))
        assert state == {"window": stop % epoch, "rows": 6 if stop else 0}


def test_a_new_iterator_continues_and_restarts_after_each_epoch() -> None:
    source = made(steps=20)
    epoch = source.epoch_batches(6)
    expected = list(islice(stream(made(steps=20), 6), epoch))
    list(islice(stream(source, 6), 3))
    assert same(next(stream(source, 6)), expected[3])
    list(islice(stream(source, 6), epoch - 4))
    begun = next(stream(source, 6))
    assert same(begun, expected[0])
    assert begun.reset.all()


def test_another_number_of_rows_restarts_the_text() -> None:
    source = made(steps=20)
    list(islice(stream(source, 6), 3))
    for size in (4, 6):
        assert same(next(stream(source, size)), next(stream(made(steps=20), size)))
    assert source.state_dict() == {"window": 1, "rows": 6}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, r"expected the entries 'rows' and 'window'; got \[\]"),
        ({"window": 0}, r"expected the entries 'rows' and 'window'; got \['window'\]"),
        ({"window": 0, "rows": -1}, "expected 'rows' to be 0 to 50; got -1"),
        ({"window": 0, "rows": 51}, "expected 'rows' to be 0 to 50; got 51"),
        ({"window": 0, "rows": 2.0}, r"expected 'rows' to be 0 to 50; got 2\.0"),
        ({"window": 1, "rows": 0}, "expected 'window' to be 0 to 0 with 0 rows; got 1"),
        ({"window": 3, "rows": 5}, "expected 'window' to be 0 to 2 with 5 rows; got 3"),
        ({"window": -1, "rows": 5}, "expected 'window' to be 0 to 2 with 5 rows; got -1"),
    ],
)
def test_a_state_of_another_task_is_refused(state: dict, message: str) -> None:
    source = made(train_tokens=100, steps=7)
    with pytest.raises(TaskError, match=f"^state: {message}$"):
        source.load_state_dict(state)


# --- evaluation ---


class Reader:
    """An Elman network with fixed random weights that carries its state; and the same, slowly, a word at a time."""

    def __init__(self, words: int, hidden: int = 5) -> None:
        draw = torch.Generator().manual_seed(4)
        self.read = torch.randn(words, hidden, generator=draw)
        self.keep = torch.randn(hidden, hidden, generator=draw)
        self.tell = 2 * torch.randn(hidden, words, generator=draw)

    def __call__(self, inputs: Tensor, start: None = None, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        hidden = torch.zeros(inputs.shape[1], 5) if state is None else state
        outputs = []
        for words in inputs:
            hidden = torch.tanh(self.read[words] + hidden @ self.keep)
            outputs.append(hidden @ self.tell)
        return torch.stack(outputs), hidden

    def slowly(self, numbers: list[int]) -> tuple[int, float]:
        """Return the right answers and the summed loss of one whole stream, read without windows."""
        read, keep, tell = (weight.double().numpy() for weight in (self.read, self.keep, self.tell))
        hidden, right, loss = np.zeros(5), 0, 0.0
        for word, following in pairwise(numbers):
            hidden = np.tanh(read[word] + hidden @ keep)
            logits = hidden @ tell
            right += int(logits.argmax()) == following
            loss += math.log(np.exp(logits).sum()) - logits[following]
        return right, loss


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(
    ("rows", "steps", "tokens", "vocabulary"), [(10, 35, None, None), (3, 7, None, 9), (4, 5, 84, 20), (1, 1, 2, 5)]
)
def test_evaluation_is_that_of_a_slow_reader(
    split: str, rows: int, steps: int, tokens: int | None, vocabulary: int | None
) -> None:
    source = made(evaluation_rows=rows, steps=steps, evaluation_tokens=tokens, vocabulary=vocabulary)
    reader = Reader(len(source.words))
    text = [word if word in source.words else "<unk>" for word in WORDS[split][:tokens]]
    numbers = [source.words.index(word) for word in text]
    length = len(numbers) // rows
    scores = [reader.slowly(numbers[b * length : (b + 1) * length]) for b in range(rows)]
    right, loss = sum(score[0] for score in scores), sum(score[1] for score in scores) / (rows * (length - 1))
    for first in range(0, length - 1, steps):  # as the authors' loop, whose last window sets the divisor
        last_window = min(steps, length - 1 - first)
    found = evaluated(source, reader, split)
    assert list(found) == [metric.name for metric in source.spec.metrics]
    assert found["accuracy"] == pytest.approx(right / (rows * (length - 1)), abs=1e-12)
    assert found["accuracy_reported"] == pytest.approx(right / (last_window * (length - 1)), abs=1e-12)
    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    assert found["perplexity"] == pytest.approx(math.exp(loss), rel=1e-4)


def test_a_bad_model_has_a_finite_perplexity_and_a_broken_one_none() -> None:
    source = made()
    words = len(source.words)
    bad = evaluated(source, lambda *given: (1e6 * always(words - 1, words)(*given)[0], None))
    assert bad["loss"] > 9e5
    assert bad["perplexity"] == pytest.approx(1.797e308, rel=1e-3)
    broken = evaluated(source, lambda *given: (math.nan * silent(words)(*given)[0], None))
    assert math.isnan(broken["loss"])
    assert math.isnan(broken["perplexity"])


def test_an_unknown_split_or_word_is_an_error() -> None:
    source = made()
    for call in (source.constant, source.unigram):
        with pytest.raises(TaskError, match=r"split: expected one of .* got 'train'"):
            call(split="train")
    with pytest.raises(TaskError, match=r"token: expected one of the \d+ words of the vocabulary; got 'Valkyria'"):
        source.constant("Valkyria")


# --- the perplexity of a share of the train text ---


def read_windows(source: WikiTextSource, split: str) -> list[list[str]]:
    """Return the words of each window that an evaluation reads beyond the held-out split, after those before it."""
    calls: list[list[list[str]]] = []

    def model(inputs: Tensor, start: None = None, state: Tensor | None = None) -> tuple[Tensor, None]:
        calls.append(as_words(source, inputs))
        return torch.zeros(*inputs.shape, len(source.words)), None

    evaluated(source, model, split)
    del calls[: len(list(source.held_out(split, generator=torch.Generator())))]
    return [
        before + words
        for pair in zip(calls[::2], calls[1::2], strict=True)
        for before, words in zip(*pair, strict=True)
    ]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(("steps", "rows", "vocabulary"), [(7, 10, None), (5, 3, 12), (100, 2, None)])
def test_train_perplexity_of_all_windows_is_that_of_a_slow_reader(
    split: str, steps: int, rows: int, vocabulary: int | None
) -> None:
    """The loss of a window is that of the text from the window before to its end, less that of the window before."""
    source = made(steps=steps, evaluation_rows=rows, vocabulary=vocabulary, train_share=1.0)
    reader = Reader(len(source.words))
    numbers = [source.words.index(word if word in source.words else "<unk>") for word in WORDS["train"]]
    losses = [
        reader.slowly(numbers[first : first + 2 * steps + 1])[1] - reader.slowly(numbers[first : first + steps + 1])[1]
        for first in range(0, len(numbers) - 2 * steps, steps)
    ]
    assert len(losses) > 2
    expected = math.exp(sum(losses) / len(losses) / steps)
    assert evaluated(source, reader, split)["train_perplexity"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("share", "count"), [(1e-9, 1), (0.01, 1), (0.25, 33), (0.5, 66), (1.0, 132)])
def test_a_share_is_a_fixed_choice_of_windows(share: float, count: int) -> None:
    """Of 134 windows of 10 words, all but the first can be drawn."""
    fields = {"steps": 10, "train_tokens": 1339, "train_share": share}
    source = made(**fields)
    rows = read_windows(source, "test")
    text = WORDS["train"][:1339]
    windows = [text[first : first + 20] for first in range(0, 1320, 10)]
    assert len(rows) == count
    assert all(row in windows for row in rows)
    assert len({windows.index(row) for row in rows}) == count, "the windows are drawn without replacement"
    next(stream(source, 4))
    other = MadeUp(**fields).open(device="cpu", generator=torch.Generator().manual_seed(7))
    assert read_windows(source, "validation") == read_windows(other, "test") == rows
    if 1 < count < 100:
        chosen = [windows.index(row) for row in rows]
        assert max(chosen) > 100 and min(chosen) < 32, "the windows are spread over the text"


def test_without_a_share_nothing_is_measured_and_nothing_changes() -> None:
    plain, shared = made(steps=9), made(steps=9, train_share=0.2)
    assert [metric.name for metric in shared.spec.metrics[:-1]] == [metric.name for metric in plain.spec.metrics]
    assert (shared.spec.metrics[-1].name, shared.spec.metrics[-1].better) == ("train_perplexity", "lower")
    reader = Reader(len(plain.words))
    found = evaluated(shared, reader)
    assert list(found) == [metric.name for metric in shared.spec.metrics]
    del found["train_perplexity"]
    assert found == evaluated(plain, reader)
    assert read_windows(plain, "test") == []
    assert all(map(same, islice(stream(shared, 6), 20), islice(stream(plain, 6), 20)))
    assert WikiText(train_share=0) == WikiText()


def test_a_share_needs_two_windows_of_text() -> None:
    assert len(read_windows(made(steps=10, train_tokens=21, train_share=0.5), "test")) == 1
    with pytest.raises(TaskError, match=r"^train_share: expected at least 21 words of train for steps=10; got 20$"):
        made(steps=10, train_tokens=20, train_share=0.5)
    for share in (-0.1, 1.1, math.nan, True):
        with pytest.raises(ValidationError, match="train_share"):
            WikiText(train_share=share)


# --- baselines ---


def slow_targets(tokens: list[str], rows: int) -> list[str]:
    return [word for _, targets in slow_windows(tokens, rows, 1) for row in targets for word in row]


@pytest.mark.parametrize("split", SPLITS)
def test_constant_answers_are_the_shares_of_words(split: str) -> None:
    source = made(evaluation_rows=3)
    counts = Counter(slow_targets(WORDS[split], 3))
    best, found = source.constant(split=split)
    assert counts[best] == max(counts.values())
    for word in (best, "of", "word7"):
        token, scores = source.constant(word, split=split)
        assert token == word
        assert scores["accuracy"] == pytest.approx(counts[word] / sum(counts.values()), rel=1e-12)
        measured = evaluated(source, always(source.words.index(word), len(source.words)), split)
        assert scores == pytest.approx({name: measured[name] for name in scores}, rel=1e-12)
    assert source.constant(best, split=split) == (best, found)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(("train_tokens", "vocabulary"), [(None, None), (200, None), (None, 6)])
def test_unigram_is_the_perplexity_of_counts_plus_one(
    split: str, train_tokens: int | None, vocabulary: int | None
) -> None:
    source = made(train_tokens=train_tokens, vocabulary=vocabulary)

    def seen(tokens: list[str]) -> list[str]:
        return [word if word in source.words else "<unk>" for word in tokens]

    train = Counter(seen(WORDS["train"][:train_tokens]))
    targets = seen(slow_targets(WORDS[split], 10))
    total = sum(train.values()) + len(source.words)
    product = 1.0
    for word in targets:
        product *= ((train[word] + 1) / total) ** (-1 / len(targets))
    assert source.unigram(split=split) == pytest.approx(product, rel=1e-9)


# --- the value ---


def test_rows_must_have_two_words() -> None:
    assert WikiText(evaluation_rows=5, evaluation_tokens=10).evaluation_rows == 5
    with pytest.raises(
        ValidationError, match=r"evaluation_rows, evaluation_tokens: expected .* got 9 words for 5 rows"
    ):
        WikiText(evaluation_rows=5, evaluation_tokens=9)
    with pytest.raises(
        ValidationError, match=r"evaluation_rows, evaluation_tokens: expected .* got 217646 words for 1"
    ):
        WikiText(evaluation_rows=108_824)
