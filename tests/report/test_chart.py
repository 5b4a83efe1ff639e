"""Charts: drawn for every kind of study, also where numbers are missing."""

import numpy as np
import pytest

import exacthat as eh
from exacthat import scenarios
from exacthat.report.chart import chart_png

HEAD = '[scenario]\ntitle = "A title"\n[economy]\ndata = "wiod2014"\n[study]\ncountries = ["USA", "LUX", "DEU"]\n'
KINDS = {
    "corrective-policy": 'kind = "corrective-policy"\n',
    "gains-from-trade": 'kind = "gains-from-trade"\nsingle_industry_elasticity = 4\n',
    "counterfactual": "".join(f'[[counterfactual]]\nname = "{n}"\nlabour = 1.{n}\n' for n in range(1, 4)),
}


def size(png):
    assert png.startswith(b"\x89PNG\r\n")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tol", [1e-10, 1e-18])
def test_every_kind_is_drawn_and_drawn_the_same_again(kind, tol):
    plan = scenarios.read(HEAD + KINDS[kind], "own.toml")
    result = scenarios.run(plan, tol=tol)
    picture = chart_png(plan, result)
    width, height = size(picture)
    assert width >= 1000
    assert height >= 400
    assert chart_png(plan, result) == picture


@pytest.mark.parametrize("name", ["table5", "nafta"])
@pytest.mark.parametrize("tol", [1e-10, 1e-18])
def test_published_tables_are_drawn(name, tol):
    plan = scenarios.find(name)
    result = scenarios.run(plan, tol=tol)
    assert bool(result.failed) == (tol < 1e-17)
    assert size(chart_png(plan, result))[0] >= 1000


def test_chart_grows_with_its_rows():
    few = scenarios.read(HEAD + KINDS["gains-from-trade"], "own.toml")
    text = HEAD.replace('countries = ["USA", "LUX", "DEU"]\n', "") + KINDS["gains-from-trade"]
    many = scenarios.read(text, "own.toml")
    heights = [size(chart_png(plan, scenarios.run(plan)))[1] for plan in (few, many)]
    assert heights[1] > 4 * heights[0]
    assert len(many.countries) == len(eh.datasets.load("wiod2014").countries)
    assert np.isfinite(scenarios.run(many).columns["gains_from_trade"]).all()
