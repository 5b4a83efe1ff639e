"""The embedded time series are the recorded ones, complete with unit, source and licence."""

import hashlib
import tomllib
from importlib.resources import files

import numpy as np
import pytest

from exacthat import datasets
from exacthat.errors import BadInput

FOLDER = files("exacthat.datasets") / "data"
RECORD = tomllib.loads((FOLDER / "provenance.toml").read_text(encoding="utf-8"))["series"]["peers"]


def test_file_has_the_recorded_hash():
    assert hashlib.sha256((FOLDER / RECORD["file"]).read_bytes()).hexdigest() == RECORD["sha256"]


def test_every_column_of_the_file_is_described():
    header = (FOLDER / RECORD["file"]).read_text(encoding="utf-8").splitlines()[0].split(",")
    assert tuple(header) == ("country", "year", *datasets.series_names())


@pytest.mark.parametrize("name", datasets.series_names())
def test_series_are_labelled_and_hold_numbers_for_the_six(name):
    held = datasets.series(name)
    assert held.title
    assert held.unit
    assert held.source
    assert held.licence
    assert held.countries == tuple(datasets.series_countries())
    assert held.values.shape == (len(held.countries), len(held.years))
    assert (np.diff(held.years) == 1).all()
    for country in ("PAK", "BGD", "VNM", "IND", "IDN", "MYS"):
        years, values = held.of(country)
        assert len(years) == len(values) >= 10
        assert np.isfinite(values).all()


@pytest.mark.parametrize("name", [name for name in datasets.series_names() if "_pct_gdp" in name])
def test_shares_are_between_nothing_and_everything(name):
    values = datasets.series(name).values
    known = values[np.isfinite(values)]
    assert ((known > 0) & (known < 100)).all()


def test_growth_is_that_of_the_recorded_years():
    years, growth = datasets.series("manuf_va_growth_pct").of("PAK")
    assert (years[0], years[-1]) == (1971, 2020)
    assert np.prod(1 + growth / 100) ** (1 / 50) == pytest.approx(1.05, abs=0.01)


def test_unknown_names_and_countries_are_refused_with_the_nearest():
    with pytest.raises(BadInput, match="did you mean 'manuf_va_pct_gdp'"):
        datasets.series("manuf_va_pct_gpd")
    with pytest.raises(BadInput, match="no country 'DEU'"):
        datasets.series("manuf_va_pct_gdp").of("DEU")
    with pytest.raises(BadInput, match="no year of 'CHN'"):
        _empty().of("CHN")


def _empty():
    held = datasets.series("manuf_va_pct_gdp")
    return type(held)(
        held.name, held.title, held.unit, held.source, held.licence, held.countries, held.years,
        np.full_like(held.values, np.nan),
    )  # fmt: skip


def test_series_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        datasets.series("manuf_va_pct_gdp").values[0, 0] = 1.0
