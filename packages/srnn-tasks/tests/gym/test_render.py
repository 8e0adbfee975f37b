"""Environments as pixels: `render_mode="rgb_array"`, and what is said about other modes."""

import sys

import numpy as np
import pytest

from srnn_tasks import TaskError
from srnn_tasks.gym import CognitiveEnv

gymnasium = pytest.importorskip("gymnasium")
env_checker = pytest.importorskip("gymnasium.utils.env_checker")

OLD = int(gymnasium.__version__.partition(".")[0]) < 1  # the version that neurogym pins

BLACK, GREY, WHITE, GREEN, ORANGE = (13, 17, 23), (72, 79, 88), (240, 246, 252), (63, 185, 80), (247, 129, 60)


@pytest.fixture(autouse=True)
def without_neurogym(monkeypatch):
    """Let `make` give the plain environment although another test may have imported neurogym."""
    monkeypatch.delitem(sys.modules, "neurogym", raising=False)


def made(name, **arguments):
    return gymnasium.make(f"srnn_tasks.gym:srnn/{name}-v0", **arguments)


def pixel(image, dial, direction=None, ring=16):
    """The colour at a direction of a dial, or in its middle."""
    angle = 0.0 if direction is None else 2 * np.pi * direction / ring
    distance = 0.0 if direction is None else 0.36 * 160
    row, column = 80 - distance * np.sin(angle), 80 + distance * np.cos(angle)
    return tuple(image[round(row), dial * 160 + round(column)].tolist())


@pytest.mark.parametrize("name", ["go", "rtanti-seqr", "dm1", "multidlydm-intl-seqr", "dnmc-intr"])
@pytest.mark.parametrize("fields", [{}, {"ring": 4}, {"ring": 64, "sigma": 10.0}, {"conventions": {"kind": "legacy"}}])
def test_gymnasium_checks_it_with_pixels(name, fields):
    env_checker.check_env(made(name, render_mode="rgb_array", **fields).unwrapped)


@pytest.mark.parametrize("mode", ["human", "ansi", "rgb_array_list", "", 3])
def test_another_mode_is_refused_in_words(mode):
    with pytest.raises(TaskError, match=r"render_mode: expected 'rgb_array' or None; got .*HumanRendering"):
        CognitiveEnv("go", render_mode=mode)
    if not OLD:  # whose `make_vec` reads the mode itself
        with pytest.raises(TaskError, match="render_mode: expected 'rgb_array' or None"):
            gymnasium.make_vec("srnn_tasks.gym:srnn/go-v0", num_envs=2, render_mode=mode)


def test_the_picture_shows_rings_cue_actions_and_progress():
    env = CognitiveEnv("go", sigma=0.0, render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    assert first.shape == (176, 480, 3) and first.dtype == np.uint8
    assert pixel(first, 0) == pixel(first, 1) == WHITE, "the fixation cue is on"
    assert pixel(first, 0, 3) == pixel(first, 2) == GREY, "no stimulus, and no action yet"
    while not env.in_period("stimulus"):
        env.step(0)
    shown, direction = env.trial["ring"], env.trial["directions"][0]
    image = env.render()
    assert pixel(image, shown, direction)[2] > 200 > pixel(image, 1 - shown, direction)[2]
    assert pixel(image, 2) == GREEN, "fixating was correct"
    while not env.in_period("decision"):
        env.step(0)
    assert pixel(env.render(), 0) == GREY, "the fixation cue is off"
    bar = env.render()[170, 8:-8]
    assert (bar == GREEN).all(-1).mean() == pytest.approx(11 / 15, abs=0.01), "step 11 of 15, in the decision period"
    answer = env.gt_now - 1
    env.step(1 + (answer + 4) % 16)
    assert pixel(env.render(), 2, (answer + 4) % 16) == ORANGE and pixel(env.render(), 2, answer) == GREY


def test_rendering_changes_nothing_that_is_drawn():
    shown, plain = made("dm1", render_mode="rgb_array"), made("dm1")
    one, two = shown.reset(seed=3)[0], plain.reset(seed=3)[0]
    assert plain.render() is None
    for _ in range(60):
        np.testing.assert_array_equal(one, two)
        shown.render()
        one, two = shown.step(0)[0], plain.step(0)[0]


def test_a_trial_comes_first():
    with pytest.raises(TaskError, match="render: expected a trial; call reset first"):
        CognitiveEnv("go", render_mode="rgb_array").render()


@pytest.mark.skipif(OLD, reason="gymnasium draws vectors of environments from version 1.0 on")
def test_vectors_of_environments_draw_too():
    environments = gymnasium.make_vec("srnn_tasks.gym:srnn/dm1-v0", num_envs=2, render_mode="rgb_array")
    environments.reset(seed=0)
    assert np.array(environments.render()).shape == (2, 176, 480, 3)
