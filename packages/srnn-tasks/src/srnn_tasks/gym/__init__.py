"""The cognitive tasks as Gymnasium environments, one for each of the 126 names, such as `srnn/dlygo-intr-seql-v0`.

Importing this package registers them; `gymnasium.make("srnn_tasks.gym:srnn/dlygo-v0")` imports it.
Requires gymnasium: `pip install srnn-tasks[gymnasium]`. Without it, nothing is registered.

>>> import gymnasium
>>> env = gymnasium.make("srnn_tasks.gym:srnn/dlygo-v0", sigma=0.5)
>>> observation, _ = env.reset(seed=0)
>>> observation.shape, int(env.action_space.n)
((33,), 17)
"""

from importlib.util import find_spec

from ._env import CognitiveEnv as CognitiveEnv
from ._register import ENVIRONMENTS as ENVIRONMENTS
from ._register import register as register

__all__ = ["ENVIRONMENTS", "CognitiveEnv", "register"]

if find_spec("gymnasium") is not None:
    register()
