"""The random parts of the series: their distributions, and that they are drawn from nothing but the generator."""

from dataclasses import fields

import pytest
import torch

from srnn_tasks.anomaly import PIPELINES, Record, draw_record

S, N = 20_000, 9
TENSORS = [field.name for field in fields(Record) if field.name != "side"]


@pytest.fixture(scope="module")
def labels() -> torch.Tensor:
    """Classes of 1000 images, of unequal frequency."""
    weights = torch.arange(1, 11).float()
    return torch.multinomial(weights, 1000, True, generator=torch.Generator().manual_seed(3)).to(torch.uint8)


@pytest.fixture(scope="module")
def record(labels: torch.Tensor) -> Record:
    return draw_record(labels, series=S, images=N, generator=torch.Generator().manual_seed(0))


def chi_squared(counts: torch.Tensor) -> float:
    """Return the statistic of equal frequencies, in standard deviations from its mean."""
    counts = counts.double()
    expected = counts.sum() / counts.numel()
    freedom = counts.numel() - 1
    return float((((counts - expected) ** 2 / expected).sum() - freedom) / (2 * freedom) ** 0.5)


def test_the_class_is_that_of_the_item_of_the_same_number(labels: torch.Tensor, record: Record) -> None:
    assert torch.equal(record.digit, labels.long()[torch.arange(S) % 1000])
    later = draw_record(labels, series=50, images=N, first=980, generator=torch.Generator().manual_seed(0))
    assert torch.equal(later.digit, torch.cat([labels[980:], labels[:30]]).long())


def test_all_images_of_a_series_are_of_its_class_each_equally_likely(labels: torch.Tensor, record: Record) -> None:
    assert (labels.long()[record.image] == record.digit[:, None]).all()
    for digit in (0, 9):
        counts = torch.bincount(record.image[record.digit == digit].flatten(), minlength=1000)[labels == digit]
        assert abs(chi_squared(counts)) < 5
    assert (record.image[:, 0] == record.image[:, 1]).any(), "with replacement"


def test_one_image_has_another_pipeline_and_all_56_pairs_are_equally_likely(record: Record) -> None:
    rows = torch.arange(S)
    anomaly = record.pipeline[rows, record.position]
    base = record.pipeline[rows, (record.position + 1) % N]
    assert ((record.pipeline != base[:, None]).sum(1) == 1).all()
    pairs = torch.bincount(base * 8 + anomaly, minlength=64).view(8, 8)
    assert (pairs.diagonal() == 0).all()
    assert abs(chi_squared(pairs[~torch.eye(8, dtype=torch.bool)])) < 5
    assert abs(chi_squared(torch.bincount(record.position, minlength=N))) < 5


def named(record: Record, *names: str) -> torch.Tensor:
    return sum(record.pipeline == PIPELINES.index(name) for name in names).bool()


def test_corners_move_inward_by_whole_pixels_and_only_with_a_perspective(record: Record) -> None:
    home = torch.tensor([[0, 0], [49, 0], [49, 49], [0, 49]])
    inward = (record.corners - home) * torch.tensor([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    for names, most in ((("perspective_small", "both"), 12), (("perspective",), 22)):
        for corner in range(4):
            for axis in range(2):
                counts = torch.bincount(inward[named(record, *names)][:, corner, axis], minlength=most + 1)
                assert len(counts) == most + 1
                assert abs(chi_squared(counts)) < 5
    still = named(record, "baseline", "erase", "noise", "blur", "sharpness")
    assert (inward[still] == 0).all()


def test_shifts_and_boxes_scale_with_the_side(labels: torch.Tensor) -> None:
    record = draw_record(labels, series=S, images=N, side=30, generator=torch.Generator().manual_seed(0))
    assert record.side == record[3:7].side == 30
    far = torch.tensor([[0, 0], [29, 0], [29, 29], [0, 29]])
    shift = (record.corners - far).abs()
    assert shift[named(record, "perspective_small", "both")].unique().tolist() == list(range(8))  # 0.5 of half a side
    assert shift[named(record, "perspective")].unique().tolist() == list(range(14))
    top, left, height, width = record.box[named(record, "erase", "both")].unbind(-1)
    assert (height * width).double().mean().item() == pytest.approx(0.15 * 900, rel=0.01)
    assert (top + height).max() <= 30 and (left + width).max() <= 30


def test_boxes_have_a_tenth_to_a_fifth_of_the_area_and_lie_within_the_image(record: Record) -> None:
    erased = named(record, "erase", "both")
    assert (record.box[~erased] == 0).all()
    top, left, height, width = record.box[erased].unbind(-1)
    assert height.max() <= 41 and width.max() <= 41 and height.min() >= 8 and width.min() >= 8
    assert top.min() == 0 and left.min() == 0
    assert ((top + height).max(), (left + width).max()) == (50, 50)
    area = (height * width).double() / 2500
    assert area.mean().item() == pytest.approx(0.15, abs=0.001)
    assert area.std().item() == pytest.approx(0.1 / 12**0.5, rel=0.03)
    aspect = (height / width).log()  # uniform from ln .3 to ln 3.3, of mean -.005
    assert aspect.mean().item() == pytest.approx(-0.005, abs=0.02)
    assert aspect.std().item() == pytest.approx(2.398 / 12**0.5, rel=0.02)
    room = top.double() / (50 - height)
    assert room.mean().item() == pytest.approx(0.5, abs=0.01)


def test_sigma_is_uniform_and_only_for_blurred_images(record: Record) -> None:
    blurred = named(record, "blur")
    assert (record.sigma[~blurred] == 0).all()
    sigma = record.sigma[blurred]
    assert sigma.min() >= 0.1 and sigma.max() <= 2.0
    assert sigma.mean().item() == pytest.approx(1.05, abs=0.02)
    assert sigma.std().item() == pytest.approx(1.9 / 12**0.5, rel=0.02)


def test_seeds_of_the_noise_are_distinct(record: Record) -> None:
    seeds = record.noise_seed
    assert seeds.min() >= 0 and seeds.max() < 2**32
    assert len(seeds.unique()) > seeds.numel() - 20


def test_a_record_depends_on_its_generator_alone(labels: torch.Tensor, record: Record) -> None:
    again, other = (
        draw_record(labels, series=S, images=N, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)
    )
    for name in TENSORS:
        assert torch.equal(getattr(again, name), getattr(record, name))
        assert name == "digit" or not torch.equal(getattr(other, name), getattr(record, name))


def test_a_part_of_a_record_has_the_same_series(record: Record) -> None:
    part = record[100:130]
    assert len(part) == 30 and len(record) == S
    assert all(torch.equal(getattr(part, name), getattr(record, name)[100:130]) for name in TENSORS)
