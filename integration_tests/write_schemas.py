"""Write schemas/<version>.json of each package that has none for its version; an existing file is never changed."""

import json
from pathlib import Path
from typing import Any

from srnn_bench import PACKAGES, schemas

ROOT = Path(__file__).parents[1]


def path_of(package: str, version: str) -> Path:
    return ROOT / "packages" / package / "schemas" / f"{version}.json"


def snapshot(package: str) -> dict[str, Any]:
    """Return the schemas of a package without the definitions of its siblings' values, which are their own contract."""
    found = schemas(package)
    siblings = {name for other in PACKAGES if other != package for name in schemas(other)["schemas"]} - {
        *found["schemas"]
    }
    for schema in found["schemas"].values():
        schema["$defs"] = {  # classes of one name in two packages are told apart by "<module>__<name>"
            name: part for name, part in schema.get("$defs", {}).items() if name.rpartition("__")[2] not in siblings
        }
    return found


def main() -> None:
    for package in PACKAGES:
        found = snapshot(package)
        path = path_of(package, found["version"])
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
