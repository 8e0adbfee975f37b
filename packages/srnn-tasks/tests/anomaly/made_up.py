"""Source images for the tests: strokes on a black background, so that borders and corners matter as in MNIST."""

import numpy as np
import torch

from srnn_tasks.images import Mnist


def strokes(count: int, seed: int) -> torch.Tensor:
    """Return images uint8 `(count, 28, 28)`, each the trace of a thick random walk."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, 28, 28))
    for image in images:
        y, x = rng.uniform(6, 22, 2)
        heading = rng.uniform(0, 2 * np.pi)
        for _ in range(40):
            rows, columns = np.mgrid[:28, :28]
            image[:] = np.maximum(image, 300 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 1.5))
            heading += rng.normal(0, 0.5)
            y, x = np.clip([y + np.sin(heading), x + np.cos(heading)], 4, 23)
    return torch.from_numpy(images.clip(0, 255).astype(np.uint8))


def made_up_mnist() -> Mnist:
    """Return images of MNIST's sizes: 50 different strokes, and labels from 0 to 9, shuffled."""
    rng = np.random.default_rng(0)
    train, test = strokes(50, 0), strokes(50, 1)
    return Mnist(
        train[torch.arange(60_000) % 50],
        torch.from_numpy(rng.integers(0, 10, 60_000).astype(np.uint8)),
        test[torch.arange(10_000) % 50],
        torch.from_numpy(rng.integers(0, 10, 10_000).astype(np.uint8)),
    )
