"""The elasticity tables and the correspondence between the industries of icio2019 and Table 3."""

import numpy as np
import pytest

from exacthat import datasets
from exacthat.errors import BadInput


@pytest.mark.parametrize(("table", "data"), [("ll2023", "wiod2014"), ("icio2019", "icio2019")])
def test_tables_stand_in_the_order_of_their_data(table, data):
    assert tuple(datasets.elasticity_table(table)["industry"].tolist()) == datasets.describe(data).industries


def test_used_elasticities_are_those_of_the_arrays():
    table, held = datasets.elasticity_table("ll2023"), datasets.arrays("wiod2014")
    np.testing.assert_allclose(table["epsilon_used"], held["trade_elasticity_free"], rtol=1e-15)
    np.testing.assert_allclose(table["mu_used"], held["scale_elasticity"], rtol=1e-15)
    np.testing.assert_array_equal(
        held["trade_elasticity_restricted"][:-1], held["trade_elasticity_free"][:-1]
    )
    assert (held["trade_elasticity_free"][-1], held["trade_elasticity_restricted"][-1]) == (10, 11)


def test_printed_ratio_is_the_product_of_the_printed_elasticities():
    table = datasets.elasticity_table("ll2023")
    goods = table["table3_row"] != ""
    product = table["table3_epsilon"] * table["table3_mu"]
    np.testing.assert_allclose(product[goods], table["table3_ratio"][goods], atol=6e-3)
    assert np.isnan(product[~goods]).all()


def test_rows_of_table3_reproduce_the_published_trade_elasticities():
    table = datasets.elasticity_table("icio2019")
    np.testing.assert_array_equal(table["trade_elasticity"], table["LL"])


def test_no_other_row_or_pair_of_rows_matches_the_published_trade_elasticities():
    rows = datasets.elasticity_table("ll2023")
    value = dict(zip(rows["table3_row"].tolist(), rows["table3_epsilon"].tolist()))
    value.pop("")
    table = datasets.elasticity_table("icio2019")
    for label, published in zip(table["table3_rows"].tolist(), table["LL"].tolist()):
        if label == "":
            continue
        single = [row for row in value if abs(value[row] - published) < 1e-12]
        pairs = [
            f"{one}+{other}"
            for position, one in enumerate(value)
            for other in list(value)[position + 1 :]
            if abs((value[one] + value[other]) / 2 - published) < 1e-12
        ]
        assert (single or pairs) == [label]


@pytest.mark.parametrize(
    ("industry", "rows", "scale"),
    [
        ("A01", ["Agriculture & Mining"], 0.143),
        ("C16", ["Wood", "Paper"], 0.2745),
        ("C19", ["Petroleum"], 1.220),
        ("C23", ["Rubber & Plastic", "Minerals"], 0.1535),
        ("C27", ["Electrical & Optical Equipment"], 0.552),
        ("C28", ["Machinery"], 0.120),
    ],
)
def test_scale_elasticities_come_from_the_same_rows(industry, rows, scale):
    table, table3 = datasets.elasticity_table("icio2019"), datasets.elasticity_table("ll2023")
    at = table["industry"].tolist().index(industry)
    from_rows = [table3["table3_row"].tolist().index(row) for row in rows]
    assert table["scale_elasticity"][at] == pytest.approx(scale, abs=1e-15)
    for mean, column in (("trade_elasticity", "table3_epsilon"), ("scale_elasticity", "table3_mu")):
        assert table[mean][at] == pytest.approx(np.mean(table3[column][from_rows]), rel=1e-15)
        error = np.sqrt(np.sum(table3[f"{column}_se"][from_rows] ** 2)) / len(rows)
        assert table[f"{mean}_se"][at] == pytest.approx(error, rel=1e-14)


def test_services_are_assumed_and_the_rest_estimated():
    table = datasets.elasticity_table("icio2019")
    services = table["industry"] == "SERV"
    assert (table["trade_elasticity"][services], table["scale_elasticity"][services]) == (4.0, 0.0)
    for column in ("trade_elasticity_se", "scale_elasticity_se"):
        np.testing.assert_array_equal(np.isnan(table[column]), services)
        assert (table[column][~services] > 0).all()


def test_elasticities_stay_where_the_equilibrium_is_unique():
    table = datasets.elasticity_table("icio2019")
    assert (table["trade_elasticity"] * table["scale_elasticity"] < 1).all()
    held = datasets.arrays("wiod2014")
    assert (held["trade_elasticity_free"] * held["scale_elasticity"] < 1).all()


@pytest.mark.parametrize("name", datasets.table_names())
def test_columns_are_read_only_and_of_one_length(name):
    table = datasets.elasticity_table(name)
    assert len({len(column) for column in table.values()}) == 1
    for column in table.values():
        assert column.dtype.kind in "fU"
        with pytest.raises(ValueError, match="read-only"):
            column[0] = column[1]


def test_unknown_tables_are_refused_with_the_nearest_name():
    with pytest.raises(BadInput, match=r"no elasticity table 'll2032'; did you mean 'll2023'\?.*icio2019"):
        datasets.elasticity_table("ll2032")
