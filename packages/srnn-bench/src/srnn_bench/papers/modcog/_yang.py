"""The 20 tasks of Yang et al. and pools of autapses: Figures 2 and 4f of arXiv 2207.03523."""

from __future__ import annotations

from ...tables import AtStep, Claim, Reading, Scale, Table, beats
from . import _statements
from ._columns import ACCURACY, DECISION, PERFORMANCE, SOURCE, SPEED, STEPS, performance, rows_of, speed
from ._networks import Net, as_many_synapses, dense, local
from ._sizes import SIZES

FIGURE_2 = "modcog/Figure 2"  # family of its claims


def _by_radius(scale: Scale) -> dict[str, Net]:
    size = SIZES[scale]
    nets = {f"LM d = {radius:g}": local(size.yang_side, radius) for radius in size.yang_radii}
    return {**nets, "dense": dense(size.yang_side**2)}


def _by_synapses(scale: Scale) -> dict[str, Net]:
    """Return autapses, two masks, and per mask the dense network with as many weights."""
    size = SIZES[scale]
    nets = {f"{size.yang_side**2} autapses": local(size.yang_side, 0)}
    for radius in size.matched_radii:
        nets[f"LM d = {radius:g}"] = local(size.yang_side, radius)
        nets[f"dense, as many as d = {radius:g}"] = as_many_synapses(local(size.yang_side, radius), size.yang)
    return nets


def _columns(scale: Scale) -> dict[str, str | Reading]:
    return {**PERFORMANCE, _early(scale): AtStep(ACCURACY, SIZES[scale].early)}


def _early(scale: Scale) -> str:
    """Return the column of the inset of Figure 2a."""
    return f"{DECISION}, step {SIZES[scale].early}"


def figure2a(name: str, scale: Scale) -> Table:
    """Figure 2a: masks of every radius compared with the dense network with as many nodes."""
    size, nets = SIZES[scale], _by_radius(scale)
    masked = [row for row in nets if row != "dense"]
    small, early = f"LM d = {size.matched_radii[0]:g}", _early(scale)
    claims = (
        _statements.as_good(
            "asymptote as good",
            "LM-RNNs of any d reach an asymptote as good as that of the dense network or a better one",
            "section 2.2 and Figure 2a",
            [(row, "dense") for row in masked],
        ),
        _statements.above_half(
            "autapses suffice",
            "A pool of autapses solves the 20 tasks; read as: it gives more than half of all answers.",
            "section 2.3",
            masked[:1],
        ),
        Claim(
            "a small d is best early on",
            "Early in training there is a small optimal d; read as: the smaller mask of Figure 2b is then more "
            "accurate than autapses, the largest mask and the dense network.",
            "inset of Figure 2a",
            tuple(beats((small, early), over=(row, early)) for row in (masked[0], masked[-1], "dense") if row != small),
        ),
    )
    title = "20 tasks of Yang et al., by radius of the mask, equal numbers of nodes"
    cells = rows_of(nets, size.yang, size.yang_training, _columns(scale))
    return performance(name, scale, title, SOURCE.format("Figure 2a"), cells, claims, FIGURE_2)


def figure2a_speed(name: str, scale: Scale) -> Table:
    """Figure 2a as speed of learning."""
    size, nets = SIZES[scale], _by_radius(scale)
    claim = _statements.faster(
        "faster at equal nodes",
        "LM-RNNs of any d learn faster than the dense network with as many nodes.",
        "section 2.2 and Figure 2a",
        [row for row in nets if row != "dense"],
        "dense",
    )
    title = "Learning the 20 tasks of Yang et al., equal numbers of nodes"
    cells = rows_of(nets, size.yang, size.yang_training, SPEED)
    return speed(name, scale, title, SOURCE.format("Figure 2a"), cells, (claim,), FIGURE_2)


def _with_as_many(scale: Scale) -> list[tuple[str, str]]:
    """Return the pairs that are compared at equal synapses: a mask or autapses, and the dense network of a mask."""
    autapses = next(iter(_by_synapses(scale)))
    return [
        (row, f"dense, as many as d = {radius:g}")
        for radius in SIZES[scale].matched_radii
        for row in (f"LM d = {radius:g}", autapses)
    ]


def figure2b(name: str, scale: Scale) -> Table:
    """Figure 2b: masks compared with dense networks with as many synapses.

    The paper's dense networks are its smaller one, N = 196, and one of 256, which has more weights than its mask of
    d = 4; here each mask has a dense network with as many weights as itself.
    """
    size, nets = SIZES[scale], _by_synapses(scale)
    claim = _statements.as_good(
        "asymptote as good at equal synapses",
        "LM-RNNs, autapses too, reach an asymptote as good as that of dense networks with as many synapses, or better",
        "section 2.2 and Figure 2b",
        _with_as_many(scale),
    )
    title = "20 tasks of Yang et al., equal numbers of synapses"
    cells = rows_of(nets, size.yang, size.yang_training, _columns(scale))
    return performance(name, scale, title, SOURCE.format("Figure 2b"), cells, (claim,), FIGURE_2)


def figure2b_speed(name: str, scale: Scale) -> Table:
    """Figure 2b as speed of learning."""
    size, nets = SIZES[scale], _by_synapses(scale)
    claim = Claim(
        "faster at equal synapses",
        "LM-RNNs, autapses too, learn faster than dense networks with as many synapses.",
        "section 2.2 and Figure 2b",
        tuple(beats((row, STEPS), over=(other, STEPS)) for row, other in _with_as_many(scale)),
    )
    title = "Learning the 20 tasks of Yang et al., equal numbers of synapses"
    cells = rows_of(nets, size.yang, size.yang_training, SPEED)
    return speed(name, scale, title, SOURCE.format("Figure 2b"), cells, (claim,), FIGURE_2)


def figure4f(name: str, scale: Scale) -> Table:
    """Figure 4f: pools of autapses on the 84 tasks of Mod-Cog, and on those of Yang et al."""
    size = SIZES[scale]
    pools = {f"{side**2} autapses": local(side, 0) for side in size.pool_sides}
    simple = {f"{row}, Yang tasks": net for row, net in pools.items()}
    claims = (
        _statements.below_half(
            "autapses fail on Mod-Cog",
            "A pool of autapses stays below 50 % on Mod-Cog, irrespective of its size; read as: at each size here.",
            "section 2.4 and Figure 4f",
            list(pools),
        ),
        _statements.above_half(
            "autapses suffice for Yang tasks",
            "Pools of autapses solve the 20 tasks; read as: they give more than half of all answers.",
            "section 2.3 and Figure 4f",
            list(simple),
        ),
    )
    title = "Pools of autapses on 84 tasks of Mod-Cog, and on 20 of Yang et al."
    cells = rows_of(pools, size.battery, size.training, PERFORMANCE)
    cells += rows_of(simple, size.yang, size.yang_training, PERFORMANCE)
    return performance(name, scale, title, SOURCE.format("Figure 4f"), cells, claims)
