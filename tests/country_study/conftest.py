"""One study and one run of the command, for all tests of country studies."""

import pytest
from click.testing import CliRunner

import exacthat as eh
from exacthat import datasets
from exacthat.commands import command
from exacthat.country_study import country_study

FILE = """[scenario]
name = "own"
title = "Policy in {country}?"
[economy]
data = "icio2019"
services_trade_elasticity = 4.0
[study]
kind = "country-study"
country = "PAK"
countries = ["PAK", "VNM"]
draws = 2
learning = false
"""


@pytest.fixture(scope="session")
def economy():
    return datasets.load("icio2019")


@pytest.fixture(scope="session")
def base(economy):
    return eh.purge_deficits(economy)


@pytest.fixture(scope="session")
def study(economy):
    return country_study(economy, "PAK", ["VNM"], draws=2, learning=False)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("country")
    (folder / "own.toml").write_text(FILE, encoding="utf-8")
    out = folder / "out"
    arguments = ["run", str(folder / "own.toml"), "--out", str(out)]
    return out, CliRunner().invoke(command, arguments, prog_name="exacthat")
