"""Compare two versions of the packages bit for bit: train small experiments with both and compare all results.

    SRNN_DATA=<folder> python integration_tests/compare_bits.py <python A> <python B>

<python A> and <python B> are interpreters of two environments on one machine, each with its version of the six
packages installed. SRNN_DATA names the folder that holds `wikitext-2` and `mnist`. Every experiment is trained in both,
on one CPU thread; run keys, statuses, metrics, densities, histories and the weights at the end of each stage must be
equal in every bit. One line per experiment is printed; the exit status is 1 if any differs, 2 if one cannot be trained.
Only names that are public in both versions are used.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HH, IH = "*weight_hh*", "*weight_ih*"
TORUS = {"kind": "moduli"}
KLEIN = {"kind": "moduli", "manifold": {"kind": "klein_bottle"}, "inhibitor": {"kind": "diffusion"}}
R3 = {"kind": "moduli", "manifold": {"kind": "euclidean", "dim": 3}, "offset": "empirical"}

NAVIGATION = {"kind": "path_integration", "steps": 6, "place_cells": 32, "place_width": 0.3, "evaluation_size": 20}
ADDING = {"kind": "adding", "steps": 8, "held_out": 100}
TEXT = {"kind": "wikitext", "vocabulary": 200, "steps": 8, "train_tokens": 8000, "evaluation_tokens": 1000}
YANG = {"kind": "cognitive", "tasks": "yang20", "evaluation_trials": 2}


def recurrence(kind: str, hidden: int = 16, **fields: Any) -> dict[str, Any]:
    """Return the JSON of a recurrence."""
    return {"kind": kind, "hidden": hidden, **fields}


def penalty(regularizer: dict[str, Any], parameter: str = HH, strength: float = 0.1) -> dict[str, Any]:
    """Return the JSON of a penalty."""
    return {"parameter": parameter, "regularizer": regularizer, "strength": strength}


def stage(name: str, epochs: int = 4, rate: float = 1e-2, pruning: Any = None, **fields: Any) -> dict[str, Any]:
    """Return the JSON of a stage of 5 steps per epoch; `training` adds fields to its training."""
    training = {"epochs": epochs, "batches": 5, "batch_size": 8, "learning_rate": rate, **fields.pop("training", {})}
    return {"name": name, "training": training, "pruning": pruning, **fields}


def prune(sparsity: float, **fields: Any) -> dict[str, Any]:
    """Return the JSON of a pruning."""
    return {"kind": "pruning", "sparsity": sparsity, **fields}


@dataclass(frozen=True)
class Case:
    """An experiment as JSON; more than one seed: trained as one batched computation."""

    experiment: dict[str, Any]
    seeds: tuple[int, ...] = (0,)
    precision: str = "float32"


CASES = {
    "navigation, pruning and lottery": Case(
        {
            "task": NAVIGATION,
            "model": {
                "kind": "path_integrator",
                "recurrence": recurrence("elman", 150, nonlinearity="relu", bias=False),
            },
            "penalties": [penalty(TORUS)],
            "stages": [stage("sparse", 6, pruning=prune(0.9)), stage("lottery", 5, start="reinitialize")],
        },
        seeds=(1,),
    ),
    "navigation, stacked, GRU, two penalties, pruning and lottery": Case(
        {
            "task": NAVIGATION,
            "model": {"kind": "path_integrator", "recurrence": recurrence("gru", 12)},
            "penalties": [
                penalty({"kind": "shuffled", "base": TORUS}),
                penalty({"kind": "l1", "matched": TORUS}, "encoder.weight"),
            ],
            "stages": [
                stage("sparse", 5, pruning=prune(0.75, scope=[HH])),
                stage("lottery", 4, start="reinitialize", regularizer="fresh"),
            ],
        },
        seeds=(0, 1, 2),
    ),
    "navigation, mask from a manifold, another task in the second stage": Case(
        {
            "task": {**NAVIGATION, "scored": "last", "place_code": "paper"},
            "model": {"kind": "path_integrator", "recurrence": recurrence("elman", 16, nonlinearity="relu")},
            "masks": [{"parameter": HH, "pattern": {"kind": "cheapest", "base": KLEIN, "density": 0.3}}],
            "stages": [
                stage("first", training={"optimizer": {"kind": "adamw", "weight_decay": 0.01}}),
                stage("second", task={**NAVIGATION, "steps": 4, "layout_seed": 5}, freeze=["readout.*"]),
            ],
        },
    ),
    "text, three layers, annealing, proportional pruning": Case(
        {
            "task": TEXT,
            "model": {"kind": "language_model", "recurrence": recurrence("elman", 20, bias="double"), "layers": 3},
            "penalties": [penalty(TORUS), penalty({"kind": "l1"}, "embedding.weight", 1e-3)],
            "stages": [
                stage(
                    name,
                    rate=5.0,
                    training={
                        "optimizer": {"kind": "sgd"},
                        "rates": {"kind": "annealing", "best": "kept"},
                        "clip_norm": 0.25,
                    },
                    **fields,
                )
                for name, fields in {
                    "sparse": {"pruning": prune(0.6, schedule={"kind": "proportional"})},
                    "lottery": {"start": "reinitialize"},
                }.items()
            ],
        },
    ),
    "text, stacked, LSTM": Case(
        {
            "task": TEXT,
            "model": {"kind": "language_model", "recurrence": recurrence("lstm", 12), "embedding": 10},
            "penalties": [penalty(R3)],
            "stages": [stage("dense", training={"evaluate_every": 2, "clip_norm": 1})],
        },
        seeds=(0, 1),
    ),
    "adding, trained embedding": Case(
        {
            "task": ADDING,
            "model": {"kind": "sequence", "recurrence": recurrence("elman")},
            "penalties": [penalty({"kind": "trained", "base": R3}, strength=1e-2)],
            "stages": [
                stage(
                    "sparse",
                    pruning=prune(0.8),
                    training={"embedding_decay": 0.9, "embedding_learning_rate": 0.05},
                ),
                stage("closed", 2, freeze=["points.*"]),
                stage("lottery", start="reinitialize"),
            ],
        },
        seeds=(3,),
    ),
    "adding, stacked, LSTM, two layers, rewound": Case(
        {
            "task": ADDING,
            "model": {"kind": "sequence", "recurrence": recurrence("lstm", 10), "layers": 2},
            "masks": [
                {
                    "parameter": IH,
                    "pattern": {"kind": "uniform_random", "density": 0.7},
                    "initialization": "fan_in",
                }
            ],
            "penalties": [penalty(TORUS)],
            "stages": [
                stage("first", pruning=prune(0.5, criterion={"kind": "random"}, ranking="per_matrix")),
                stage("second", start="rewind", regularizer="none"),
            ],
        },
        seeds=(0, 1, 2, 3),
    ),
    "adding, stacked, Elman, trained embedding": Case(
        {
            "task": ADDING,
            "model": {"kind": "sequence", "recurrence": recurrence("elman", 40)},
            "penalties": [penalty({"kind": "trained", "base": R3}, strength=1e-2)],
            "stages": [stage("sparse", pruning=prune(0.8)), stage("lottery", start="reinitialize")],
        },
        seeds=(0, 1),
    ),
    **{
        f"adding, bfloat16, {cell['kind']}": Case(
            {"task": ADDING, "model": {"kind": "sequence", "recurrence": cell}, "stages": [stage("dense")]},
            precision="bfloat16",
        )
        for cell in (recurrence("gru"), recurrence("lstm"), recurrence("leaky", alpha=0.2), recurrence("elman"))
    },
    "Mod-Cog, leaky, locality": Case(
        {
            "task": {**YANG, "tasks": "paper84", "evaluation_trials": 1},
            "model": {"kind": "sequence", "recurrence": recurrence("leaky", 144, alpha=0.2)},
            "masks": [{"parameter": HH, "pattern": {"kind": "locality", "sheet": [12, 12], "radius": 3}}],
            "stages": [stage("train", training={"evaluate_every": 2})],
        },
    ),
    "Mod-Cog, stacked, Dale's law, streams": Case(
        {
            "task": {**YANG, "layout": {"kind": "streams", "steps": 30}, "conventions": {"kind": "legacy"}},
            "model": {"kind": "sequence", "recurrence": recurrence("leaky", 20, nonlinearity="softplus")},
            "masks": [{"parameter": HH, "pattern": {"kind": "fixed_in_degree", "degree": 8}}],
            "signs": [{"parameter": HH}, {"parameter": "readout.weight", "initialization": "signed"}],
            "stages": [stage("train", training={"evaluate_every": 1})],
        },
        seeds=(0, 1, 2),
    ),
    "Mod-Cog, parts, windows, groups, one shot": Case(
        {
            "task": {
                **YANG,
                "tasks": ["go", "dlygo", "dlygo-intr-seql", "anti", "dm1"],
                "rules": "parts",
                "untrained": ["dlygo-intr-seql"],
                "proportions": [1, 1, 1, 2, 0.5],
                "layout": {"kind": "windows", "steps": 40},
            },
            "model": {"kind": "sequence", "recurrence": recurrence("gru", 12)},
            "masks": [{"parameter": "readout.weight", "pattern": {"kind": "bernoulli", "density": 0.8}}],
            "penalties": [
                penalty(
                    {
                        "kind": "grouped",
                        "groups": [
                            {"kind": "group", "share": 0.5, "base": TORUS},
                            {"kind": "group", "share": 0.5, "base": {**TORUS, "manifold": {"kind": "sphere"}}},
                        ],
                        "between": 80,
                    }
                )
            ],
            "stages": [stage("train", pruning=prune(0.7, schedule={"kind": "one_shot", "epoch": 2}))],
        },
    ),
    "sequential MNIST, Elman": Case(
        {
            "task": {"kind": "sequential_mnist", "permutation_seed": 1},
            "model": {"kind": "sequence", "recurrence": recurrence("elman", 12), "layers": 2},
            "stages": [stage("dense", 2)],
        },
    ),
}


# --- in one version -------------------------------------------------------------------------------------------------


class Watcher:
    """A watcher that does nothing."""

    def reused(self, *_: Any) -> None: ...
    def begun(self, *_: Any) -> None: ...
    def epoch(self, *_: Any) -> None: ...
    def note(self, *_: Any) -> None: ...
    def ended(self, *_: Any) -> None: ...
    def close(self) -> None: ...


def train(case: Case, folder: Path) -> dict[str, Any]:
    """Return all that must be equal: per seed the run's key, status, stages and weights."""
    from srnn_bench import Conditions, Experiment, Job, Store, sweep

    experiment = Experiment.model_validate(case.experiment)
    store = Store(folder)
    jobs = [Job(experiment, seed, f"seed {seed}") for seed in case.seeds]
    conditions = Conditions(device="cpu", precision=case.precision, threads=1)
    stack = "always" if len(jobs) > 1 else "never"
    sweep(jobs, store, conditions=conditions, stack=stack, keep_weights=True, watcher=Watcher())
    runs = {}
    for job in jobs:
        result = store.get(job.key)
        if result is None or result.status != "done" or result.environment.stacked != len(jobs):
            raise RuntimeError(f"expected a finished run of a stack of {len(jobs)}, got {result}")
        measured = ("metrics", "densities", "present", "history", "steps")
        runs[str(job.seed)] = {
            "key": job.key,
            **{
                stage.name: {
                    **json.loads(stage.model_dump_json(include=set(measured))),
                    "weights": tensors(store.folder / "weights" / job.key / f"{stage.name}.safetensors"),
                }
                for stage in result.stages
            },
        }
    return runs


def tensors(path: Path) -> dict[str, list[str]]:
    """Return type, shape and a hash of the bits of every tensor in a file."""
    from safetensors.torch import load_file
    from torch import uint8

    def bits(tensor: Any) -> str:
        return hashlib.sha256(bytes(tensor.contiguous().view(uint8).flatten().tolist())).hexdigest()

    return {
        name: [str(tensor.dtype), str(tuple(tensor.shape)), bits(tensor)]
        for name, tensor in sorted(load_file(path).items())
    }


def train_all(only: str, folder: Path) -> None:
    """Train the cases whose name contains `only`, and write the results of each to a file, or its error."""
    for number, name in enumerate(chosen(only)):
        with tempfile.TemporaryDirectory() as store:
            try:
                outcome = train(CASES[name], Path(store))
            except Exception as error:
                outcome = {"error": f"{type(error).__name__}: {error}"}
        part = folder / f"{number}.part"
        part.write_text(json.dumps(outcome))
        part.rename(folder / f"{number}.json")  # whole, for whoever waits for it


# --- both versions --------------------------------------------------------------------------------------------------


def chosen(only: str) -> list[str]:
    """Return the names of the cases that contain `only`."""
    return [name for name in CASES if only in name]


def start(python: str, only: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start an interpreter that trains the cases."""
    folder.mkdir()
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [python, "-B", __file__, "--train", only, str(folder)]
    return subprocess.Popen(command, env={**os.environ, **one_thread, "PYTHONHASHSEED": "0"})


def outcome_of(process: subprocess.Popen[bytes], path: Path) -> dict[str, Any]:
    """Wait for the results of a case and return them."""
    while not path.exists():
        if process.poll() is not None and not path.exists():
            return {"error": f"the interpreter ended with status {process.returncode}"}
        time.sleep(0.1)
    outcome: dict[str, Any] = json.loads(path.read_text())
    return outcome


def leaves(data: Any, path: str = "") -> dict[str, str]:
    """Return everything in JSON data that is no object or list, as text, by path."""
    if isinstance(data, dict | list):
        items = data.items() if isinstance(data, dict) else enumerate(data)
        return {key: leaf for name, part in items for key, leaf in leaves(part, f"{path}/{name}").items()}
    return {path: json.dumps(data)}


def compare(name: str, one: dict[str, Any], other: dict[str, Any]) -> int:
    """Compare the results of a case, print a line, and return the exit status."""
    errors = [f"{side}: {data['error']}" for side, data in zip("AB", (one, other), strict=True) if "error" in data]
    if errors:
        print(f"failed     {name}: {'; '.join(errors)}", flush=True)
        return 2
    before, after = leaves(one), leaves(other)
    different = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    if different:
        first = different[0]
        values = f"{before.get(first, 'absent')} and {after.get(first, 'absent')}"
        print(f"DIFFERENT  {name}: {len(different)} of {len(before)}, such as {first}: {values}", flush=True)
        return 1
    print(f"equal      {name}: {len(before)} numbers and tensors", flush=True)
    return 0


def main() -> None:
    if sys.argv[1:2] == ["--train"]:
        train_all(sys.argv[2], Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs=2, metavar="python", help="the interpreters of the two environments")
    parser.add_argument("--only", default="", help="train the experiments whose name contains this text")
    options = parser.parse_args()
    if not os.environ.get("SRNN_DATA"):
        parser.error("SRNN_DATA: expected the folder of wikitext-2 and mnist")
    statuses = []
    with tempfile.TemporaryDirectory() as folder:
        sides = [Path(folder) / side for side in "AB"]
        processes = [start(python, options.only, side) for python, side in zip(options.pythons, sides, strict=True)]
        try:
            for number, name in enumerate(chosen(options.only)):
                outcomes = [
                    outcome_of(process, side / f"{number}.json") for process, side in zip(processes, sides, strict=True)
                ]
                statuses.append(compare(name, *outcomes))
        finally:
            for process in processes:
                process.kill()
                process.wait()
    print(f"{statuses.count(0)} of {len(statuses)} experiments are equal in every bit")
    raise SystemExit(max(statuses, default=2))


if __name__ == "__main__":
    main()
