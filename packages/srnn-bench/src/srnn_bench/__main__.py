"""`python -m srnn_bench`: the command `srnn`."""

from .cli import main

if __name__ == "__main__":  # worker processes import this module again
    main()
