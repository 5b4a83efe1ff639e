"""The embedded arrays are the recorded ones, and they are what their descriptions say."""

import hashlib
import tomllib
from importlib.resources import files

import numpy as np
import pytest

from exacthat import datasets
from exacthat.datasets import catalogue
from exacthat.errors import BadInput

FOLDER = files("exacthat.datasets") / "data"
RECORD = tomllib.loads((FOLDER / "provenance.toml").read_text(encoding="utf-8"))
MEMBERS_2014 = [
    "AUT",
    "BEL",
    "BGR",
    "CYP",
    "CZE",
    "DEU",
    "DNK",
    "ESP",
    "EST",
    "FIN",
    "FRA",
    "GBR",
    "GRC",
    "HRV",
]
MEMBERS_2014 += [
    "HUN",
    "IRL",
    "ITA",
    "LTU",
    "LUX",
    "LVA",
    "MLT",
    "NLD",
    "POL",
    "PRT",
    "ROU",
    "SVK",
    "SVN",
    "SWE",
]


@pytest.fixture(params=datasets.names())
def name(request):
    return request.param


@pytest.mark.parametrize("kind", ["sets", "spillovers", "tables"])
def test_files_have_the_recorded_hash_and_a_licence(kind):
    for facts in RECORD[kind].values():
        assert hashlib.sha256((FOLDER / facts["file"]).read_bytes()).hexdigest() == facts["sha256"]
        assert facts["licence"]
        assert facts["source"]


def test_every_file_is_recorded_and_the_whole_stays_small():
    recorded = {facts["file"] for kind in RECORD.values() for facts in kind.values()}
    present = {path.name: len(path.read_bytes()) for path in FOLDER.iterdir() if path.name[0] != "."}
    assert set(present) == recorded | {"README.md", "provenance.toml"}
    assert sum(present.values()) < 2.5e6


def test_arrays_have_the_recorded_hash(name):
    held = datasets.arrays(name)
    hashes = {
        key: hashlib.sha256(f"{array.dtype.str}|{array.shape}|".encode() + array.tobytes()).hexdigest()
        for key, array in held.items()
    }
    assert hashes == RECORD["sets"][name]["arrays"]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("wiod2008", (34, 34, 31)),
        ("wiod2014", (44, 44, 16)),
        ("icio2019", (81, 81, 28)),
        ("nafta1993", (31, 31, 40)),
    ],
)
def test_shapes_agree_with_labels(name, shape):
    held, about = datasets.arrays(name), datasets.describe(name)
    assert held["flows"].shape == about.shape == shape
    assert (shape[0], shape[1], shape[2]) == (
        len(about.countries),
        len(about.countries),
        len(about.industries),
    )
    assert len(about.industry_names) == shape[2]


def test_labels_are_unique_and_not_empty(name):
    about = datasets.describe(name)
    for labels in (about.countries, about.industries, about.industry_names):
        assert len(set(labels)) == len(labels)
        assert all(label == label.strip() != "" for label in labels)


def test_flows_are_finite_and_nowhere_negative(name):
    for key, array in datasets.arrays(name).items():
        if array.dtype.kind == "f":
            assert np.isfinite(array).all(), key
            assert (array >= 0).all(), key


def test_every_industry_is_bought_everywhere_and_sold_at_home_where_made(name):
    flows = datasets.arrays(name)["flows"].astype(float)
    assert (flows.sum(axis=0) > 0).all()
    made = flows.sum(axis=1) > 0
    at_home = np.einsum("nnk->nk", flows) > 0
    assert not (at_home & ~made).any()
    assert (made & ~at_home).sum() == {"nafta1993": 26}.get(name, 0)
    assert (~made).sum() == {"wiod2008": 0, "wiod2014": 1, "icio2019": 41, "nafta1993": 0}[name]


def test_inputs_of_1993_are_shares_and_only_industries_without_inputs_are_all_value_added():
    held = datasets.arrays("nafta1993")
    total = held["intermediate_shares"].astype(float).sum(axis=1)
    none = total == 0
    assert none.sum() == 32
    off = np.abs(total - 1.0) > 3e-6
    ((n, user),) = np.argwhere(off & ~none)  # its negative share was set to zero
    assert (held["countries"][n], held["industries"][user]) == ("CAN", "Basic metals")
    assert abs(total[n, user] - 1.0) < 1e-3
    assert (held["value_added_share"][none] == 1).all()
    assert ((held["value_added_share"] > 0) & (held["value_added_share"] <= 1)).all()
    np.testing.assert_allclose(held["expenditure_shares"].sum(axis=1), 1.0, atol=1e-14)


def test_tariffs_of_1993_and_2005_spare_domestic_sales_and_services():
    held = datasets.arrays("nafta1993")
    for year in ("tariff", "tariff2005"):
        assert (np.einsum("nnk->nk", held[year]) == 0).all()
        assert (held[year][:, :, 20:] == 0).all()


def test_sales_over_spending_span_what_the_notes_say(name):
    flows = datasets.arrays(name)["flows"].astype(float)
    ratio = flows.sum(axis=(1, 2)) / flows.sum(axis=(0, 2))
    assert f"{ratio.min():.3f} to {ratio.max():.3f}" in " ".join(datasets.describe(name).notes)


def test_final_demand_weights_sum_to_one_and_differ_from_the_flows():
    held = datasets.arrays("wiod2008")
    weights = held["expenditure_shares"]
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-14)
    spending = held["flows"].sum(axis=0)
    gap = np.abs(weights - spending / spending.sum(axis=1, keepdims=True)).max()
    assert f"by up to {gap:.3f}" in " ".join(datasets.describe("wiod2008").notes)


def test_flows_and_weights_reproduce_the_published_gains_from_trade():
    # Costinot and Rodriguez-Clare (2014) as printed by A. Lashkaripour: percent, many industries
    held = datasets.arrays("wiod2008")
    domestic = np.einsum("nnk->nk", held["flows"]) / held["flows"].sum(axis=0)
    log_share = (held["expenditure_shares"] / held["trade_elasticity"] * np.log(domestic)).sum(axis=1)
    gains = dict(zip(held["countries"].tolist(), 100 * (1 - np.exp(log_share))))
    published = {"IRL": 23.5, "BEL": 32.7, "DEU": 12.7, "CHN": 4.0, "USA": 4.4}
    assert {country: round(float(gains[country]), 1) for country in published} == published


def test_tariffs_of_the_customs_union_are_common_to_its_destinations():
    held = datasets.arrays("wiod2014")
    countries, tariff = held["countries"].tolist(), held["tariff"]
    usa = countries.index("USA")
    common = [countries.index(label) for label in MEMBERS_2014 if label not in ("BGR", "HRV")]
    assert len(common) == 26
    assert (tariff[usa, common] == tariff[usa, common[0]]).all()
    assert (tariff[usa, common[0]] > 0).any()
    assert len(np.unique(tariff[common, usa], axis=0)) == 25  # as origins they differ, but for AUT and LTU
    assert (tariff[np.ix_(common, common)] == 0).all()
    for label in ("BGR", "HRV"):
        assert (tariff[usa, countries.index(label)] != tariff[usa, common[0]]).any()


def test_the_largest_tariff_is_that_of_india_on_beverages():
    held = datasets.arrays("wiod2014")
    _, destination, industry = np.unravel_index(held["tariff"].argmax(), held["tariff"].shape)
    assert held["countries"][destination] == "IND"
    assert held["industries"][industry] == "Food, beverages, tobacco"


def test_tariffs_spare_domestic_sales():
    assert (np.einsum("nnk->nk", datasets.arrays("wiod2014")["tariff"]) == 0).all()


@pytest.mark.parametrize("regime", ["free", "restricted"])
def test_balanced_flows_add_up_with_the_tariffs_of_the_paper_only(regime):
    held = datasets.arrays("wiod2014")
    flows = held[f"flows_balanced_{regime}"]

    def gap(tariff):
        sales = (flows / (1 + tariff)).sum(axis=(1, 2))
        revenue = (flows * tariff / (1 + tariff)).sum(axis=(0, 2))
        return np.abs((sales + revenue) / flows.sum(axis=(0, 2)) - 1).max()

    assert gap(held["tariff"].transpose(1, 0, 2)) < 1e-10
    assert gap(held["tariff"]) > 0.01


def test_arrays_cannot_be_changed(name):
    held = datasets.arrays(name)
    with pytest.raises(ValueError, match="read-only"):
        held["flows"][0, 0, 0] = 1.0
    with pytest.raises(TypeError):
        held["flows"] = None


def test_descriptions_print_what_users_owe(name):
    about = datasets.describe(name)
    text = " ".join(str(about).split())
    for part in (about.name, str(about.year), about.unit, about.licence, *about.citation, *about.notes):
        assert part in text
    assert about.sha256 == datasets.data_hash(name) == RECORD["sets"][name]["sha256"]
    assert max(len(line) for line in str(about).splitlines()) <= 100


@pytest.mark.parametrize("call", [datasets.describe, datasets.arrays, datasets.data_hash, datasets.load])
def test_unknown_sets_are_refused_with_the_nearest_name(call):
    with pytest.raises(BadInput, match=r"no data set 'wiod2041'; did you mean 'wiod2014'\?.*icio2019"):
        call("wiod2041")
    with pytest.raises(BadInput, match="no data set 2014"):
        call(2014)


def test_damaged_files_are_refused(tmp_path, monkeypatch):
    whole = (FOLDER / "wiod2008.npz").read_bytes()
    (tmp_path / "wiod2008.npz").write_bytes(whole[:-1])
    monkeypatch.setattr(catalogue, "_folder", lambda: tmp_path)
    with pytest.raises(BadInput, match=r"wiod2008\.npz was altered or cut short"):
        datasets.arrays("wiod2008")
    with pytest.raises(BadInput, match=r"icio2019\.npz is missing"):
        datasets.arrays("icio2019")
