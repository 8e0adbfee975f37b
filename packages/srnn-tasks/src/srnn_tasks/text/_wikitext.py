"""Word-level language modelling on WikiText-2, as arXiv 2406.06290 (section 4.2) does it."""

import math
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor

from ..contract import (
    BaseSource,
    Batch,
    Metric,
    Model,
    Split,
    Task,
    TaskSpec,
    carried,
    check_generator,
    check_split,
    evaluating,
    position_losses,
)
from ._corpus import Corpus
from ._wikitext_files import load_wikitext


class WikiText(Task):
    """A text is read word by word; at each word, tell the next one.

    Inputs `(T, B)` are words as int64 places in the vocabulary, targets `(T, B)` the words that follow. The text is
    cut into B streams, one a row, and what is left over at its end is dropped. The rows are read side by side, in
    windows of T words, and the hidden state is carried from window to window; `reset` is True in the first window of
    the text alone. The last window is shorter. The vocabulary is in order of falling count in train.

    vocabulary: None for all 33,278 words; else V, the number of words with `<unk>` and `<eos>` among them: the most
    frequent ones of the whole train text, in the same order; all others become `<unk>`.
    steps: T. evaluation_rows: B of the held-out splits.
    train_tokens, evaluation_tokens: None, or only the first so many words of train, and of each held-out split.

    The files are looked for under the folder that the environment variable SRNN_DATA names, in its subfolder
    `wikitext-2` and in itself: `wiki.train.tokens`, `wiki.valid.tokens`, `wiki.test.tokens`, raw or gzipped. Without
    them, Hugging Face `datasets` (extra `datasets`) gets them.

    >>> WikiText(vocabulary=10_000).steps
    35
    """

    kind: Literal["wikitext"] = "wikitext"
    vocabulary: Annotated[int, Field(ge=2, le=33_278)] | None = None
    steps: PositiveInt = 35
    evaluation_rows: PositiveInt = 10
    train_tokens: Annotated[int, Field(ge=2, le=2_088_628)] | None = None
    evaluation_tokens: Annotated[int, Field(ge=2, le=217_646)] | None = None

    @model_validator(mode="after")
    def _two_words_a_row(self) -> "WikiText":
        tokens = 217_646 if self.evaluation_tokens is None else self.evaluation_tokens
        if tokens < 2 * self.evaluation_rows:
            raise ValueError(
                f"evaluation_rows, evaluation_tokens: expected at least 2 words a row; "
                f"got {tokens} words for {self.evaluation_rows} rows"
            )
        return self

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> "WikiTextSource":
        """Return the source; the files are read here, once a process, and the text put on `device` (20 MB)."""
        check_generator(generator, device)
        return WikiTextSource(self, device=device)


class WikiTextSource(BaseSource):
    """The train text in order, again and again: an epoch is one pass. Nothing is shuffled, no generator is used.

    A new iterator goes on where the last one stopped, if it has as many rows; with another number of rows the text is
    cut anew and begins at its start. `words` is the vocabulary: word number i is `words[i]`.
    """

    words: tuple[str, ...]

    def __init__(self, task: WikiText, *, device: torch.device | str) -> None:
        corpus = load_wikitext()
        if task.vocabulary is not None:
            corpus = corpus.smaller(task.vocabulary)
        metrics = (
            Metric(name="accuracy", better="higher"),
            Metric(name="accuracy_reported", better="higher"),
            Metric(name="perplexity", better="lower"),
            Metric(name="loss", better="lower", unit="nats"),
        )
        size = len(corpus.words)
        spec = TaskSpec(inputs=size, outputs=size, tokens=True, carry=True, loss="cross_entropy", metrics=metrics)
        super().__init__(spec, device=device)
        self.task = task
        self.words = corpus.words
        self._train = torch.tensor(corpus.train[: task.train_tokens], device=self.device)  # (tokens,)
        self._held_out = {split: self._evaluation_text(corpus, split) for split in ("validation", "test")}
        self._text = _streams(self._train, 0)  # (n, B): the train text in the streams that are being read
        self._window = 0  # the next one to be read

    def epoch_batches(self, size: int) -> int:
        """Return the number of windows in which `size` rows read the train text."""
        self._check_size(size)
        return _windows(len(self._train) // size, self.task.steps)

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next window of the train text."""
        if size != self._text.shape[1]:
            self._check_size(size)
            self._text, self._window = _streams(self._train, size), 0
        batch = _window(self._text, self._window, self.task.steps)
        self._window = (self._window + 1) % self.epoch_batches(size)
        return batch

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield the windows of a split in order."""
        text = self._held_out[split]
        for number in range(_windows(len(text), self.task.steps)):
            yield _window(text, number, self.task.steps)

    def evaluate(self, model: Model, *, split: Split, generator: torch.Generator) -> dict[str, float]:
        """Return the metrics of a split, in which every word that is a target counts once.

        - `accuracy`: the share of words told rightly.
        - `accuracy_reported`: what the authors' code prints. It divides the number of right words not by that of all,
          but by n - 1 times the length of the last window, for streams of n words. On the full text that gives
          accuracy / 2 for test and accuracy / 2.8 for validation; it is no share.
        - `loss`: mean negative log likelihood of a word, in nats. `perplexity`: its exponential, or the largest float.
        """
        check_split(split)
        self.check_generator(generator)
        sums: list[Tensor] = []  # (2,) of each window
        state = None
        with evaluating(model):
            for batch in self.held_out(split, generator=generator):
                state = carried(state, batch.reset)
                outputs, state = model(batch.inputs, batch.start, state)  # (T, B, V)
                right = outputs.argmax(-1) == batch.targets  # (T, B)
                losses = position_losses(self.spec.loss, outputs, batch.targets)  # (T, B)
                sums.append(torch.stack([right.float().sum(), losses.float().sum()]))
        right_words, summed_loss = torch.stack(sums).cpu().double().sum(0).tolist()
        loss = summed_loss / self._targets(split).numel()
        return self._accuracies(right_words, split) | {"perplexity": _exponential(loss), "loss": loss}

    def constant(self, token: str | None = None, *, split: Split = "test") -> tuple[str, dict[str, float]]:
        """Return a word and both accuracies of a model that tells it always; without a `token`, the best such word."""
        check_split(split)
        counts = torch.bincount(self._targets(split).flatten(), minlength=len(self.words))  # (V,)
        if token is None:
            number = int(counts.argmax())
        elif token in self.words:
            number = self.words.index(token)
        else:
            raise ValueError(f"token: expected one of the {len(self.words)} words of the vocabulary; got {token!r}")
        return self.words[number], self._accuracies(int(counts[number]), split)

    def unigram(self, *, split: Split = "test") -> float:
        """Return the perplexity of a model that knows only how often each word stands in train, plus 1."""
        check_split(split)
        counts = torch.bincount(self._train, minlength=len(self.words)).cpu().double() + 1  # (V,)
        log_shares = (counts / counts.sum()).log()  # (V,)
        return _exponential(-log_shares[self._targets(split).cpu()].mean().item())

    def state_dict(self) -> dict[str, Any]:
        """Return the number of the next window, and of the rows that the text is cut into (0: not yet)."""
        return {"window": self._window, "rows": self._text.shape[1]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the window that `state_dict` told."""
        if set(state) != {"window", "rows"}:
            raise ValueError(f"state: expected the entries 'rows' and 'window'; got {sorted(state)}")
        window, rows = state["window"], state["rows"]
        if type(rows) is not int or not 0 <= rows <= len(self._train) // 2:
            raise ValueError(f"state: expected 'rows' to be 0 to {len(self._train) // 2}; got {rows!r}")
        windows = self.epoch_batches(rows) if rows else 1
        if type(window) is not int or not 0 <= window < windows:
            raise ValueError(f"state: expected 'window' to be 0 to {windows - 1} with {rows} rows; got {window!r}")
        self._text, self._window = _streams(self._train, rows), window

    def _evaluation_text(self, corpus: Corpus, split: Split) -> Tensor:
        tokens = torch.tensor(getattr(corpus, split)[: self.task.evaluation_tokens], device=self.device)
        return _streams(tokens, self.task.evaluation_rows)  # (n, B)

    def _targets(self, split: Split) -> Tensor:
        """Return all words of a split that are targets, `(n - 1, B)`."""
        return self._held_out[split][1:]

    def _accuracies(self, right: float, split: Split) -> dict[str, float]:
        targets = self._targets(split)
        last_window = (len(targets) - 1) % self.task.steps + 1
        return {
            "accuracy": right / targets.numel(),
            "accuracy_reported": right / (len(targets) * last_window),
        }

    def _check_size(self, size: int) -> None:
        if not 1 <= size <= len(self._train) // 2:
            raise ValueError(
                f"size: expected 1 to {len(self._train) // 2} rows, for {len(self._train)} words of train; got {size}"
            )


def _streams(tokens: Tensor, rows: int) -> Tensor:
    """Return `(n, rows)`: row b reads the b-th part of the text; what is left over at its end is dropped."""
    length = len(tokens) // rows if rows else 0
    return tokens[: length * rows].view(rows, length).T.contiguous()


def _windows(length: int, steps: int) -> int:
    """Return the number of windows that streams of that many words have; the first word of each is no target."""
    return -(-(length - 1) // steps)


def _window(text: Tensor, number: int, steps: int) -> Batch:
    """Return one window of streams `(n, B)`."""
    first = number * steps
    targets = text[first + 1 : first + 1 + steps]  # (T, B)
    reset = torch.full((text.shape[1],), number == 0, dtype=torch.bool, device=text.device)  # (B,)
    return Batch(inputs=text[first : first + len(targets)], targets=targets, reset=reset)


def _exponential(value: float) -> float:
    """Return exp(value), but never infinity: so a model that is only bad does not count as diverged."""
    return math.exp(min(value, math.log(sys.float_info.max)))
