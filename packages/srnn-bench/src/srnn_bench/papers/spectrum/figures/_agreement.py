"""How far the weights that are kept depend on how the paper's score is read (arXiv 1912.00120), without training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from ....drawing import markdown_table, write_drawing, write_text, write_values
from ... import FigureRequest
from .._networks import CELLS, SPARSITY, Net, literal
from .._sizes import SIZES
from ._agreement_measures import PAIRS, READINGS, STARTS, agreements, chis, gammas, input_weights, masks, rows
from ._draw_agreement import agreement_of_pairs
from ._initial import UNITS
from ._score_masks import untrained
from ._verdict import spread

SEEDS, FEW_SEEDS = 5, 2  # fewer where a measurement takes long: the Frobenius norm, gamma over many sequences

SEQUENCES = (64, 4096)  # over which gamma is taken

TINY, TINY_SEQUENCES = 12, (16, 64)  # at scale smoke

Values = dict[str, dict[str, list[float]]]  # by row of a table, then by cell: one number per seed


def agreement(request: FigureRequest) -> list[Path]:
    """Do the masks of two readings of the score agree? Draws of gamma, derivatives, vectors, normalisations."""
    smoke, size = request.scale == "smoke", SIZES[request.scale]
    units, sequences = (TINY, TINY_SEQUENCES) if smoke else (UNITS, SEQUENCES)
    seeds = size.seeds[:SEEDS]
    pairs, inputs, ratios, between, gamma, chi = (_empty() for _ in range(6))
    for cell in CELLS:
        for place, seed in enumerate(seeds):
            found = untrained(Net(cell, units, literal()), seed, size)
            kept = masks(found, cell, frobenius=place < FEW_SEEDS)
            for (one, other), share in agreements(kept).items():
                pairs[_named(one, other)][cell].append(share)
            for reading, mask in kept.items():
                count, ratio = input_weights(found, mask)
                inputs[reading][cell].append(count)
                ratios[reading][cell].append(ratio)
            for name, share in rows(found).items():
                between[name][cell].append(share)
            if place < FEW_SEEDS:
                for name, value in gammas(found, few=sequences[0], many=sequences[1]).items():
                    gamma[name][cell].append(value)
                for start in STARTS:
                    for name, value in chis(cell, units, start, seed, size).items():
                        chi[f"{start}: {name}"][cell].append(value)
    pairs = {name: pairs[name] for name in (_named(*pair) for pair in PAIRS) if name in pairs}
    setting = (
        f"{units} units, N(0, 0.1), sequential MNIST by rows, a pruning batch of 64, {100 * SPARSITY:g} % sparse, "
        f"before training; mean ± standard deviation over {len(seeds)} seeds"
        f"{f', over {FEW_SEEDS} for the Frobenius norm, gamma and chi' if len(seeds) > FEW_SEEDS else ''}"
    )
    chance = 100 * (1 - SPARSITY)
    title = "Weights in common of two readings of the score"
    drawing = agreement_of_pairs(f"spectrum-agreement-{request.scale}", title, pairs, chance=round(chance, 6))
    text = "\n".join(
        [
            f"# Agreement of readings of the score\n\n{setting}.\n",
            f"## {title}, %\n\nTwo random masks have {chance:.3g} % in common.\n",
            _table("reading / other reading", pairs),
            _kept_text(units, ratios, inputs),
            "## Share of the variance of log scores between the rows of a matrix, %\n\nScores without a division, of "
            "the explicit and of the total derivative.\n",
            _table("derivative: matrix", between),
            _gamma_text(*sequences, gamma),
            "## chi before training\n\nMean of ||J v||² / N over a batch of 64 digits, of 8 for the Frobenius norm.\n",
            _table("initialisation: v, transitions", chi),
        ]
    )
    measured = {
        "weights in common, %": pairs,
        "input weights kept": inputs,
        "input weights kept for each recurrent weight": ratios,
        "variance between rows, %": between,
        "gamma": gamma,
        "chi": chi,
    }
    return [
        *write_drawing(drawing, request.folder),
        write_values(seeds, measured, request.folder, drawing.name),
        write_text(text, request.folder, drawing.name),
    ]


def _empty() -> Values:
    return defaultdict(lambda: defaultdict(list))


def _named(one: str, other: str) -> str:
    return f"{one} / {other}"


def _table(head: str, values: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    body = [[row, *(spread(each.get(cell, ()), count=False) for cell in CELLS)] for row, each in values.items()]
    return markdown_table([head, *CELLS], body)


def _kept_text(units: int, ratios: Values, inputs: Values) -> str:
    body = {name: ratios[name] for name in READINGS if name in ratios}
    counts = {name: inputs[name] for name in READINGS if name in inputs}
    return (
        f"## Input weights that are kept\n\nOf {units} · 28 per gate. A random mask keeps "
        f"{100 * (1 - SPARSITY):.3g} % of them.\n\n{_table('reading', counts)}\n"
        "## Input weights kept for each recurrent weight kept\n\n"
        f"In a dense network {28 / units:.3g}; half of that in the peephole LSTM.\n\n{_table('reading', body)}"
    )


def _gamma_text(few: int, many: int, values: Values) -> str:
    return (
        f"## gamma over {few} and over {many} sequences\n\nRoot mean square over all weights and its ratio, which is "
        f"{(many / few) ** 0.5:g} for a mean of pure noise; correlation of two draws; and the root mean square over "
        "sequences and the same with the opposite sign together, as a multiple of that over the sequences alone: 0 up "
        "to rounding for the tanh RNN, because x -> -x gives h -> -h.\n\n" + _table("gamma", values)
    )
