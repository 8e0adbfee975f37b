"""A section of the report on experiments of one's own: one row per experiment, and each compared with every other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..experiment import packages_of, versions_differ
from ..tables import LEVEL, Comparison, FilledCell, OwnExperiment, compare
from ._own_figures import own_drawings
from ._section import Finding, Section
from ._sheets import Sheet
from ._texts import engine_remarks, environments, percent, probability, slug, step_time, without_value

PAIRS = 15  # shown at first; as many as six experiments have


def own_sections(experiments: Iterable[OwnExperiment]) -> list[Section]:
    """Return one section per kind of task, since numbers of different tasks cannot be compared.

    A section has one row per experiment, a comparison of any two of them by the headline metric after their last
    stages, and their learning curves together.
    """
    groups: dict[str, list[OwnExperiment]] = {}
    for own in experiments:
        groups.setdefault(own.experiment.task.kind, []).append(own)
    return [_section(kind, group) for kind, group in groups.items()]


def _section(kind: str, experiments: Sequence[OwnExperiment]) -> Section:
    metrics = dict.fromkeys(name for own in experiments for name in own.metrics[_last(own)])
    headline = next(iter(metrics), "")
    cells = {own.name: own.cell(_last(own), headline) for own in experiments}
    pairs = compare(cells)
    order = sorted(range(len(pairs)), key=lambda index: _p(pairs[index]))
    ordered = [pairs[index] for index in order]
    every = _comparison("Comparison, each experiment with every other", ordered, headline)
    few = len(pairs) <= PAIRS
    strongest = ordered[:PAIRS]
    title = f"Comparison: the {PAIRS} of {len(pairs)} pairs with the smallest p"
    anchor = slug(f"own-{kind}")
    results = [result for own in experiments for result in own.found]
    return Section(
        heading=f"Experiments of your own: {kind}",
        anchor=anchor,
        noise="",
        findings=tuple(_findings(pairs, strongest, headline)),
        counts=_counts(experiments),
        cells=_results(experiments, cells, list(metrics)),
        caption=(
            "Mean ± sample standard deviation over the runs that finished the stage; n is the number of runs that "
            "finished the last stage, to which weights present and step times belong."
        ),
        remarks=(*_problems(experiments), *engine_remarks(results), *_tests(pairs, headline)),
        protocol=(),
        judgements=(),
        numbers=(),
        claims=Sheet("Claims", (), ()),
        shown=(every if few else _comparison(title, strongest, headline),),
        folded=() if few else (every,),
        runs=_runs(experiments),
        environments=tuple(environments(results)),
        commands=(*(own.command for own in experiments if own.command), "srnn report"),
        draw=lambda: own_drawings(anchor, headline, cells),
    )


def _last(own: OwnExperiment) -> str:
    """Return the name of the last stage."""
    return own.experiment.stages[-1].name


def _results(experiments: Sequence[OwnExperiment], cells: Mapping[str, FilledCell], metrics: Sequence[str]) -> Sheet:
    """Return one row per experiment: n, every metric of the last stage, the first one of earlier stages, and costs."""
    earlier = dict.fromkeys(stage.name for own in experiments for stage in own.experiment.stages[:-1])
    ends = dict.fromkeys(map(_last, experiments))
    last_name = f" after {next(iter(ends))}" if earlier and len(ends) == 1 else ""
    densities = {own.name: cells[own.name].densities for own in experiments}
    sparse = dict.fromkeys(name for shares in densities.values() for name, share in shares.items() if share < 1)
    rows = []
    for own in experiments:
        last = cells[own.name]
        stages = {stage.name for stage in own.experiment.stages[:-1]}
        rows.append(
            (
                own.name + (f"\nafter {_last(own)}" if len(ends) > 1 else ""),
                "\n".join([str(last.n), *([", ".join(lost)] if (lost := without_value(last)) else [])]),
                *(mean_text(own.cell(_last(own), metric)) for metric in metrics),
                *(mean_text(own.cell(stage, metrics[0])) if stage in stages and metrics else "" for stage in earlier),
                *(percent(densities[own.name].get(name)) for name in sparse),
                step_time(last.stages.values()),
            )
        )
    columns = (
        *("experiment", "n"),
        *(f"{metric}{last_name}" for metric in metrics),
        *(f"{metrics[0] if metrics else ''} after {stage}" for stage in earlier),
        *(f"{name} present" for name in sparse),
        "ms per step",
    )
    return Sheet("Experiments", columns, tuple(rows))


def _comparison(title: str, pairs: Sequence[Comparison], metric: str) -> Sheet:
    rows = []
    for pair in pairs:
        numbers = ("", "", "")
        if pair.test is not None and pair.p is not None and pair.p_holm is not None:
            low, high = pair.test.interval
            numbers = (
                f"{pair.test.estimate:+.3g}\n{low:+.3g} to {high:+.3g}",
                f"{probability(pair.p_holm)}\n{probability(pair.p)} uncorrected",
                "" if pair.effect is None else f"{pair.effect:+.2f}",
            )
        rows.append((f"{pair.first}\nminus {pair.second}", f"{pair.n[0]}, {pair.n[1]}", *numbers, pair.conclusion))
    return Sheet(title, ("pair", "n", f"difference of {metric}", "p, Holm", "g", "conclusion"), tuple(rows), words=1)


def _tests(pairs: Sequence[Comparison], metric: str) -> Iterator[str]:
    """Yield how the pairs were tested."""
    if pairs:
        tested = sum(pair.test is not None for pair in pairs)
        yield (
            f"Comparison: the difference is the mean {metric} of the first minus that of the second, after the last "
            "stage of each, with its 95 % interval by a t test (not corrected). p is two-sided and corrected by "
            f"Holm's procedure over {tested} tested {'pair' if tested == 1 else 'pairs'}; g is Hedges' effect size. "
            "That no difference is found does not show that there is none."
        )


def _findings(pairs: Sequence[Comparison], strongest: Sequence[Comparison], metric: str) -> Iterator[Finding]:
    """Yield the differences that were found, or that there was none among the pairs that could be tested."""
    tested = sum(pair.test is not None for pair in pairs)
    differ = sum(pair.p_holm is not None and pair.p_holm < LEVEL for pair in pairs)
    over = "" if tested == 1 else f", corrected over {tested} pairs"
    for pair in strongest[:differ]:
        if pair.test is not None and pair.p_holm is not None:
            low, high = pair.test.interval
            yield Finding(
                "different",
                f"{metric}: {pair.conclusion}",
                f"difference {pair.test.estimate:+.3g}, 95 % {low:+.3g} to {high:+.3g}, "
                f"n = {pair.n[0]} and {pair.n[1]}, p {_relation(pair.p_holm)}{over}",
            )
    if tested and not differ:
        smallest = min(pair.p_holm for pair in pairs if pair.p_holm is not None)
        yield Finding(
            "undecided",
            f"{metric}: no difference found between any two of the experiments",
            f"smallest p {_relation(smallest)}{over}",
        )


def _relation(p: float) -> str:
    text = probability(p)
    return text if text.startswith("<") else f"= {text}"


def _runs(experiments: Sequence[OwnExperiment]) -> Sheet:
    """Return one row per run and finished stage, and one for a run that finished none."""
    rows = []
    for own in experiments:
        for seed, result in own.results.items():
            if result is None:
                continue
            first = (own.name, str(seed), result.status)
            for stage in result.stages:
                metrics = ", ".join(f"{name} {value:.6g}" for name, value in stage.metrics.items())
                rows.append((*first, stage.name, metrics, str(stage.steps), step_time([stage]), ""))
            if result.reason or not result.stages:
                rows.append((*first, "", "", "", "", result.reason or ""))
    columns = ("experiment", "seed", "status", "stage", "metrics", "steps", "ms per step", "reason")
    return Sheet("All runs", columns, tuple(rows), words=1)


def _counts(experiments: Sequence[OwnExperiment]) -> dict[str, int]:
    """Return the number of runs by how they ended, without those of 0."""
    statuses = Counter(
        "not run" if result is None else result.status for own in experiments for result in own.results.values()
    )
    return {name: statuses[name] for name in ("done", "diverged", "failed", "not run") if statuses[name]}


def _problems(experiments: Sequence[OwnExperiment]) -> list[str]:
    """Return why runs diverged or failed, and which were produced by other package versions."""
    lines = []
    stale: Counter[str] = Counter()
    for own in experiments:
        reasons = Counter((result.status, result.reason) for result in own.found if result.status != "done")
        lines += [f"{own.name}: {count} {status}: {reason}" for (status, reason), count in reasons.items()]
        packages = packages_of(own.experiment.task.kind)
        stale.update(versions_differ(result.environment.packages, packages) or "" for result in own.found)
    return lines + [
        f"{count} stale, produced by other package versions ({difference}); re-run with `srnn run --refresh`"
        for difference, count in stale.items()
        if difference
    ]


def _p(pair: Comparison) -> float:
    return math.inf if pair.p is None else pair.p


def mean_text(cell: FilledCell) -> str:
    """Return mean ± standard deviation with two digits of the deviation, or the mean with four digits."""
    if cell.mean is None:
        return ""
    if not cell.sd:
        return f"{cell.mean:.4g}" + ("" if cell.sd is None else " ± 0")
    digits = 1 - math.floor(math.log10(cell.sd))
    if digits > 6 or abs(cell.mean) >= 1e7:
        return f"{cell.mean:.4g} ± {cell.sd:.2g}"
    return f"{cell.mean:.{max(0, digits)}f} ± {cell.sd:.{max(0, digits)}f}"
