"""The cognitive tasks as Gymnasium environments; neurogym's wrappers are in test_neurogym.py."""

import copy
import math
import pickle
import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from srnn_tasks import TaskError
from srnn_tasks.gym import ENVIRONMENTS, CognitiveEnv

gymnasium = pytest.importorskip("gymnasium")
env_checker = pytest.importorskip("gymnasium.utils.env_checker")

YANG = "go rtgo dlygo anti rtanti dlyanti dm1 dm2 ctxdm1 ctxdm2 multidm dlydm1 dlydm2 ctxdlydm1 ctxdlydm2 multidlydm"
MATCH = "dms dnms dmc dnmc"
DELAYED = "dlygo dlyanti dlydm1 dlydm2 ctxdlydm1 ctxdlydm2 multidlydm dms dnms dmc dnmc"


@pytest.fixture(autouse=True)
def without_neurogym(monkeypatch):
    """Let `make` give the plain environment although another test may have imported neurogym."""
    monkeypatch.delitem(sys.modules, "neurogym", raising=False)


def make(name: str, **arguments):
    return gymnasium.make(f"srnn_tasks.gym:srnn/{name}-v0", **arguments).unwrapped


def begun(name: str, seed: int = 0, **arguments) -> CognitiveEnv:
    env = CognitiveEnv(name, **arguments)
    env.reset(seed=seed)
    return env


def trials(env: CognitiveEnv, number: int) -> list[dict]:
    """Fixate through trials; of each its facts, and what was shown and asked for step by step."""
    found = []
    observation, _ = env.reset(seed=5)
    for _ in range(number):
        facts, start, end, shown, asked = env.trial, env.start_ind, env.end_ind, [], []
        done = False
        while not done:
            shown.append(observation)
            observation, _, _, _, info = env.step(0)
            asked.append(info["gt"])
            done = info["new_trial"]
        found.append({"facts": facts, "start": start, "end": end, "ob": np.array(shown), "gt": asked})
    return found


def bump(direction: int) -> list[float]:
    """The activity of 16 units, computed by hand: profile 0.8, 0.4852, 0.1083, 0.0089 at 0, 1, 2, 3 units."""
    apart = [min((unit - direction) % 16, (direction - unit) % 16) for unit in range(16)]
    return [0.8 * math.exp(-((2 * math.pi * d / 16 / (math.pi / 8)) ** 2) / 2) for d in apart]


def test_all_tasks_have_an_environment():
    names = YANG.split() + MATCH.split()
    names += [f"{name}-{i}" for name in DELAYED.split() for i in ("intr", "intl")]
    names += [f"{name}-{s}" for name in YANG.split() + MATCH.split() for s in ("seqr", "seql")]
    names += [f"{name}-{i}-{s}" for name in DELAYED.split() for i in ("intr", "intl") for s in ("seqr", "seql")]
    assert len(names) == 126
    assert set(ENVIRONMENTS) == {f"srnn/{name}-v0" for name in names}
    assert set(ENVIRONMENTS) <= set(gymnasium.registry)


KINDS = [  # all bases, and every interval and sequence on some base of each family
    *(YANG + " " + MATCH).split(),
    *(f"{name}-{part}" for name in ("dlygo", "multidlydm", "dms") for part in ("intr", "intl")),
    *(f"{name}-{part}" for name in ("anti", "rtgo", "dm1", "dlydm2", "dnms") for part in ("seqr", "seql")),
    *(f"{n}-{i}-{s}" for n in ("dlyanti", "ctxdlydm1", "dnmc") for i in ("intr", "intl") for s in ("seqr", "seql")),
]


@pytest.mark.parametrize("name", KINDS)
def test_gymnasium_checks_it_without_a_warning(name):
    env_checker.check_env(make(name))


@pytest.mark.parametrize("arguments", [{"sigma": 0.0}, {"conventions": {"kind": "legacy"}}, {"dt": 20}, {"ring": 32}])
def test_gymnasium_checks_it_with_other_fields(arguments):
    for name in ("go", "dmc-intr", "multidlydm-seql"):
        env_checker.check_env(make(name, **arguments))


def run(code: str) -> list[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_gymnasium_is_imported_and_environments_are_registered_on_demand():
    code = (
        "import sys, srnn_tasks; print('gymnasium' in sys.modules, 'srnn_tasks.gym' in sys.modules)\n"
        "import gymnasium; print(sum(key.startswith('srnn/') for key in gymnasium.registry))\n"
        "print(gymnasium.make('srnn_tasks.gym:srnn/dlygo-intr-seql-v0').reset()[0].shape)"
    )
    assert run(code) == ["False", "False", "0", "(33,)"]


def test_without_gymnasium_the_error_names_the_extra():
    code = (
        "import sys; sys.modules['gymnasium'] = None\n"
        "import srnn_tasks\n"
        "from srnn_tasks.gym import CognitiveEnv\n"
        "try: CognitiveEnv('go')\n"
        "except srnn_tasks.TaskError as error: print(error)"
    )
    assert " ".join(run(code)) == "CognitiveEnv requires gymnasium: pip install 'srnn-tasks[gymnasium]'"


@pytest.mark.parametrize(
    ("name", "turn", "interval", "drift", "steps"),
    [
        ("go", 0, 0, 0, {"fixation": 5, "stimulus": 5, "delay": 0, "decision": 5}),
        ("dlyanti", 8, 0, 0, {"fixation": 5, "stimulus": 5, "delay": 5, "decision": 5}),
        ("rtanti-seqr", 8, 0, 1, {"fixation": 5, "decision": 5}),
        ("dlygo-intr-seql", 0, 1, -1, {"fixation": 5, "stimulus": 5, "delay": None, "decision": 10}),
        ("dlyanti-intl", 8, -1, 0, {"fixation": 5, "stimulus": 5, "delay": None, "decision": 5}),
    ],
)
def test_trials_of_one_bump_match_their_properties(name, turn, interval, drift, steps):
    delays = set()
    for trial in trials(CognitiveEnv(name, sigma=0), 150):
        facts, start, end = trial["facts"], trial["start"], trial["end"]
        delays.add(facts["delay"])
        assert list(start) == list(steps)
        assert {k: end[k] - start[k] for k in steps} == {
            k: facts["delay"] // 100 if v is None else v for k, v in steps.items()
        }
        first = (facts["directions"][0] + turn + interval * facts["delay"] // 100) % 16
        assert facts["ground_truth"] == first
        for t, (ob, gt) in enumerate(zip(trial["ob"], trial["gt"], strict=True)):
            deciding = t >= start["decision"]
            assert gt == (1 + (first + drift * (t - start["decision"])) % 16 if deciding else 0)
            assert ob[0] == (not deciding)
            period = "stimulus" if "stimulus" in start else "decision"
            seen = [bump(facts["directions"][0]) if start[period] <= t < end[period] else [0.0] * 16, [0.0] * 16]
            np.testing.assert_allclose(ob[1:], np.concatenate(seen[:: 1 if facts["ring"] == 0 else -1]), atol=1e-5)
    if None in steps.values():
        assert delays == set(range(0, 1101, 100))


@pytest.mark.parametrize(
    ("name", "attended", "periods"),
    [
        ("ctxdm2", [1], ["fixation", "stimulus", "decision"]),
        ("multidm", [0, 1], ["fixation", "stimulus", "decision"]),
        ("dlydm1", [0], ["fixation", "stim1", "delay", "stim2", "decision"]),
        ("multidlydm", [0, 1], ["fixation", "stim1", "delay", "stim2", "decision"]),
    ],
)
def test_trials_of_two_bumps_match_their_properties(name, attended, periods):
    fixations = Counter()
    for trial in trials(CognitiveEnv(name, sigma=0), 150):
        facts, start, end = trial["facts"], trial["start"], trial["end"]
        assert list(start) == periods
        fixations[end["fixation"]] += 1
        strength = facts["strengths"]
        sums = [sum(strength[k][ring] for ring in attended) for k in (0, 1)]
        assert facts["ground_truth"] == facts["directions"][sums[1] > sums[0]]
        assert trial["gt"][-2:] == [1 + facts["ground_truth"]] * 2
        shown = {"stimulus": [0, 1], "stim1": [0], "stim2": [1]}
        for period in periods:
            seen = [
                sum(strength[k][r] * np.array(bump(facts["directions"][k])) for k in shown.get(period, []))
                for r in (0, 1)
            ]
            seen = np.concatenate([np.zeros(16) + part for part in seen])
            for ob in trial["ob"][start[period] : end[period]]:
                np.testing.assert_allclose(ob[1:], seen, atol=1e-5)
                assert ob[0] == (period != "decision")
    assert set(fixations) == {2, 3, 4}


@pytest.mark.parametrize(
    ("name", "go"), [("dms", "match"), ("dnms", "non-match"), ("dmc", "match"), ("dnmc", "non-match")]
)
def test_match_trials_match_their_properties(name, go):
    seen = Counter()
    for trial in trials(CognitiveEnv(name, sigma=0), 150):
        facts, start, end = trial["facts"], trial["start"], trial["end"]
        assert [end[k] - start[k] for k in ("fixation", "sample", "delay", "test", "decision")] == [3, 5, 5, 5, 9]
        lit = [int(trial["ob"][start[k]][1:].argmax()) for k in ("sample", "test")]
        assert [unit // 16 for unit in lit] == [facts["ring"]] * 2
        sample, test = (unit % 16 for unit in lit)
        same = sample // 8 == test // 8 if name in ("dmc", "dnmc") else sample == test
        assert facts["ground_truth"] == ("match" if same else "non-match")
        assert facts["respond"] == (facts["ground_truth"] == go)
        assert trial["gt"] == [0] * 18 + [1 + test if facts["respond"] else 0] * 9
        seen[facts["ground_truth"]] += 1
    assert min(seen.values()) > 45


def test_noise_is_where_the_task_has_it():
    env = begun("dms")
    ring, sample = env.trial["ring"], env.ob[env.start_ind["sample"] : env.end_ind["sample"]]
    other = sample[:, 1 + 16 * (1 - ring) :][:, :16]
    assert (other == 0).all()
    assert (sample[:, 0] == 1).all()
    assert (sample[:, 1 + 16 * ring :][:, :16] != 0).all()
    found = trials(CognitiveEnv("dlydm1", sigma=3), 100)
    shown = np.concatenate([t["ob"][t["start"]["stim2"] : t["end"]["stim2"], 17:] for t in found])  # an empty ring
    assert shown.std() == pytest.approx(0.3, abs=0.01)  # 8000 numbers: 0.0024 for one standard error


def test_an_action_is_judged_by_what_was_shown_last():
    env = CognitiveEnv("dlygo")
    observation, info = env.reset(seed=3)
    assert info == {}
    for k in range(20):
        np.testing.assert_array_equal(observation, env.ob[k])
        assert (env.t_ind, env.t) == (k, 100 * k)
        ob, gt = env.ob, env.gt
        observation, reward, terminated, truncated, info = env.step(0)
        assert (reward, terminated, truncated, info["gt"]) == (0.0, False, False, gt[k])
        assert info["new_trial"] == (k == 19)
    assert env.ob is not ob
    assert info["performance"] == 0
    assert info["trial"] == env.trial
    assert (env.t_ind, env.num_tr) == (0, 2)
    np.testing.assert_array_equal(observation, env.ob[0])


def walk(env: CognitiveEnv, actions: list) -> list[tuple]:
    """Take actions; of each its reward, whether the trial ended, and its performance if it did."""
    taken = []
    for action in actions:
        _, reward, _, _, info = env.step(action)
        taken.append((reward, info["new_trial"], info.get("performance")))
    return taken


def test_breaking_fixation_costs_and_the_trial_continues():
    env = begun("dlygo")
    assert walk(env, [1, 0, 9, 0, 0]) == [(-0.1, False, None), (0.0, False, None)] * 2 + [(0.0, False, None)]
    assert walk(env, [3] * 10) == [(0.0, False, None)] * 10  # stimulus and delay: nothing
    assert walk(env, [env.gt_now]) == [(1.0, True, 1)]
    assert env.performance == 0
    assert walk(begun("dlygo", abort=True), [0, 5]) == [(0.0, False, None), (-0.1, True, 0)]


def test_the_first_answer_ends_the_trial():
    env = begun("dlygo")
    right = int(env.gt[-1])
    assert walk(env, [0] * 16 + [right % 16 + 1]) == [(0.0, False, None)] * 16 + [(0.0, True, 0)]
    right = int(env.gt[-1])
    assert walk(env, [0] * 19 + [right]) == [(0.0, False, None)] * 19 + [(1.0, True, 1)]
    env = begun("go-seqr", rewards={"correct": 5.0, "fail": -2.0, "abort": -3.0})
    first = int(env.gt[10])
    assert walk(env, [0] * 10 + [0, first]) == [(0.0, False, None)] * 11 + [(-2.0, True, 0)]  # right a step before
    later = int(env.gt[13])
    assert walk(env, [7] + [0] * 12 + [later])[::13] == [(-3.0, False, None), (5.0, True, 1)]


def test_a_trial_without_an_answer_has_performance_0_even_if_that_is_correct():
    env = begun("dms")
    env.new_trial(ground_truth="non-match")
    assert not env.gt.any()
    assert walk(env, [0] * 27) == [(0.0, False, None)] * 26 + [(0.0, True, 0)]
    env.new_trial(ground_truth="non-match")
    assert walk(env, [0] * 18 + [4]) == [(0.0, False, None)] * 18 + [(0.0, True, 0)]


@pytest.mark.parametrize("name", ["rtgo", "multidm", "dlydm2-intl-seqr", "ctxdlydm1-seql", "dlyanti-intr"])
def test_the_ground_truth_is_always_correct(name):
    env, performances = begun(name), []
    for _ in range(1500):
        _, _, _, _, info = env.step(env.gt_now)
        if info["new_trial"]:
            performances.append(info["performance"])
    assert len(performances) > 50
    assert set(performances) == {1}


def rollout(env, seed, steps=60) -> np.ndarray:
    observation, _ = env.reset(seed=seed)
    return np.array([observation] + [env.step(k % 3 == 0)[0] for k in range(steps)])


@pytest.mark.parametrize("name", ["dm1", "dmc-intr", "go"])
def test_the_seed_determines_everything_and_no_global_generator_is_used(name):
    states = torch.get_rng_state(), repr(np.random.get_state()), random.getstate()  # noqa: NPY002
    env, other = CognitiveEnv(name), CognitiveEnv(name)
    first = rollout(env, 4)
    other.reset(seed=5)
    for _ in range(3):
        other.step(0)  # another environment, in between, has no effect
    np.testing.assert_array_equal(rollout(env, 4), first)
    np.testing.assert_array_equal(rollout(other, 4), first)
    assert not np.array_equal(rollout(other, 5), first)
    np.testing.assert_array_equal(rollout(pickle.loads(pickle.dumps(env)), 4), first)
    assert torch.equal(states[0], torch.get_rng_state())
    assert (states[1], states[2]) == (repr(np.random.get_state()), random.getstate())  # noqa: NPY002


def test_two_tasks_with_one_seed_have_different_trials():
    shown, wrappers = [], []
    for name in ("go", "anti"):
        env = CognitiveEnv(name)
        env.reset(seed=3)
        shown.append([env.new_trial()["directions"][0] for _ in range(200)])
        wrappers.append(env.rng.randint(2**31 - 1))  # what neurogym's wrappers draw from
    assert wrappers[0] != wrappers[1]
    alike = sum(a == b for a, b in zip(*shown, strict=True))
    assert alike < 40  # 12.5 of 200 on average


def test_without_a_seed_a_reset_continues_the_stream():
    env = CognitiveEnv("go", sigma=0)
    env.reset(seed=1)
    seen = [(*env.trial["directions"], env.trial["ring"])]
    for _ in range(12):
        env.reset()
        seen.append((*env.trial["directions"], env.trial["ring"]))
    assert len(set(seen)) > 4
    env.reset(seed=1)
    assert (*env.trial["directions"], env.trial["ring"]) == seen[0]
    unseeded = [CognitiveEnv("dm1"), CognitiveEnv("dm1")]
    for env in unseeded:
        env.reset()
    assert not np.array_equal(*[env.ob[5] for env in unseeded])  # noise of the stimulus


def test_a_copy_is_independent():
    env = begun("dm1", seed=2)
    twin = copy.deepcopy(env)
    assert walk(env, [0] * 500) == walk(twin, [0] * 500)
    assert env.trial == twin.trial
    np.testing.assert_array_equal(env.ob, twin.ob)


def test_reset_calls_the_step_of_a_wrapper_for_the_first_observation():
    env = CognitiveEnv("go", sigma=0)
    actions = []

    def step(action):
        actions.append(action)
        observation, *rest = env.step(action)
        return np.append(observation, 7), *rest

    observation, _ = env.reset(seed=0, options={"step_fn": step})
    assert actions == [0]
    np.testing.assert_array_equal(observation, np.append(env.ob[0], 7))
    assert (env.t_ind, env.t, env.num_tr) == (0, 0, 1)


@pytest.mark.parametrize("task", ["go", "dlygo-intr-seqr", "ctxdm1"])
def test_a_given_ground_truth_selects_the_trial(task):
    env = begun(task)
    assert env.choices == list(range(16))
    for wanted in [3, 15, np.int64(0)]:
        trial = env.new_trial(ground_truth=wanted, probs=0.25)
        assert env.gt[env.start_ind["decision"]] == 1 + wanted
        assert trial["ground_truth"] == wanted
        assert trial["probs"] == 0.25
    with pytest.raises(TaskError, match=r"ground_truth: expected one of \[0, 1.*; got 16"):
        env.new_trial(ground_truth=16)


def test_a_match_or_a_non_match_can_be_selected():
    env = begun("dnmc")
    assert env.choices == ["match", "non-match"]
    for wanted, answered in (("match", False), ("non-match", True)):
        assert all(env.new_trial(ground_truth=wanted)["respond"] is answered for _ in range(5))
        assert env.gt.any() == answered


def test_legacy_rings_come_in_turn_and_its_delays_follow_the_seed():
    env, rings, lengths = CognitiveEnv("dms", conventions={"kind": "legacy"}), [], set()
    env.reset(seed=0)
    for _ in range(400):
        rings.append(env.new_trial()["ring"])
        lengths.add((rings[-1], len(env.gt)))
    for _ in range(40):
        env.reset()  # without a seed the delays do not change
        lengths.add((env.trial["ring"], len(env.gt)))
    assert all(one != two for one, two in pairwise(rings))
    assert len(lengths) == 2  # one delay for each ring
    assert env.timing["delay"] == ("uniform", (200, 1200))
    delays = {seed: [begun("dms", seed, conventions={"kind": "legacy"}).tmax for _ in range(2)] for seed in range(8)}
    assert all(one == two for one, two in delays.values())
    assert len({one for one, _ in delays.values()}) > 2


def test_fields_of_the_task_can_be_given():
    env = make("dlydm1", dt=50, ring=8, sigma=0.0, timing={"stimulus": 300, "delay": 1000}, strengths=(0.5, 2.0))
    assert env.observation_space.shape == (17,)
    assert env.action_space.n == 9
    assert env.timing == {
        "fixation": ("uniform", (200, 500)),
        "stim1": 300,
        "delay": 1000,
        "stim2": 300,
        "decision": 200,
    }
    env.reset(seed=0)
    assert [env.end_ind[k] - env.start_ind[k] for k in ("stim1", "delay", "stim2", "decision")] == [6, 20, 6, 4]
    assert env.end_t["stim1"] - env.start_t["stim1"] == 300
    assert env.tmax == 50 * len(env.gt)
    assert env.in_period("fixation")
    assert env.in_period("decision", env.tmax - 1)
    assert not env.in_period("decision", env.start_t["decision"] - 1)


def test_timing_has_the_form_of_neurogym():
    assert CognitiveEnv("rtgo").timing == {"fixation": 500, "decision": 500}
    assert CognitiveEnv("go").timing == {"fixation": 500, "stimulus": 500, "delay": 0, "decision": 500}
    intervals = ("choice", list(range(0, 1101, 100)))
    assert CognitiveEnv("dms-intr").timing["delay"] == intervals
    assert CognitiveEnv("dlydm1-intr").timing["delay"] == intervals
    assert CognitiveEnv("dlydm1-intr", conventions={"kind": "legacy"}).timing["delay"] == 500
    assert CognitiveEnv("dlydm1-intr", conventions={"kind": "legacy"}, timing={"delay": 900}).timing["delay"] == 900


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "dlygoo"}, "did you mean 'dlygo'"),
        (
            {"task": "go", "tasks": ("anti",)},
            "fields: expected fields of one task, coherences, conventions, dt.* got 'tasks'",
        ),
        ({"task": "go", "layout": {"kind": "windows"}}, "fields: expected fields of one task.* got 'layout'"),
        ({"task": "go", "rewards": {"corect": 2.0}}, "rewards: expected abort, correct, fail; got 'corect'"),
        ({"task": "go", "sigma": -1}, "sigma"),
    ],
)
def test_what_is_wrong_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        CognitiveEnv(**arguments)


def test_a_step_before_the_first_reset_is_refused():
    with pytest.raises(TaskError, match="step: expected a trial; call reset first"):
        CognitiveEnv("go").step(0)


def test_observations_stay_in_their_space():
    env = begun("dlydm1", sigma=20.0, strengths=(0.5, 3.0))
    seen = np.concatenate([env.ob for _ in range(300) if env.new_trial()])
    assert all(ob in env.observation_space for ob in seen)
    assert env.observation_space.low[0] == pytest.approx(-20.0)
    assert env.observation_space.high[0] == pytest.approx(4.8 + 20.0)


def test_a_vector_of_environments_is_these_environments():
    vector = gymnasium.make_vec("srnn_tasks.gym:srnn/dm1-intr-v0".replace("dm1", "dms"), 3, vectorization_mode="sync")
    seen = [vector.reset(seed=[7, 8, 9])[0]]
    seen += [vector.step(np.zeros(3, dtype=int))[0] for _ in range(70)]
    for column, seed in enumerate((7, 8, 9)):
        env = CognitiveEnv("dms-intr")
        alone = [env.reset(seed=seed)[0]] + [env.step(0)[0] for _ in range(70)]
        np.testing.assert_array_equal(np.array(seen)[:, column], alone)
    vector.close()
