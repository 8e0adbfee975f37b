"""Text: Tables 4, 5, 9 and 11 of arXiv 2406.06290, next-word prediction on WikiText-2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from srnn_manifolds import L1, AnyRegularizer, Shuffled, Torus
from srnn_models import ElmanRNN, LanguageModel
from srnn_tasks import WikiText

from ...experiment import SGD, Annealing, Training
from ...tables import Claim, FilledCell, Place, Plan, Published, Scale, Table
from . import _claims, _published
from ._benchmark import PUBLISHED, Benchmark, Score, Sparsification, Variant
from ._navigation import spaces
from ._presets import Preset
from ._rows import SWEEP, baseline, by_strength, dense_by_strength, pruned

SOURCE = "arXiv 2406.06290, {}: {} (spread of an unstated number of runs)"

OTHERS = ("*weight_ih*", "readout.weight", "embedding.weight")


@dataclass(frozen=True)
class Text:
    """Sizes of the text experiments at one scale.

    `strength` is lambda before the mean over the N^2 entries. `constant` is the score of the best constant answer on
    the test text in %, rounded up, by metric.
    """

    task: WikiText
    constant: Mapping[str, float]
    hidden: int
    training: Training
    strength: float
    strengths: tuple[float, ...]
    seeds: tuple[int, ...]


TEXT: dict[Scale, Text] = {
    "smoke": Text(
        task=WikiText(vocabulary=200, train_tokens=3000, evaluation_tokens=2000, steps=10),
        constant={"accuracy": 44.5729, "accuracy_reported": 49.5255},
        hidden=16,
        training=Training(epochs=3, batch_size=10, learning_rate=1.0, optimizer=SGD(), clip_norm=0.25),
        strength=0.1,
        strengths=(0.01, 0.1),
        seeds=(0, 1),
    ),
    "quick": Text(
        task=WikiText(vocabulary=3000, train_tokens=150_000, evaluation_tokens=60_000),
        constant={"accuracy": 21.7803, "accuracy_reported": 15.5574},
        hidden=64,
        training=Training(epochs=8, batch_size=20, learning_rate=5.0, optimizer=SGD(), clip_norm=0.25),
        strength=0.1,
        strengths=(0.001, 0.01, 0.1),
        seeds=(0, 1, 2),
    ),
    # Table 7 of the paper, and 15 epochs as its code has
    "paper": Text(
        task=WikiText(),
        constant={"accuracy": 6.1968, "accuracy_reported": 3.0984},
        hidden=650,
        training=Training(epochs=15, batch_size=20, learning_rate=20.0, optimizer=SGD(), clip_norm=0.25),
        strength=0.1,
        strengths=(0.001, 0.01, 0.1, 1.0),
        seeds=(0, 1, 2, 3, 4),
    ),
}


def benchmark(scale: Scale, variant: Variant = PUBLISHED) -> Benchmark:
    """Return the text benchmark."""
    size, preset = TEXT[scale], variant.preset
    strength = size.strength if preset.strength is None else preset.strength
    title = "Test accuracy" if preset.text_metric == "accuracy" else "Test accuracy as reported"
    return Benchmark(
        task=size.task,
        model=LanguageModel(recurrence=ElmanRNN(hidden=size.hidden, nonlinearity="tanh", bias="double"), layers=3),
        training=size.training.model_copy(update={"rates": Annealing(best=preset.text_best)}),
        strength=strength,
        seeds=size.seeds,
        score=Score(preset.text_metric, title, "%", "higher", factor=100.0),
        pruning=Sparsification(preset.text_schedule, sparsities=(0.9, 0.98), main=0.9, lottery=preset.lottery),
        variant=variant,
        others=tuple((glob, L1()) for glob in OTHERS) if preset.text_others else (),
        plan=criteria(size, preset.text_metric),
        remarks=_baseline_rule,
    )


def criteria(size: Text, metric: str) -> Plan:
    """Return by what the claims are judged, in % of a metric."""
    constant = size.constant[metric]
    return Plan(
        margin=round(constant / size.constant["accuracy"], 3),
        failure_threshold=constant,
        note="One point of the true accuracy is our choice. A network that is not right more often than the best "
        "constant answer, rounded up, has not learned by this metric, whatever its perplexity. Both were chosen after "
        "runs of seeds 0 to 2 at scale quick.",
    )


def controls(preset: Preset) -> dict[str, AnyRegularizer | None]:
    """Return the torus and its three controls: the columns of Table 4."""
    torus = preset.moduli(Torus())
    return {"Torus": torus, "No reg.": None, "L1": preset.l1_control(preset.l1), "Shuffled": Shuffled(base=torus)}


def table4(name: str, scale: Scale, variant: Variant) -> Table:
    """Table 4: the torus compared with its controls."""
    return _grid(name, scale, variant, "by regularizer", "Table 4", controls(variant.preset), _claims.TABLE_4)


def table5(name: str, scale: Scale, variant: Variant) -> Table:
    """Table 5: five manifolds; the three controls are those of Table 4."""
    known = controls(variant.preset)
    columns = {**spaces(variant.preset), **{name: known[name] for name in ("No reg.", "L1", "Shuffled")}}
    return _grid(name, scale, variant, "by manifold", "Table 5 (controls: Table 4)", columns, _claims.TABLE_5)


def table9(name: str, scale: Scale, variant: Variant) -> Table:
    """Table 9: inhibitors on the torus."""
    preset = variant.preset
    columns: dict[str, AnyRegularizer | None] = {
        "Torus": preset.moduli(Torus()),
        "Diffusion": preset.moduli(Torus(), preset.text_diffusion),
        "Sinusoid": preset.moduli(Torus(), preset.text_sinusoid),
    }
    return _grid(
        name,
        scale,
        variant,
        "by inhibitor on the torus (Torus: difference of Gaussians)",
        "Table 9",
        columns,
        _claims.TABLE_9,
    )


def table11(name: str, scale: Scale, variant: Variant) -> Table:
    """Table 11: the strength of three regularizers at 90 %."""
    columns = {column: value for column, value in controls(variant.preset).items() if column != "No reg."}
    bench = replace(benchmark(scale, variant), strength=TEXT[scale].strength)  # rows name its multiples
    return bench.table(
        name,
        scale,
        title="Accuracy of the next word at 90 % sparsity, by strength of the penalty",
        source=SOURCE.format(f"Table 11, single trials; {SWEEP.format(bench.strength)}", _factor_in_words(bench)),
        cells=by_strength(bench, columns, _published.TEXT_STRENGTHS, _factor(bench)),
        claims=_claims.TABLE_11,
    )


def strength(name: str, scale: Scale, variant: Variant) -> Table:
    """Dense networks of Table 4 at several strengths of the penalty: at which of them is the text still learned?"""
    bench = benchmark(scale, variant)
    return bench.table(
        name,
        scale,
        title="Accuracy of the next word without pruning, by strength of the penalty",
        source="Not in the paper: our protocol for the choice of lambda in Table 4 at this scale",
        cells=dense_by_strength(bench, controls(variant.preset), TEXT[scale].strengths),
    )


def _grid(
    name: str,
    scale: Scale,
    variant: Variant,
    by: str,
    source: str,
    columns: dict[str, AnyRegularizer | None],
    claims: tuple[Claim, ...],
) -> Table:
    bench = benchmark(scale, variant)

    def published(row: str, column: str) -> Published | None:
        return _published.text(row, column, factor=_factor(bench))

    return bench.table(
        name,
        scale,
        title=f"Accuracy of the next word after pruning, {by}",
        source=SOURCE.format(source, _factor_in_words(bench)),
        cells=baseline(bench, columns, published) + pruned(bench, columns, published),
        claims=claims,
    )


def _factor(bench: Benchmark) -> float:
    """Return the factor from the printed numbers to the metric of the table."""
    return 1.0 if bench.score.metric == "accuracy_reported" else 2.0


def _factor_in_words(bench: Benchmark) -> str:
    if bench.score.metric == "accuracy_reported":
        return "as printed, half of the true numbers on the whole test text"
    return "twice the printed numbers, which are half of the true"


def _baseline_rule(cells: Mapping[Place, FilledCell]) -> list[str]:
    """Return whether dense networks beat the best constant answer in accuracy and the unigram model in perplexity."""
    task = next(iter(cells.values())).cell.experiment.task
    assert isinstance(task, WikiText)
    dense = [cell for cell in cells.values() if cell.cell.stage == "dense" and cell.n]
    if not dense:
        return []
    try:
        source = task.open(device="cpu", generator=torch.Generator())
    except ValueError as error:
        return [f"What constant answers reach is not known here: {error}"]
    word, constant = source.constant()
    unigram = source.unigram()
    lines = [
        f"Best constant answer on test: {word!r}, {100 * constant['accuracy']:.2f} % "
        f"(as the published code counts, here {constant['accuracy_reported'] / constant['accuracy']:.3g} of what is "
        f"true: {100 * constant['accuracy_reported']:.2f} %). "
        f"Perplexity of the words' frequencies: {unigram:.1f}."
    ]
    for cell in dense:
        stages = cell.stages.values()
        better = sum(
            stage.metrics["accuracy"] > constant["accuracy"] and stage.metrics["perplexity"] < unigram
            for stage in stages
        )
        perplexities = ", ".join(f"{stage.metrics['perplexity']:.1f}" for stage in stages)
        lines.append(f"{cell.cell.name}: better than both in {better} of {cell.n} runs; perplexity {perplexities}.")
    return lines
