"""`python -m srnn_bench`: the command `srnn`."""

from .cli import main

main()
