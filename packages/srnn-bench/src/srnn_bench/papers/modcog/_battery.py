"""The 84 tasks of Mod-Cog: Table 1 and Figures 5, 6 and 7a of arXiv 2207.03523."""

from __future__ import annotations

from ...tables import Cell, Claim, Published, Scale, Table, beats
from . import _published, _statements
from ._columns import ACCURACY, DECISION, PERFORMANCE, SOURCE, SPEED, STEPS, WEIGHTS, performance, rows_of, speed
from ._networks import Net, degree, dense, local, nearest_radius, random_like
from ._sizes import SIZES

FIGURE_5 = "modcog/Figure 5"  # family of its claims

DENSITY = 0.04  # approximate, of the networks of Figure 5c


def _of_table1(scale: Scale) -> dict[str, Net]:
    size = SIZES[scale]
    nets = {f"LM d = {radius:g}": local(size.side, radius) for radius in size.table_radii}
    nets |= {f"dense, N = {hidden}": dense(hidden) for hidden in (size.fewer, size.side**2)}
    return nets | {f"L1 1e-{power}": Net(size.side**2, strength=10.0**-power) for power in size.powers}


def table1(name: str, scale: Scale) -> Table:
    """Table 1: performance."""
    size, nets = SIZES[scale], _of_table1(scale)

    def published(row: str, column: str) -> Published | None:
        return _published.performance(row) if scale == "paper" and column == DECISION else None

    masked = [row for row in nets if row.startswith("LM")]
    fewer, full = (f"dense, N = {hidden}" for hidden in (size.fewer, size.side**2))
    claims = (
        _statements.better(
            "masks beat dense networks",
            "LM-RNNs reach a higher performance than dense networks with as many nodes or about as many synapses.",
            "section 2.6 and Table 1",
            masked,
            [fewer, full],
        ),
        _statements.better(
            "masks beat L1",
            "LM-RNNs reach a higher performance in the same number of steps than L1 of any strength.",
            "section 2.6, Table 1 and Figure 6",
            masked,
            [row for row in nets if row.startswith("L1")],
        ),
        _statements.better(
            "L1 beats a dense network",
            "L1 performs better than dense networks at some strengths; read as: at the strength that is best in Table "
            "1 of the paper it does, compared with as many nodes.",
            "section 2.6 and Table 1",
            [f"L1 1e-{size.best_power}"],
            [full],
        ),
    )
    title = "84 tasks of Mod-Cog: masks, dense networks, L1"
    cells = rows_of(nets, size.battery, size.training, PERFORMANCE, published)
    return performance(name, scale, title, SOURCE.format("Table 1"), cells, claims)


def table1_weights(name: str, scale: Scale) -> Table:
    """Table 1: number of non-zero weights without biases; the same runs."""
    size = SIZES[scale]

    def published(row: str, column: str) -> Published | None:
        return _published.weights(row, column) if scale == "paper" else None

    cells = rows_of(_of_table1(scale), size.battery, size.training, WEIGHTS, published, factor=1e-3)
    return Table(
        name=name,
        scale=scale,
        title="84 tasks of Mod-Cog: weights farther from zero than 1e-5",
        source=SOURCE.format("Table 1"),
        metric="Weights that are not zero",
        unit="thousands",
        better="lower",
        seeds=size.seeds,
        cells=tuple(cells),
    )


def figure6(name: str, scale: Scale) -> Table:
    """Figure 6: speed of learning of the networks of Table 1; the same runs."""
    size, nets = SIZES[scale], _of_table1(scale)
    masked, l1 = ([row for row in nets if row.startswith(kind)] for kind in ("LM", "L1"))
    dense_ones = {"about as many synapses": size.fewer, "as many nodes": size.side**2}
    claims = [
        _statements.faster(
            f"masks learn faster than a dense network with {what}",
            f"LM-RNNs learn faster than a dense network with {what}.",
            "section 2.6, Table 1 and Figure 6",
            masked,
            f"dense, N = {hidden}",
        )
        for what, hidden in dense_ones.items()
    ]
    claims.append(
        Claim(
            "masks learn faster than L1",
            "LM-RNNs learn faster than L1 of any strength.",
            "section 2.6 and Figure 6",
            tuple(beats((row, STEPS), over=(other, STEPS)) for row in masked for other in l1),
        )
    )
    cells = rows_of(nets, size.battery, size.training, SPEED)
    title = "Learning 84 tasks of Mod-Cog: masks, dense networks, L1"
    return speed(name, scale, title, SOURCE.format("Figure 6"), cells, tuple(claims))


def _by_radius(scale: Scale, side: int) -> dict[str, Net]:
    """Return masks of all radii and the dense network; a mask that allows every connection is the dense network."""
    masks = {f"LM d = {radius:g}": local(side, radius) for radius in SIZES[scale].radii}
    full = dense(side**2)
    return {**{row: net if degree(net) < net.hidden else full for row, net in masks.items()}, "dense": full}


def figure5(name: str, scale: Scale) -> Table:
    """Figure 5a and b: masks of every radius compared with the dense network."""
    size = SIZES[scale]
    nets = _by_radius(scale, size.side)
    masked = [row for row in nets if row != "dense"]
    small, middle = masked[0], [row for row in masked[1:] if row in {f"LM d = {r:g}" for r in size.table_radii}]
    claims = (
        _statements.as_good(
            "any d as good as dense",
            "LM-RNNs of all d perform equally well or better than the dense network with as many nodes",
            "caption of Figure 5",
            [(row, "dense") for row in masked],
        ),
        _statements.alike(
            "very small d about as dense",
            f"Very small d is suboptimal, similar to the dense network ({small})",
            "section 2.5",
            small,
            "dense",
        ),
        _statements.better(
            "an intermediate d beats very small d and dense",
            "Intermediate small d outperforms very small d and the dense network.",
            "section 2.5 and Figure 5b",
            middle,
            [small, "dense"],
        ),
        _statements.better(
            "an intermediate d is best",
            "Intermediate small d outperforms all other values of d; read as: the larger mask of Table 1 does.",
            "section 2.5 and Figure 5b",
            middle[-1:],
            [row for row in nets if row not in middle],
        ),
    )
    cells = rows_of(nets, size.battery, size.training, PERFORMANCE)
    title = "84 tasks of Mod-Cog, by radius of the mask"
    return performance(name, scale, title, SOURCE.format("Figure 5a, b"), cells, claims, FIGURE_5)


def figure5_speed(name: str, scale: Scale) -> Table:
    """Figure 5a as speed of learning; the same runs."""
    size = SIZES[scale]
    nets = _by_radius(scale, size.side)
    rows = [f"LM d = {radius:g}" for radius in size.table_radii]
    claim = _statements.faster(
        "intermediate d learns faster",
        "LM-RNNs of appropriate d train more rapidly than the dense network.",
        "section 2.5",
        rows,
        "dense",
    )
    cells = rows_of(nets, size.battery, size.training, SPEED)
    title = "Learning 84 tasks of Mod-Cog, by radius of the mask"
    return speed(name, scale, title, SOURCE.format("Figure 5a"), cells, (claim,), FIGURE_5)


def figure7b(name: str, scale: Scale) -> Table:
    """Figure 7b: networks by radius after less training; `srnn figure modcog/figure7b` counts their clusters."""
    size = SIZES[scale]
    cells: list[Cell] = []
    for epochs in size.halts:
        training = size.training.model_copy(update={"epochs": epochs})
        column = {f"{epochs * (training.batches or 1)} steps": ACCURACY}
        cells += rows_of(_by_radius(scale, size.cluster_side), size.battery, training, column)
    title = "84 tasks of Mod-Cog: decision accuracy over training, by radius"
    return performance(name, scale, title, SOURCE.format("Figure 7b"), cells)


def figure5c(name: str, scale: Scale) -> Table:
    """Figure 5c: locality compared with random connections of equal in-degree, at about 4 %, by size."""
    size = SIZES[scale]
    nets: dict[str, Net] = {}
    for side in size.sides:
        mask = local(side, nearest_radius(side, DENSITY))
        nets |= {
            f"N = {side**2}, LM": mask,
            f"N = {side**2}, random": random_like(mask),
            f"N = {side**2}, random, no autapses": random_like(mask, self_connections=False),
            f"N = {side**2}, dense": dense(side**2),
        }
    rows = {kind: [f"N = {side**2}, {kind}" for side in size.sides] for kind in ("LM", "random", "dense")}
    claims = (
        _statements.as_good(
            "locality at least as good as random",
            "At every size a locality mask performs slightly better than, or as well as, random connections of equal "
            "in-degree",
            "section 2.5 and Figure 5c",
            list(zip(rows["LM"], rows["random"], strict=True)),
        ),
        Claim(
            "random beats dense",
            "At every size random connections remain significantly better than dense networks.",
            "section 2.5 and Figure 5c",
            tuple(
                beats((drawn, DECISION), over=(full, DECISION))
                for drawn, full in zip(rows["random"], rows["dense"], strict=True)
            ),
        ),
    )
    cells = rows_of(nets, size.battery, size.training, PERFORMANCE)
    title = "84 tasks of Mod-Cog: locality and random connections at about 4 %, by size"
    return performance(name, scale, title, SOURCE.format("Figure 5c"), cells, claims, FIGURE_5)


def low_degree(name: str, scale: Scale) -> Table:
    """Section 2.5: locality compared with random connections of low in-degree; see also figure `components`."""
    size = SIZES[scale]
    nets: dict[str, Net] = {}
    pairs: list[tuple[str, str]] = []
    for radius in size.low_radii:
        mask = local(size.side, radius)
        pairs.append((f"LM d = {radius:g}", f"random, in-degree {degree(mask)}"))
        nets |= dict(zip(pairs[-1], (mask, random_like(mask)), strict=True))
    claim = Claim(
        "locality beats random at low in-degree",
        "At small d, from 1 on, locality masks do slightly better than random connections, which may fall apart there.",
        "section 2.5",
        tuple(beats((row, DECISION), over=(drawn, DECISION)) for row, drawn in pairs[1:]),
    )
    cells = rows_of(nets, size.battery, size.training, PERFORMANCE)
    title = "84 tasks of Mod-Cog: locality and random connections of low in-degree"
    return performance(name, scale, title, SOURCE.format("section 2.5"), cells, (claim,))


def figure7a(name: str, scale: Scale) -> Table:
    """Figures 5d and 7a: performance by radius and size; `srnn figure modcog/figure5d` finds the best density."""
    size = SIZES[scale]
    cells: list[Cell] = []
    for side in size.sides:
        column = {f"N = {side**2}": ACCURACY}
        cells += rows_of(_by_radius(scale, side), size.battery, size.training, column)
    title = "84 tasks of Mod-Cog: decision accuracy by radius and size"
    return performance(name, scale, title, SOURCE.format("Figures 5d and 7a"), cells)
