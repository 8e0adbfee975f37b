"""Distributions of everything random, as the papers define them. Seeds are fixed; a test fails below about p = 1e-4."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from srnn_tasks.cognitive import BATTERIES, Conventions, Legacy, OneTrial, Streams, Timing, Windows

from .plain import CHOICE, DELAYED, DELAYED_CHOICE, GO, LEGACY, MATCH, ORDER, REACTION, Drawn, plain_lengths, sign
from .rows import clean, drawn, held_out, joined, opened, trials

DECISIONS = CHOICE + DELAYED_CHOICE
INTERVALS = tuple(name for name in BATTERIES["all126"] if sign(name, "int"))
COHERENCES = (0.08, 0.16, 0.32, 0.64)
PAIRS = [(a, b) for a in (0.3, 0.6, 1.0) for b in (0.3, 0.6, 1.0) if a != b]


def sample(names: Sequence[str], count: int, *, seed: int = 1, **fields: object) -> dict[str, Tensor]:
    """Return trials `(count,)`: the meaning of the first step, steps of the five periods, and targets `(T, count)`."""
    source = opened(tasks=tuple(names), **{"sigma": 0, **fields})
    (batch,) = drawn(source, count, seed=seed)
    periods = batch.info["period"]
    lengths = torch.stack([(periods == period).sum(0) for period in range(5)], 1)
    first = {name: tensor[0] for name, tensor in batch.info.items()}
    return first | {"lengths": lengths, "targets": batch.targets, "periods": periods}


def spread(values: Iterable[object], expected: Iterable[object]) -> None:
    """Fail unless the values are those expected, all equally often by a chi-square test."""
    counts, keys = Counter(values), list(expected)
    assert set(counts) <= set(keys), set(counts) - set(keys)
    mean = sum(counts.values()) / len(keys)
    assert mean >= 5
    chi_square = sum((counts[key] - mean) ** 2 / mean for key in keys)
    freedom = len(keys) - 1
    critical = freedom * (1 - 2 / (9 * freedom) + 3.719 * math.sqrt(2 / (9 * freedom))) ** 3  # Wilson and Hilferty
    assert chi_square < critical, (chi_square, critical, counts)


def often(hits: Tensor, share: float) -> None:
    """Fail unless the share of hits is the one expected, within 4 standard deviations."""
    count = hits.numel()
    assert hits.double().mean().item() == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / count))


def rounded(tensor: Tensor) -> list[tuple[float, ...]]:
    return [tuple(round(value, 3) for value in row) for row in tensor.flatten(1).tolist()]


# --- durations ---


@pytest.mark.parametrize(("dt", "steps"), [(100, range(2, 5)), (20, range(10, 25))])
def test_fixation_of_decision_tasks(dt, steps) -> None:
    found = sample(DECISIONS, 4000, dt=dt)
    spread(found["lengths"][:, 0].tolist(), steps)
    for slot in range(len(DECISIONS)):
        spread(found["lengths"][found["task"] == slot, 0].tolist(), steps)


def test_intervals_are_0_to_11_steps_in_every_task_that_has_them() -> None:
    found = sample(INTERVALS, 9000)
    assert len(INTERVALS) == 66
    assert torch.equal(found["delay"], found["lengths"][:, 2])
    for slot in range(66):
        spread(found["delay"][found["task"] == slot].tolist(), range(12))


def test_intervals_at_20_ms_are_multiples_of_100_ms() -> None:
    spread(sample(INTERVALS, 2000, dt=20)["delay"].tolist(), range(0, 60, 5))


def test_the_answer_is_displaced_by_the_number_of_delay_steps() -> None:
    for letter, way in (("r", 1), ("l", -1)):
        found = sample([f"dlygo-int{letter}"], 500)
        answers = found["targets"].T[found["periods"].T == 4].view(500, 5)[:, 0]
        assert torch.equal((answers - 1 - found["directions"][:, 0]) % 16, way * found["delay"] % 16)
        assert len(found["delay"].unique()) == 12


def test_a_sequence_moves_by_one_unit_a_step() -> None:
    for letter, way in (("r", 1), ("l", -1)):
        found = sample([f"go-seq{letter}", f"dm1-seq{letter}", f"dms-seq{letter}"], 600)
        answers = found["targets"].T[found["periods"].T == 4].view(600, 10)[found["respond"]]
        assert (answers >= 1).all()
        assert torch.equal((answers[:, 1:] - answers[:, :-1]) % 16, torch.full((len(answers), 9), way) % 16)


def test_match_delays_of_the_published_code_are_2_to_11_steps() -> None:
    names = [name for name in BATTERIES["distinct82"] if name.split("-")[0] in MATCH and not sign(name, "int")]
    assert len(names) == 12
    each_trial = sample(names, 6000, conventions=Conventions(match_delay="trial"))
    for slot in range(12):
        spread(each_trial["delay"][each_trial["task"] == slot].tolist(), range(2, 12))
    # once for each task and ring, when the task is opened
    delays, equal_on_rings = [], 0
    for seed in range(40):
        source = opened(seed, tasks=tuple(names), conventions=Conventions(match_delay="instance"), sigma=0)
        held = defaultdict(set)
        for batch in drawn(source, 150, 2):
            for task, ring, delay in zip(
                *(batch.info[key][0].tolist() for key in ("task", "ring", "delay")), strict=True
            ):
                held[task, ring].add(delay)
        assert len(held) == 24
        assert {len(values) for values in held.values()} == {1}
        delays += [next(iter(held[key])) for key in sorted(held)]
        equal_on_rings += sum(held[task, 0] == held[task, 1] for task in range(12))
    spread(delays, range(2, 12))
    assert equal_on_rings / 480 == pytest.approx(0.1, abs=0.055)


@pytest.mark.parametrize("conventions", [Conventions(), Legacy(match_delay="fixed")])
def test_fixed_delays(conventions) -> None:
    names = [name for name in BATTERIES["distinct82"] if name.split("-")[0] in DELAYED and not sign(name, "int")]
    assert set(sample(names, 700, conventions=conventions)["delay"].tolist()) == {5}
    if conventions.kind == "legacy":  # B3, B5
        fixed = [name for name in INTERVALS if name.split("-")[0] in DELAYED_CHOICE]
        assert set(sample([*fixed, "go", "anti-seql"], 700, conventions=conventions)["delay"].tolist()) == {5}
    else:
        assert set(sample(["go", "anti-seql", "rtgo", "dm1"], 200)["delay"].tolist()) == {0}


# --- directions, rings, matches ---


@pytest.mark.parametrize("name", [*GO, *REACTION])
def test_directions_and_rings_of_go_tasks(name) -> None:
    found = sample([name], 2000)
    spread(zip(found["ring"].tolist(), found["directions"][:, 0].tolist(), strict=True), grid(2, 16))


@pytest.mark.parametrize("name", DECISIONS)
def test_directions_of_decision_tasks_are_two(name) -> None:
    found = sample([name], 3000)
    pairs = [(a, b) for a in range(16) for b in range(16) if a != b]
    spread(map(tuple, found["directions"].tolist()), pairs)


@pytest.mark.parametrize("conventions", [Conventions(), Legacy()])
@pytest.mark.parametrize("name", ["dms", "dnms", "dms-intr", "dnms-seql"])
def test_directions_of_match_tasks(name, conventions) -> None:
    found = sample([name], 3000, conventions=conventions)
    apart = ((found["directions"][:, 1] - found["directions"][:, 0]) % 16).tolist()
    samples = found["directions"][:, 0].tolist()
    cases = [(ring, sample, off) for ring in range(2) for sample in range(16) for off in (0, 8)]
    spread(zip(found["ring"].tolist(), samples, apart, strict=True), cases)
    often(found["respond"], 1 / 2)


@pytest.mark.parametrize("conventions", [Conventions(), Legacy()])
@pytest.mark.parametrize("name", ["dmc", "dnmc", "dmc-intl-seqr"])
def test_directions_of_category_tasks(name, conventions) -> None:
    found = sample([name], 8000, conventions=conventions)
    first, second = found["directions"].unbind(1)
    spread(zip(first.tolist(), second.tolist(), strict=True), grid(16, 16))
    often(found["ring"], 1 / 2)
    often(found["respond"], 1 / 2)
    match = found["respond"] if name.startswith("dmc") else ~found["respond"]
    if conventions.kind == "corrected":
        often((first == second)[match], 1 / 8)
        assert torch.equal(match, (first >= 8) == (second >= 8))
    else:  # B6
        wrong = match != ((first >= 8) == (second >= 8))
        assert torch.equal(wrong, first == 8)
        often(wrong, 1 / 16)


def test_what_is_drawn_is_independent() -> None:
    found = sample(["dmc-intr"], 6000)
    columns = [found["ring"], found["directions"][:, 0], found["delay"], found["respond"]]
    table = torch.corrcoef(torch.stack(columns).double())
    assert (table - torch.eye(4)).abs().max() < 4 / math.sqrt(6000)
    found = sample(["ctxdlydm1-intr"], 6000)
    columns = [*found["strengths"].double().flatten(1).T[[0, 1]], *found["directions"].T, found["delay"]]
    table = torch.corrcoef(torch.stack([column.double() for column in (*columns, found["lengths"][:, 0])]))
    table[2, 3] = table[3, 2] = 0  # the two directions differ
    assert (table - torch.eye(6)).abs().max() < 4 / math.sqrt(6000)


def test_trials_of_a_batch_are_not_drawn_twice() -> None:
    """B9: in the published code each direction comes twice in succession."""
    source = opened(tasks=("go",), layout=Windows())
    (batch,) = drawn(source, 60)
    directions = [shown.drawn.directions[0] for shown in trials(source.task, batch)]
    same = torch.tensor([a == b for a, b in pairwise(directions)])
    often(same, 1 / 16)


# --- strengths and ties ---


def grid(*sizes: int) -> list[tuple[int, ...]]:
    return [tuple(row) for row in torch.cartesian_prod(*(torch.arange(size) for size in sizes)).tolist()]


def differences(name: str, **fields: object) -> list[tuple[float, ...]]:
    """Return first strength less second, on both rings, of trials of a decision task that shows both."""
    found = sample([name], 6000, **fields)
    return rounded(found["strengths"][:, 0] - found["strengths"][:, 1])


@pytest.mark.parametrize("name", ["dm1", "dm2", "ctxdm1", "ctxdm2", "multidm", "multidm-seql"])
def test_coherences(name) -> None:
    found = sample([name], 4000)
    strengths = found["strengths"]  # (trials, bump, ring)
    shown = {"dm1": [0], "dm2": [1]}.get(name, [0, 1])
    hidden = [ring for ring in range(2) if ring not in shown]
    assert not strengths[..., hidden].any()
    signed = [round(c * side, 2) for c in COHERENCES for side in (1, -1)]
    for ring in shown:
        torch.testing.assert_close(strengths[..., ring].sum(1), torch.ones(4000))
        spread([round(value, 3) for value in (strengths[:, 0, ring] - strengths[:, 1, ring]).tolist()], signed)


@pytest.mark.parametrize("name", ["dlydm1", "dlydm2", "ctxdlydm1", "ctxdlydm2", "multidlydm", "multidlydm-intr"])
def test_strengths_of_delayed_decision_tasks(name) -> None:
    strengths = sample([name], 4000)["strengths"]
    shown = {"dlydm1": [0], "dlydm2": [1]}.get(name, [0, 1])
    hidden = [ring for ring in range(2) if ring not in shown]
    assert not strengths[..., hidden].any()
    for ring in shown:
        spread(rounded(strengths[..., ring]), PAIRS)


@pytest.mark.parametrize("ties", ["redrawn", "coin"])
def test_ties(ties) -> None:
    conventions = Conventions(ties=ties)
    signed = [round(c * side, 2) for c in COHERENCES for side in (1, -1)]
    gaps = [round(a - b, 1) for a, b in PAIRS]
    for name, values, rate in (("multidm", signed, 1 / 8), ("multidlydm-seqr", gaps, 1 / 6)):
        found = differences(name, conventions=conventions)
        tied = torch.tensor([abs(a + b) < 1e-4 for a, b in found])
        if ties == "coin":
            often(tied, rate)
            spread(found, [(a, b) for a in values for b in values])
        else:  # the rings are no longer independent, but the distribution of each is unchanged
            assert not tied.any()
            spread(found, [(a, b) for a in values for b in values if a + b != 0])
            for ring in range(2):
                spread([pair[ring] for pair in found], values)


@pytest.mark.parametrize("ties", ["redrawn", "coin"])
@pytest.mark.parametrize("name", ["ctxdm1", "ctxdm2-seqr", "ctxdlydm2"])
def test_ties_of_tasks_that_attend_to_one_ring_are_kept(name, ties) -> None:
    found = differences(name, conventions=Conventions(ties=ties))
    each = [round(a - b, 1) for a, b in PAIRS] if "dly" in name else [c * s for c in COHERENCES for s in (1, -1)]
    spread(found, [(a, b) for a in each for b in each])


@pytest.mark.parametrize("name", ["multidm", "multidlydm", "multidlydm-intl-seqr"])
def test_the_coin_is_fair_and_its_own(name) -> None:
    source = opened(tasks=(name,), sigma=0, conventions=Conventions(ties="coin"), evaluation_trials=4000)
    heads = []
    for batch in held_out(source):
        for shown in trials(source.task, batch):
            if shown.targets != shown.tie_targets:
                said = batch.targets[shown.first : shown.first + shown.held, shown.row].tolist()
                assert said in (shown.targets, shown.tie_targets)
                heads.append(said == shown.targets)
    assert len(heads) > 400
    often(torch.tensor(heads), 1 / 2)


def test_other_strengths_can_be_chosen() -> None:
    found = sample(["dm1"], 800, coherences=(0.5,))["strengths"][..., 0]
    spread(rounded(found), [(0.75, 0.25), (0.25, 0.75)])
    found = sample(["dlydm2"], 800, strengths=(0.2, 0.9))["strengths"][..., 1]
    spread(rounded(found), [(0.2, 0.9), (0.9, 0.2)])


# --- noise (sections 2 and 14.8) ---


def noisy_channels(name: str, ring: int) -> list[int]:
    base = name.split("-")[0]
    if base in DECISIONS:
        return list(range(33))
    if base in MATCH:
        return list(range(1 + 16 * ring, 17 + 16 * ring))
    return []


@pytest.mark.parametrize(
    ("name", "periods"),
    [
        *((name, ()) for name in (*GO, *REACTION, "dlygo-intr", "rtanti-seql")),
        *((name, (1,)) for name in (*CHOICE, "dm1-seqr")),
        *((name, (1, 3)) for name in (*DELAYED_CHOICE, *MATCH, "dms-intl", "multidlydm-intr-seql")),
    ],
)
def test_where_there_is_noise_and_how_much(name, periods) -> None:
    source = opened(tasks=(name,), sigma=1.0)
    (batch,) = drawn(source, 400)
    noise = batch.inputs[..., :33] - clean(source.task, batch)  # (T, B, 33)
    period, ring = batch.info["period"], batch.info["ring"]
    allowed = torch.zeros(2, 33, dtype=torch.bool)
    for side in range(2):
        allowed[side, noisy_channels(name, side)] = True
    during = torch.isin(period, torch.tensor(periods, dtype=torch.int64))
    expected = allowed[ring] & during[..., None]
    assert noise[~expected].abs().max() < 1e-6
    assert torch.equal(batch.inputs[..., 33], batch.weight)  # the rule bit
    if not periods:
        assert not expected.any()
        return
    values = noise[expected].double()
    assert values.abs().min() > 0
    assert values.std().item() == pytest.approx(0.1, abs=4 * 0.1 / math.sqrt(2 * len(values)))
    assert abs(values.mean().item()) < 4 * 0.1 / math.sqrt(len(values))
    assert (values / 0.1).pow(4).mean().item() == pytest.approx(3, abs=4 * math.sqrt(96 / len(values)))
    for when in periods:
        for channel in range(33):
            here = noise[..., channel][(period == when) & expected[..., channel]]
            if len(here):
                assert here.std().item() == pytest.approx(0.1, abs=5 * 0.1 / math.sqrt(2 * len(here)))


def test_noise_is_independent_over_steps_channels_and_trials() -> None:
    source = opened(tasks=("multidm",), sigma=1.0)
    first, second = drawn(source, 600, 2)
    columns = []
    for batch in (first, second):
        noise = (batch.inputs[..., :33] - clean(source.task, batch)).transpose(0, 1)  # (B, T, 33)
        columns.append(noise[batch.info["period"].T == 1].view(600, 5 * 33))
    table = torch.corrcoef(torch.cat(columns, 1).T.double())  # each step and channel of a trial, in both batches
    table.fill_diagonal_(0)
    assert table.abs().max() < 6 / math.sqrt(600)
    flat = torch.cat(columns)
    rows = torch.corrcoef(flat[:300].double()).fill_diagonal_(0)
    assert rows.abs().max() < 6 / math.sqrt(165)


@pytest.mark.parametrize(("sigma", "dt"), [(2.0, 100), (1.0, 20), (0.5, 25), (0.0, 100)])
@pytest.mark.parametrize("layout", [OneTrial(), Streams(steps=40)])
def test_noise_is_sigma_over_the_root_of_dt(sigma, dt, layout) -> None:
    source = opened(tasks=("dm1", "dlydm2"), sigma=sigma, dt=dt, layout=layout)
    batch = joined(drawn(source, 100, 1 if layout.kind == "one_trial" else 4))
    noise = batch.inputs[..., :33] - clean(source.task, batch)
    during = (batch.info["period"] == 1) | (batch.info["period"] == 3)
    values = noise[during].double()
    assert noise[~during].abs().max() < 1e-6
    expected = sigma / math.sqrt(dt)
    assert values.std().item() == pytest.approx(expected, abs=1e-6 + 4 * expected / math.sqrt(2 * values.numel()))


# --- mixtures ---


@pytest.mark.parametrize("layout", [OneTrial(), Windows(), Streams(steps=90)])
def test_tasks_are_drawn_in_their_proportions(layout) -> None:
    names, parts = ("go", "dms", "dm1-seqr", "rtgo"), (1.0, 2.0, 4.0, 1.0)
    source = opened(tasks=names, proportions=parts, layout=layout, untrained=("rtgo",))
    batches = drawn(source, 100 if layout.kind != "one_trial" else 2500, 6 if layout.kind == "streams" else 1)
    slots = torch.tensor([shown.slot for shown in trials(source.task, joined(batches))])
    assert len(slots) > 1500
    for slot, share in enumerate((1 / 7, 2 / 7, 4 / 7)):
        often(slots == slot, share)
    assert not (slots == 3).any()


@pytest.mark.parametrize("layout", [Windows(steps=1000), Streams(steps=1000)])
def test_rows_are_full_whatever_the_proportions(layout) -> None:
    names = ("rtgo", "dms-seqr", "dlydm1-intr-seql", "go")
    source = opened(tasks=names, proportions=(1e-4, 5.0, 1.0, 0.01), layout=layout, sigma=0)
    for batch in drawn(source, 20, 3):
        assert bool((batch.weight == 1).all())


def test_tasks_follow_one_another_by_chance() -> None:
    source = opened(tasks="yang20", layout=Windows())
    (batch,) = drawn(source, 150)
    after, rings = transitions(source.task, batch)
    often(torch.tensor([a == b for a, b in after]), 1 / 20)
    often(torch.tensor([a == b for a, b in rings]), 1 / 2)
    spread([b for _, b in after], range(20))


def transitions(task, batch) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the slots of trials that follow one another in a row, and the rings of those of one task that do."""
    slots, rings = [], []
    last: dict[int, int] = {}
    before: dict[tuple[int, int], int] = {}
    for shown in trials(task, batch):
        if shown.row in last:
            slots.append((last[shown.row], shown.slot))
        last[shown.row] = shown.slot
        if shown.name.split("-")[0] not in DECISIONS:
            key = shown.row, shown.slot
            if key in before:
                rings.append((before[key], shown.drawn.ring))
            before[key] = shown.drawn.ring
    return slots, rings


def test_in_the_published_code_tasks_never_repeat_and_rings_alternate() -> None:
    source = opened(tasks="yang20", layout=Windows(), conventions=Legacy())
    (batch,) = drawn(source, 150)
    after, rings = transitions(source.task, batch)
    spread(after, [(a, b) for a in range(20) for b in range(20) if a != b])
    assert len(rings) > 300
    assert all(a != b for a, b in rings)
    first: dict[tuple[int, int], int] = {}
    for shown in trials(source.task, batch):
        if shown.name.split("-")[0] not in DECISIONS:
            first.setdefault((shown.row, shown.slot), shown.drawn.ring)
    assert len(first) > 800
    often(torch.tensor(list(first.values())), 1 / 2)


@pytest.mark.parametrize(("steps", "batches"), [(50, 20), (9, 110), (5, 200)])
def test_in_the_published_code_the_order_continues_from_batch_to_batch(steps, batches) -> None:
    source = opened(tasks="yang20", layout=Streams(steps=steps), conventions=Legacy())
    after, rings = transitions(source.task, joined(drawn(source, 32, batches)))
    assert len(after) > 400
    assert len(rings) > 100
    assert all(a != b for a, b in after)
    assert all(a != b for a, b in rings)


# --- the published code: answers that ask to fixate, and the share of steps that do ---


def test_one_in_16_go_answers_of_the_published_code_is_fixate() -> None:
    names = [name for name in ORDER if name not in MATCH]
    found = sample(names, 8000, conventions=Legacy())
    last = found["lengths"].sum(1) - 1
    answers = found["targets"].gather(0, last[None])[0]
    spread(answers.tolist(), range(16))
    often(answers == 0, 1 / 16)
    mended = sample(names, 4000, conventions=Legacy(wrap="direction"))
    answers = mended["targets"].gather(0, mended["lengths"].sum(1)[None] - 1)[0]
    spread(answers.tolist(), range(1, 17))


def test_go_and_dlygo_are_one_task_in_the_published_code_and_two_in_the_corrected() -> None:
    for conventions, steps in ((Legacy(), [20, 20, 25, 25]), (Conventions(), [15, 20, 20, 25])):
        names = ("go", "dlygo", "anti-seqr", "dlyanti-seqr")
        found = sample(names, 200, conventions=conventions)
        for slot, total in enumerate(steps):
            assert set(found["lengths"].sum(1)[found["task"] == slot].tolist()) == {total}


ONLY_B1 = Legacy(wrap="direction")
B1_B3_B4_B5 = Legacy(wrap="direction", decision_interval="drawn", match_delay="fixed", go_delay="none")


def expected_share(names: Sequence[str], legacy: Sequence[str]) -> float:
    """Return the share of steps whose target is to fixate, over whole trials, by counting all lengths."""
    fixate = steps = 0.0
    for name in names:
        asked = (0.5 if name.split("-")[0] in MATCH else 1) * (15 / 16 if "wrap" in legacy else 1)
        cases = [
            (delay, fixation) for delay in (range(12) if sign(name, "int") else range(2, 12)) for fixation in (2, 3, 4)
        ]
        for delay, fixation in cases:
            bare = Drawn(0, (0, 0), ((1, 0), (1, 0)), delay=delay, fixation=fixation)
            *before, decision = plain_lengths(name, bare, legacy=legacy)
            fixate += (sum(before) + decision * (1 - asked)) / len(cases)
            steps += (sum(before) + decision) / len(cases)
    return fixate / steps


@pytest.mark.parametrize(
    ("conventions", "legacy", "of_82", "of_20"),
    [
        (Legacy(), LEGACY, 0.756, 0.827),
        (ONLY_B1, LEGACY[1:], 0.735, 0.820),
        (B1_B3_B4_B5, ("go_interval", "sample_category"), 0.725, 0.805),
        (Conventions(), (), 0.725, 0.805),
    ],
    ids=["legacy", "B1", "B1 B3 B4 B5", "corrected"],
)
@pytest.mark.parametrize("tasks", ["distinct82", "yang20"])
def test_the_share_of_steps_that_fixate(tasks, conventions, legacy, of_82, of_20) -> None:
    said = of_82 if tasks == "distinct82" else of_20
    openings = 8 if "match_delay" in legacy else 1  # which have different match delays
    shares = {}
    for layout, rows in ((OneTrial(), 6400), (Windows(), 480)):
        fixate = steps = 0.0
        for seed in range(openings):
            source = opened(seed, tasks=tasks, sigma=0, conventions=conventions, layout=layout)
            (batch,) = drawn(source, rows // openings, seed=seed)
            fixate += ((batch.targets == 0) * batch.weight).sum().item()
            steps += batch.weight.sum().item()
        shares[layout.kind] = fixate / steps
    counted = expected_share(BATTERIES[tasks], legacy)
    assert shares["one_trial"] == pytest.approx(counted, abs=0.006)
    assert counted < shares["windows"] < counted + 0.010  # windows end within trials, often before the decision
    if "match_delay" not in legacy:
        assert counted == pytest.approx(said, abs=0.0005)
    else:  # measured; windows of one source have a standard deviation of .004, since its delays are fixed
        assert shares["windows"] == pytest.approx(said, abs=0.008)


# --- held-out trials, and what always fixating scores ---


@pytest.mark.parametrize("conventions", [Conventions(), Legacy()])
@pytest.mark.parametrize(("tasks", "share"), [("distinct82", 0.122), ("yang20", 0.10), ("paper84", 10 / 84)])
def test_always_fixating_scores_the_share_of_no_go_trials(tasks, share, conventions) -> None:
    source = opened(tasks=tasks, conventions=conventions, evaluation_trials=60, sigma=0)

    def fixates(inputs, start=None, state=None):
        return torch.eye(17)[torch.zeros(inputs.shape[:2], dtype=torch.int64)], None

    found = source.evaluate(fixates, split="test", generator=torch.Generator().manual_seed(0))
    assert found["always_fixate"] == pytest.approx(share, abs=0.02)
    assert found["fixation_accuracy"] == 1
    if conventions.kind == "corrected":
        assert found["decision_accuracy"] == found["always_fixate"] == found["trial_accuracy"]
    else:  # 14.5: some answers ask to fixate, and do not count as withheld
        assert found["decision_accuracy"] == pytest.approx(share + (1 - share) / 16, abs=0.02)


@pytest.mark.parametrize(
    "layout", [OneTrial(), Windows(), Streams(steps=20), Windows(steps=100), Windows(steps=5000), Streams(steps=20_000)]
)
def test_held_out_trials_are_complete_and_of_all_tasks(layout) -> None:
    source = opened(
        tasks="yang20", untrained=("dm1", "dms"), proportions=tuple(range(1, 21)), layout=layout, evaluation_trials=17
    )
    count: Counter[int] = Counter()
    rows = 0
    for batch in held_out(source):
        rows += batch.inputs.shape[1]
        for shown in trials(source.task, batch):
            assert shown.whole
            count[shown.slot] += 1
    assert set(count) == set(range(20))
    assert min(count.values()) >= 17
    assert max(count.values()) - min(count.values()) <= 1
    spare = 1 if layout.kind == "one_trial" else rows  # all rows have the same number
    assert sum(count.values()) < 17 * 20 + spare


def test_a_range_of_delays_can_be_chosen() -> None:
    timing = Timing(legacy_delay=(300, 700), decision_fixation=(100, 600), longest_interval=300)
    assert set(sample(["dms"], 300, timing=timing, conventions=Conventions(match_delay="trial"))["delay"].tolist()) == {
        3, 4, 5, 6,
    }  # fmt: skip
    assert set(sample(["dm2"], 300, timing=timing)["lengths"][:, 0].tolist()) == {1, 2, 3, 4, 5}
    assert set(sample(["dms-intr"], 300, timing=timing)["delay"].tolist()) == {0, 1, 2, 3}
