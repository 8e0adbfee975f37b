"""Hyperparameter studies of arXiv 2509.15057: draws against published facts, constants against the data, a run."""

import hashlib
import math
import os
from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats

from srnn_bench import Conditions, papers, run
from srnn_bench.papers import blocks
from srnn_masks import Densities
from srnn_tasks import TaskError
from srnn_tasks.robotics import Expert

BLOCKS = ("hx", "hh", "hy", "yx", "yh", "yy")
STUDIES = ("table3", "table3-noisy", "figure7", "table4", "figure9", "figure10")
SCALES = ("smoke", "quick", "paper")
RAD = blocks.Budget(2500, 10, 50_000)
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def features(preset, count, sizing=RAD, seed=0):
    """Return the features of the first draws of a preset as columns."""
    draws = [blocks.drawn(preset, number, sizing, seed=seed) for number in range(count)]
    return {name: np.array([draw.features[name] for draw in draws]) for name in draws[0].features}, draws


@pytest.fixture(scope="module", params=["normal", "uniform", "stratified"])
def drawn(request):
    return request.param, *features(request.param, 1500)


# --- distributions ----------------------------------------------------------------------------------------------------


def test_draws_have_their_number_of_weights(drawn):
    _, _, draws = drawn
    for draw in draws:
        x, h, y = 2500, draw.blocks.hidden, 10
        shapes = {"hx": h * x, "hh": h * h, "hy": h * y, "yx": y * x, "yh": y * h, "yy": y * y}
        total = sum(size * getattr(draw.blocks.densities, block) for block, size in shapes.items())
        assert total == pytest.approx(50_000, rel=1e-4), "thinned densities have six decimals"


def test_means_densities_and_rates_are_distributed_and_rounded_as_published(drawn):
    preset, columns, _ = drawn
    means, sds = (np.concatenate([columns[f"{name} of W_{block}"] for block in BLOCKS]) for name in ("mean", "sd"))
    densities = np.concatenate([columns[f"density of W_{block}"] for block in ("yx", "yh", "yy")])
    rates = columns["learning rate"]
    for values, decimals in ((means, 3), (sds, 3), (densities, 2), (rates, 5)):
        assert values == pytest.approx(np.round(values, decimals), abs=1e-12)
    if preset == "uniform":
        expected = {"mean": (0, 0.005), "sd": (0.05, 0.05), "density": (0.5, 0.5), "rate": (5.05e-4, 4.95e-4)}
        sd = {name: (centre, half / math.sqrt(3)) for name, (centre, half) in expected.items()}
    else:
        folded = stats.foldnorm(2, scale=0.25)  # |N(.5, .25)|; the clipping at .02 and 1 is left out
        sd = {"mean": (0, 0.0025), "sd": (0.05, 0.015), "density": (folded.mean(), folded.std()), "rate": (1e-3, 4e-4)}
    for name, values in (("mean", means), ("sd", sds), ("density", densities), ("rate", rates)):
        centre, spread = sd[name]
        assert values.mean() == pytest.approx(centre, abs=0.06 * spread + 1e-12), name
        assert values.std() == pytest.approx(spread, rel=0.06), name


def test_no_rate_is_zero_although_one_in_156_is_rounded_to_it():
    assert stats.norm.cdf((5e-6 - 1e-3) / 4e-4) == pytest.approx(0.0064, abs=1e-4)
    columns, _ = features("normal", 1500)
    assert columns["learning rate"].min() >= 1e-5


@pytest.mark.parametrize(
    ("preset", "expected"),
    [("normal", (3117, 70, 37, 31, 0)), ("uniform", (2950, 138, 71, 47, 32))],
)
def test_hidden_proportions_are_spread_as_known_of_the_published_presets(preset, expected):
    columns, _ = features(preset, 3254)
    found = np.histogram(columns["hidden proportion"], EDGES)[0]
    share = np.array(expected) / sum(expected)
    assert np.all(np.abs(found - 3254 * share) <= 3.5 * np.sqrt(3254 * share * (1 - share)) + 1), found
    if preset == "normal":
        assert columns["hidden proportion"].max() < 0.80


def test_the_largest_hidden_proportion_of_the_normal_preset_is_that_of_its_smallest_densities():
    least = dict.fromkeys(BLOCKS, 0.02) | {"hh": 1.0}
    sizes = blocks.Budget(2500, 10, 50_000).blocks(Densities(**least), lambda: math.nan)
    assert sizes.hidden_proportion == pytest.approx(0.798, abs=5e-4)


def test_the_units_of_the_normal_preset_have_the_known_quantiles():
    _, draws = features("normal", 3254)
    units = [round(draw.blocks.hidden) for draw in draws]
    assert np.percentile(units, [5, 50, 95]) == pytest.approx([15, 29, 113], rel=0.06)


@pytest.mark.parametrize("sizing", [RAD, blocks.FreeUnits(46, 26, 0.1), blocks.FreeUnits(46, 26)])
def test_stratified_proportions_are_uniform_up_to_95_percent(sizing):
    columns, draws = features("stratified", 1500, sizing)
    exact = [draw.blocks.hidden_proportion for draw in draws]
    assert stats.kstest(exact, stats.uniform(0, 0.95).cdf).pvalue > 1e-3
    assert columns["hidden proportion"] == pytest.approx(exact, abs=0.02), "units are rounded"


@pytest.mark.parametrize("sizing", [RAD, blocks.FreeUnits(46, 26, 0.1)])
def test_stratified_draws_are_normal_draws_of_which_one_side_is_thinned(sizing):
    for number in range(60):
        thinned = blocks.drawn("stratified", number, sizing, seed=0)
        before, after = thinned.blocks.densities, sizing.thinned(thinned.blocks, 0.3).densities
        same = {block for block in BLOCKS if getattr(before, block) == getattr(after, block)}
        assert {"yx", "yh", "yy"} <= same
        if thinned.blocks.hidden_proportion > 0.3:
            assert same == set(BLOCKS) - {"hh"} and after.hh < before.hh
        else:
            assert same == set(BLOCKS) - {"hx", "hy"}
            assert after.hx / before.hx == pytest.approx(after.hy / before.hy, rel=1e-2) and after.hx < before.hx


def test_smaller_networks_begin_like_large_ones():
    large, small = (blocks.drawn("normal", 4, blocks.FreeUnits(46, 26, shrink), seed=0) for shrink in (1.0, 0.1))
    assert small.blocks.hidden == pytest.approx(large.blocks.hidden / 10, abs=0.51)
    assert small.blocks.densities == large.blocks.densities and small.learning_rate == large.learning_rate
    for block in BLOCKS:
        reads_hidden = block in ("hh", "yh")
        ratio = (10, math.sqrt(10)) if reads_hidden else (1, 1)
        assert small.means[block] == pytest.approx(ratio[0] * large.means[block], abs=1e-6)
        assert small.sds[block] == pytest.approx(ratio[1] * large.sds[block], abs=1e-6)
    for name in ("gain of W_hh", "row sum of W_hh"):
        assert small.features[name] == pytest.approx(large.features[name], rel=0.02, abs=1e-9)


def test_a_draw_depends_on_seed_preset_and_number_alone():
    one = blocks.drawn("uniform", 7, RAD, seed=0)
    assert blocks.drawn("uniform", 7, RAD, seed=0) == one
    others = [
        blocks.drawn("uniform", 8, RAD, seed=0),
        blocks.drawn("normal", 7, RAD, seed=0),
        blocks.drawn("uniform", 7, RAD, seed=1),
    ]
    assert len({each.learning_rate for each in (one, *others)}) == 4


# --- experiments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "digest"),
    [("table3", "e311ece46e39"), ("table3-noisy", "720a574031fe"), ("table4", "0e5736eea2ea")],
)
def test_the_runs_of_a_study_stay_the_same(name, digest):
    keys = "".join(job.key for job in papers.table(f"blocks/{name}", "quick").jobs())
    assert hashlib.sha256(keys.encode()).hexdigest()[:12] == digest


def test_an_experiment_has_the_numbers_of_its_draw():
    table = papers.table("blocks/table4", "quick")
    for draw, cell in list(zip(table.draws, table.cells, strict=True))[::111]:
        experiment = cell.experiment
        densities = {
            each.parameter.removeprefix("recurrence.weight_"): each.pattern.density for each in experiment.masks
        }
        for block in BLOCKS:
            initial = getattr(experiment.model, block)
            assert (initial.mean, initial.sd) == (
                draw.features[f"mean of W_{block}"],
                draw.features[f"sd of W_{block}"],
            )
            assert densities.get(block, 1.0) == draw.features[f"density of W_{block}"]
        assert experiment.stages[0].training.learning_rate == draw.features["learning rate"]
        h = experiment.model.hidden
        counts = {"hx": h * 2500, "hh": h * h, "hy": h * 10}
        row = {block: size * densities.get(block, 1.0) for block, size in counts.items()}
        assert draw.features["hidden proportion"] == pytest.approx(row["hh"] / sum(row.values()))


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("table3", {"normal": 100, "uniform": 100, "stratified": 200}),
        ("table4", {"normal": 250, "uniform": 250, "stratified": 500}),
    ],
)
def test_a_study_at_quick_has_its_draws_and_enough_in_each_range(name, counts):
    table = papers.table(f"blocks/{name}", "quick")
    assert Counter(draw.preset for draw in table.draws) == counts
    proportions = [draw.features["hidden proportion"] for draw in table.draws if draw.preset == "stratified"]
    assert min(np.histogram(proportions, EDGES)[0]) >= 0.09 * counts["stratified"]


@pytest.mark.parametrize(("name", "published"), [("table3", 2083), ("table4", 3254)])
def test_a_study_at_paper_has_the_published_number_of_draws_of_the_published_presets(name, published):
    table = papers.table(f"blocks/{name}", "paper")
    assert sum(draw.preset != "stratified" for draw in table.draws) == published


@pytest.mark.parametrize("name", STUDIES)
def test_the_claims_of_a_study_are_the_same_at_every_scale(name):
    tables = [papers.table(f"blocks/{name}", scale) for scale in SCALES]
    assert tables[0].claims == tables[1].claims == tables[2].claims
    assert all(table.plan.exploratory == (table.scale == "smoke") for table in tables)
    for claim in tables[1].claims:
        for group in claim.groups:
            assert sum(draw in group for draw in tables[1].draws) >= 30, (claim.name, str(group))


def test_tables_of_one_study_have_the_same_runs():
    keys = {name: [job.key for job in papers.table(f"blocks/{name}", "quick").jobs()] for name in STUDIES}
    assert keys["table4"] == keys["figure9"] == keys["figure10"] and keys["table3"] == keys["figure7"]


# --- data -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no MNIST")
def test_a_constant_answer_is_unstable_on_random_anomaly_detection():
    table = papers.table("blocks/table4", "quick")
    source = table.cells[0].experiment.task.open(device="cpu", generator=torch.Generator().manual_seed(0))
    positions = source.parts["validation"].position.numpy()
    assert len(positions) == 1000
    best = stats.entropy(np.unique(positions, return_counts=True)[1])
    assert table.constant <= best < table.constant + 1e-4 < math.log(9)


@pytest.mark.parametrize("name", ["table3", "table3-noisy"])
def test_a_constant_action_is_unstable_on_adroit_hammer(name):
    table = papers.table(f"blocks/{name}", "quick")
    source = opened(table)
    batches = list(source.held_out("validation", generator=torch.Generator()))
    actions = torch.cat([batch.targets for batch in batches], 1).flatten(0, 1).double()
    variance = 1000 * float((actions - actions.mean(0)).square().mean())
    assert table.constant <= variance < table.constant + 0.1
    observations = torch.cat([batch.inputs for batch in batches], 1).flatten(0, 1).double().numpy()
    means = np.clip(Expert().mean(observations), -1, 1)
    assert 1000 * np.square(actions.numpy() - means).mean() == pytest.approx(table.floor, abs=0.05)


def opened(table):
    """Return the source of a table's task; skip without the extra or the data."""
    task = table.cells[0].experiment.task
    try:
        return task.open(device="cpu", generator=torch.Generator().manual_seed(0))
    except TaskError as error:
        pytest.skip(str(error))


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_draw_on_adroit_hammer_runs():
    table = papers.table("blocks/table3", "smoke")
    opened(table)
    cell = table.cells[4]
    result = run(cell.experiment, seed=3, conditions=Conditions("cpu"))
    assert result.status == "done" and cell.reading(result.stage("trained")) > 0
