"""How the low-growth trap of trade depends on the activity rule: `python -m exacthat.activity_experiment`.

Two mirror countries and two clusters of two industries that learn from each other only (Hanlon 2012, Table 2);
each country leads in one industry of either cluster, so trade takes its clusters apart. With Ricardian
specialisation the industries that shut stop learning, and trade freezes growth. With gravity no industry
shuts: what becomes of those that shrink is decided by the activity constant and the trade elasticity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exacthat.appraisal import compare
from exacthat.dynamics.learning import Learning
from exacthat.dynamics.paths import simulate
from exacthat.dynamics.schedule import Phase
from exacthat.primitives import from_primitives
from exacthat.scenario import Shock

TECHNOLOGY = np.array([[10.0, 5.0, 10.0, 5.0], [5.0, 10.0, 5.0, 10.0]])
SPILLOVERS = np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])
ELASTICITIES = (4.0, 8.0, 16.0)
ACTIVITIES = (0.0, 1e-3, 1e-2, 1e-1)
HORIZON, DELAY, DISCOUNT_RATE = 100.0, 20.0, 0.02
HEAD = (
    "trade elasticity",
    "activity constant",
    "weak share at opening",
    "weak share at the end",
    "growth under trade, 100 ln",
    "growth in autarky, 100 ln",
    "delay is worth, %",
    "delay pays below a rate of",
)


@dataclass(frozen=True)
class Outcome:
    """What one trade elasticity and one activity constant lead to; both countries are alike.

    weak_share : employment share of an industry in which the country is behind, at opening and at the horizon
    trade_growth, autarky_growth : ln of welfare at the horizon over welfare at the start
    delay : consumption equivalent, in percent, of opening at DELAY instead of at once
    critical_rate : largest discount rate at which that delay is worth nothing; nan if there is none
    """

    trade_elasticity: float
    activity: float
    weak_share: tuple[float, float]
    trade_growth: float
    autarky_growth: float
    delay: float
    critical_rate: float

    def cells(self) -> tuple[str, ...]:
        """Return the outcome as the cells of a table row."""
        rate = "never" if np.isnan(self.critical_rate) else f"{100 * self.critical_rate:.1f} %"
        return (
            f"{self.trade_elasticity:g}",
            f"{self.activity:g}",
            *(f"{share:.5f}" for share in self.weak_share),
            *(f"{100 * growth:.1f}" for growth in (self.trade_growth, self.autarky_growth)),
            f"{self.delay:+.1f}",
            rate,
        )


def outcome(trade_elasticity: float, activity: float) -> Outcome:
    """Simulate trade, autarky and delayed trade at one trade elasticity and one activity constant."""
    economy = from_primitives(
        np.ones((2, 2, 4)), TECHNOLOGY, np.ones((2, 4)), np.full((2, 4), 0.25), np.ones(2), trade_elasticity
    )
    learning = Learning(SPILLOVERS, activity=activity, initial=TECHNOLOGY)
    closed = Shock(trade_cost=np.inf)
    trade = simulate(economy, learning, horizon=HORIZON)
    autarky = simulate(economy, learning, Phase(shock=closed), horizon=HORIZON)
    delayed = simulate(economy, learning, [Phase(shock=closed, until=DELAY), Phase()], horizon=HORIZON)
    appraisal = compare(delayed, trade, discount_rate=DISCOUNT_RATE)

    def growth(path):
        welfare = path.at([0.0, HORIZON]).welfare_hat[:, 0]
        return float(np.log(welfare[1] / welfare[0]))

    return Outcome(
        trade_elasticity,
        activity,
        tuple(trade.at([0.0, HORIZON]).output_shares[:, 0, 1].tolist()),
        growth(trade),
        growth(autarky),
        float(appraisal.consumption_equivalent[0]),
        float(appraisal.critical_discount_rate[0]),
    )


def table() -> str:
    """Return the outcomes of all elasticities and activity constants as a Markdown table."""
    rows = [outcome(elasticity, activity).cells() for elasticity in ELASTICITIES for activity in ACTIVITIES]
    lines = [HEAD, ("---:",) * len(HEAD), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


if __name__ == "__main__":
    print(table())
