"""Entry point of the command: start it, or say in one line what it needs."""

from __future__ import annotations

import sys
from importlib.util import find_spec

NEEDED = ("click", "rich", "matplotlib", "jinja2")


def main() -> None:
    """Run the command `exacthat`; exit with 1 where the packages of the extra `app` are absent."""
    absent = [name for name in NEEDED if find_spec(name) is None]
    if absent:
        print(
            f'the command needs {", ".join(absent)}: install with  pip install "exacthat[app]"',
            file=sys.stderr,
        )
        raise SystemExit(1)
    from exacthat.commands import command

    command(prog_name="exacthat")
