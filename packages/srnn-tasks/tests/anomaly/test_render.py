"""The eight pipelines, against a renderer of one image at a time and against the libraries that the data come from."""

import os
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import numpy as np
import pytest
import torch

from srnn_tasks.anomaly import PIPELINES, Record, draw_record, render
from srnn_tasks.images import load_mnist

from .made_up import strokes
from .plain import NAMES, moved, pictures, resized

NEEDS_DATA = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no MNIST files")
MOMENTS = {  # mean and standard deviation of the pixels of the record of seed 1
    "baseline": (-0.1265, 0.7495),
    "perspective_small": (-0.2578, 0.5740),
    "perspective": (-0.3304, 0.4416),
    "erase": (-0.2046, 0.6595),
    "noise": (-0.1209, 0.7414),
    "both": (-0.3051, 0.4873),
    "blur": (-0.1246, 0.6849),
    "sharpness": (-0.1345, 0.8018),
}
LEVEL = 1 / 255 / 0.3081  # one of 256 levels, in units of the inputs


def drawn(count: int, series: int = 60, seed: int = 0, images: int = 9, side: int = 50) -> Record:
    labels = torch.arange(count).remainder(10).to(torch.uint8)
    generator = torch.Generator().manual_seed(seed)
    return draw_record(labels, series=series, images=images, side=side, generator=generator)


def only(record: Record, pipeline: str) -> torch.Tensor:
    """Where a record has a pipeline, `(S, n)`."""
    return record.pipeline == NAMES.index(pipeline)


def test_the_pipelines_are_numbered_as_in_the_paper() -> None:
    assert PIPELINES == NAMES


@pytest.mark.parametrize(("images", "side"), [(9, 50), (10, 50), (9, 28), (9, 33)])
def test_every_pixel_agrees_with_one_image_at_a_time(images: int, side: int) -> None:
    sources, record = strokes(40, seed=2), drawn(40, images=images, side=side)
    found, expected = render(record, sources).double().numpy(), pictures(record, sources)
    assert found.shape == (60, images, side**2)
    apart = np.abs(found - expected)
    truncated = only(record, "perspective_small") | only(record, "perspective") | only(record, "both")
    assert apart[~truncated.numpy()].max() < 5e-6
    # A pixel is truncated to 8 bits, so that rounding of its place in float64 may change it by a level.
    assert (apart[truncated.numpy()] > 5e-6).mean() < 3e-4
    assert np.quantile(apart, 1 - 1e-5) < 1.01 * LEVEL
    for name in NAMES:
        assert only(record, name).sum() > 20


@NEEDS_DATA
def test_every_pixel_agrees_on_mnist() -> None:
    mnist = load_mnist()
    generator = torch.Generator().manual_seed(5)
    record = draw_record(mnist.train_labels, series=40, images=9, generator=generator)
    apart = np.abs(render(record, mnist.train_images).double().numpy() - pictures(record, mnist.train_images))
    assert (apart > 5e-6).mean() < 1e-4


def test_resizing_is_pillows(generator: torch.Generator) -> None:
    noise = torch.randint(256, (200, 28, 28), generator=generator, dtype=torch.uint8)
    sources = torch.cat([noise, strokes(40, seed=3)])
    plain = replace(drawn(240, series=60), image=torch.arange(240).view(60, 4), pipeline=torch.zeros(60, 4).long())
    expected = torch.stack([torch.from_numpy(resized(each).copy()) for each in sources.numpy()])
    levels = (render(plain, sources) * 0.3081 + 0.1307) * 255
    assert torch.equal(levels.round().view(240, 50, 50).to(torch.uint8), expected)


@pytest.mark.parametrize(("pipeline", "most"), [("perspective_small", 12), ("perspective", 22)])
def test_perspective_is_pillows(pipeline: str, most: int) -> None:
    sources, record = strokes(40, seed=4), drawn(40, series=200)
    levels = ((render(record, sources) * 0.3081 + 0.1307) * 255).round()
    chosen = only(record, pipeline)
    assert chosen.sum() > 150
    found = levels[chosen].view(-1, 50, 50).numpy()
    expected = np.stack(
        [
            moved(resized(sources[image].numpy()), corners.tolist())
            for image, corners in zip(record.image[chosen], record.corners[chosen], strict=True)
        ]
    )
    assert (np.abs(found - expected) > 0).mean() < 3e-4
    corners = record.corners[chosen]  # (P, 4, 2)
    inward = torch.where(corners < 25, corners, 49 - corners)
    assert inward.unique().tolist() == list(range(most + 1))


def test_an_unmoved_image_stays_as_it_is() -> None:
    """The four corners stay where they are; the last row and column, whose source is the edge itself, included."""
    sources, record = strokes(40, seed=5), drawn(40)
    far = torch.tensor([[0, 0], [49, 0], [49, 49], [0, 49]]).expand(60, 9, 4, 2)
    still = replace(record, corners=far, pipeline=torch.full((60, 9), NAMES.index("perspective")))
    plain = replace(still, pipeline=torch.zeros(60, 9).long())
    assert (render(still, sources) - render(plain, sources)).abs().max() < 1.01 * LEVEL


def test_three_corners_on_a_line_give_an_image() -> None:
    sources, record = strokes(40, seed=5), drawn(40, side=28)
    line = torch.tensor([[0, 0], [27, 27], [20, 20], [0, 27]]).expand(60, 9, 4, 2)
    flat = replace(record, corners=line, pipeline=torch.full((60, 9), NAMES.index("perspective")))
    assert render(flat, sources).isfinite().all()


def test_torchvision_gives_the_same_images() -> None:
    functional = torchvision_functional()
    from PIL import Image

    sources, record = strokes(40, seed=6), drawn(40, series=100)
    found = render(record, sources).view(100, 9, 50, 50)
    far = [[0, 0], [49, 0], [49, 49], [0, 49]]
    apart: dict[str, list[float]] = {name: [] for name in NAMES}
    for place in np.ndindex(100, 9):
        name = NAMES[record.pipeline[place]]
        image = functional.resize(Image.fromarray(sources[record.image[place]].numpy()), [50, 50])
        plain, corners = functional.to_tensor(image), record.corners[place].tolist()
        top, left, height, width = record.box[place].tolist()
        match name:
            case "perspective_small" | "perspective":
                changed = functional.to_tensor(functional.perspective(image, far, corners, fill=0))
            case "erase":
                changed = functional.erase(plain, top, left, height, width, torch.tensor(0.0))
            case "both":
                holed = functional.to_pil_image(functional.erase(plain, top, left, height, width, torch.tensor(0.0)))
                changed = functional.to_tensor(functional.perspective(holed, far, corners, fill=0))
            case "blur":
                changed = functional.gaussian_blur(plain, [15, 15], [float(record.sigma[place])] * 2)
            case "sharpness":
                changed = functional.adjust_sharpness(plain, 4.0)
            case _:
                changed = plain
        normal = functional.normalize(plain, [0.1307], [0.3081])
        expected = functional.normalize(changed, [0.1307], [0.3081]).clamp(normal.min(), normal.max())[0]
        if name != "noise":
            apart[name].append(float(((found[place] - expected).abs() > 5e-6).float().mean()))
    for name, shares in apart.items():
        most = 3e-4 if name in ("perspective_small", "perspective", "both") else 0.0
        assert np.mean(shares or 0.0) <= most, name


def torchvision_functional() -> ModuleType:
    """Return the functions of torchvision. If its operators do not fit this torch, only declare them."""
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    name = "torchvision.transforms.functional"
    try:
        return import_module(name)
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torchvision_functional.library = library  # the operators exist as long as it does
        return import_module(name)


def test_noise_is_drawn_from_the_seed_of_its_image_and_clamped() -> None:
    sources, record = strokes(40, seed=7), drawn(40, series=300)
    noise = replace(record, pipeline=torch.full((300, 9), NAMES.index("noise")))
    plain, noisy = (render(each, sources) for each in (replace(noise, pipeline=0 * noise.pipeline), noise))
    inner = (plain > plain.amin(-1, keepdim=True) + 0.2) & (plain < plain.amax(-1, keepdim=True) - 0.2)
    assert (noisy - plain)[inner].std().item() == pytest.approx(0.01 / 0.3081, rel=0.02)
    assert (noisy.amin(-1) >= plain.amin(-1)).all() and (noisy.amax(-1) <= plain.amax(-1)).all()
    background = plain == plain.amin(-1, keepdim=True)
    assert (noisy == plain)[background].float().mean().item() == pytest.approx(0.5, abs=0.01)
    other = replace(noise, noise_seed=noise.noise_seed + 1)
    assert (render(other, sources) != noisy).any(-1).all()
    assert torch.equal(render(noise, sources), noisy)


def test_an_image_does_not_depend_on_the_others() -> None:
    sources, record = strokes(40, seed=8), drawn(40)
    whole = render(record, sources)
    for begin, end in ((0, 1), (17, 23), (59, 60)):
        torch.testing.assert_close(render(record[begin:end], sources), whole[begin:end], rtol=0, atol=5e-6)


@pytest.mark.parametrize("default", [torch.float64, torch.bfloat16, "meta", "medium"])
def test_no_setting_of_torch_changes_an_image(default: torch.dtype | str) -> None:
    sources = strokes(40, seed=9)
    expected_record = drawn(40)
    expected, before = render(expected_record, sources), torch.get_float32_matmul_precision()
    labels = torch.arange(40).remainder(10).to(torch.uint8)
    generator = torch.Generator().manual_seed(0)
    try:
        if default == "meta":
            torch.set_default_device("meta")
        elif default == "medium":
            torch.set_float32_matmul_precision("medium")
        else:
            torch.set_default_dtype(default)
        record = draw_record(labels, series=60, images=9, generator=generator)
        found = render(record, sources)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        torch.set_float32_matmul_precision(before)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


@NEEDS_DATA
def test_a_linear_readout_tells_noise_from_baseline() -> None:
    """The noise is small, but half of it lies above the clamp: the border of an image is no longer at its minimum."""
    mnist = load_mnist()
    generator = torch.Generator().manual_seed(11)
    record = draw_record(mnist.train_labels, series=400, images=10, generator=generator)
    kind = torch.rand(400, 10, generator=generator) < 0.5
    record = replace(record, pipeline=torch.where(kind, NAMES.index("noise"), 0))
    pixels = render(record, mnist.train_images).view(-1, 50, 50).double()
    frame = torch.ones(50, 50, dtype=torch.bool)
    frame[1:-1, 1:-1] = False
    features = torch.cat([pixels[:, frame], torch.ones(4000, 1, dtype=torch.float64)], 1)  # (4000, 196 + 1)
    answers = torch.where(kind, 1.0, -1.0).view(-1, 1).double()
    readout = torch.linalg.lstsq(features[:3000], answers[:3000], driver="gelsd").solution
    right = (features[3000:] @ readout).sign() == answers[3000:]
    assert right.double().mean() > 0.95


def test_stored_images_need_a_new_version_if_these_numbers_change() -> None:
    """If this test fails, raise VERSION in srnn_tasks.anomaly, then correct the numbers: stored files are reused."""
    record = drawn(40, series=80, seed=1)
    sums = [int(part.sum()) for part in (record.image, record.pipeline, record.corners, record.box, record.noise_seed)]
    assert sums == [14210, 2447, 141198, 11558, 1524352244412]
    assert record.sigma.sum().item() == pytest.approx(92.200275)
    pixels = render(record, strokes(40, seed=10)).double()
    for name, (mean, sd) in MOMENTS.items():
        chosen = pixels[only(record, name)]
        assert (chosen.mean().item(), chosen.std().item()) == pytest.approx((mean, sd), abs=1e-4), name
