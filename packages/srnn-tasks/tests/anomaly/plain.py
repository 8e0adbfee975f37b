"""One image at a time, in numpy, Pillow and loops: another renderer of the same record."""

import numpy as np
import torch
from PIL import Image

NAMES = ("baseline", "perspective_small", "perspective", "erase", "noise", "both", "blur", "sharpness")


def resized(source, side=50):
    return np.asarray(Image.fromarray(source).resize((side, side), Image.Resampling.BILINEAR))


def moved(image, corners):
    """Pillow's perspective of an image uint8 (H, H); corners: where its four corners go, from the top left on."""
    side, equations, sources = len(image), [], []
    far = side - 1
    for (x, y), (u, v) in zip(corners, [(0, 0), (far, 0), (far, far), (0, far)], strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        sources += [u, v]
    coefficients = np.linalg.solve(np.array(equations, float), np.array(sources, float))
    picture = Image.fromarray(image).transform(
        (side, side), Image.Transform.PERSPECTIVE, coefficients.tolist(), Image.Resampling.BILINEAR, fillcolor=0
    )
    return np.asarray(picture)


def erased(image, box):
    top, left, height, width = box
    image = image.copy()
    for y in range(top, top + height):
        for x in range(left, left + width):
            image[y, x] = 0
    return image


def blurred(image, sigma):
    weights = [np.exp(-(d * d) / (2 * sigma * sigma)) for d in range(-7, 8)]
    side = len(image)
    wide, total = np.pad(image, 7, mode="reflect"), sum(weights) ** 2
    return sum(weights[i] * weights[j] / total * wide[i : i + side, j : j + side] for i in range(15) for j in range(15))


def sharpened(image):
    result = image.copy()
    for y in range(1, len(image) - 1):
        for x in range(1, len(image) - 1):
            near = image[y - 1 : y + 2, x - 1 : x + 2]
            result[y, x] = (near.sum() + 4 * image[y, x]) / 13
    return np.clip(4 * image - 3 * result, 0, 1)


def picture(source, side, name, corners, box, sigma, seed):
    """The values of one image."""
    plain = resized(source, side)
    image = plain / 255
    match name:
        case "perspective_small" | "perspective":
            image = moved(plain, corners) / 255
        case "erase":
            image = erased(image, box)
        case "both":
            image = moved(np.round(255 * erased(image, box)).astype(np.uint8), corners) / 255
        case "noise":
            generator = torch.Generator().manual_seed(seed)
            image = image + 0.01 * torch.randn(side, side, generator=generator, dtype=torch.float32).double().numpy()
        case "blur":
            image = blurred(image, sigma)
        case "sharpness":
            image = sharpened(image)
    normal = (plain / 255 - 0.1307) / 0.3081
    return np.clip((image - 0.1307) / 0.3081, normal.min(), normal.max()).ravel()


def pictures(record, images):
    """The values (S, n, side * side) of every image of a record."""
    series, count = record.image.shape
    result = np.empty((series, count, record.side**2))
    for s in range(series):
        for i in range(count):
            result[s, i] = picture(
                images[record.image[s, i]].numpy(),
                record.side,
                NAMES[record.pipeline[s, i]],
                record.corners[s, i].tolist(),
                record.box[s, i].tolist(),
                float(record.sigma[s, i]),
                int(record.noise_seed[s, i]),
            )
    return result
