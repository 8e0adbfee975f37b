"""The numbers that arXiv 2406.06290 prints: row by row, mean and population standard deviation."""

from __future__ import annotations

from ...tables import Published

# Navigation, error in cm. Tables 1 and 2 share the column Torus; its baseline in Table 2 is printed as 4.70.
RUNS = 5  # of Tables 1 to 3 and 8; the columns R^3 of Table 3 have 3

NAVIGATION: dict[str, dict[str, tuple[float, float]]] = {
    "Baseline": {
        "Torus": (4.67, 0.07),
        "No reg.": (4.61, 0.04),
        "L1": (5.04, 0.03),
        "Shuffled": (5.18, 0.07),
        "Circle": (14.47, 12.98),
        "Sphere": (35.09, 20.73),
        "Klein": (4.73, 0.08),
        "6-Torus": (8.29, 1.66),
        "Torus trained": (4.79, 0.10),
        "R3 trained": (5.85, 0.09),
        "R3 fixed": (4.77, 0.09),
    },
    "75% sparse": {
        "Torus": (4.86, 0.30),
        "No reg.": (39.03, 41.95),
        "L1": (14.73, 12.23),
        "Shuffled": (5.37, 0.07),
        "Circle": (4.80, 0.25),
        "Sphere": (22.93, 34.16),
        "Klein": (4.79, 0.12),
        "6-Torus": (21.02, 13.25),
        "Torus trained": (4.60, 0.06),
        "R3 trained": (6.59, 0.85),
        "R3 fixed": (34.78, 42.10),
        "Diffusion": (4.66, 0.09),
    },
    "75% lottery": {
        "Torus": (7.28, 0.69),
        "No reg.": (27.42, 33.28),
        "L1": (14.17, 2.18),
        "Shuffled": (7.29, 0.81),
        "Circle": (6.93, 0.60),
        "Sphere": (6.45, 0.71),
        "Klein": (6.56, 0.40),
        "6-Torus": (66.75, 10.89),
        "Torus trained": (8.20, 4.16),
        "R3 trained": (35.44, 39.83),
        "R3 fixed": (60.37, 35.54),
        "Diffusion": (7.05, 0.57),
    },
    "90% sparse": {
        "Torus": (5.69, 0.43),
        "No reg.": (71.75, 32.67),
        "L1": (86.70, 5.95),
        "Shuffled": (10.92, 0.87),
        "Circle": (5.72, 0.71),
        "Sphere": (23.55, 35.05),
        "Klein": (5.44, 0.13),
        "6-Torus": (34.71, 16.60),
        "Torus trained": (5.87, 0.55),
        "R3 trained": (5.81, 0.45),
        "R3 fixed": (67.42, 33.27),
        "Diffusion": (14.72, 17.43),
    },
    "90% lottery": {
        "Torus": (12.49, 2.03),
        "No reg.": (64.44, 3.81),
        "L1": (53.59, 9.39),
        "Shuffled": (42.25, 7.65),
        "Circle": (11.02, 1.49),
        "Sphere": (28.33, 11.85),
        "Klein": (10.96, 1.71),
        "6-Torus": (93.93, 0.73),
        "Torus trained": (15.72, 3.94),
        "R3 trained": (20.67, 5.68),
        "R3 fixed": (46.56, 7.69),
        "Diffusion": (11.32, 0.62),
    },
}

# Table 10, single trials at lambda 1, 0.1, 0.01, 0.001: error in cm at 90 %
NAVIGATION_STRENGTHS: dict[str, dict[str, tuple[float, ...]]] = {
    "90% sparse": {
        "L1": (92.26, 92.26, 86.53, 90.83),
        "Torus": (5.22, 5.70, 5.54, 5.75),
        "Shuffled": (58.38, 20.66, 5.51, 85.78),
    },
    "90% lottery": {
        "L1": (54.55, 54.55, 45.78, 68.31),
        "Torus": (79.70, 13.03, 30.51, 51.80),
        "Shuffled": (86.13, 32.93, 42.69, 58.62),
    },
}

# Text (Tables 4, 5, 9): test accuracy in % as printed, which is half of the true one on this test set
TEXT: dict[str, dict[str, tuple[float, float]]] = {
    "Baseline": {
        "Torus": (8.02, 1.73),
        "No reg.": (2.34, 0.16),
        "L1": (2.29, 0.03),
        "Shuffled": (9.38, 0.49),
        "Circle": (9.06, 1.56),
        "Sphere": (8.25, 0.95),
        "Klein": (8.34, 1.03),
        "6-Torus": (8.88, 1.26),
        "Diffusion": (8.72, 1.11),
        "Sinusoid": (2.36, 0.15),
    },
    "90% sparse": {
        "Torus": (10.31, 1.33),
        "No reg.": (5.30, 3.37),
        "L1": (2.85, 0.00),
        "Shuffled": (8.44, 3.11),
        "Circle": (9.82, 1.29),
        "Sphere": (9.41, 1.47),
        "Klein": (9.71, 0.98),
        "6-Torus": (9.83, 0.76),
        "Diffusion": (7.41, 3.78),
        "Sinusoid": (4.22, 2.87),
    },
    "90% lottery": {
        "Torus": (9.77, 0.81),
        "No reg.": (2.85, 0.00),
        "L1": (2.79, 0.11),
        "Shuffled": (7.42, 2.49),
        "Circle": (10.07, 1.15),
        "Sphere": (9.57, 1.12),
        "Klein": (9.51, 0.98),
        "6-Torus": (10.60, 0.64),
        "Diffusion": (6.62, 3.32),
        "Sinusoid": (2.85, 0.00),
    },
    "98% sparse": {
        "Torus": (9.59, 1.07),
        "No reg.": (2.85, 0.00),
        "L1": (3.78, 3.51),
        "Shuffled": (9.41, 1.28),
        "Circle": (10.19, 0.69),
        "Sphere": (9.36, 1.06),
        "Klein": (8.91, 0.46),
        "6-Torus": (9.26, 0.86),
        "Diffusion": (10.08, 1.01),
        "Sinusoid": (4.34, 3.29),
    },
    "98% lottery": {
        "Torus": (9.17, 0.51),
        "No reg.": (2.76, 0.17),
        "L1": (2.85, 0.00),
        "Shuffled": (9.05, 0.49),
        "Circle": (8.85, 0.34),
        "Sphere": (9.48, 0.56),
        "Klein": (10.09, 0.21),
        "6-Torus": (8.68, 0.56),
        "Diffusion": (7.62, 0.96),
        "Sinusoid": (2.81, 0.07),
    },
}

# Table 11, single trials at lambda 1, 0.1, 0.01, 0.001: accuracy in % as printed, at 90 %
TEXT_STRENGTHS: dict[str, dict[str, tuple[float, ...]]] = {
    "90% sparse": {
        "L1": (2.26, 2.85, 2.85, 1.20),
        "Torus": (9.18, 9.94, 2.85, 2.85),
        "Shuffled": (8.32, 8.84, 8.99, 2.26),
    },
    "90% lottery": {
        "L1": (2.26, 2.85, 2.85, 2.85),
        "Torus": (10.26, 9.82, 2.44, 2.59),
        "Shuffled": (9.52, 8.72, 2.85, 2.85),
    },
}


def navigation(row: str, column: str) -> Published | None:
    """Return the error in cm that the paper prints in this cell of its navigation tables, or None."""
    number = NAVIGATION[row].get(column)
    return None if number is None else Published(*number, 3 if column.startswith("R3") else RUNS)


def text(row: str, column: str, *, factor: float) -> Published | None:
    """Return `factor` times the accuracy that the paper prints in this cell of its text tables, or None.

    The paper does not state the number of runs.
    """
    number = TEXT[row].get(column)
    return None if number is None else Published(factor * number[0], factor * number[1])
