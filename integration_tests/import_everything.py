"""Import every module of the package named on the command line; run where only what it declares is installed."""

import importlib
import pkgutil
import sys


def main(name: str) -> None:
    package = importlib.import_module(name)
    modules = [module.name for module in pkgutil.walk_packages(package.__path__, f"{name}.")]
    for module in modules:
        importlib.import_module(module)
    print(f"{name}: {1 + len(modules)} modules imported from {package.__path__[0]}")


if __name__ == "__main__":
    main(sys.argv[1])
