"""Write `run_keys.json`: the run keys of every table, and of experiments that name each kind of value once.

The file in this folder was written by commit ad71c72, before the packages were rearranged, and must never be written
again by a later version: it shows that the keys of stored runs have not changed. Run with that version installed:

    python write_run_keys.py run_keys.json
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from srnn_bench import Experiment, papers

SCALES = ("smoke", "quick", "paper")

ADDING = {"kind": "adding", "steps": 5, "held_out": 50}
ELMAN = {"kind": "elman", "hidden": 6}
MODEL = {"kind": "sequence", "recurrence": ELMAN}
TRAINING = {"epochs": 3, "batches": 2, "batch_size": 8, "learning_rate": 0.01}
MODULI = {"kind": "moduli"}
HH = "*weight_hh*"


def experiment(**fields: Any) -> dict[str, Any]:
    """Return the JSON of a small experiment with some fields changed."""
    return {"task": ADDING, "model": MODEL, "stages": [{"name": "train", "training": TRAINING}], **fields}


def penalised(regularizer: dict[str, Any], strength: float = 0.1) -> dict[str, Any]:
    return experiment(penalties=[{"parameter": HH, "regularizer": regularizer, "strength": strength}])


def pruned(**fields: Any) -> dict[str, Any]:
    stage = {"name": "sparse", "training": TRAINING, "pruning": {"kind": "pruning", "sparsity": 0.5, **fields}}
    return experiment(stages=[stage, {"name": "lottery", "training": TRAINING, "start": "reinitialize"}])


def trained(**fields: Any) -> dict[str, Any]:
    return experiment(stages=[{"name": "train", "training": {**TRAINING, **fields}}])


def masked(pattern: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return experiment(masks=[{"parameter": HH, "pattern": pattern, **fields}])


EXPERIMENTS: dict[str, dict[str, Any]] = {
    "plain": experiment(),
    # tasks
    "adding, defaults": experiment(task={"kind": "adding"}),
    "path integration": experiment(task={"kind": "path_integration"}, model={"kind": "path_integrator"}),
    "path integration, other fields": experiment(
        task={"kind": "path_integration", "place_code": "paper", "scored": "last", "layout_seed": None, "steps": 7},
        model={"kind": "path_integrator", "recurrence": {**ELMAN, "nonlinearity": "relu", "bias": False}},
    ),
    "wikitext": experiment(task={"kind": "wikitext"}, model={"kind": "language_model", "recurrence": ELMAN}),
    "wikitext, other fields": experiment(
        task={"kind": "wikitext", "vocabulary": 1000, "train_tokens": 5000, "evaluation_tokens": 2000},
        model={"kind": "language_model", "recurrence": ELMAN, "layers": 3, "embedding": 12},
    ),
    "sequential mnist": experiment(task={"kind": "sequential_mnist"}),
    "sequential mnist, other fields": experiment(
        task={"kind": "sequential_mnist", "view": "pixels", "permutation_seed": 3, "scaling": "standard"}
    ),
    "cognitive": experiment(task={"kind": "cognitive"}),
    "cognitive, other fields": experiment(
        task={
            "kind": "cognitive",
            "tasks": ["dlygo", "dlygo-intr-seql", "anti"],
            "rules": "parts",
            "untrained": ["anti"],
            "proportions": [1, 2, 0.5],
            "layout": {"kind": "windows", "steps": 50},
            "timing": {"delay": 300, "unit": 200},
            "conventions": {"kind": "legacy", "order": "drawn"},
        }
    ),
    "cognitive, streams": experiment(task={"kind": "cognitive", "tasks": "paper84", "layout": {"kind": "streams"}}),
    "neurogym": experiment(task={"kind": "neurogym"}),
    "neurogym, other fields": experiment(
        task={"kind": "neurogym", "environment": "GoNogo-v0", "arguments": {"timing": {"delay": 300}}, "dt": 20}
    ),
    # models
    "two layers": experiment(model={"kind": "sequence", "recurrence": ELMAN, "layers": 2, "bias": False}),
    "elman, two biases": experiment(model={"kind": "sequence", "recurrence": {**ELMAN, "bias": "double"}}),
    "leaky": experiment(model={"kind": "sequence", "recurrence": {"kind": "leaky", "hidden": 6}}),
    "leaky, other fields": experiment(
        model={
            "kind": "sequence",
            "recurrence": {"kind": "leaky", "hidden": 6, "alpha": 0.2, "nonlinearity": "softplus", "gain": 0.5},
        }
    ),
    "gru": experiment(model={"kind": "sequence", "recurrence": {"kind": "gru", "hidden": 6}}),
    "lstm": experiment(model={"kind": "sequence", "recurrence": {"kind": "lstm", "hidden": 6}}),
    "lstm without bias": experiment(
        model={"kind": "sequence", "recurrence": {"kind": "lstm", "hidden": 6, "bias": False}}
    ),
    # masks and signs
    "dense": masked({"kind": "dense"}),
    "locality": masked({"kind": "locality", "sheet": [2, 3], "radius": 1}),
    "locality, open": masked({"kind": "locality", "sheet": [2, 3], "radius": 1.5, "periodic": False}),
    "fixed in-degree": masked({"kind": "fixed_in_degree", "degree": 3}, initialization="fan_in"),
    "fixed in-degree, no autapses": masked({"kind": "fixed_in_degree", "degree": 3, "self_connections": False}),
    "uniform random": masked({"kind": "uniform_random", "density": 0.3}),
    "bernoulli": masked({"kind": "bernoulli", "density": 0.3}),
    "cheapest": masked({"kind": "cheapest", "base": MODULI, "density": 0.25}),
    "signs": experiment(signs=[{"parameter": HH}]),
    "signs, other fields": experiment(
        signs=[{"parameter": "*weight*", "law": {"kind": "dale", "excitatory": 0.5}, "initialization": "signed"}]
    ),
    # penalties
    "moduli": penalised(MODULI),
    "moduli, other fields": penalised({**MODULI, "reduction": "sum", "offset": "empirical", "power": 2}),
    "l1": penalised({"kind": "l1"}),
    "l1, matched": penalised({"kind": "l1", "matched": MODULI}),
    "l1, other fields": penalised({"kind": "l1", "coefficient": 2, "reduction": "sum", "power": 1.5}),
    "shuffled": penalised({"kind": "shuffled", "base": MODULI}),
    "trained": penalised({"kind": "trained", "base": MODULI}),
    "grouped": penalised(
        {
            "kind": "grouped",
            "groups": [
                {"kind": "group", "share": 0.5, "base": MODULI},
                {"kind": "group", "share": 0.5, "base": {**MODULI, "manifold": {"kind": "circle"}}},
            ],
            "between": 80,
        }
    ),
    **{
        f"manifold {manifold['kind']}, {number}": penalised({**MODULI, "manifold": manifold})
        for number, manifold in enumerate(
            [
                {"kind": "torus", "dim": 6},
                {"kind": "torus", "period": 5},
                {"kind": "circle"},
                {"kind": "circle", "radius": 2, "metric": "chordal"},
                {"kind": "sphere"},
                {"kind": "sphere", "dim": 3, "radius": 1},
                {"kind": "klein_bottle"},
                {"kind": "klein_bottle", "period": 4},
                {"kind": "euclidean"},
                {"kind": "euclidean", "dim": 9, "sampling": {"kind": "normal", "scale": 10}},
                {"kind": "euclidean", "sampling": {"kind": "uniform", "side": 3}},
                {"kind": "product", "factors": [{"kind": "circle"}, {"kind": "euclidean", "dim": 1}]},
            ]
        )
    },
    **{
        f"inhibitor {inhibitor['kind']}, {number}": penalised({**MODULI, "inhibitor": inhibitor})
        for number, inhibitor in enumerate(
            [
                {"kind": "difference_of_gaussians", "amplitude": 10, "narrow": 1, "ceiling": "amplitude"},
                {"kind": "diffusion"},
                {"kind": "diffusion", "power": 1},
                {"kind": "sinusoid"},
                {"kind": "sinusoid", "amplitude": 10, "frequency": 3},
                {"kind": "ricker"},
                {"kind": "ricker", "width": 2},
                {"kind": "reversed", "base": {"kind": "diffusion"}, "ceiling": 50},
            ]
        )
    },
    # pruning
    "pruning": pruned(),
    "pruning, random": pruned(criterion={"kind": "random"}),
    "pruning, magnitude": pruned(criterion={"kind": "magnitude"}),
    "pruning, one shot": pruned(schedule={"kind": "one_shot"}),
    "pruning, one shot later": pruned(schedule={"kind": "one_shot", "epoch": 2}),
    "pruning, proportional": pruned(schedule={"kind": "proportional"}),
    "pruning, one matrix": pruned(scope=[HH], ranking="per_matrix"),
    # training
    "adam, other fields": trained(optimizer={"kind": "adam", "betas": [0.8, 0.99], "weight_decay": 0.1}),
    "adamw": trained(optimizer={"kind": "adamw"}),
    "sgd": trained(optimizer={"kind": "sgd", "momentum": 0.9}),
    "annealing": trained(rates={"kind": "annealing"}),
    "annealing, other fields": trained(rates={"kind": "annealing", "factor": 2, "best": "kept"}),
    "training, other fields": trained(
        batches=None, clip_norm=1, embedding_learning_rate=0.1, embedding_decay=0.9, evaluate_every=2
    ),
    # stages
    "stages": experiment(
        penalties=[{"parameter": HH, "regularizer": {"kind": "trained", "base": MODULI}, "strength": 1e-3}],
        stages=[
            {"name": "first", "training": TRAINING},
            {"name": "second", "training": TRAINING, "start": "rewind", "regularizer": "fresh", "freeze": ["points.*"]},
            {"name": "third", "training": TRAINING, "regularizer": "none", "task": {**ADDING, "steps": 7}},
        ],
    ),
}


def table_keys(name: str, scale: str) -> dict[str, Any]:
    """Return the number of runs of a table and the hash of the sorted list of their keys."""
    keys = sorted({job.key for job in papers.table(name, scale).jobs()})
    return {"runs": len(keys), "sha256": hashlib.sha256("\n".join(keys).encode()).hexdigest()}


def block(entries: dict[str, Any]) -> str:
    """Return the entries as JSON, one line per entry."""
    lines = (f"  {json.dumps(name)}: {json.dumps(entry, sort_keys=True)}" for name, entry in entries.items())
    return "{\n" + ",\n".join(lines) + "\n }"


def main(path: Path) -> None:
    tables = {name: {scale: table_keys(name, scale) for scale in SCALES} for name in papers.table_names()}
    experiments = {}
    for name, document in EXPERIMENTS.items():
        value = Experiment.model_validate(document)
        experiments[name] = {
            "written": document,
            "complete": value.model_dump(mode="json"),
            "keys": {seed: value.key(seed) for seed in (0, 1, 12345)},
        }
    parts = {"tables": tables, "experiments": experiments}
    path.write_text("{\n" + ",\n".join(f' "{name}": {block(part)}' for name, part in parts.items()) + "\n}\n")
    print(f"{len(tables)} tables, {len(experiments)} experiments, written to {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
