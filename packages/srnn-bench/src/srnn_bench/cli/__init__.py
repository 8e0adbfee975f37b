"""The command `srnn`: one file per command group.

Each file registers its commands on the typer application of `_app`; arguments that several commands share are in
`_arguments`. Commands read arguments, call the rooms below, and print.
"""

# each registers its commands
from . import _backup, _demo, _doctor, _export, _figure, _list, _new, _plan, _publish, _report, _run  # noqa: F401
from ._app import console as console
from ._app import main as main
from ._arguments import parse_seeds as parse_seeds
from ._arguments import read_experiment as read_experiment
from ._plan import print_plan as print_plan
from ._run import print_estimates as print_estimates

__all__ = ["console", "main", "parse_seeds", "print_estimates", "print_plan", "read_experiment"]
