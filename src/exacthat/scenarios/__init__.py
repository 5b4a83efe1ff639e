"""Scenario files: a study written down in TOML, embedded in the package or the user's own.

>>> from exacthat import scenarios
>>> scenarios.embedded()
('pakistan', 'autarky-wiod2008', 'gains-wiod2014', 'nafta', 'peers', 'table5', 'trade-war-wiod2014')
>>> scenarios.find("peers").countries
('PAK', 'BGD', 'VNM', 'IND', 'IDN', 'MYS')

Three tables, of which [economy] is needed:

    [scenario]   name (of the files written), title
    [economy]    data = an embedded data set, or flows = "a.csv" with the columns origin, destination,
                 industry, value and, where base-year rates stand, tariff and export_subsidy; deficits = "zero"
                 (purged, the default) or "fixed"; entry = "free" or "restricted"; trade_elasticity,
                 scale_elasticity = a number or a table by industry, or elasticities = "b.csv" with the columns
                 industry, trade_elasticity, scale_elasticity; missing = "raise" or "zero" (rows absent from
                 the flows); large_rates = true (confirms rates of 5 and more); source = a text; for embedded data
                 services_trade_elasticity, expenditure_shares and as_published as `exacthat.datasets.load` has them
    [study]      kind = "country-study", "corrective-policy", "gains-from-trade" or "counterfactual";
                 countries = the rows of the table, all by default; single_industry_elasticity for gains
                 from trade; "table5" and "nafta" are the kinds of the two embedded scenarios of these names,
                 for their data only; for a country study (data = "icio2019") country, countries = it and its
                 peers, draws = how often elasticities are drawn, 0 for never, seed, learning = false to leave
                 out the dynamic part, and table_name of the files of the peers' table

and, for kind "counterfactual", one table [[counterfactual]] each, with a name and any of

    trade_cost, productivity, labour, entry_cost    hats, new over old: 1.1 is ten percent more
    tariff, export_subsidy, production_subsidy      new rates: 0.1 is ten percent; others stay as in the base year
    corrective                          "all" or a list of countries that subsidise at s = mu
    large_changes = true                confirms hats outside 0.2 to 5 and rates of 5 and more

A number acts everywhere (trade costs, tariffs and export subsidies on foreign trade only); a list of tables such as
``{ origin = "USA", destination = ["CHN", "IND"], industry = "C19", hat = 1.1 }`` acts where it says, on
all labels of an axis that is left out: origin, destination, industry for trade costs, tariffs and export
subsidies, country and industry (not for labour) elsewhere; ``rate`` takes the place of ``hat`` for taxes.
"""

from exacthat.scenarios.file import COUNTRY_STUDY, DEFAULT, Plan, embedded, find, read
from exacthat.scenarios.run import run

__all__ = ["COUNTRY_STUDY", "DEFAULT", "Plan", "embedded", "find", "read", "run"]
