"""Reading input-output tables: layouts, labels, faults, and the economies they make."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import exacthat as eh
from exacthat.datasets import InputOutputTable, from_pymrio, read_mrio_csv

COUNTRIES, INDUSTRIES, CATEGORIES = ("AUS", "NA"), ("A01_02", "010"), ("HFCE", "INVNT")


def table(seed=0, whole=False, countries=COUNTRIES, industries=INDUSTRIES, categories=CATEGORIES):
    """Draw a table whose industries all have value added."""
    rng = np.random.default_rng(seed)
    n, k, c = len(countries), len(industries), len(categories)
    z, f = rng.uniform(1, 10, (n, k, n, k)), rng.uniform(10, 50, (n, k, n, c)) * n * k
    z, f = (np.rint(z), np.rint(f)) if whole else (z, f)
    return InputOutputTable(z, f, countries, industries, categories)


def lines(tab, taxes=True):
    """Write a table in the layout of the inter-country tables, as rows of text."""
    n, k = tab.output.shape
    rows = [f"{c}_{i}" for c in tab.countries for i in tab.industries]
    final = [f"{c}_{f}" for c in tab.countries for f in tab.categories]
    z, f = tab.Z.reshape(n * k, n * k), tab.F.reshape(n * k, -1)
    text = [["V1", *rows, *final, "OUT"]]
    text += [
        [row, *map(repr, map(float, [*a, *b, o]))] for row, a, b, o in zip(rows, z, f, tab.output.ravel())
    ]
    tls = 0.1 * tab.value_added.ravel() * taxes
    pad = ["0"] * (f.shape[1] + 1)
    for name, values in (("TLS", tls), ("VA", tab.value_added.ravel() - tls), ("OUT", tab.output.ravel())):
        text.append([name, *map(repr, map(float, values)), *pad])
    return text


def write(path, text):
    path.write_text("\n".join(",".join(line) for line in text), encoding="utf-8")
    return path


def read(path, text, **options):
    return read_mrio_csv(write(path / "table.csv", text), **options)


def faults(path, text, **options):
    with pytest.raises(eh.BadInput) as caught:
        read(path, text, **options)
    return caught.value.problems


def test_the_written_table_comes_back(tmp_path):
    tab = table()
    back = read(tmp_path, lines(tab))
    assert (back.countries, back.industries, back.categories) == (COUNTRIES, INDUSTRIES, CATEGORIES)
    np.testing.assert_array_equal(back.Z, tab.Z)
    np.testing.assert_array_equal(back.F, tab.F)
    np.testing.assert_allclose(back.value_added, 0.9 * tab.value_added)


def test_a_table_without_margins_and_with_columns_in_another_order(tmp_path):
    tab = table()
    text = [line[:-1] for line in lines(tab)[:-3]]
    order = [0, *np.random.default_rng(1).permutation(np.arange(1, len(text[0])))]
    back = read(tmp_path, [[line[at] for at in order] for line in text])
    column = {name: at for at, name in enumerate(back.categories)}
    np.testing.assert_array_equal(back.Z, tab.Z)
    np.testing.assert_array_equal(back.F[..., [column[name] for name in CATEGORIES]], tab.F)
    np.testing.assert_allclose(back.value_added, tab.value_added)


def test_parts_of_a_country_are_added_up(tmp_path):
    tab = table(countries=("AUS", "CN1", "CN2"))
    back = read(tmp_path, lines(tab), rename={"CN1": "CHN", "CN2": "CHN"})
    merged = tab.aggregate(countries={"CHN": ["CN1", "CN2"]})
    assert back.countries == ("AUS", "CHN")
    np.testing.assert_allclose(back.Z, merged.Z)
    np.testing.assert_allclose(back.F, merged.F)


def test_other_separators_delimiters_and_ignored_rows(tmp_path):
    tab = table(industries=("food", "steel"))
    text = [[cell.replace("_", "|") for cell in line] for line in lines(tab)]
    text.insert(2, ["AUS|memo", *text[1][1:]])
    path = tmp_path / "table.csv"
    path.write_text("\n".join(";".join(line) for line in text), encoding="latin-1")
    back = read_mrio_csv(path, separator="|", delimiter=";", ignore=["AUS|memo"], encoding="latin-1")
    np.testing.assert_array_equal(back.Z, tab.Z)


def test_whole_numbers_may_miss_their_margins_by_rounding(tmp_path):
    tab = table(whole=True)
    text = lines(tab)
    text[1][-1] = repr(float(text[1][-1]) + 3)
    np.testing.assert_array_equal(read(tmp_path, text, tolerance=0).Z, tab.Z)
    text[1][-1] = repr(float(text[1][-1]) + 30)
    assert len(faults(tmp_path, text, tolerance=0)) == 1


def edit(row, column, cell):
    def change(text):
        text[row][column] = cell

    return change


FILE_FAULTS = {
    "comma": (
        edit(1, 2, '"3,5"'),
        "row 'AUS_A01_02', column 'AUS_010' is '3,5'; write it with a decimal point",
    ),
    "text": (edit(2, 1, "n/a"), "row 'AUS_010', column 'AUS_A01_02' is 'n/a'; it must be a number"),
    "nan": (edit(2, 1, "nan"), "it must be finite"),
    "negative": (edit(1, 2, "-9"), "Z of 'AUS', 'A01_02' used by 'AUS', '010' is -9"),
    "row total": (edit(1, -1, "1"), "row 'AUS_A01_02' sums to"),
    "column total": (edit(-1, 2, "1"), "column 'AUS_010' sums to"),
    "row twice": (edit(2, 0, "AUS_A01_02"), "row 'AUS_A01_02' stands 2 times"),
    "column twice": (edit(0, 2, "AUS_A01_02"), "column 'AUS_A01_02' stands 2 times"),
    "stray row": (edit(2, 0, "AUS_011"), "row 'AUS_011' has no column of its label; did you mean 'AUS_010'"),
    "stray column": (edit(0, 5, "AUT_HFCE"), "column 'AUT_HFCE' is of a country without rows"),
    "missing category": (edit(0, 8, "NA_GGFC"), "'AUS' has no final-use column 'GGFC'"),
    "truncated": (lambda text: text[3].pop(), "line 4 has 9 cells, the header 10"),
    "no rows": (lambda text: text.__delitem__(slice(1, None)), "has a header and no rows"),
    "no final use": (lambda text: [line.__delitem__(slice(5, 9)) for line in text], "no final use"),
}


@pytest.mark.parametrize(("change", "message"), FILE_FAULTS.values(), ids=FILE_FAULTS)
def test_faults_of_files_name_their_cell(tmp_path, change, message):
    text = lines(table())
    change(text)
    tolerance = 10.0 if "negative" in message or "Z of" in message else 1e-3
    assert message in "\n".join(faults(tmp_path, text, tolerance=tolerance))


def test_all_faults_of_cells_in_one_report(tmp_path):
    text = lines(table())
    for cell in ((1, 2), (2, 3), (4, 4)):
        text[cell[0]][cell[1]] = "x"
    assert len(faults(tmp_path, text)) == 3


def test_unreadable_files(tmp_path):
    with pytest.raises(eh.BadInput, match="there is no file"):
        read_mrio_csv(tmp_path / "absent.csv")
    with pytest.raises(eh.BadInput, match="no header"):
        read_mrio_csv(write(tmp_path / "empty.csv", []))
    (tmp_path / "latin.csv").write_bytes("V1,CÔT_1\n".encode("latin-1"))
    with pytest.raises(eh.BadInput, match="pass its encoding"):
        read_mrio_csv(tmp_path / "latin.csv")
    with pytest.raises(eh.BadInput, match="pass the separator"):
        read(tmp_path, lines(table()), separator="|")


# the economy of a table


@given(seed=st.integers(0, 2**32 - 1), entry=st.sampled_from(["free", "restricted"]))
def test_accounts_of_the_economy_are_those_of_the_table(seed, entry):
    tab, mu = table(seed), np.array([0.1, 0.15])
    eco = tab.economy(5.0, mu, entry=entry)
    np.testing.assert_allclose(eco.sales, tab.output)
    np.testing.assert_allclose(eco.final_demand, tab.F.sum(axis=(0, 3)).transpose(1, 0), rtol=1e-10)
    np.testing.assert_allclose(eco.flows[0, 1, 0], tab.Z[0, 0, 1].sum() + tab.F[0, 0, 1].sum())
    np.testing.assert_allclose(eco.income, tab.value_added.sum(axis=1), rtol=1e-10)
    used = eco.input_shares * (eco.cost_share * eco.sales)[:, None, :]
    np.testing.assert_allclose(used, tab.Z.sum(axis=0).transpose(1, 0, 2))
    eq = eh.counterfactual(eco)
    np.testing.assert_array_equal(eq.welfare_hat, 1.0)


def test_without_links_all_use_is_spending():
    tab = table()
    eco = tab.economy(5.0, links=False)
    assert eco.input_shares is None
    np.testing.assert_allclose(eco.expenditure, (tab.Z.sum(axis=(0, 1, 3)) + tab.F.sum(axis=(0, 1, 3))))


def test_tariffs_come_on_top_of_the_table():
    tab = table()
    eco = tab.economy(5.0, 0.1, tariff=0.2)
    np.testing.assert_allclose(eco.sales, tab.output)
    imports = tab.Z[0, :, 1].sum() + tab.F[0, :, 1].sum()
    np.testing.assert_allclose((eco.flows - eco.border_flows)[:, 1].sum(), 0.2 * imports)
    paid = tab.Z[1, :, 1].sum(axis=0) + 1.2 * tab.Z[0, :, 1].sum(axis=0)
    np.testing.assert_allclose(eco.labour_share[1], 1 - paid / tab.output[1])
    np.testing.assert_allclose(eco.deficits.sum(), 0.0, atol=1e-9)


def test_inventories_are_handled_by_request():
    tab = table()
    final = np.array(tab.F)
    final[0, 1, 0] = [5.0, -25.0]
    final[1, 0, 0] = [50.0, -10.0]  # outweighed: nothing to do
    tab = InputOutputTable(tab.Z, final, *(COUNTRIES, INDUSTRIES, CATEGORIES))
    with pytest.raises(eh.BadInput) as caught:
        tab.economy(5.0)
    assert caught.value.problems == [
        "final use of 'AUS', '010' by 'AUS' is -20 over all categories: pass negative='zero' to set such sums to "
        "zero, or leave_out the changes in inventories"
    ]
    zeroed = tab.economy(5.0, negative="zero")
    np.testing.assert_allclose(zeroed.sales - tab.output, [[0, 20], [0, 0]], atol=1e-9)
    without = tab.economy(5.0, leave_out="INVNT")
    np.testing.assert_allclose(without.sales, tab.output - tab.F[..., 1].sum(axis=2))
    with pytest.raises(eh.BadInput, match="unknown category 'INVNTS'; did you mean 'INVNT'"):
        tab.economy(5.0, leave_out=["INVNTS"])
    with pytest.raises(eh.BadParameter, match="negative is 'drop'"):
        tab.economy(5.0, negative="drop")


def test_industries_whose_inputs_exceed_their_cost_are_named():
    tab = table()
    use = np.array(tab.Z)
    use[0, 0, 1, 1] += 0.95 * tab.value_added[1, 1]
    tab = InputOutputTable(use, tab.F, COUNTRIES, INDUSTRIES, CATEGORIES)
    assert tab.economy(5.0, 0.2).labour_share[1, 1] < 0.06
    with pytest.raises(
        eh.BadInput, match=r"inputs of industry '010' in 'NA' are .*profits exceed value added"
    ) as caught:
        tab.economy(5.0, 0.2, entry="restricted")
    assert len(caught.value.problems) == 1
    merged = tab.aggregate(industries={"all": INDUSTRIES})
    np.testing.assert_allclose(merged.value_added.ravel(), tab.value_added.sum(axis=1))
    assert merged.economy(5.0, 0.2, entry="restricted").labour_share.min() > 0


def test_an_industry_that_only_buys_is_named():
    tab = table()
    use, final = np.array(tab.Z), np.array(tab.F)
    use[1, 0], final[1, 0] = 0.0, 0.0
    with pytest.raises(eh.BadInput, match=r"industry 'A01_02' of 'NA' uses inputs of .* and sells nothing"):
        InputOutputTable(use, final, COUNTRIES, INDUSTRIES, CATEGORIES).economy(5.0)
    use[:, :, 1, 0] = 0.0
    eco = InputOutputTable(use, final, COUNTRIES, INDUSTRIES, CATEGORIES).economy(5.0)
    assert eco.sales[1, 0] == 0.0


def test_faults_of_tables():
    tab = table()
    with pytest.raises(eh.BadInput) as caught:
        InputOutputTable(tab.Z[:1], tab.F * np.nan, COUNTRIES, INDUSTRIES, CATEGORIES)
    assert "Z has shape (1, 2, 2, 2); it must be (2, 2, 2, 2)" in caught.value.problems[0]
    assert len(caught.value.problems) == 1 + tab.F.size
    with pytest.raises(eh.BadInput, match="'AUS' twice"):
        InputOutputTable(tab.Z, tab.F, ("AUS", "AUS"), INDUSTRIES, CATEGORIES)
    with pytest.raises(eh.BadInput, match="unknown industry 'steal'"):
        tab.aggregate(industries={"x": ["steal"]})


def test_aggregating_the_table_or_its_economy_is_the_same():
    tab = table(3, countries=("A", "B", "C"), industries=("x", "y", "z"))
    groups = {"countries": {"AB": ["A", "B"]}, "industries": {"yz": ["y", "z"]}}
    for entry in ("free", "restricted"):
        early = tab.aggregate(**groups).economy(5.0, 0.1, entry=entry)
        late = tab.economy(5.0, 0.1, entry=entry).aggregate(**groups)
        for name in ("flows", "input_shares", "expenditure_shares", "income"):
            np.testing.assert_allclose(getattr(early, name), getattr(late, name), rtol=1e-9)


# pymrio


def frames(tab, order=None):
    """Make the two frames that a pymrio system holds."""
    n, k = tab.output.shape
    rows = pd.MultiIndex.from_product([tab.countries, tab.industries], names=["region", "sector"])
    final = pd.MultiIndex.from_product([tab.countries, tab.categories], names=["region", "category"])
    z = pd.DataFrame(tab.Z.reshape(n * k, n * k), index=rows, columns=rows)
    y = pd.DataFrame(tab.F.reshape(n * k, -1), index=rows, columns=final)
    return SimpleNamespace(Z=z if order is None else z.iloc[:, order], Y=y)


def test_pymrio_frames():
    tab = table()
    for order in (None, [3, 1, 0, 2]):
        back = from_pymrio(frames(tab, order))
        assert (back.countries, back.industries, back.categories) == (COUNTRIES, INDUSTRIES, CATEGORIES)
        np.testing.assert_array_equal(back.Z, tab.Z)
        np.testing.assert_array_equal(back.F, tab.F)
        np.testing.assert_allclose(back.value_added, tab.value_added)
    assert from_pymrio(frames(tab), rename={"NA": "Namibia"}).countries == ("AUS", "Namibia")


def test_pymrio_faults():
    tab = table()
    with pytest.raises(eh.BadInput, match="no Z: run calc_all"):
        from_pymrio(SimpleNamespace(Z=None, Y=frames(tab).Y))
    other = frames(tab)
    other.Y = other.Y.iloc[::-1]
    with pytest.raises(eh.BadInput, match="another order"):
        from_pymrio(other)
    flat = frames(tab)
    flat.Z = flat.Z.set_axis(["a", "b", "c", "d"], axis=1)
    with pytest.raises(eh.BadInput, match="Z columns hold the label 'a'; each must be a pair"):
        from_pymrio(flat)
    nameless = frames(tab)
    nameless.Y = nameless.Y.set_axis([(None, "x"), *nameless.Y.columns[1:]], axis=1)
    with pytest.raises(eh.BadInput, match=r"Y columns hold the label \((None|nan), 'x'\)"):
        from_pymrio(nameless)
    twice = frames(tab)
    twice.Z = twice.Z.set_axis(twice.Z.columns[[0, 0, 1, 2]], axis=1)
    with pytest.raises(eh.BadInput, match="labels must be distinct"):
        from_pymrio(twice)
    with pytest.raises(eh.BadInput, match="Z cannot be read"):
        from_pymrio(SimpleNamespace(Z=frames(tab).Z.astype(str) + "x", Y=frames(tab).Y))
    short = frames(tab)
    short.Z = short.Z.iloc[:, :3]
    with pytest.raises(eh.BadInput, match="'NA' has no column '010'"):
        from_pymrio(short)
