"""The package as it is imported: cheap, lazy, documented."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import exacthat

HEAVY = ("numba", "pandas", "scipy", "matplotlib", "click", "rich", "exacthat.kernels.gravity.cy")


def test_import_loads_nothing_heavy():
    code = f"import sys, exacthat; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_solving_needs_no_optional_package():
    code = (
        "import sys\n"
        "for name in ('numba', 'pandas', 'matplotlib', 'click', 'rich'): sys.modules[name] = None\n"
        "import exacthat as eh\n"
        "eco = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, 0.2)\n"
        "print(eh.counterfactual(eco, eh.Shock(trade_cost=1.1)).certificate.ok, eh.gains_from_trade(eco).balanced)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "True True", done.stderr


@pytest.mark.parametrize("name", exacthat.__all__)
def test_every_public_name_loads_and_is_documented(name):
    assert getattr(exacthat, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        exacthat.no_such_name  # noqa: B018


MODULES = [
    m.name for m in pkgutil.walk_packages(exacthat.__path__, "exacthat.") if not m.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0
