"""Reference numbers of navigation in arXiv 2406.06290."""

import numpy as np
import pytest
import torch

from srnn_tasks import Batch, PathIntegration, PathIntegrationSource, TaskError

CODES = ["reference", "gaussian", "paper"]


def opened(seed: int = 0, **fields: object) -> PathIntegrationSource:
    return PathIntegration(**fields).open(device="cpu", generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def routes() -> torch.Tensor:
    """Positions `(T + 1, 20000, 2)` in metres."""
    return opened().routes(20_000, generator=torch.Generator().manual_seed(7))


@pytest.fixture(scope="module")
def batch() -> Batch:
    return next(opened().batches(200, generator=torch.Generator().manual_seed(3)))


def uniform(count: int) -> torch.Tensor:
    return (torch.rand(count, 2, generator=torch.Generator().manual_seed(11)) - 0.5) * 2.2


# --- check 9 ---


def test_start_and_steps_sum_to_the_targets(batch: Batch) -> None:
    position = batch.info["initial_position"].double() + batch.inputs.double().cumsum(0)
    assert (position - batch.info["position"]).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("code", "error", "entropy", "slack"),
    [("reference", 4.38, 6.149, 0.002), ("gaussian", 4.38, 3.067, 0.012), ("paper", 4.38, 6.238, 0.002)],
)
def test_floors_on_trajectories(code: str, error: float, entropy: float, slack: float) -> None:
    source = opened(place_code=code, evaluation_batches=10)
    floor = source.floor(generator=torch.Generator().manual_seed(0))
    assert floor["error_cm"] == pytest.approx(error, abs=0.1)
    assert floor["final_error_cm"] == pytest.approx(error, abs=0.25)  # fewer positions, same kind
    assert floor["cross_entropy"] == pytest.approx(entropy, abs=slack)


@pytest.mark.parametrize(
    ("code", "error", "entropy"), [("reference", 4.20, 6.145), ("gaussian", 4.20, 3.109), ("paper", 4.20, 6.238)]
)
def test_floors_on_uniform_positions(code: str, error: float, entropy: float) -> None:
    source, positions = opened(place_code=code), uniform(50_000)
    activity = source.encode(positions)
    found = 100 * (source.decode(activity) - positions).norm(dim=-1).mean()
    assert found.item() == pytest.approx(error, abs=0.05)
    assert torch.special.entr(activity).sum(-1).mean().item() == pytest.approx(entropy, abs=0.002)


# --- other reference numbers of section 5 ---


def test_statistics_of_the_routes(routes: torch.Tensor) -> None:
    lengths = 100 * routes.diff(dim=0).norm(dim=-1)  # (T, B) cm
    assert lengths.mean().item() == pytest.approx(1.98, abs=0.01)
    assert lengths.sum(0).mean().item() == pytest.approx(98.9, abs=0.5)
    assert 100 * (routes[-1] - routes[0]).norm(dim=-1).mean().item() == pytest.approx(72.5, abs=0.6)
    outside = routes.abs().amax(-1) > 1.1
    assert 100 * outside.float().mean().item() == pytest.approx(0.7, abs=0.1)
    assert routes[0].abs().max().item() > 1.1  # a trajectory starts after one step, which may cross a wall
    assert 1.14 < routes.abs().max().item() < 1.24  # 1.18 in a larger sample; the maximum grows with the sample


def test_scores_of_simple_answers(routes: torch.Tensor) -> None:
    centres, positions = opened().centres, routes[1:]

    def error_cm(answer: torch.Tensor) -> float:
        return 100 * (answer - positions).norm(dim=-1).mean().item()

    assert error_cm(torch.zeros(2)) == pytest.approx(87, abs=1)  # 86.4 with 300,000 routes, +- 0.9 (sd) with 1000
    assert error_cm(routes[0]) == pytest.approx(41.4, abs=0.4)
    noise = torch.rand(*positions.shape[:2], 32, generator=torch.Generator().manual_seed(1))
    cells = noise.topk(3).indices + 32 * torch.randint(16, (20_000, 1), generator=torch.Generator().manual_seed(2))
    assert error_cm(centres[cells].mean(-2)) == pytest.approx(97.7, abs=1.5)


def test_the_centres_are_those_of_numpy_seed_0() -> None:
    state = np.random.get_state()  # noqa: NPY002  # the authors draw from numpy's global generator
    try:
        np.random.seed(0)  # noqa: NPY002
        x, y = np.random.uniform(-1.1, 1.1, 512), np.random.uniform(-1.1, 1.1, 512)  # noqa: NPY002
    finally:
        np.random.set_state(state)  # noqa: NPY002
    np.testing.assert_array_equal(opened().centres.numpy(), np.stack([x, y], 1).astype(np.float32))


def test_where_the_centres_come_from() -> None:
    assert torch.equal(opened(seed=1).centres, opened(seed=2).centres)
    assert not torch.equal(opened(layout_seed=1).centres, opened(layout_seed=2).centres)
    drawn = [opened(seed=seed, layout_seed=None, box=0.5).centres for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert drawn[0].abs().max() <= 0.25
    assert drawn[0].std().item() == pytest.approx(0.5 / 12**0.5, rel=0.05)


# --- the source ---


@pytest.mark.parametrize("code", CODES)
def test_every_target_is_a_distribution(code: str) -> None:
    batch = next(opened(place_code=code).batches(50, generator=torch.Generator().manual_seed(0)))
    for activity in (batch.start, batch.targets):
        assert (activity >= 0).all()
        torch.testing.assert_close(activity.sum(-1), torch.ones(activity.shape[:-1]), atol=1e-5, rtol=0)


def test_batches_hold_the_codes_of_the_positions(batch: Batch) -> None:
    source = opened()
    assert torch.equal(batch.targets, source.encode(batch.info["position"]))
    assert torch.equal(batch.start, source.encode(batch.info["initial_position"]))
    assert batch.inputs.shape == (50, 200, 2)


def test_the_last_step_alone_may_be_scored() -> None:
    task, everything = opened(steps=6, scored="last"), opened(steps=6)
    batch = next(task.batches(20, generator=torch.Generator().manual_seed(3)))
    plain = next(everything.batches(20, generator=torch.Generator().manual_seed(3)))
    assert plain.weight is None
    assert torch.equal(batch.weight, torch.tensor([0.0] * 5 + [1.0])[:, None].expand(6, 20))
    for name in ("inputs", "targets", "start"):
        assert torch.equal(getattr(batch, name), getattr(plain, name))
    outputs = torch.randn(6, 20, 512, generator=torch.Generator().manual_seed(0))
    expected = -(batch.targets[-1] * outputs[-1].log_softmax(-1)).sum(-1).mean()
    torch.testing.assert_close(task.loss(outputs, batch), expected)
    expected = -(batch.targets * outputs.log_softmax(-1)).sum(-1).mean()
    torch.testing.assert_close(everything.loss(outputs, plain), expected)


def test_the_metrics_do_not_depend_on_what_is_scored() -> None:
    def model(inputs: torch.Tensor, start: torch.Tensor, state: None = None) -> tuple[torch.Tensor, None]:
        return torch.cos(100 * inputs.cumsum(0).sum(-1, keepdim=True) + torch.arange(512)), None

    both = [opened(steps=6, evaluation_batches=2, evaluation_size=9, scored=scored) for scored in ("all", "last")]
    found = [source.evaluate(model, split="test", generator=torch.Generator().manual_seed(1)) for source in both]
    assert found[0] == pytest.approx(found[1], rel=1e-12)
    floors = [source.floor(generator=torch.Generator().manual_seed(1)) for source in both]
    assert floors[0] == floors[1]
    batches = both[1].held_out("test", generator=torch.Generator().manual_seed(1))
    losses = [-(b.targets * model(b.inputs, b.start)[0].log_softmax(-1)).sum(-1).mean().item() for b in batches]
    assert found[1]["cross_entropy"] == pytest.approx(sum(losses) / 2, rel=1e-6)


def test_what_is_scored_by_default_does_not_show_in_a_dump_without_defaults() -> None:
    assert PathIntegration(scored="all").model_dump(exclude_defaults=True) == {}
    assert PathIntegration(scored="last").model_dump(exclude_defaults=True) == {"scored": "last"}


def test_evaluate_with_a_perfect_model_is_the_floor() -> None:
    source = opened(steps=10, evaluation_batches=2, evaluation_size=30)

    def integrate(inputs: torch.Tensor, start: torch.Tensor, state: None = None) -> tuple[torch.Tensor, None]:
        first = batches.pop(0).info["initial_position"]
        return source.encode(first + inputs.cumsum(0)).clamp_min(1e-38).log(), None

    batches = list(source.held_out("test", generator=torch.Generator().manual_seed(4)))
    found = source.evaluate(integrate, split="test", generator=torch.Generator().manual_seed(4))
    floor = source.floor(generator=torch.Generator().manual_seed(4))
    assert list(floor) == [metric.name for metric in source.spec.metrics]
    assert found == pytest.approx(floor, rel=1e-3)


def test_metrics_of_a_constant_output() -> None:
    source = opened(steps=6, evaluation_batches=1, evaluation_size=8)
    outputs = torch.zeros(6, 8, 512)
    outputs[..., [5, 6, 7]] = 1.0
    found = source.evaluate(lambda *_: (outputs, None), split="test", generator=torch.Generator().manual_seed(4))
    (batch,) = source.held_out("test", generator=torch.Generator().manual_seed(4))
    middle = source.centres[5:8].double().mean(0)
    errors = 100 * (batch.info["position"].double() - middle).square().sum(-1).sqrt()
    assert found["error_cm"] == pytest.approx(errors.mean().item(), rel=1e-5)
    assert found["final_error_cm"] == pytest.approx(errors[-1].mean().item(), rel=1e-5)


def test_an_epoch_is_1000_batches() -> None:
    assert opened().epoch_batches(200) == 1000
    assert opened(batches_per_epoch=3).epoch_batches(7) == 3


# --- training batches come from blocks of 5,000 trajectories ---


def rows_of(count: int, size: int, *, source: PathIntegrationSource, generator: torch.Generator) -> list[torch.Tensor]:
    stream = source.batches(size, generator=generator)
    return [next(stream).info["position"] for _ in range(count)]


def test_training_batches_are_the_parts_of_large_draws() -> None:
    source, generator = opened(steps=5, place_cells=8), torch.Generator().manual_seed(3)
    found = rows_of(5, 2000, source=source, generator=generator)  # two batches per block
    again = torch.Generator().manual_seed(3)
    blocks = [source.routes(4000, generator=again)[1:] for _ in range(3)]
    expected = [part for block in blocks for part in block.split(2000, dim=1)]
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=False))
    assert found[0].is_contiguous()


def test_a_batch_larger_than_a_block_is_drawn_at_once() -> None:
    source = opened(steps=2, place_cells=8)
    (found,) = rows_of(1, 6000, source=source, generator=torch.Generator().manual_seed(1))
    assert torch.equal(found, source.routes(6000, generator=torch.Generator().manual_seed(1))[1:])


def test_the_same_seed_gives_the_same_batches_whatever_came_before() -> None:
    used, unused = opened(steps=3, place_cells=8), opened(steps=3, place_cells=8)
    rows_of(3, 7, source=used, generator=torch.Generator().manual_seed(0))
    for size in (7, 9):
        one = rows_of(3, size, source=used, generator=torch.Generator().manual_seed(2))
        other = rows_of(3, size, source=unused, generator=torch.Generator().manual_seed(2))
        assert all(map(torch.equal, one, other))


@pytest.mark.parametrize("before", [0, 1, 2, 3])  # batches before the interruption; two per block
def test_a_source_resumes_within_a_block(before: int) -> None:
    source, generator = opened(steps=2, place_cells=8), torch.Generator().manual_seed(5)
    rows_of(before, 2500, source=source, generator=generator)
    state, drawn = source.state_dict(), generator.get_state()
    expected = rows_of(4, 2500, source=source, generator=generator)
    resumed, other = opened(steps=2, place_cells=8), torch.Generator()
    resumed.load_state_dict(state)
    other.set_state(drawn)
    assert all(map(torch.equal, rows_of(4, 2500, source=resumed, generator=other), expected))


def test_a_state_of_another_source_is_refused() -> None:
    with pytest.raises(TaskError, match=r"state: expected that of `state_dict`; got \['next'\]"):
        opened().load_state_dict({"next": 3})
