"""Word-level language modelling on WikiText-2, as in arXiv 2406.06290 (section 4.2)."""

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor

from ..contract import (
    BaseSource,
    Batch,
    DataSet,
    Metric,
    Model,
    Outline,
    Split,
    Task,
    TaskError,
    TaskSpec,
    apply_model,
    carried,
    check_generator,
    check_split,
    evaluating,
    position_losses,
)
from ._corpus import Corpus
from ._train_windows import TrainWindows
from ._wikitext_files import WIKITEXT_2
from ._windows import count_windows, cut_streams, cut_window


class WikiText(Task):
    """Language modelling: predict the next word at each word of a text.

    Inputs `(T, B)` are words as int64 indices into the vocabulary, targets `(T, B)` are the words that follow. The text
    is cut into B streams, one per row; the remainder at its end is dropped. A batch is a window of T words of every
    stream, and the hidden state is carried from window to window; `reset` is True in the first window of the text only.
    The last window is shorter. The vocabulary is sorted by decreasing count in train.

    vocabulary: None for all 33,278 words, or their number V, `<unk>` and `<eos>` included: the most frequent words of
    the whole train text, in the same order; all others become `<unk>`.
    steps: T. evaluation_rows: B of the held-out splits.
    train_tokens, evaluation_tokens: None, or use only the first n words of train, and of each held-out split.
    train_share: share of the training windows on which an evaluation of either split also measures the metric
    `train_perplexity`, 0 for no such metric. The windows are a fixed random choice, see `WikiTextSource.evaluate`.

    The files `wiki.train.tokens`, `wiki.valid.tokens` and `wiki.test.tokens`, raw or gzipped, are searched in the
    folder named by the environment variable SRNN_DATA and in its subfolder `wikitext-2`. Without them, they are
    downloaded by Hugging Face `datasets` (extra `datasets`).

    >>> WikiText(vocabulary=10_000).steps
    35
    """

    kind: Literal["wikitext"] = "wikitext"
    vocabulary: Annotated[int, Field(ge=2, le=33_278)] | None = None
    steps: PositiveInt = 35
    evaluation_rows: PositiveInt = 10
    train_tokens: Annotated[int, Field(ge=2, le=2_088_628)] | None = None
    evaluation_tokens: Annotated[int, Field(ge=2, le=217_646)] | None = None
    train_share: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _two_words_a_row(self) -> "WikiText":
        tokens = 217_646 if self.evaluation_tokens is None else self.evaluation_tokens
        if tokens < 2 * self.evaluation_rows:
            raise ValueError(
                f"evaluation_rows, evaluation_tokens: expected at least 2 words per row; "
                f"got {tokens} words for {self.evaluation_rows} rows"
            )
        return self

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> "WikiTextSource":
        """Return the source. Reads the files, once per process, and copies the text to `device` (20 MB)."""
        check_generator(generator, device)
        return WikiTextSource(self, WIKITEXT_2.load(), device=device)

    def data_set(self) -> DataSet:
        """Return where WikiText-2 is."""
        return WIKITEXT_2.search()

    def outline(self, batch_size: int) -> Outline:
        """Return the sizes; an epoch is one pass over the text, cut into `batch_size` streams."""
        words = self.vocabulary or WIKITEXT_2.words
        batches = count_windows((self.train_tokens or WIKITEXT_2.tokens[0]) // batch_size, self.steps)
        return Outline(inputs=words, outputs=words, steps=self.steps, epoch_batches=batches)


class WikiTextSource(BaseSource):
    """The train text in order, repeated indefinitely: an epoch is one pass, nothing is shuffled or drawn.

    A new iterator continues where the previous one stopped if it has the same number of rows; with another number, the
    text is cut again and starts from its beginning. `words` is the vocabulary: word number i is `words[i]`.
    """

    words: tuple[str, ...]

    def __init__(self, task: WikiText, corpus: Corpus, *, device: torch.device | str) -> None:
        if task.vocabulary is not None:
            corpus = corpus.smaller(task.vocabulary)
        metrics: tuple[Metric, ...] = (
            Metric(name="accuracy", better="higher"),
            Metric(name="accuracy_reported", better="higher"),
            Metric(name="perplexity", better="lower"),
            Metric(name="loss", better="lower", unit="nats"),
        )
        if task.train_share > 0:
            metrics += (Metric(name="train_perplexity", better="lower"),)
        size = len(corpus.words)
        spec = TaskSpec(inputs=size, outputs=size, tokens=True, carry=True, loss="cross_entropy", metrics=metrics)
        super().__init__(spec, device=device)
        self.task = task
        self.words = corpus.words
        self._train = torch.tensor(corpus.train[: task.train_tokens], device=self.device)  # (tokens,)
        self._held_out = {split: self._evaluation_text(corpus, split) for split in ("validation", "test")}
        self._seen: TrainWindows | None = None  # the windows of `train_perplexity`
        if task.train_share > 0:
            self._seen = TrainWindows(self._train, task.steps, task.train_share, rows=task.evaluation_rows)
        self._text = cut_streams(self._train, 0)  # (n, B): the train text, cut into streams
        self._window = 0  # number of the next window

    def epoch_batches(self, size: int) -> int:
        """Return the number of windows in one pass over the train text with `size` rows."""
        self._check_size(size)
        return count_windows(len(self._train) // size, self.task.steps)

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next window of the train text."""
        if size != self._text.shape[1]:
            self._check_size(size)
            self._text, self._window = cut_streams(self._train, size), 0
        batch = cut_window(self._text, self._window, self.task.steps)
        self._window = (self._window + 1) % self.epoch_batches(size)
        return batch

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield the windows of a split in order."""
        text = self._held_out[split]
        for number in range(count_windows(len(text), self.task.steps)):
            yield cut_window(text, number, self.task.steps)

    def evaluate(self, model: Model, *, split: Split, generator: torch.Generator) -> dict[str, float]:
        """Return the metrics of a split; every word that is a target counts once.

        - `accuracy`: the fraction of words predicted correctly.
        - `accuracy_reported`: what the authors' code prints. It divides the number of correct words not by the number
          of words, but by n - 1 times the length of the last window, for streams of n words. On the full text this is
          accuracy / 2 for test and accuracy / 2.8 for validation; it is not a fraction of words.
        - `loss`: mean negative log likelihood per word, in nats. `perplexity`: its exponential, at most the largest
          float.
        - `train_perplexity`, with a `train_share` only: the perplexity of a share of the windows of `steps` words of
          the train text, at least one. The windows depend on the task alone, not on a seed. The model reads each one
          after the `steps` words before it, from a state of 0, and the window's own words count.
        """
        check_split(split)
        self.check_generator(generator)
        with evaluating(model):
            sums = self._sums(model, self.held_out(split, generator=generator))  # (windows, 2)
            correct_words, summed_loss = sums.cpu().double().sum(0).tolist()
            loss = summed_loss / self._targets(split).numel()
            metrics = self._accuracies(correct_words, split) | {"perplexity": _exponential(loss), "loss": loss}
            if self._seen is not None:
                sums = torch.stack([self._sums(model, pair)[1] for pair in self._seen.pairs()])  # (pairs, 2)
                train_loss = sums.cpu().double().sum(0)[1].item() / self._seen.targets
                metrics["train_perplexity"] = _exponential(train_loss)
        return metrics

    def constant(self, token: str | None = None, *, split: Split = "test") -> tuple[str, dict[str, float]]:
        """Return a word and both accuracies of always predicting it; by default the word with the best accuracy."""
        check_split(split)
        counts = torch.bincount(self._targets(split).flatten(), minlength=len(self.words))  # (V,)
        if token is None:
            number = int(counts.argmax())
        elif token in self.words:
            number = self.words.index(token)
        else:
            raise TaskError(f"token: expected one of the {len(self.words)} words of the vocabulary; got {token!r}")
        return self.words[number], self._accuracies(int(counts[number]), split)

    def unigram(self, *, split: Split = "test") -> float:
        """Return the perplexity of the unigram model: the count of each word in train plus 1, normalised."""
        check_split(split)
        counts = torch.bincount(self._train, minlength=len(self.words)).cpu().double() + 1  # (V,)
        log_probabilities = (counts / counts.sum()).log()  # (V,)
        return _exponential(-log_probabilities[self._targets(split).cpu()].mean().item())

    def state_dict(self) -> dict[str, Any]:
        """Return the number of the next window, and of rows that the text is cut into (0 before the first batch)."""
        return {"window": self._window, "rows": self._text.shape[1]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from the window that `state_dict` returned."""
        if set(state) != {"window", "rows"}:
            raise TaskError(f"state: expected the entries 'rows' and 'window'; got {sorted(state)}")
        window, rows = state["window"], state["rows"]
        if type(rows) is not int or not 0 <= rows <= len(self._train) // 2:
            raise TaskError(f"state: expected 'rows' to be 0 to {len(self._train) // 2}; got {rows!r}")
        windows = self.epoch_batches(rows) if rows else 1
        if type(window) is not int or not 0 <= window < windows:
            raise TaskError(f"state: expected 'window' to be 0 to {windows - 1} with {rows} rows; got {window!r}")
        self._text, self._window = cut_streams(self._train, rows), window

    def _sums(self, model: Model, batches: Iterable[Batch]) -> Tensor:
        """Return the words predicted correctly and the summed loss of each batch, `(batches, 2)`.

        The state is carried from batch to batch.
        """
        sums: list[Tensor] = []  # (2,) per batch
        state = None
        for batch in batches:
            outputs, state = apply_model(model, batch, carried(state, batch.reset), outputs=self.spec.outputs)
            correct = outputs.argmax(-1) == batch.targets  # (T, B)
            losses = position_losses(self.spec.loss, outputs, batch.targets)  # (T, B)
            sums.append(torch.stack([correct.float().sum(), losses.float().sum()]))
        return torch.stack(sums)

    def _evaluation_text(self, corpus: Corpus, split: Split) -> Tensor:
        tokens = torch.tensor(getattr(corpus, split)[: self.task.evaluation_tokens], device=self.device)
        return cut_streams(tokens, self.task.evaluation_rows)  # (n, B)

    def _targets(self, split: Split) -> Tensor:
        """Return all target words of a split, `(n - 1, B)`."""
        return self._held_out[split][1:]

    def _accuracies(self, correct: float, split: Split) -> dict[str, float]:
        targets = self._targets(split)
        last_window = (len(targets) - 1) % self.task.steps + 1
        return {
            "accuracy": correct / targets.numel(),
            "accuracy_reported": correct / (len(targets) * last_window),
        }

    def _check_size(self, size: int) -> None:
        if not 1 <= size <= len(self._train) // 2:
            raise TaskError(
                f"size: expected 1 to {len(self._train) // 2} rows, for {len(self._train)} words of train; got {size}"
            )


def _exponential(value: float) -> float:
    """Return exp(value), at most the largest float, so that a bad model does not count as diverged."""
    return math.exp(min(value, math.log(sys.float_info.max)))
