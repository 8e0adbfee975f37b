"""Dale's law: the value that draws signs, and what worn signs must hold over all modules and optimizers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from srnn_masks import (
    Dale,
    align_signs,
    apply,
    apply_signs,
    dense_gradients,
    enforce,
    lifted,
    masks,
    release,
    replace,
    save,
    signs,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# --- the value ------------------------------------------------------------------------------------------------------


@given(excitatory=st.floats(0, 1), cols=st.integers(1, 300), seed=st.integers(0, 10))
def test_the_share_is_exact(excitatory, cols, seed):
    drawn = Dale(excitatory=excitatory).signs(cols, generator=seeded(seed))
    assert drawn.shape == (cols,) and drawn.dtype is torch.float32
    assert drawn.tolist().count(1.0) == round(excitatory * cols)
    assert drawn.tolist().count(-1.0) == cols - round(excitatory * cols)
    assert torch.equal(drawn, Dale(excitatory=excitatory).signs(cols, generator=seeded(seed)))


@pytest.mark.parametrize("excitatory", [0.1, 0.8])  # a sparse and a dense draw
def test_every_unit_and_pair_is_equally_likely(excitatory):
    """Six standard errors over 4000 draws."""
    g, n, cols = seeded(3), 4000, 40
    dale = Dale(excitatory=excitatory)
    drawn = torch.stack([dale.signs(cols, generator=g) for _ in range(n)]) > 0
    share = drawn.double().mean(dim=0)
    assert (share - excitatory).abs().max() < 6 * math.sqrt(excitatory * (1 - excitatory) / n)
    count = round(excitatory * cols)
    both = count * (count - 1) / (cols * (cols - 1))
    pairs = (drawn[:, 0::2] & drawn[:, 1::2]).double().mean()
    assert abs(float(pairs) - both) < 6 * math.sqrt(both * (1 - both) / (n * cols / 2))


def test_draws_come_from_the_generator_alone():
    state = torch.get_rng_state()
    assert not torch.equal(Dale().signs(400, generator=seeded(0)), Dale().signs(400, generator=seeded(1)))
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(ValueError, match=r"Dale: expected generator=torch.Generator\(\) .*got generator=None"):
        Dale().signs(400)
    with pytest.raises(ValueError, match=r"Dale: expected cols >= 1, got cols=0"):
        Dale().signs(0, generator=seeded())


@given(st.builds(Dale, excitatory=st.floats(0, 1)))
def test_json_round_trip(dale):
    back = Dale.model_validate_json(dale.model_dump_json())
    assert back == dale and hash(back) == hash(dale) and back.kind == "dale"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"excitatory": 1.1}, "excitatory"),
        ({"excitatory": -0.1}, "excitatory"),
        ({"excitatory": math.nan}, "excitatory"),
        ({"kind": "masks"}, "kind"),
        ({"inhibitory": 0.2}, "inhibitory"),
    ],
    ids=str,
)
def test_refusals_name_the_field(value, named):
    with pytest.raises(ValidationError, match=named):
        Dale.model_validate(value)
    with pytest.raises(ValidationError, match="frozen"):
        Dale().excitatory = 0.5


# --- worn -----------------------------------------------------------------------------------------------------------


def parameters(module):
    return dict(module.named_parameters())


def assert_held(module, worn, present=None):
    """Read the tensors themselves: nothing of the package may get a chance to repair them first."""
    for name, sign in worn.items():
        for column, expected in zip(parameters(module)[name].detach().T, sign.tolist(), strict=True):
            assert all(value * expected >= 0 for value in column.tolist()), name
    for name, mask in (present or {}).items():
        assert not parameters(module)[name].detach()[~mask].any(), name


def train(case, module, optimizer, *, steps, first=0, before=lambda: None, after=lambda: None):
    for seed in range(first, first + steps):

        def closure(seed=seed):
            optimizer.zero_grad()
            before()
            loss = case.loss(module, seed)
            loss.backward()
            return loss

        optimizer.step(closure)
        after()


def train_by_hand(case, module, optimizer, worn, present, *, steps, first=0):
    """The oracle: entries of the wrong sign are zeroed one by one; gradients, weights and moments masked."""
    own = parameters(module)

    def hold():
        with torch.no_grad():
            for name, mask in present.items():
                own[name][~mask] = 0
            for name, sign in worn.items():
                for column, expected in enumerate(sign.tolist()):
                    own[name][own[name][:, column] * expected < 0, column] = 0

    def after():
        hold()
        for name, mask in present.items():
            for value in optimizer.state.get(own[name], {}).values():
                if torch.is_tensor(value) and value.shape == mask.shape:
                    value[~mask] = 0

    handles = [own[name].register_hook(lambda gradient, mask=mask: gradient * mask) for name, mask in present.items()]
    hold()
    train(case, module, optimizer, steps=steps, first=first, before=hold, after=after)
    for handle in handles:
        handle.remove()


def turn(module, worn):
    """Give each weight by hand the sign of its column."""
    with torch.no_grad():
        for name, sign in worn.items():
            for column, expected in enumerate(sign.tolist()):
                weight = parameters(module)[name]
                weight[:, column] = torch.tensor([abs(value) * expected for value in weight[:, column].tolist()])


def same(one, other):
    for (name, a), b in zip(one.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7, msg=lambda m, name=name: f"{name}: {m}")


def test_weights_keep_their_size_when_signs_are_put_on(case):
    module, plain = case.build(), case.build()
    worn = case.signs(module)
    apply_signs(module, worn)
    turn(plain, worn)
    assert all(torch.equal(p, parameters(plain)[name]) for name, p in module.named_parameters())
    assert signs(module).keys() == worn.keys() and not masks(module)
    assert all(torch.equal(signs(module)[name], sign) for name, sign in worn.items())
    assert all(torch.equal(module.get_buffer(f"{name}_signs"), sign) for name, sign in worn.items())
    apply_signs(module, {name: -sign for name, sign in worn.items()})  # anew: they take the place of the first
    assert all(torch.equal(parameters(module)[name], -parameters(plain)[name]) for name in worn)
    assert all(torch.equal(signs(module)[name], -sign) for name, sign in worn.items())


@pytest.mark.parametrize("order", ["signs", "mask signs", "signs mask"])
def test_training_equals_holding_by_hand(case, optimizer, order):
    module, oracle = case.build(), case.build()
    worn, present = case.signs(module), case.masks(module, density=0.7) if "mask" in order else {}
    for kind in order.split():
        if kind == "signs":
            apply_signs(module, worn)
        else:
            apply(module, present)
    assert_held(module, worn, present)
    turn(oracle, worn)
    train(case, module, optimizer(module), steps=4, after=lambda: assert_held(module, worn, present))
    train_by_hand(case, oracle, optimizer(oracle), worn, present, steps=4)
    same(module, oracle)


def test_signs_put_on_while_training_leave_the_moments(case):
    module, oracle = case.build(), case.build()
    ours, theirs = (torch.optim.Adam(m.parameters(), lr=0.05) for m in (module, oracle))
    train(case, module, ours, steps=2)
    train(case, oracle, theirs, steps=2)
    for first in (2, 4):
        worn = case.signs(module, first)
        apply_signs(module, worn)
        turn(oracle, worn)
        train(case, module, ours, steps=2, first=first, after=lambda worn=worn: assert_held(module, worn))
        train_by_hand(case, oracle, theirs, worn, {}, steps=2, first=first)
        same(module, oracle)
        for a, b in zip(module.parameters(), oracle.parameters(), strict=True):
            for key in ("exp_avg", "exp_avg_sq"):
                torch.testing.assert_close(ours.state[a][key], theirs.state[b][key])


def test_an_entry_stops_at_zero_and_comes_back():
    """Five steps of 0.25 down from 1, four of 0.25 up: the fifth would cross 0, and the way back starts from there."""
    module = nn.Linear(2, 1, bias=False)
    nn.init.ones_(module.weight)
    apply_signs(module, {"weight": torch.tensor([1.0, -1.0])})
    optimizer = torch.optim.SGD(module.parameters(), lr=0.25)
    seen = []
    for slope in (1, 1, 1, 1, 1, -1, -1):
        module.weight.grad = torch.tensor([[slope, -slope]]).float()
        optimizer.step()
        seen.append(module.weight.detach().flatten().tolist())
    assert seen == [[x, -x] for x in (0.75, 0.5, 0.25, 0, 0, 0.25, 0.5)]


@pytest.mark.parametrize("fused", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.Adagrad])
def test_fused_optimizers_that_raise_no_version_are_held(fused):
    module = nn.Linear(6, 6)
    sign = torch.tensor([1.0, -1, 1, -1, 1, -1])
    apply_signs(module, {"weight": sign})
    optimizer = fused(module.parameters(), lr=10.0, fused=True)
    for slope in (1.0, -1.0, 1.0):
        module.weight.grad = torch.full((6, 6), slope)
        optimizer.step()
        assert_held(module, {"weight": sign})
        assert module.weight.detach()[:, sign * slope < 0].all()  # all else moved


WRITES = {
    "in place": lambda p: p.neg_(),
    "through data, by assignment": lambda p: setattr(p, "data", -p.data),
    "init": lambda p: nn.init.constant_(p, -0.5),
    "copy": lambda p: p.copy_(-p.clone()),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_forward_sees_no_hand_written_sign(case, write):
    module, plain = case.build(), case.build()
    worn = case.signs(module)
    apply_signs(module, worn)
    with torch.no_grad():
        for name, p in module.named_parameters():
            if name in worn:
                write(p)
            sign = worn.get(name, p.sign())
            parameters(plain)[name].copy_(p * (p * sign >= 0))
    torch.testing.assert_close(case.loss(module), case.loss(plain), rtol=0, atol=0)
    assert_held(module, worn)


def test_enforce_holds_what_no_counter_sees(case):
    module = case.build()
    worn, present = case.signs(module), case.masks(module)
    apply_signs(module, worn)
    apply(module, present)
    case.loss(module).backward()
    for name in worn:
        parameters(module)[name].data.fill_(0.5)
        parameters(module)[name].grad.fill_(1)
    enforce(module)
    for name, sign in worn.items():
        expected = (0.5 * (sign > 0)).expand(present[name].shape) * present[name]
        assert torch.equal(parameters(module)[name], expected)
        assert torch.equal(parameters(module)[name].grad, present[name].float())


def test_a_clean_forward_writes_nothing(case):
    module = case.build()
    apply_signs(module, case.signs(module))
    versions = {name: p._version for name, p in module.named_parameters()}
    for _ in range(3):
        case.loss(module).backward()
    with torch.inference_mode():
        case.loss(module)
    assert {name: p._version for name, p in module.named_parameters()} == versions


def test_gradients_and_their_norm_are_those_of_the_plain_module(case):
    module, plain = case.build(), case.build()
    worn = case.signs(module)
    apply_signs(module, worn)
    with torch.no_grad():
        for name in worn:
            parameters(module)[name][0].neg_()  # a row that the forward clamps
            parameters(plain)[name].copy_(parameters(module)[name].abs() * worn[name])[0] = 0
    case.loss(module).backward()
    case.loss(plain).backward()
    for name, p in module.named_parameters():
        assert torch.equal(p.grad, parameters(plain)[name].grad)
    assert any(parameters(module)[name].grad[0].any() for name in worn)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_signs_are_put_on_in_any_mode(case, mode):
    module = case.build()
    with mode():
        apply_signs(module, case.signs(module))
        apply(module, case.masks(module))
        apply_signs(module, case.signs(module, 1))
        case.loss(module)
    worn, present = signs(module), masks(module)
    assert all(torch.equal(worn[name], sign) for name, sign in case.signs(module, 1).items())
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    train(case, module, optimizer, steps=2, after=lambda: assert_held(module, worn, present))


def test_frozen_parameters_wear_signs_and_stay_frozen(case):
    module = case.build().requires_grad_(False)
    worn = case.signs(module)
    apply_signs(module, worn)
    assert not any(p.requires_grad for p in module.parameters())
    assert_held(module, worn)
    module.requires_grad_(True)
    train(case, module, torch.optim.Adam(module.parameters()), steps=2, after=lambda: assert_held(module, worn))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("how", ["to", "type"])
def test_dtype_changes_mid_run(case, dtype, how):
    module = case.build()
    worn, present = case.signs(module), case.masks(module)
    apply_signs(module, worn)
    apply(module, present)
    train(case, module, torch.optim.Adam(module.parameters(), lr=0.05), steps=1)
    module = module.to(dtype) if how == "to" else module.type(dtype)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    for p in module.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()  # before any forward
    assert_held(module, worn, present)
    train(case, module, optimizer, steps=2, first=1, after=lambda: assert_held(module, worn, present))
    assert all(sign.dtype is dtype and torch.equal(sign, worn[name].to(dtype)) for name, sign in signs(module).items())
    assert {p.dtype for p in module.parameters()} == {dtype}
    assert_held(module, worn, present)


def test_a_new_parameter_wears_the_signs(case):
    module = case.build()
    worn = case.signs(module)
    apply_signs(module, worn)
    for name in worn:
        owner = module.get_submodule(name.rpartition(".")[0])
        setattr(owner, name.rpartition(".")[2], nn.Parameter(torch.ones_like(parameters(module)[name])))
    if case.name == "tied":
        module.decoder.weight = module.encoder.weight
    case.loss(module).backward()
    assert_held(module, worn)
    train(case, module, torch.optim.AdamW(module.parameters()), steps=2, after=lambda: assert_held(module, worn))


def test_signs_hold_for_the_rows_of_all_gates():
    module = nn.GRU(5, 6)
    sign = Dale(excitatory=0.5).signs(6, generator=seeded())
    apply_signs(module, {"weight_hh_l0": sign})
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    for seed in range(3):
        module(torch.randn(3, 4, 5, generator=seeded(seed)))[0].sum().backward()
        optimizer.step()
    gates = module.weight_hh_l0.detach().reshape(3, 6, 6)
    assert (gates * sign >= 0).all() and gates.flatten(1).any(dim=1).all()


def test_release_gives_the_plain_module_back(case):
    module, plain = case.build(), case.build()
    worn, present = case.signs(module), case.masks(module)
    apply_signs(module, worn)
    apply(module, present)
    train(case, module, torch.optim.SGD(module.parameters(), lr=0.5), steps=1)
    released = release(module)
    assert released.keys() == present.keys() and not masks(module) and not signs(module)
    assert list(module.state_dict()) == list(plain.state_dict())
    for ours, theirs in zip(module.modules(), plain.modules(), strict=True):
        assert vars(ours).keys() == vars(theirs).keys()
        assert all(len(vars(ours)[key]) == len(vars(theirs)[key]) for key in vars(theirs) if "hooks" in key)
        assert list(ours._buffers) == list(theirs._buffers)
    assert not any(p._backward_hooks for p in module.parameters())
    plain.load_state_dict(module.state_dict())
    for m in (module, plain):
        train(case, m, torch.optim.SGD(m.parameters(), lr=0.5), steps=3)
    same(module, plain)


def test_released_weights_cross_zero_again():
    module = nn.Linear(2, 1, bias=False)
    nn.init.ones_(module.weight)
    apply_signs(module, {"weight": torch.ones(2)})
    assert release(module, "weight") == {}
    module.weight.grad = torch.full((1, 2), 3.0)
    torch.optim.SGD(module.parameters(), lr=1.0).step()
    assert torch.equal(module.weight.detach(), torch.full((1, 2), -2.0))
    apply_signs(module, {"weight": torch.ones(2)})
    with pytest.raises(ValueError, match=r"release: 'bias' matches no masked or signed parameter; .*: weight"):
        release(module, "bias")


def test_masks_change_and_signs_stay(case):
    module = case.build()
    worn = case.signs(module)
    apply_signs(module, worn)
    for verb in (apply, replace, apply):
        present = case.masks(module, seed=len(verb.__name__))
        verb(module, present)
        assert_held(module, worn, masks(module))
        assert all(torch.equal(signs(module)[name], sign) for name, sign in worn.items())
        optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
        train(case, module, optimizer, steps=2, after=lambda: assert_held(module, worn, masks(module)))


def test_weights_drawn_anew_are_turned_or_clamped():
    sign = torch.tensor([1.0, -1, 1, -1, 1])
    turned, clamped, both = (nn.Linear(5, 6) for _ in range(3))
    mask = torch.rand(6, 5, generator=seeded()) < 0.5
    apply(both, {"weight": mask})
    for module in (turned, clamped, both):
        apply_signs(module, {"weight": sign})
    with torch.no_grad():
        for module in (turned, clamped, both):
            module.weight.copy_(torch.linspace(-1, 1, 30).reshape(6, 5))
    drawn = torch.linspace(-1, 1, 30).reshape(6, 5)
    align_signs(turned)
    enforce(clamped)
    align_signs(both)
    assert torch.equal(turned.weight.detach(), drawn.abs() * sign)
    assert torch.equal(clamped.weight.detach(), torch.where(drawn * sign > 0, drawn, 0))
    assert torch.equal(both.weight.detach(), drawn.abs() * sign * mask)
    turned(torch.zeros(5))
    assert torch.equal(turned.weight.detach(), drawn.abs() * sign)
    plain = nn.Linear(5, 6)
    before = plain.weight.detach().clone()
    apply(plain, {"weight": torch.ones(6, 5, dtype=torch.bool)})
    align_signs(plain)  # without signs there is nothing to turn
    assert torch.equal(plain.weight.detach(), before)


def test_nan_stays_in_sight():
    module = nn.Linear(6, 6)
    apply_signs(module, {"weight": torch.ones(6)})
    module(torch.full((6,), math.nan)).sum().backward()
    torch.optim.SGD(module.parameters(), lr=0.1).step()
    module(torch.zeros(6))
    enforce(module)
    assert module.weight.detach().isnan().all()


def test_dense_gradients_are_those_of_masked_weights_only(case):
    module, plain = case.build(), case.build()
    worn, present = case.signs(module), case.masks(module)
    apply_signs(module, worn)
    assert dense_gradients(module, case.loss(module)) == {}
    apply(module, present)
    with torch.no_grad():
        for name, p in plain.named_parameters():
            p.copy_(parameters(module)[name])
    case.loss(plain).backward()
    found = dense_gradients(module, case.loss(module))
    assert found.keys() == present.keys()
    assert all(torch.equal(found[name], parameters(plain)[name].grad) for name in present)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    with lifted(module):
        train(case, module, optimizer, steps=2, after=lambda: assert_held(module, worn, present))


def test_signs_alone_are_no_masks(tmp_path):
    module = nn.Linear(2, 2)
    apply_signs(module, {"weight": torch.ones(2)})
    with pytest.raises(ValueError, match="save: expected a Linear that wears a mask, got one that wears none"):
        save(tmp_path / "masks", module)
    with pytest.raises(ValueError, match=r"lifted: 'weight' matches no masked parameter; masked parameters: none"):
        lifted(module, "weight").__enter__()


def test_a_dead_module_leaves_nothing_behind(zoo):
    import gc

    from srnn_masks import _record

    gc.collect()
    before = sum(len(records) for records in _record._registry.values())
    module = zoo["tied"].build()
    apply_signs(module, zoo["tied"].signs(module))
    assert sum(len(records) for records in _record._registry.values()) > before
    del module
    gc.collect()
    assert sum(len(records) for records in _record._registry.values()) == before


# --- names and refusals ---------------------------------------------------------------------------------------------


def test_globs_match_full_names_and_signs_are_copies():
    module, sign = nn.GRU(6, 6, 2), torch.tensor([1.0, 1, 1, -1, -1, 1])
    apply_signs(module, {"weight_hh_l?": sign})
    sign.neg_()
    signs(module)["weight_hh_l0"].neg_()
    assert list(signs(module)) == ["weight_hh_l0", "weight_hh_l1"]
    assert signs(module)["weight_hh_l0"].tolist() == [1, 1, 1, -1, -1, 1]
    apply_signs(module, {"weight_hh_l0": -torch.ones(6)})
    assert signs(module)["weight_hh_l0"].sum() == -6 and signs(module)["weight_hh_l1"].sum() == 2


SIX = torch.ones(6)
REFUSED = [
    ({"weight_hx_l0": SIX}, r"'weight_hx_l0' matches no parameter; did you mean .*'weight_hh_l0'.*"),
    ({"*whh*": SIX}, r"'\*whh\*' matches no parameter; .*parameters: weight_ih_l0"),
    ({"weight_hh_l0": torch.ones(18)}, r"signs of 'weight_hh_l0': expected shape \(6,\), .*got \(18,\)"),
    ({"weight_hh_l0": torch.ones(18, 6)}, r"signs of 'weight_hh_l0': expected shape \(6,\), .*got \(18, 6\)"),
    ({"weight_*": SIX}, r"signs of 'weight_ih_l0': expected shape \(2,\), .*got \(6,\)"),
    ({"bias_hh_l0": torch.ones(18)}, r"'bias_hh_l0': expected a float matrix .*got shape \(18,\) of torch.float32"),
    ({"weight_hh_l0": SIX.bool()}, r"'weight_hh_l0': expected a dense float tensor of \+1 and -1, got torch.bool"),
    ({"weight_hh_l0": SIX.long()}, r"expected a dense float tensor of \+1 and -1, got torch.int64"),
    ({"weight_hh_l0": SIX.to_sparse()}, r"expected a dense float tensor .*got torch.float32, torch.sparse_coo"),
    ({"weight_hh_l0": [1.0]}, r"'weight_hh_l0': expected a float torch.Tensor of \+1 and -1, got <class 'list'>"),
    ({"weight_hh_l0": torch.tensor([1.0, -1, 0, 1, 1, 1])}, r"'weight_hh_l0': expected \+1 and -1 only, got 0.0"),
    ({"weight_hh_l0": torch.tensor([1.0, -1, math.nan, 1, 1, 1])}, r"expected \+1 and -1 only, got nan"),
    (
        {"weight_hh*": SIX, "*t_hh_l0": -SIX},
        r"'weight_hh_l0' expected one set of signs, got different ones by 'weight_hh\*' and '\*t_hh_l0'",
    ),
]


@pytest.mark.parametrize(("new", "message"), REFUSED)
def test_what_does_not_fit_is_refused_and_changes_nothing(new, message):
    module = nn.GRU(2, 6)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    with pytest.raises(ValueError, match=rf"apply_signs: .*{message}"):
        apply_signs(module, {"weight_ih_l0": torch.ones(2), **new})
    assert signs(module) == {}
    assert not module._forward_pre_hooks and not module._buffers
    assert all(torch.equal(p, before[name]) for name, p in module.named_parameters())


def test_other_refusals():
    with pytest.raises(ValueError, match=r"'weight': expected a shape, got a lazy one"):
        apply_signs(nn.LazyLinear(6), {"weight": SIX})
    module = nn.Linear(6, 6)
    module.register_parameter("code", nn.Parameter(torch.ones(3, 6, dtype=torch.int64), requires_grad=False))
    with pytest.raises(ValueError, match=r"'code': expected a float matrix .* torch.int64"):
        apply_signs(module, {"code": SIX})
    module.weight_signs = "mine"
    with pytest.raises(ValueError, match=r"expected no attribute weight_signs on the Linear that owns 'weight'"):
        apply_signs(module, {"weight": SIX})
    del module.weight_signs
    apply_signs(module, {"weight": SIX})
    module.weight = nn.Parameter(torch.ones(6, 3))
    with pytest.raises(ValueError, match=r"'weight': expected shape \(rows, 6\), as its signs have it, got \(6, 3\)"):
        module(torch.ones(6))


@pytest.mark.parametrize("name", ["encoder.weight", "decoder.weight", "*.weight"])
def test_tied_parameters_wear_the_same_signs(tied, name):
    module, sign = tied(), torch.tensor([1.0, 1, -1, 1, -1])
    apply_signs(module, {name: sign})
    assert signs(module).keys() == {"encoder.weight"}
    assert torch.equal(module.decoder.weight_signs, sign) and torch.equal(module.encoder.weight_signs, sign)
    size = module.encoder.weight.detach().abs()
    apply_signs(module, {name: -sign})  # at all places at once
    assert torch.equal(module.encoder.weight, -sign * size)
    apply_signs(module.decoder, {"weight": -sign})
    with pytest.raises(ValueError, match=r"'weight', tied to one outside of this Linear: expected the signs worn th"):
        apply_signs(module.decoder, {"weight": sign})
    assert torch.equal(module.encoder.weight, -sign * size)
    release(module, name)
    assert signs(module) == {} and not list(module.buffers())


def test_tied_parameters_with_two_signs_are_refused(tied):
    ones = torch.ones(5)
    with pytest.raises(ValueError, match=r"one parameter: 'encoder.weight', 'decoder.weight'\) expected one set of s"):
        apply_signs(tied(), {"encoder.weight": ones, "decoder.weight": -ones})
    apply_signs(tied(), {"encoder.weight": ones, "decoder.weight": ones.double()})
