"""Traps that other ways of wearing masks fell into, and the edges of the public functions."""

import pytest
import torch
from torch import nn

from srnn_masks import (
    Locality,
    apply,
    dense_gradients,
    density,
    enforce,
    lifted,
    load,
    masks,
    release,
    replace,
    save,
)

EYE = torch.eye(6, dtype=torch.bool)


def parameters(module):
    return dict(module.named_parameters())


@pytest.mark.parametrize("fused", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.Adagrad])
def test_fused_optimizers_that_raise_no_version_are_held(fused):
    """The weights are dense when the hook comes and the counter may stand still: the hook must not ask it."""
    module = nn.Linear(6, 6)
    apply(module, {"weight": EYE})
    optimizer = fused(module.parameters(), lr=0.1, fused=True)
    for _ in range(3):
        module.weight.grad = torch.ones(6, 6)  # dense, past the gradient hook
        optimizer.step()
        assert torch.equal(module.weight.detach() != 0, EYE)


def test_a_mask_between_forward_and_backward_is_an_error_not_a_wrong_gradient(per_step):
    module = per_step()
    loss = module(torch.randn(3, 4, 5)).sum()
    apply(module, {"cell.kernel": EYE})
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_gradient_masks_alone_would_fail_with_moments():
    module = nn.Linear(6, 6)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    module(torch.ones(6)).sum().backward()
    optimizer.step()
    apply(module, {"weight": EYE})
    optimizer.zero_grad()
    module(torch.ones(6)).sum().backward()
    assert not module.weight.grad[~EYE].any()  # yet its moments would move it
    optimizer.step()
    assert not module.weight.detach()[~EYE].any()


def test_muon_mixes_masked_entries_back_in_and_is_held():
    module, plain = nn.Linear(6, 6, bias=False), nn.Linear(6, 6, bias=False)
    apply(module, {"weight": EYE.roll(1, 0) | EYE})
    plain.weight = nn.Parameter(module.weight.detach().clone())
    for m in (module, plain):
        x = torch.arange(36.0).reshape(6, 6).sin()
        (m(x) ** 2).sum().backward()
        m.weight.grad *= EYE.roll(1, 0) | EYE
        torch.optim.Muon(m.parameters(), lr=0.1).step()
    assert plain.weight.detach()[~(EYE.roll(1, 0) | EYE)].any()
    assert not module.weight.detach()[~(EYE.roll(1, 0) | EYE)].any()


def test_nan_at_a_masked_entry_stays_in_sight():
    """0 * NaN is NaN: who watches gradients, their norm or weights for divergence must see it."""
    module = nn.Linear(6, 6)
    apply(module, {"weight": EYE})
    (module(torch.full((6,), float("nan"))).sum()).backward()
    assert module.weight.grad[~EYE].isnan().all()
    assert torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0).isnan()
    torch.optim.SGD(module.parameters(), lr=0.1).step()
    assert module.weight.detach()[~EYE].isnan().any()
    enforce(module)  # asked for, it clears exactly
    assert not module.weight.detach()[~EYE].any()


def test_a_mask_put_on_diverged_weights_clears_them():
    module = nn.Linear(6, 6)
    nn.init.constant_(module.weight, float("nan"))
    apply(module, {"weight": EYE})
    assert not module.weight.detach()[~EYE].any() and module.weight.detach()[EYE].isnan().all()


def test_a_write_through_data_needs_enforce():
    """No counter sees it: the documented limit, which the next step also ends."""
    module = nn.Linear(6, 6)
    apply(module, {"weight": EYE})
    module.weight.data.fill_(1)
    module(torch.zeros(6))
    assert module.weight.detach()[~EYE].all()
    enforce(module)
    assert torch.equal(module.weight.detach() != 0, EYE)


def test_hooks_of_the_parameter_and_module_are_kept():
    module, seen = nn.Linear(6, 6), []
    module.weight.register_hook(lambda gradient: seen.append("gradient"))
    module.register_forward_pre_hook(lambda m, args: seen.append("before"))
    module.register_forward_hook(lambda m, args, out: seen.append("after"))
    apply(module, {"weight": EYE})
    module(torch.zeros(6)).sum().backward()
    release(module)
    module(torch.zeros(6)).sum().backward()
    assert seen == ["before", "after", "gradient"] * 2


def test_double_backward_goes_through_the_mask():
    module = nn.Linear(6, 6)
    apply(module, {"weight": EYE})
    loss = module(torch.ones(6)).pow(3).sum()
    (slope,) = torch.autograd.grad(loss, module.weight, create_graph=True)
    assert not slope.detach()[~EYE].any()
    slope.square().sum().backward()
    assert module.weight.grad[EYE].all() and not module.weight.grad[~EYE].any()


def test_accumulated_and_checkpointed_gradients_are_masked(per_step):
    module = per_step()
    apply(module, {"cell.kernel": EYE})
    x = torch.randn(3, 4, 5)
    module(x).sum().backward()
    once = module.cell.kernel.grad.clone()
    torch.utils.checkpoint.checkpoint(module, x, use_reentrant=False).sum().backward()
    torch.testing.assert_close(module.cell.kernel.grad, 2 * once)
    assert not once[~EYE].any() and once[EYE].all()


# --- dense gradients ------------------------------------------------------------------------------------------------


def by_hand(case, module, worn):
    """Gradients by every entry of a plain twin with the masked weights."""
    plain = case.build()
    with torch.no_grad():
        for name, p in plain.named_parameters():
            p.copy_(parameters(module)[name])
    case.loss(plain).backward()
    return {name: parameters(plain)[name].grad for name in worn}


def test_dense_gradients_are_those_of_the_plain_module(case):
    module = case.build()
    worn = case.masks(module)
    apply(module, worn)
    expected = by_hand(case, module, worn)
    found = dense_gradients(module, case.loss(module))
    assert found.keys() == worn.keys()
    for name, mask in worn.items():
        torch.testing.assert_close(found[name], expected[name])
        assert found[name][~mask].any()
        assert parameters(module)[name].grad is None
    case.loss(module).backward()
    for name, mask in worn.items():
        torch.testing.assert_close(parameters(module)[name].grad, expected[name] * mask)


def test_lifted_gradients_are_dense_inside_and_masked_after(case):
    module = case.build()
    worn = case.masks(module)
    apply(module, worn)
    expected = by_hand(case, module, worn)
    with pytest.raises(ZeroDivisionError), lifted(module), lifted(module):
        case.loss(module).backward()
        for name, mask in worn.items():
            torch.testing.assert_close(parameters(module)[name].grad, expected[name])
            assert not parameters(module)[name].detach()[~mask].any()
        raise ZeroDivisionError
    for name, mask in worn.items():
        torch.testing.assert_close(parameters(module)[name].grad, expected[name] * mask)


def test_a_step_on_lifted_gradients_leaves_no_trace(case):
    module = case.build()
    worn = case.masks(module)
    apply(module, worn)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        with lifted(module):
            case.loss(module).backward()
            optimizer.step()
            assert not any(parameters(module)[name].detach()[~mask].any() for name, mask in worn.items())
        optimizer.step()
    for name, mask in worn.items():
        assert not optimizer.state[parameters(module)[name]]["exp_avg"][~mask].any()


def test_lifting_some_masks_leaves_the_others():
    module = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    apply(module, {"*.weight": EYE})
    with lifted(module, "0.*"):
        module(torch.ones(6)).sum().backward()
        assert module[0].weight.grad[~EYE].any() and not module[1].weight.grad[~EYE].any()
    assert list(dense_gradients(module, module(torch.ones(6)).sum(), ["1.weight"])) == ["1.weight"]
    with pytest.raises(ValueError, match=r"'2\.\*' matches no masked parameter; .*0\.weight, 1\.weight"):
        dense_gradients(module, module(torch.ones(6)).sum(), "2.*")


def test_lifted_functional_calls_have_dense_gradients(per_step):
    module = per_step()
    apply(module, {"cell.kernel": EYE})
    given = {"cell.kernel": torch.ones(6, 6, requires_grad=True)}
    x = torch.randn(3, 4, 5)
    plain = torch.func.functional_call(module, given, (x,)).sum()
    with lifted(module):
        dense = torch.func.functional_call(module, given, (x,)).sum()
    torch.testing.assert_close(plain, dense)
    assert not torch.autograd.grad(plain, given["cell.kernel"])[0][~EYE].any()
    assert torch.autograd.grad(dense, given["cell.kernel"])[0][~EYE].all()


def test_a_parameter_that_the_loss_does_not_use_has_a_zero_gradient():
    module = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    apply(module, {"*.weight": EYE})
    found = dense_gradients(module, module[0](torch.ones(6)).sum())
    assert not found["1.weight"].any() and found["0.weight"].all()
    assert dense_gradients(nn.Linear(2, 2), torch.ones(1, requires_grad=True).sum()) == {}


# --- names and refusals ---------------------------------------------------------------------------------------------


def test_globs_match_full_names():
    module = nn.GRU(6, 6, 2)
    mask = torch.rand(18, 6) < 0.5
    apply(module, {"weight_hh_l?": mask})
    assert list(masks(module)) == ["weight_hh_l0", "weight_hh_l1"]
    apply(module, {"weight_[!h]*": ~mask, "weight_hh_l0": ~mask})
    assert not masks(module)["weight_hh_l0"].any()
    assert torch.equal(masks(module)["weight_hh_l1"], mask)
    assert torch.equal(masks(module)["weight_ih_l1"], ~mask)
    assert release(module, "*ih*").keys() == {"weight_ih_l0", "weight_ih_l1"}
    assert release(module, ["weight_hh_l1"]).keys() == {"weight_hh_l1"}
    assert list(masks(module)) == ["weight_hh_l0"]


REFUSED = [
    (
        {"weight_hx_l0": EYE},
        r"'weight_hx_l0' matches no parameter; did you mean .*'weight_hh_l0'.*: weight_ih_l0, weight_hh_l0, b",
    ),
    ({"*whh*": EYE}, r"'\*whh\*' matches no parameter; .*parameters: weight_ih_l0"),
    ({"weight_hh_l0": EYE}, r"'weight_hh_l0': expected shape \(18, 6\), got \(6, 6\)"),
    ({"weight_hh_l0": torch.ones(6, dtype=torch.bool)}, r"'weight_hh_l0': expected shape \(18, 6\), got \(6,\)"),
    ({"weight_*": torch.ones(18, 6, dtype=torch.bool)}, r"'weight_ih_l0': expected shape \(18, 2\), got \(18, 6\)"),
    ({"weight_hh_l0": torch.ones(18, 6)}, r"'weight_hh_l0': expected dtype torch.bool, got torch.float32"),
    (
        {"weight_hh_l0": torch.ones(18, 6, dtype=torch.bool).to_sparse()},
        r"expected a dense tensor .*got torch.sparse_coo",
    ),
    ({"weight_hh_l0": torch.ones(18, 6, dtype=torch.uint8)}, r"expected dtype torch.bool, got torch.uint8"),
    ({"weight_hh_l0": [[True]]}, r"'weight_hh_l0': expected a torch.Tensor of dtype torch.bool, got <class 'list'>"),
    (
        {"weight_hh*": torch.ones(18, 6, dtype=torch.bool), "*hh_l0": torch.eye(18, 6, dtype=torch.bool)},
        r"'weight_hh_l0' expected one mask, got different ones by 'weight_hh\*' and '\*hh_l0'",
    ),
]


@pytest.mark.parametrize(("new", "message"), REFUSED)
@pytest.mark.parametrize("verb", [apply, replace])
def test_what_does_not_fit_is_refused_and_changes_nothing(new, message, verb):
    module = nn.GRU(2, 6, bias="*hh_l0" not in new)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    good = {"weight_ih_l0": torch.zeros(18, 2, dtype=torch.bool)}
    with pytest.raises(ValueError, match=rf"{verb.__name__}: .*{message}"):
        verb(module, {**good, **new})
    assert masks(module) == {}
    assert not module._forward_pre_hooks and not module._buffers
    assert all(torch.equal(p, before[name]) for name, p in module.named_parameters())


def test_equal_masks_by_two_keys_are_one():
    module = nn.GRU(2, 6, bias=False)
    mask = torch.eye(18, 6, dtype=torch.bool)
    apply(module, {"weight_hh*": mask, "*hh_l0": mask.clone()})
    assert torch.equal(masks(module)["weight_hh_l0"], mask)


@pytest.mark.parametrize("name", ["encoder.weight", "decoder.weight", "*.weight"])
def test_tied_parameters_wear_one_mask(tied, name):
    module = tied()
    mask = torch.eye(5, dtype=torch.bool)
    apply(module, {name: mask})
    assert module.encoder.weight is module.decoder.weight
    assert masks(module).keys() == {"encoder.weight"}
    assert torch.equal(module.decoder.weight_mask, mask)
    apply(module.decoder, {"weight": torch.zeros_like(mask)})  # through one of its places only
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    module(torch.ones(5)).sum().backward()
    optimizer.step()
    assert not module.encoder.weight.any() and not masks(module)["encoder.weight"].any()
    release(module, name)
    assert masks(module) == {} and not list(module.buffers())


def test_tied_parameters_with_two_masks_are_refused(tied):
    ones = torch.ones(5, 5, dtype=torch.bool)
    with pytest.raises(
        ValueError, match=r"one parameter: 'encoder.weight', 'decoder.weight'.* expected one mask, got diff"
    ):
        apply(tied(), {"encoder.weight": ones, "decoder.weight": torch.eye(5, dtype=torch.bool)})
    apply(tied(), {"encoder.weight": ones, "decoder.weight": ones.clone()})


def test_modules_in_two_places_wear_one_record():
    layer = nn.Linear(6, 6)
    module = nn.Sequential(layer, nn.Tanh(), layer)
    apply(module, {"2.weight": EYE})
    assert list(masks(module)) == ["0.weight"] and len(layer._forward_pre_hooks) == 1
    release(module, "2.weight")
    assert not layer._forward_pre_hooks


def test_masks_are_copies():
    module, mask = nn.Linear(6, 6), EYE.clone()
    apply(module, {"weight": mask})
    mask.fill_(True)
    masks(module)["weight"].fill_(True)
    assert torch.equal(masks(module)["weight"], EYE)


def test_an_attribute_of_the_same_name_is_refused():
    module = nn.Sequential(nn.Linear(6, 6))
    module[0].weight_mask = "mine"
    with pytest.raises(ValueError, match=r"expected no attribute weight_mask on the Linear that owns '0.weight'"):
        apply(module, {"0.weight": EYE})


def test_lazy_parameters_are_refused():
    module = nn.LazyLinear(6)
    with pytest.raises(ValueError, match=r"'weight': expected a shape, got a lazy one"):
        apply(module, {"weight": EYE})


def test_a_module_without_parameters_says_so():
    with pytest.raises(ValueError, match=r"'weight' matches no parameter; parameters: none"):
        apply(nn.Tanh(), {"weight": EYE})


def test_a_new_parameter_of_another_shape_is_an_error():
    module = nn.Linear(6, 6)
    apply(module, {"weight": EYE})
    module.weight = nn.Parameter(torch.ones(3, 6))
    with pytest.raises(ValueError, match=r"'weight': expected shape \(6, 6\), that of its mask, got \(3, 6\)"):
        module(torch.ones(6))


def test_release_of_what_is_not_worn_is_an_error():
    module = nn.GRU(6, 6)
    apply(module, {"weight_hh_l0": torch.ones(18, 6, dtype=torch.bool)})
    with pytest.raises(ValueError, match=r"release: 'weight_ih_l0' matches no masked parameter; .*weight_hh_l0"):
        release(module, "weight_ih_l0")


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    module = nn.GRU(2, 6)
    apply(module, {"weight_hh_l0": torch.eye(18, 6, dtype=torch.bool)})
    save(tmp_path / "masks", module)
    return tmp_path / "masks"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.GRU(2, 5), r"'weight_hh_l0': expected shape \(15, 5\), got \(18, 6\)"),
        (lambda: nn.Linear(6, 18), r"expected parameters weight_hh_l0 in the module, got weight, bias"),
        (lambda: nn.Tanh(), r"expected parameters weight_hh_l0 in the module, got no parameter"),
    ],
)
def test_files_that_do_not_fit_are_refused(file, build, message):
    module = build()
    with pytest.raises(ValueError, match=rf"load: .*{file.name}.*{message}"):
        load(file, module)
    assert masks(module) == {}


def test_files_that_are_no_masks_are_refused(tmp_path):
    from safetensors.torch import save_file

    (tmp_path / "text").write_text("weights")
    with pytest.raises(ValueError, match=r"load: .*text: expected a safetensors file of masks"):
        load(tmp_path / "text", nn.Linear(6, 6))
    save_file({"weight": EYE}, tmp_path / "foreign")
    with pytest.raises(ValueError, match=r"load: .*foreign: expected format 'srnn-masks/1', got None"):
        load(tmp_path / "foreign", nn.Linear(6, 6))
    save_file({"weight": torch.ones(6, 6)}, tmp_path / "floats", metadata={"format": "srnn-masks/1"})
    with pytest.raises(ValueError, match=r"load: .*floats: .*'weight': expected dtype torch.bool, got torch.float32"):
        load(tmp_path / "floats", nn.Linear(6, 6))
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "absent", nn.Linear(6, 6))


def test_nothing_to_save_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"save: expected a Linear that wears a mask"):
        save(tmp_path / "masks", nn.Linear(6, 6))
    assert not list(tmp_path.iterdir())


def test_the_file_is_plain_safetensors(file):
    from safetensors.torch import load_file

    assert torch.equal(load_file(file)["weight_hh_l0"], torch.eye(18, 6, dtype=torch.bool))


# --- density, import ------------------------------------------------------------------------------------------------


def test_density_is_the_share_present():
    assert density(torch.tensor([[True, False, False], [False, False, True]])) == 1 / 3
    assert density(Locality(sheet=(20, 20), radius=4).mask(1200, 400, gates=3)) == 0.1225
    with pytest.raises(ValueError, match=r"expected a mask of dtype torch.bool, got torch.float32"):
        density(torch.ones(2))
    with pytest.raises(ValueError, match=r"expected a mask with entries, got shape \(0, 3\)"):
        density(torch.ones(0, 3, dtype=torch.bool))


def test_import_brings_in_no_sibling_and_no_global_draw():
    import subprocess
    import sys

    code = (
        "import torch, sys; state = torch.get_rng_state(); import srnn_masks, srnn_masks.testing;"
        "assert torch.equal(state, torch.get_rng_state());"
        "assert not sys.modules['torch.optim.optimizer']._global_optimizer_post_hooks;"
        "print(sorted({name.partition('.')[0] for name in sys.modules if name.startswith('srnn')}),"
        " sorted(srnn_masks.__all__) == sorted(n for n in vars(srnn_masks) if n[0] != '_' and n != 'testing'))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['srnn_masks'] True"
