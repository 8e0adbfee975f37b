"""Drawings of a trial: what they show of each task; no display, backend or setting of the user matters."""

import os
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from srnn_tasks import (
    Adding,
    Batch,
    Channels,
    Cognitive,
    Metric,
    PathIntegration,
    RandomAnomaly,
    SequentialMNIST,
    TaskError,
    TaskSpec,
    WikiText,
    plot,
)
from srnn_tasks.cognitive import Streams, Windows

matplotlib = pytest.importorskip("matplotlib")

NEEDS_DATA = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no data files")
T, B = 8, 3

TASKS = [
    pytest.param(Adding(steps=T), ["value", "marker", "target\nsum", "scored"], id="adding"),
    pytest.param(Cognitive(), ["fixation", "ring 1", "ring 2", "rule", "target", "scored"], id="cognitive"),
    pytest.param(Cognitive(tasks=("go",)), ["fixation", "ring 1", "ring 2", "rule", "target", "scored"], id="one task"),
    pytest.param(
        Cognitive(tasks="all126", rules="parts", layout=Windows(steps=90)),
        ["fixation", "ring 1", "ring 2", "rule", "target", "scored"],
        id="windows",
    ),
    pytest.param(
        Cognitive(layout=Streams(steps=20)), ["fixation", "ring 1", "ring 2", "rule", "target", "scored"], id="streams"
    ),
    pytest.param(
        PathIntegration(steps=T, place_cells=64),
        ["displacement", "target\nplace cells", "position", "start code"],
        id="navigation",
    ),
    pytest.param(
        PathIntegration(steps=T, place_cells=5, scored="last"),
        ["displacement", "target\nplace cells", "scored", "position", "start code"],
        id="few cells",
    ),
    pytest.param(SequentialMNIST(), ["input", "target", "scored"], id="mnist rows", marks=NEEDS_DATA),
    pytest.param(SequentialMNIST(view="pixels"), ["input", "target", "scored"], id="mnist pixels", marks=NEEDS_DATA),
    pytest.param(RandomAnomaly(series=9, held_out=2), ["image", "target", "scored"], id="anomaly", marks=NEEDS_DATA),
    pytest.param(WikiText(vocabulary=30, train_tokens=3000), ["token", "target"], id="text", marks=NEEDS_DATA),
    pytest.param(WikiText(train_tokens=3000, steps=70), ["token", "target"], id="long text", marks=NEEDS_DATA),
]


def names(figure):
    """The names of the panels, from top to bottom, then those beside them."""
    return [axes.get_ylabel() or axes.get_title() for axes in figure.get_axes()]


def panel(figure, name):
    return figure.get_axes()[names(figure).index(name)]


def opened(task, generator):
    source = task.open(device="cpu", generator=generator)
    return source, next(source.batches(B, generator=generator))


@pytest.mark.parametrize(("task", "expected"), TASKS)
def test_every_task_is_drawn_with_and_without_names_and_outputs(task, expected, generator, tmp_path):
    source, batch = opened(task, generator)
    outputs = torch.randn(batch.steps, B, source.spec.outputs, generator=generator)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plot(batch, source.spec)
        assert names(figure) == expected
        figure.savefig(tmp_path / "named.png")
        assert names(plot(batch))[-1] == expected[-1]
        shown = plot(batch, source.spec, outputs=outputs.requires_grad_(), row=B - 1, title=task.kind)
        shown.savefig(tmp_path / "outputs.svg")
        assert shown.get_suptitle() == task.kind
    assert (tmp_path / "named.png").stat().st_size > 3000


def test_inputs_and_targets_are_drawn_as_they_are(generator):
    source, batch = opened(Adding(steps=T), generator)
    figure = plot(batch, source.spec, row=1)
    (value,) = panel(figure, "value").patches
    np.testing.assert_array_equal(value.get_data().values, batch.inputs[:, 1, 0].numpy())
    (target,) = [patch for patch in panel(figure, "target\nsum").patches if hasattr(patch, "get_data")]
    np.testing.assert_array_equal(target.get_data().values, batch.targets[:, 1, 0].numpy())


def test_rings_and_classes_are_images(generator):
    source, batch = opened(Cognitive(tasks=("dlygo",)), generator)
    figure = plot(batch, source.spec)
    steps = int((batch.weight[:, 0] > 0).sum())
    rings = batch.inputs[:steps, 0, 1:33].numpy()
    for number in range(2):
        (image,) = panel(figure, f"ring {number + 1}").images
        expected = rings[:, 16 * number : 16 * (number + 1)].T / np.abs(rings).max()
        np.testing.assert_allclose(image.get_array()[..., 3], np.abs(expected), atol=1e-6)
        assert (image.get_array()[expected < 0][:, 0] > 0.5).all(), "negative values are orange"
    (image,) = panel(figure, "target").images
    assert (image.get_array()[..., 3].argmax(0) == batch.targets[:steps, 0].numpy()).all()
    assert [label.get_text() for label in panel(figure, "target").get_yticklabels()] == ["fixate", "direction"]
    texts = [text.get_text() for text in figure.get_axes()[0].texts]
    assert texts == ["fixation", "stimulus", "delay", "decision"]


def test_channels_of_a_picture_are_one_picture_per_step(generator):
    inputs = torch.randn(T, B, 6 + 1, generator=generator)
    channels = (Channels(name="seen", size=6, picture=(2, 3)), Channels(name="cue", size=1))
    spec = TaskSpec(inputs=7, outputs=2, loss="cross_entropy", metrics=METRICS, input_channels=channels)
    batch = Batch(inputs=inputs, targets=torch.zeros(T, B, dtype=torch.int64))
    figure = plot(batch, spec, row=1)
    assert names(figure) == ["seen", "cue", "target"]
    (image,) = panel(figure, "seen").images
    assert tuple(image.get_extent()) == (-0.5, T - 0.5, 0, 1)
    shown = image.get_array()[..., 3].reshape(2, T, 3 + 2)  # a gap on each side
    assert (shown[:, :, [0, -1]] == 0).all()
    pixels = inputs[:, 1, :6].view(T, 2, 3).numpy()
    np.testing.assert_allclose(shown[:, :, 1:-1].swapaxes(0, 1), np.abs(pixels) / np.abs(pixels).max(), atol=1e-6)


def test_padding_is_left_out_and_unscored_steps_are_shaded(generator):
    source, batch = opened(Cognitive(), generator)
    for row in range(B):
        limits = plot(batch, source.spec, row=row).get_axes()[0].get_xlim()
        assert limits == (-0.5, batch.weight[:, row].sum().item() - 0.5)
    source, batch = opened(Adding(steps=T), generator)
    shaded = [patch for patch in panel(plot(batch, source.spec), "target\nsum").patches if hasattr(patch, "get_width")]
    assert [(patch.get_x(), patch.get_width()) for patch in shaded] == [(-0.5, T - 1)]


def test_the_rule_of_the_trial_is_named(generator):
    source, batch = opened(Cognitive(tasks="yang20"), generator)
    for row in range(B):
        labels = panel(plot(batch, source.spec, row=row), "rule").get_yticklabels()
        assert [label.get_text() for label in labels] == [source.task.names[batch.info["task"][0, row]]]
    source, batch = opened(Cognitive(tasks=("dms-intl-seqr",), rules="parts"), generator)
    assert [label.get_text() for label in panel(plot(batch, source.spec), "rule").get_yticklabels()] == [
        "dms",
        "intl, seqr",
    ]


def test_outputs_of_classes_are_their_softmax_and_of_values_dots(generator):
    source, batch = opened(Cognitive(tasks=("go",)), generator)
    outputs = torch.randn(batch.steps, B, 17, generator=generator)
    (image,) = panel(plot(batch, source.spec, outputs=outputs), "output").images
    steps = int((batch.weight[:, 0] > 0).sum())
    np.testing.assert_allclose(image.get_array()[..., 3].T, outputs[:steps, 0].softmax(-1).numpy(), atol=1e-6)
    source, batch = opened(Adding(steps=T), generator)
    outputs = torch.randn(T, B, 1, generator=generator)
    (dots,) = panel(plot(batch, source.spec, outputs=outputs), "target\nsum").lines
    np.testing.assert_array_equal(dots.get_ydata(), outputs[:, 0, 0].numpy())


def test_the_path_starts_at_the_initial_position(generator):
    source, batch = opened(PathIntegration(steps=T, place_cells=16), generator)
    path, start, end = panel(plot(batch, source.spec, row=2), "position").lines
    positions = torch.cat([batch.info["initial_position"][None], batch.info["position"]])[:, 2].numpy()
    np.testing.assert_array_equal(np.stack(path.get_data(), 1), positions)
    np.testing.assert_array_equal(np.ravel(start.get_data()), positions[0])
    np.testing.assert_array_equal(np.ravel(end.get_data()), positions[-1])


@NEEDS_DATA
def test_words_are_written_in_any_script(generator):
    source, batch = opened(WikiText(train_tokens=3000), generator)
    figure = plot(batch, source.spec, words=source.words)
    written = [text.get_text() for text in panel(figure, "token").texts]
    assert written[:4] == [source.words[token] for token in batch.inputs[:4, 0]]
    assert plot(batch, source.spec).get_axes()[0].texts[1].get_text() == str(int(batch.inputs[1, 0]))


METRICS = (Metric(name="loss", better="lower"),)


def test_a_task_of_ones_own_needs_no_names(generator):
    inputs = torch.randn(T, B, 3, generator=generator)
    spec = TaskSpec(inputs=3, outputs=2, loss="own", metrics=METRICS)
    batch = Batch(inputs=inputs, targets=inputs[..., :1], info={"period": torch.arange(T)[:, None].expand(T, B) // 4})
    assert names(plot(batch, spec, outputs=inputs[..., :2])) == ["input", "target", "output"]
    assert len(plot(batch, spec).get_axes()[0].lines) == 1, "the border of the two periods"
    named = spec.model_copy(update={"output_channels": (Channels(name="a", size=1), Channels(name="b", size=1))})
    assert names(plot(batch, named)) == ["input", "target"], "the names are of outputs, and targets have another width"
    ignored = replace(batch, targets=torch.full((T, B), -100))
    (image,) = panel(plot(ignored, replace_loss(spec)), "target").images
    assert (image.get_array()[..., 3] == 0).all(), "classes that are none are not drawn"
    broken = torch.full((T, B, 2), float("nan"))
    plot(ignored, replace_loss(spec), outputs=broken).savefig(os.devnull, format="png")


def replace_loss(spec):
    return spec.model_copy(update={"loss": "cross_entropy"})


def test_half_precision_and_no_gradient_are_needed(generator):
    source, batch = opened(Adding(steps=T), generator)
    half = replace(batch, inputs=batch.inputs.bfloat16(), weight=batch.weight.half())
    assert names(plot(half, source.spec)) == names(plot(batch, source.spec))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"row": B}, "row: expected 0 to 2; got 3"),
        ({"row": 0.5}, "row: expected 0 to 2; got 0.5"),
        ({"outputs": torch.zeros(T, 1)}, r"outputs: expected \(T, B, O\) with T = 8, B = 3; got \(8, 1\)"),
        ({"width": 0.0}, "width: expected a number of inches > 0; got 0.0"),
        ({"spec": "adding"}, "spec: expected the spec of a source, a TaskSpec; got str"),
        ({"batch": torch.zeros(3)}, "batch: expected a srnn_tasks.Batch; got Tensor"),
        ({"spec": TaskSpec(inputs=3, outputs=1, loss="own", metrics=METRICS)}, "spec: expected the spec of this batch"),
    ],
)
def test_a_wrong_argument_is_named(arguments, message, generator):
    source, batch = opened(Adding(steps=T), generator)
    with pytest.raises(TaskError, match=message):
        plot(**{"batch": batch, "spec": source.spec, **arguments})


def test_settings_of_the_user_neither_matter_nor_change(generator, tmp_path):
    source, batch = opened(Adding(steps=T), generator)
    plot(batch, source.spec).savefig(tmp_path / "one.png")
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30, "figure.figsize": (1, 1)}):
        before = dict(matplotlib.rcParams)
        figure = plot(batch, source.spec)
        assert dict(matplotlib.rcParams) == before
    figure.savefig(tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


CODE = """
import sys, torch
from srnn_tasks import Adding, plot
assert "matplotlib" not in sys.modules
generator = torch.Generator().manual_seed(0)
source = Adding(steps=5).open(device="cpu", generator=generator)
figure = plot(source.draw(2, generator=generator), source.spec)
assert figure._repr_png_()[:4] == b"\\x89PNG"
assert "matplotlib.pyplot" not in sys.modules
"""


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nonsense"])
def test_no_backend_and_no_display_are_needed(backend):
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"} | {"MPLBACKEND": backend}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_matplotlib_the_error_names_the_extra():
    code = CODE.replace("import sys, torch", "import sys, torch; sys.modules['matplotlib'] = None")
    code = code.replace('assert "matplotlib" not in sys.modules', "")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "TaskError: plot requires matplotlib: pip install 'srnn-tasks[plot]'" in done.stderr
