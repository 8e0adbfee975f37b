"""The package as it is imported."""

import subprocess
import sys


def test_import_loads_no_sibling_and_has_no_side_effect():
    code = (
        "import torch, sys; state = torch.get_rng_state(); import srnn_masks, srnn_masks.testing;"
        "assert torch.equal(state, torch.get_rng_state());"
        "assert not sys.modules['torch.optim.optimizer']._global_optimizer_post_hooks;"
        "print(sorted({name.partition('.')[0] for name in sys.modules if name.startswith('srnn')}),"
        " sorted(n for n in vars(srnn_masks) if n[0] != '_' and n not in srnn_masks.__all__))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['srnn_masks'] ['patterns', 'testing', 'wearing']"
