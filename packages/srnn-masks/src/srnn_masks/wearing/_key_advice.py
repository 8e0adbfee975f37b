"""What to do about a state whose keys are not those of the module, for the message of the error."""

from collections.abc import Sequence

_PREFIXES = {"module.": "DistributedDataParallel", "_orig_mod.": "torch.compile"}
_PARAMETRIZED = "parametrizations."


def key_advice(missing: Sequence[str], unexpected: Sequence[str]) -> str:
    """Return a sentence after "; " for a state of a wrapped or a parametrized module, or an empty string."""
    for prefix, wrapper in _PREFIXES.items():
        if any(key.startswith(prefix) and key.removeprefix(prefix) in missing for key in unexpected):
            call = f"torch.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, {prefix!r})"
            return f"; the state is that of a module in {wrapper}: call {call} first"
    if any(f".{_PARAMETRIZED}" in f".{key}" for key in unexpected):
        call = "torch.nn.utils.parametrize.remove_parametrizations"
        return f"; the state is that of a parametrized module: call {call} on it before its state_dict()"
    if any(f".{_PARAMETRIZED}" in f".{key}" for key in missing):
        return "; the module is parametrized, the state is not: load it first, and parametrize the module afterwards"
    names = {key.removesuffix("_g") for key in unexpected if f"{key.removesuffix('_g')}_v" in unexpected}
    if names & set(missing):
        call = "torch.nn.utils.remove_weight_norm"
        return f"; the state is that of a module with weight_norm: call {call} on it before its state_dict()"
    return ""
