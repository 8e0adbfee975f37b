"""neurogym in both directions: its environments as tasks, and our environments with its wrappers and `Dataset`.

Tests that require neurogym are skipped if it is not installed; `nox -s neurogym` installs it.
"""

import pickle
import random
import sys
from collections import Counter
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from srnn_tasks import Neurogym, NeurogymSource, TaskError
from srnn_tasks.testing import check_task

needs_neurogym = pytest.mark.skipif(find_spec("neurogym") is None, reason="neurogym is not installed")
# what neurogym does itself, and gymnasium 0.29 warns of
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*to get variables from other wrappers is deprecated:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*The environment creator metadata doesn't include:UserWarning"),
]
SILENT = Neurogym(
    environment="PerceptualDecisionMaking-v0",
    arguments={"sigma": 0.0, "cohs": [25.6], "timing": {"fixation": 300, "stimulus": 400, "decision": 200}},
    steps=25,
)


def opened(task: Neurogym, seed: int = 0) -> tuple[NeurogymSource, torch.Generator]:
    generator = torch.Generator().manual_seed(seed)
    return task.open(device="cpu", generator=generator), generator


def batch_of(task: Neurogym, size: int = 6, seed: int = 0):
    source, generator = opened(task, seed)
    return source.draw(size, generator=generator)


def test_arguments_are_frozen_and_hash():
    task = Neurogym(arguments={"timing": {"stimulus": 500}, "cohs": [1, 2.5, None], "abort": True})
    same = Neurogym(arguments={"abort": True, "cohs": (1, 2.5, None), "timing": {"stimulus": 500}})
    assert task == same
    assert hash(task) == hash(same)
    assert hash(task) != hash(Neurogym(arguments={"abort": False}))
    assert task.model_dump_json() == (
        '{"kind":"neurogym","environment":"PerceptualDecisionMaking-v0","arguments":'
        '{"timing":{"stimulus":500},"cohs":[1,2.5,null],"abort":true},"dt":null,"steps":100,"evaluation_rows":200}'
    )
    assert Neurogym.model_validate(task.model_dump()) == task
    assert pickle.loads(pickle.dumps(task)) == task
    for change in (
        lambda held: held.update(abort=False),
        lambda held: held.__setitem__("abort", False),
        lambda held: held.pop("abort"),
        lambda held: held["timing"].clear(),
        lambda held: held.__ior__({}),
    ):
        with pytest.raises(TypeError, match="arguments: this dict is part of a frozen value"):
            change(task.arguments)
    with pytest.raises(TypeError, match="arguments: this dict is part of a frozen value"):
        Neurogym().arguments.update(abort=True)
    assert Neurogym.model_json_schema()["properties"]["arguments"]["default"] == {}


@pytest.mark.parametrize(
    ("field", "value"), [("environment", ""), ("arguments", {"timing": object()}), ("dt", 0), ("steps", 0)]
)
def test_a_wrong_field_is_named(field, value):
    with pytest.raises(ValidationError, match=rf"(?m)^{field}"):
        Neurogym(**{field: value})
    with pytest.raises(ValidationError, match="arguments: expected no dt, which is a separate field"):
        Neurogym(arguments={"dt": 20})


def test_without_neurogym_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "neurogym", None)
    with pytest.raises(TaskError, match=r"Neurogym requires neurogym: pip install 'srnn-tasks\[neurogym\]'"):
        opened(Neurogym())


@needs_neurogym
@pytest.mark.parametrize(
    "task",
    [
        Neurogym(steps=30, evaluation_rows=5),
        Neurogym(environment="ReachingDelayResponse-v0", steps=40, evaluation_rows=5),
        Neurogym(environment="yang19.dms-v0", dt=50, steps=60, evaluation_rows=5),
        Neurogym(environment="srnn_tasks.gym:srnn/dmc-intr-v0", arguments={"sigma": 0.5}, evaluation_rows=5),
    ],
    ids=lambda task: task.environment,
)
def test_the_contract_holds(task):
    check_task(task)


@needs_neurogym
def test_rows_are_trials_one_after_the_other():
    batch = batch_of(SILENT, size=40)
    trial, inputs, targets = batch.info["trial"], batch.inputs, batch.targets
    assert torch.equal(trial, (torch.arange(25) // 9)[:, None].expand(25, 40))  # 3 + 4 + 0 + 2 steps
    answers = Counter()
    for t in range(25):
        inside = t % 9
        assert torch.equal(inputs[t, :, 0], torch.full((40,), float(inside < 3)))
        assert bool((inputs[t, :, 1:] != 0).all()) == (3 <= inside < 7)
        assert torch.equal(batch.info["decision"][t], torch.full((40,), inside >= 7))
        if inside >= 7:
            stronger = 1 + inputs[t - inside + 3, :, 1:].argmax(-1)
            assert torch.equal(targets[t], stronger)
            answers.update(targets[t].tolist())
        else:
            assert not targets[t].any()
    assert set(answers) == {1, 2}
    assert batch.weight is batch.reset is batch.start is None


@needs_neurogym
@pytest.mark.parametrize("environment", ["ContextDecisionMaking-v0", "DelayComparison-v0", "ReachingDelayResponse-v0"])
def test_a_row_is_what_an_agent_that_fixates_sees(environment):
    import neurogym

    task = Neurogym(environment=environment, steps=120)
    source, generator = opened(task)
    seed = int(torch.randint(2**31, (1,), generator=torch.Generator().manual_seed(0)))
    batch = source.draw(1, generator=generator)
    env = neurogym.make(environment)
    env.unwrapped.seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    env.reset()
    still = 0 if source.classes else np.zeros(2, dtype=np.float32)
    info = {"new_trial": False}
    while not info["new_trial"]:  # the trial of the reset, of which a step is over
        observation, _, _, _, info = env.step(still)
    for t in range(120):
        shown = torch.as_tensor(observation)
        observation, _, _, _, info = env.step(still)
        torch.testing.assert_close(batch.inputs[t, 0], shown.float(), rtol=0, atol=0)
        torch.testing.assert_close(batch.targets[t, 0], torch.as_tensor(info["gt"]).to(batch.targets))


@needs_neurogym
def test_dt_is_that_of_the_environment_or_given():
    lengths = {}
    for dt in (None, 20):
        trial = batch_of(Neurogym(environment="yang19.rtgo-v0", dt=dt, steps=120)).info["trial"]
        lengths[dt] = int((trial[:, 0] == 0).sum())
    assert lengths == {None: 10, 20: 50}


@needs_neurogym
def test_no_go_trials_count_as_decisions():
    source, generator = opened(Neurogym(environment="GoNogo-v0", steps=60))
    batch = source.draw(100, generator=generator)
    deciding = batch.info["decision"]
    share = batch.targets[deciding].float().mean()
    assert 0.35 < share < 0.65  # go
    assert not batch.targets[~deciding].any()
    fixates = torch.zeros(60, 100, 2)
    fixates[..., 0] = 1
    measured = source.measure(fixates, batch)
    assert measured["decision_accuracy"] == pytest.approx(1 - float(share))
    assert measured["accuracy"] == pytest.approx(1 - float(batch.targets.float().mean()))
    batch = batch_of(Neurogym(environment="ReadySetGo-v0", steps=60))
    assert torch.equal(batch.info["decision"], batch.targets != 0)  # has no period of that name


@needs_neurogym
def test_values_are_learned_by_their_squares():
    source, generator = opened(Neurogym(environment="ReachingDelayResponse-v0", steps=30))
    batch = source.draw(3, generator=generator)
    assert source.spec.loss == "mean_squared_error"
    assert [metric.name for metric in source.spec.metrics] == ["loss"]
    assert batch.targets.shape == (30, 3, 2)
    assert float(source.loss(torch.zeros(30, 3, 2), batch)) == pytest.approx(float(batch.targets.square().mean()))


def supported() -> list[str]:
    if find_spec("neurogym") is None:
        return []
    from neurogym.envs.registration import ALL_EXTENDED_ENVS

    return sorted(ALL_EXTENDED_ENVS)


WITHOUT_TRIALS = ("Bandit-v0", "DawTwoStep-v0", "EconomicDecisionMaking-v0", "Null-v0")
OUT_OF_SPACE = ("Reaching1D-v0", "Reaching1DWithSelfDistraction-v0")  # their ground truth is no action
UNSEEDED = ("HierarchicalReasoning-v0", "AnnubesEnv-v0")


@needs_neurogym
@pytest.mark.filterwarnings("error")  # none reaches the user
@pytest.mark.parametrize("environment", supported())
def test_every_environment_of_neurogym_works_or_is_refused(environment):
    arguments = {"session": {"v": 0.5, "a": 0.5}, "catch_prob": 0.5} if environment == "AnnubesEnv-v0" else {}
    task = Neurogym(environment=environment, arguments=arguments, steps=150)
    if environment in WITHOUT_TRIALS:
        with pytest.raises(
            ValueError, match=f"environment: expected '{environment}' to have trials with a ground truth"
        ):
            batch_of(task)
    elif environment in OUT_OF_SPACE:
        with pytest.raises(TaskError, match=r"expected the ground truth of .* to be in its 3 actions; got \d to \d"):
            batch_of(task, size=40)
    else:
        one, two, other = batch_of(task, 3), batch_of(task, 3), batch_of(task, 3, seed=1)
        if environment not in UNSEEDED:
            assert torch.equal(one.inputs, two.inputs)
            assert torch.equal(one.targets, two.targets)
            assert not (torch.equal(one.inputs, other.inputs) and torch.equal(one.targets, other.targets))
            assert not torch.equal(one.inputs[:, 0], one.inputs[:, 1])


@needs_neurogym
def test_annubes_follows_the_seed_that_it_is_given():
    arguments = {"session": {"v": 0.5, "a": 0.5}, "catch_prob": 0.5, "random_seed": 3}
    task = Neurogym(environment="AnnubesEnv-v0", arguments=arguments, steps=150)
    one, two = batch_of(task, 3), batch_of(task, 3)
    assert torch.equal(one.inputs, two.inputs)
    assert torch.equal(one.targets[:, 0], one.targets[:, 1])


@needs_neurogym
def test_environments_that_are_scheduled_have_seeds_of_their_own():
    """With the seeds of neurogym itself, the same for both rings, directions come in pairs."""
    batch = batch_of(Neurogym(environment="yang19.go-v0", steps=15 * 20), size=20)
    asked = batch.targets[14::15]  # (trials, B): the last step of each
    assert float((asked[1:] == asked[:-1]).float().mean()) < 0.15  # 1/16 by chance; with one seed above 1/2


@needs_neurogym
def test_an_environment_that_draws_from_numpy_itself_is_seeded_and_leaves_no_trace():
    import gymnasium
    from neurogym.envs.native.gonogo import GoNogo

    class Global(GoNogo):
        def _new_trial(self, **kwargs):
            trial = super()._new_trial(**kwargs)
            self.ob += np.random.rand()  # noqa: NPY002
            return trial

    gymnasium.register("test/Global-v0", entry_point=Global)
    try:
        task = Neurogym(environment="test/Global-v0", steps=40)
        state = repr(np.random.get_state()), random.getstate()  # noqa: NPY002
        one = batch_of(task)
        assert (repr(np.random.get_state()), random.getstate()) == state  # noqa: NPY002
        np.random.rand()  # noqa: NPY002  # has no influence
        assert torch.equal(one.inputs, batch_of(task).inputs)
        assert len(set(one.inputs[0, :, 0].tolist())) == one.size
    finally:
        del gymnasium.registry["test/Global-v0"]


@needs_neurogym
def test_what_cannot_be_made_is_named():
    with pytest.raises(TaskError, match="environment: neurogym cannot make 'GoNoGoo-v0'"):
        opened(Neurogym(environment="GoNoGoo-v0"))
    with pytest.raises(TaskError, match=r"environment: neurogym cannot make 'GoNogo-v0': .*no_such"):
        opened(Neurogym(environment="GoNogo-v0", arguments={"no_such": 1}))


# our environments under neurogym

ID = "srnn_tasks.gym:srnn/{}-v0"


def ours(name: str, **arguments):
    import neurogym

    return neurogym.make(ID.format(name), **arguments)


@needs_neurogym
@pytest.mark.parametrize("name", ["dlygo-intr-seql", "multidm", "dmc"])
def test_the_trial_env_is_the_environment(name):
    from neurogym.core import TrialEnv

    from srnn_tasks.gym import CognitiveEnv

    env, plain = ours(name), CognitiveEnv(name)
    assert isinstance(env.unwrapped, TrialEnv)
    assert not isinstance(plain, TrialEnv)
    assert not hasattr(plain, "seed")  # gymnasium's checker warns of it
    assert env.reset(seed=4)[0].tolist() == plain.reset(seed=4)[0].tolist()
    for k in range(90):
        one, two = env.step(k % 7 == 0), plain.step(k % 7 == 0)
        assert one[0].tolist() == two[0].tolist()
        assert one[1:] == two[1:]
    again = pickle.loads(pickle.dumps(env.unwrapped))
    assert again.step(0)[0].tolist() == env.step(0)[0].tolist()
    env.unwrapped.seed(3)
    trials = [env.unwrapped.new_trial() for _ in range(3)]
    env.unwrapped.seed(3)
    assert [env.unwrapped.new_trial() for _ in range(3)] == trials
    assert env.unwrapped.trial_length_stats(num_trials=50)["mean"] > 5


@needs_neurogym
def test_the_dataset_of_neurogym_takes_it():
    import neurogym

    for env in (ID.format("dlygo"), ours("dlygo")):
        data = neurogym.Dataset(env, env_kwargs={"sigma": 0.0}, batch_size=3, seq_len=60)
        inputs, targets = data()
        assert (inputs.shape, targets.shape) == ((60, 3, 33), (60, 3))
        assert (inputs.dtype, targets.dtype) == (np.float32, np.int64)
        assert ((inputs[..., 0] == 0) == (targets > 0)).all()  # the cue is off when an answer is asked for
        first = (targets > 0).argmax(0)
        assert first.tolist() == [15] * 3
        assert not (inputs[:, 0] == inputs[:, 1]).all()
    seen = []
    for seed in (7, 7, 8):
        data = neurogym.Dataset(ID.format("dm1"), batch_size=2, seq_len=30, cache_len=30)
        data.seed(seed)
        data()  # what was cached before the seed
        seen.append(data()[0].copy())
    assert (seen[0] == seen[1]).all()
    assert not (seen[0] == seen[2]).all()
    assert not (seen[0][:, 0] == seen[0][:, 1]).all()


@needs_neurogym
def test_wrappers_that_add_to_the_observation():
    import gymnasium
    from neurogym.wrappers import Noise, PassAction, PassReward

    env = PassReward(PassAction(ours("go")))
    observation, _ = env.reset(seed=0)
    assert observation[-2:].tolist() == [0.0, 0.0]
    observation, reward, *_ = env.step(3)
    assert reward == -0.1
    assert observation[-2:].tolist() == [3.0, -0.1]
    plain = env.unwrapped.ob[1]
    np.testing.assert_array_equal(observation[:-2], plain)
    assert observation.shape == env.observation_space.shape

    env = PassAction(gymnasium.make(ID.format("go")))  # without a warning
    assert env.reset(seed=0)[0].shape == (34,)

    env = Noise(ours("go"), std_noise=0.2)
    observation, _ = env.reset()
    added = []
    for _ in range(400):
        observation, *_ = env.step(0)
        added.append(observation - env.unwrapped.ob[env.unwrapped.t_ind])
    assert np.std(added) == pytest.approx(0.2, abs=0.01)
    env.unwrapped.seed(1)
    one = Noise(env.env).step(0)[0]
    env.unwrapped.seed(1)
    env.unwrapped.t_ind, env.unwrapped.t = env.unwrapped.t_ind - 1, env.unwrapped.t - 100
    assert Noise(env.env).step(0)[0].tolist() == one.tolist()  # its noise follows the seed


@needs_neurogym
def test_reaction_time_lets_one_answer_while_there_is_a_stimulus():
    from neurogym.wrappers import ReactionTime

    env = ReactionTime(ours("dm1", timing={"decision_fixation": (300, 300)}), urgency=-0.01)
    env.reset(seed=0)
    rewards = [env.step(0)[1] for _ in range(5)]
    assert rewards == [-0.01] * 5
    right = int(env.unwrapped.gt[env.unwrapped.start_ind["decision"]])
    _, reward, _, _, info = env.step(right)  # two steps into the stimulus
    assert reward == pytest.approx(0.99)
    assert (info["new_trial"], info["performance"]) == (True, 1)
    steps = 0
    while True:
        steps += 1
        if env.step(0)[4]["new_trial"]:
            break
    assert steps == 3 + 5  # it ends with the stimulus


@needs_neurogym
def test_wrappers_that_choose_the_ground_truth():
    from neurogym.wrappers import RandomGroundTruth, SideBias, TrialHistoryV2

    def truths(env, number=40):
        env.reset(seed=0)
        found = [env.unwrapped.trial["ground_truth"]]
        while len(found) < number:
            *_, info = env.step(0)
            if info["new_trial"]:
                found.append(info["trial"]["ground_truth"])
                start = env.unwrapped.start_ind["decision"]
                assert env.unwrapped.gt[start] == 1 + found[-1]
        return found

    onwards = np.roll(np.eye(16), 1, axis=1)  # from each direction to the next
    found = truths(TrialHistoryV2(ours("go"), probs=onwards))
    assert all((one + 1) % 16 == two for one, two in pairwise(found))
    p = np.zeros(16)
    p[[2, 9]] = 0.5
    assert set(truths(RandomGroundTruth(ours("dm2"), p=p))) == {2, 9}
    blocks = [[1.0] + [0.0] * 15, [0.0] * 15 + [1.0]]
    found = truths(SideBias(ours("dlygo"), probs=blocks, block_dur=(3, 5)))
    assert set(found) == {0, 15}
    assert 4 < sum(one != two for one, two in pairwise(found)) < 14


@needs_neurogym
def test_environments_can_be_scheduled():
    from neurogym.utils.scheduler import SequentialSchedule
    from neurogym.wrappers import ScheduleAttr, ScheduleEnvs

    names = ("go", "dm1", "dms")
    env = ScheduleEnvs([ours(name) for name in names], SequentialSchedule(3), env_input=True)
    env.seed(0)
    observation, _ = env.reset()
    periods = {"go": "delay", "dm1": "stimulus", "dms": "test"}
    order = []
    for _ in range(400):
        rule = observation[33:]
        assert rule.sum() == 1
        name = names[int(rule.argmax())]
        assert periods[name] in env.unwrapped.start_ind
        np.testing.assert_array_equal(observation, env.unwrapped.ob[env.unwrapped.t_ind])
        observation, _, _, _, info = env.step(0)
        if info["new_trial"]:
            order.append(name)
    assert len(order) > 15
    assert all(names.index(two) == (names.index(one) + 1) % 3 for one, two in pairwise(order))

    env = ScheduleAttr(ours("go"), SequentialSchedule(2), [{"ground_truth": 4}, {"ground_truth": 11}])
    env.reset(seed=0)
    assert [env.new_trial()["ground_truth"] for _ in range(4)] in ([4, 11, 4, 11], [11, 4, 11, 4])


@needs_neurogym
def test_the_monitor_and_the_runner_of_neurogym_take_it(tmp_path):
    from neurogym.utils.plotting import run_env
    from neurogym.wrappers import Monitor

    monitor = Monitor(ours("dlygo"), save_dir=tmp_path, interval=5, verbose=False)
    monitor.reset(seed=0)
    for _ in range(16 * 10):
        env = monitor.unwrapped
        monitor.step(int(env.gt[env.t_ind]))
    files = sorted(path.name for path in tmp_path.glob("*.npz"))
    assert files == ["trial_10.npz", "trial_5.npz"]
    with np.load(tmp_path / "trial_5.npz", allow_pickle=True) as data:
        assert data["performance"].tolist() == [1] * 5
        assert data["cum_reward"].tolist() == [1.0] * 5
    found = monitor.evaluate_policy(num_trials=20, verbose=False)
    assert 0 <= found["mean_performance"] < 0.5
    run = run_env(ours("dlygo"), num_steps=50, def_act=0)
    assert run["ob"].shape == (50, 33)
    assert [k for k, action in enumerate(run["actions_end_of_trial"]) if action == 0] == [19, 39]
