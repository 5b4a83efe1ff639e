"""The documented experiment on the activity rule: the page shows what the command prints, and what it claims holds."""

from pathlib import Path

import pytest

from exacthat import activity_experiment as experiment

PAGE = Path(__file__).parents[1] / "docs" / "activity-rule.md"


@pytest.fixture(scope="module")
def table():
    return experiment.table()


def test_the_page_holds_the_table_of_the_command(table):
    assert table in PAGE.read_text(encoding="utf-8")


def test_without_the_constant_there_is_no_trap_and_with_it_there_is():
    open_, trapped = (experiment.outcome(16.0, activity) for activity in (0.0, 0.01))
    assert open_.weak_share[0] == pytest.approx(trapped.weak_share[0], rel=1e-9)
    assert open_.weak_share[1] > 0.2
    assert open_.trade_growth > 1.0
    assert open_.delay < 0
    assert trapped.weak_share[1] < 1e-5
    assert abs(trapped.trade_growth) < 1e-3
    assert trapped.delay > 30
    assert trapped.critical_rate > 0.05


def test_the_weak_share_at_opening_has_its_closed_form():
    """Mirror countries, equal wages: lambda = 1/(1 + 2^epsilon) in each of two weak industries of four."""
    for elasticity in (4.0, 8.0):
        found = experiment.outcome(elasticity, 0.1).weak_share[0]
        assert found == pytest.approx(0.5 / (1 + 2.0**elasticity), rel=1e-9)
