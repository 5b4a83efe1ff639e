"""Run the benches and write their ratios as a table: `python -m bench [FILE] [options of pytest]`.

FILE is `ratios.md` by default; `-k` chooses benches, as in `python -m bench -k test_solve`.
"""

import sys

import pytest


def main(arguments: list[str]) -> int:
    """Run the benches with pytest; return its exit code."""
    named = arguments[:1] if arguments and arguments[0].endswith(".md") else []
    file = named[0] if named else "ratios.md"
    return pytest.main(["bench", "--benchmark-enable", f"--ratios={file}", *arguments[len(named) :]])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
