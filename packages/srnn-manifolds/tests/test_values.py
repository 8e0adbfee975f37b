"""Every value goes to JSON and back unchanged, and wrong fields are refused by name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from srnn_manifolds import (
    L1,
    AnyInhibitor,
    AnyManifold,
    AnyRegularizer,
    AnySampling,
    Circle,
    DifferenceOfGaussians,
    Diffusion,
    Euclidean,
    Group,
    Grouped,
    KleinBottle,
    Moduli,
    Normal,
    Product,
    Reversed,
    Ricker,
    Shuffled,
    Sinusoid,
    Sphere,
    Torus,
    Trained,
    Uniform,
)

positive = st.floats(1e-6, 1e6)
dims = st.integers(1, 9)
metrics = st.sampled_from(["geodesic", "chordal"])
reductions = st.sampled_from(["mean", "sum"])
powers = st.floats(1, 10)

samplings = st.builds(Uniform, side=positive) | st.builds(Normal, scale=positive)
simple_manifolds = st.one_of(
    st.builds(Circle, radius=positive, metric=metrics),
    st.builds(Sphere, dim=dims, radius=positive, metric=metrics),
    st.builds(Torus, dim=dims, period=positive),
    st.builds(KleinBottle, period=positive),
    st.builds(Euclidean, dim=dims, sampling=samplings),
)
manifolds = st.recursive(
    simple_manifolds,
    lambda inner: st.builds(Product, factors=st.lists(inner, min_size=1, max_size=3).map(tuple)),
    max_leaves=6,
)
rings = st.tuples(positive, positive, positive, st.sampled_from(["peak", "amplitude"])).map(
    lambda t: DifferenceOfGaussians(amplitude=t[0], narrow=t[1], wide=t[1] + t[2], ceiling=t[3])
)
plain_inhibitors = st.one_of(
    rings,
    st.builds(Diffusion, amplitude=positive, power=powers),
    st.builds(Sinusoid, amplitude=positive, frequency=positive),
    st.builds(Ricker, amplitude=positive, width=positive),
)
inhibitors = plain_inhibitors | st.builds(Reversed, base=plain_inhibitors, ceiling=positive)
modulis = st.builds(
    Moduli,
    manifold=manifolds,
    inhibitor=inhibitors,
    reduction=reductions,
    offset=st.sampled_from(["analytic", "empirical"]),
    power=powers,
)
shares = st.sampled_from([(1.0,), (0.5, 0.5), (0.1, 0.2, 0.7)])  # 0.1 + 0.2 + 0.7 is 0.9999999999999999


@st.composite
def grouped(draw):
    same = {"reduction": draw(reductions), "power": draw(powers)}
    groups = [Group(share=share, base=draw(modulis).model_copy(update=same)) for share in draw(shares)]
    return Grouped(groups=tuple(groups), between=draw(positive | st.just(0.0)))


regularizers = st.one_of(
    modulis,
    st.builds(Shuffled, base=modulis),
    st.builds(L1, coefficient=positive, reduction=reductions, power=powers),
    st.tuples(positive, modulis).map(
        lambda t: L1(coefficient=t[0], matched=t[1], reduction=t[1].reduction, power=t[1].power)
    ),
    st.builds(Trained, base=modulis.filter(lambda base: not base.inhibitor.monotone)),
    grouped(),
)
FAMILIES = {
    "sampling": (AnySampling, samplings, {"uniform", "normal"}),
    "manifold": (AnyManifold, manifolds, {"circle", "sphere", "torus", "klein_bottle", "euclidean", "product"}),
    "inhibitor": (AnyInhibitor, inhibitors, {"difference_of_gaussians", "diffusion", "sinusoid", "ricker", "reversed"}),
    "regularizer": (AnyRegularizer, regularizers, {"moduli", "shuffled", "l1", "trained", "grouped"}),
}
ADAPTERS = {name: TypeAdapter(family) for name, (family, _, _) in FAMILIES.items()}
every_family = pytest.mark.parametrize("name", FAMILIES)


@every_family
@given(data=st.data())
def test_json_round_trip(name, data):
    value = data.draw(FAMILIES[name][1])
    back = type(value).model_validate_json(value.model_dump_json())
    assert back == value
    assert hash(back) == hash(value)
    assert ADAPTERS[name].validate_json(value.model_dump_json()) == value
    assert ADAPTERS[name].validate_python(json.loads(value.model_dump_json())) == value
    assert ADAPTERS[name].validate_json(ADAPTERS[name].dump_json(value)) == value


@every_family
def test_every_kind_is_in_the_schema_of_its_family(name):
    schema = ADAPTERS[name].json_schema()
    union = schema if "discriminator" in schema else schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    assert set(union["discriminator"]["mapping"]) == FAMILIES[name][2]


@every_family
@given(data=st.data())
def test_values_are_frozen(name, data):
    value = data.draw(FAMILIES[name][1])
    for field in type(value).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(value, field, getattr(value, field))


BAD_NUMBERS = ["nan", "inf", "-inf", "-1.0", "0.0"]
POSITIVE = [
    ("manifold", "circle", "radius"),
    ("manifold", "sphere", "radius"),
    ("manifold", "sphere", "dim"),
    ("manifold", "torus", "period"),
    ("manifold", "torus", "dim"),
    ("manifold", "klein_bottle", "period"),
    ("manifold", "euclidean", "dim"),
    ("sampling", "uniform", "side"),
    ("sampling", "normal", "scale"),
    ("inhibitor", "difference_of_gaussians", "amplitude"),
    ("inhibitor", "difference_of_gaussians", "narrow"),
    ("inhibitor", "difference_of_gaussians", "wide"),
    ("inhibitor", "diffusion", "amplitude"),
    ("inhibitor", "diffusion", "power"),
    ("inhibitor", "sinusoid", "amplitude"),
    ("inhibitor", "sinusoid", "frequency"),
    ("inhibitor", "ricker", "amplitude"),
    ("inhibitor", "ricker", "width"),
    ("inhibitor", "reversed", "ceiling"),
    ("regularizer", "moduli", "power"),
    ("regularizer", "l1", "coefficient"),
    ("regularizer", "l1", "power"),
]
REVERSED = {"kind": "reversed", "ceiling": 1, "base": {"kind": "diffusion"}}
HALF = {"share": 0.5, "base": {"kind": "moduli"}}
SUM = {"base": {"kind": "moduli", "reduction": "sum"}}
SQUARE = {"base": {"kind": "moduli", "power": 2}}
OTHERS = [
    ("inhibitor", {"kind": "difference_of_gaussians", "narrow": 5, "wide": 1}, "wide: expected more than narrow"),
    ("inhibitor", {"kind": "difference_of_gaussians", "narrow": 5}, "wide: expected more than narrow"),
    ("inhibitor", {"kind": "difference_of_gaussians", "ceiling": "top"}, "ceiling"),
    ("inhibitor", {"kind": "diffusion", "power": 0.5}, "power"),
    ("manifold", {"kind": "sphere", "metric": "taxi"}, "metric"),
    ("manifold", {"kind": "sphere", "dim": 2.5}, "dim"),
    ("manifold", {"kind": "product", "factors": []}, "factors"),
    ("manifold", {"kind": "product"}, "factors"),
    ("manifold", {"kind": "product", "factors": [{"kind": "torus", "period": -1}]}, "period"),
    ("manifold", {"kind": "product", "factors": [{"kind": "bagel"}]}, "bagel"),
    ("manifold", {"kind": "euclidean", "sampling": {"kind": "cauchy"}}, "sampling"),
    ("regularizer", {"kind": "moduli", "manifold": {"kind": "bagel"}}, "manifold"),
    ("regularizer", {"kind": "moduli", "inhibitor": {"kind": "kindness"}}, "inhibitor"),
    ("regularizer", {"kind": "moduli", "reduction": "max"}, "reduction"),
    ("regularizer", {"kind": "moduli", "offset": "none"}, "offset"),
    ("regularizer", {"kind": "moduli", "power": 0.5}, "power"),
    ("regularizer", {"kind": "shuffled"}, "base"),
    ("regularizer", {"kind": "shuffled", "base": {"kind": "l1"}}, "base"),
    (
        "regularizer",
        {"kind": "l1", "matched": {"kind": "moduli", "reduction": "sum"}},
        "reduction: .*'sum' as in matched",
    ),
    ("regularizer", {"kind": "l1", "matched": {"kind": "moduli"}, "power": 2}, "power: .* as in matched"),
    ("inhibitor", {"kind": "reversed", "ceiling": 1}, "base"),
    ("inhibitor", {"kind": "reversed", "ceiling": 1, "base": REVERSED}, "base"),
    ("regularizer", {"kind": "trained"}, "base"),
    (
        "regularizer",
        {"kind": "trained", "base": {"kind": "moduli", "inhibitor": {"kind": "diffusion"}}},
        "collapse",
    ),
    (
        "regularizer",
        {"kind": "trained", "base": {"kind": "moduli", "inhibitor": REVERSED}},
        "base.inhibitor: .* apart",
    ),
    ("regularizer", {"kind": "grouped", "between": 1, "groups": []}, "groups"),
    ("regularizer", {"kind": "grouped", "between": -1, "groups": [HALF, HALF]}, "between"),
    ("regularizer", {"kind": "grouped", "groups": [HALF, HALF]}, "between"),
    ("regularizer", {"kind": "grouped", "between": 1, "groups": [HALF]}, "groups: .* sum to 1, got 0.5"),
    ("regularizer", {"kind": "grouped", "between": 1, "groups": [HALF | {"share": 0}]}, "share"),
    ("regularizer", {"kind": "grouped", "between": 1, "groups": [HALF, HALF | SUM]}, "groups: .* same reduction"),
    ("regularizer", {"kind": "grouped", "between": 1, "groups": [HALF, HALF | SQUARE]}, "groups: .* same power"),
]


@pytest.mark.parametrize("family, kind, field", POSITIVE)
@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_bad_numbers_are_refused_by_the_name_of_the_field(family, kind, field, number):
    with pytest.raises(ValidationError, match=rf"{kind}\.{field}\n"):
        ADAPTERS[family].validate_python({"kind": kind, field: float(number)})


@pytest.mark.parametrize("family, given, message", OTHERS)
def test_refusals_name_the_field(family, given, message):
    with pytest.raises(ValidationError, match=message):
        ADAPTERS[family].validate_json(json.dumps(given))


@every_family
def test_unknown_fields_and_kinds_are_refused(name):
    for kind in FAMILIES[name][2]:
        with pytest.raises(ValidationError, match=r"colour\n.*Extra inputs are not permitted"):
            ADAPTERS[name].validate_python({"kind": kind, "colour": "red"})
    with pytest.raises(ValidationError, match=r"kind.*nonsense"):
        ADAPTERS[name].validate_python({"kind": "nonsense"})
    with pytest.raises(ValidationError, match="kind"):
        ADAPTERS[name].validate_python({})
