"""Studies of clusters: the names that run, what their checks measure, what the command writes."""

import csv
import hashlib
import json

import numpy as np
import pytest
from click.testing import CliRunner

from exacthat import (
    BadInput,
    BadParameter,
    cluster_checks,
    cluster_country,
    cluster_study,
    clusters,
    datasets,
)
from exacthat.clusters import examples
from exacthat.commands import command

DELAY = 105 * (3 / np.sqrt(7) - 1)  # of Figure 6 at an elasticity of 2


def invoke(*words):
    return CliRunner().invoke(command, list(map(str, words)))


def broken(states, **changes):
    held = {key: np.array(getattr(states, key)) for key in clusters.States.__dataclass_fields__}
    return clusters.States(**{**held, **{key: change(held[key]) for key, change in changes.items()}})


def test_every_example_has_a_scenario():
    assert len(cluster_study.names()) == len(examples.names()) + 2
    assert cluster_study.known("hanlon-figure-6") == "hanlon-fig6"
    assert cluster_study.owns("hanlon-fig6")
    assert not cluster_study.owns("hanlon-mine.toml")
    assert not cluster_study.owns("peers")


def test_command_prints_the_check_first_and_writes_three_files(tmp_path):
    done = invoke("run", "hanlon-fig6", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("checked: static equilibrium along the paths")
    assert "14.058809  delayed    free trade starts" in done.output
    manifest = json.loads((tmp_path / "hanlon-fig6.json").read_text())
    assert manifest["outcome"] == "checked"
    for name, sha256 in manifest["files"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sha256
    starts = [
        one["time"] for one in manifest["events"] if one["schedule"] == "delayed" and one["kind"] == "phase"
    ]
    assert starts == pytest.approx([0.0, DELAY], rel=1e-9)
    with open(tmp_path / "hanlon-fig6.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    jump = [float(row["consumption"]) for row in rows if row["schedule"] == "delayed" and row["country"] == "home"
            and abs(float(row["time"]) - DELAY) < 1e-6]  # fmt: skip
    assert len(jump) == 2  # the limits from both sides
    assert jump[1] / jump[0] == pytest.approx(4 / 3, rel=1e-6)
    assert (tmp_path / "hanlon-fig6.png").read_bytes().startswith(b"\x89PNG")


def test_command_prints_the_manifest_it_writes(tmp_path):
    done = invoke("run", "hanlon-fig1", "--json", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output) == json.loads((tmp_path / "hanlon-fig1.json").read_text())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["hanlon-fig66"], 3, "did you mean 'hanlon-fig6'"),
        (["hanlon-fig6", "--country", "VNM"], 3, "has no use"),
        (["hanlon-fig6", "--tol", "1e-13"], 4, "must lie between"),
        (["clusters-pakistan", "--threads", "2"], 3, "--threads 2 has no use"),
    ],
)
def test_wrong_inputs_are_named(tmp_path, words, code, said):
    done = invoke("run", *words, "--out", tmp_path)
    assert done.exit_code == code
    assert said in done.output
    assert not list(tmp_path.iterdir())


def test_files_of_others_are_kept(tmp_path):
    (tmp_path / "hanlon-fig6.csv").write_text("mine")
    assert invoke("run", "hanlon-fig6", "--out", tmp_path).exit_code == 3
    assert (tmp_path / "hanlon-fig6.csv").read_text() == "mine"


@pytest.mark.parametrize("name", ["figure-5", "figure-7", "figure-8"])
def test_residual_is_round_off_and_sees_every_variable(name):
    for path in examples.load(name).run().values():
        for _, piece, states in cluster_checks.pieces(path, 5):
            assert cluster_checks.static_residual(path, piece, states).max() < 1e-13
            for key in ("technology", "consumption", "employment"):
                moved = broken(
                    states, **{key: lambda values: values * (1 + 1e-6 * (np.arange(values.shape[-1]) + 1))}
                )
                assert cluster_checks.static_residual(path, piece, moved).min() > 1e-7


def test_a_path_that_a_tighter_one_contradicts_fails(monkeypatch):
    simulate = cluster_checks.simulate
    monkeypatch.setattr(
        cluster_checks, "simulate", lambda world, *rest, rtol: simulate(
            world.replace(spillovers=1.0001 * world.spillovers), *rest, rtol=rtol))  # fmt: skip
    study = cluster_study.run("hanlon-fig6")
    assert study.failed == ("shift of event dates", "shift of consumption")


def test_unknown_names_and_tolerances_are_refused():
    with pytest.raises(BadInput, match="did you mean"):
        cluster_study.run("hanlon-proposition-9")
    with pytest.raises(BadParameter, match="tolerance"):
        cluster_study.run("hanlon-fig6", tol=1e-3)


def test_pakistan_keeps_one_good_and_learns_nothing_at_home():
    study = cluster_study.run("clusters-pakistan")
    assert not study.failed
    for matrix in cluster_study.MATRICES:
        opened = study.paths[f"{matrix}: trade"].at(0.0).employment[0, 0, :-1]
        assert np.count_nonzero(opened) == 1
        growth = study.paths[f"{matrix}: autarky"].at([0.0, 0.01]).consumption[:, 1]
        assert np.log(growth[1] / growth[0]) / 0.01 == pytest.approx(cluster_study.PACE, rel=1e-2)
    assert sum("destroyed? Yes" in line for line in study.findings) == 2


def test_the_country_s_cases_show_what_its_answers_hang_on():
    economy = datasets.load(cluster_country.DATA)
    rows = cluster_country.sensitivity(economy)
    cases = [dict(zip(cluster_country.COLUMNS, row)) for row in rows]
    assert len(cases) == len(cluster_country.MATRICES) * (4 + len(cluster_country.SIGMAS) - 1 + 5)
    by_wage = [case for case in cases if case["case"].startswith(("as above", "wage"))]
    assert len({case["goods kept"] for case in by_wage}) == 1  # the wage is a unit
    assert len({round(case["growth autarky"], 6) for case in by_wage}) > 2  # but learning counts workers
    against = [case for case in cases if case["case"].startswith("against")]
    assert {case["case"].removeprefix("against ") for case in against} == set(cluster_country.PEERS)
    assert max(case["goods kept"] for case in against) > max(case["goods kept"] for case in by_wage)
    for case in cases:
        assert (case["own learning"] < 0) == (case["cluster destroyed"] == "yes")
        assert (case["growth open"] < case["growth autarky"]) == (case["consumers lose"] == "yes")
    said = " ".join(cluster_country.summary(rows))
    assert f"in {sum(case['consumers lose'] == 'yes' for case in cases)} of {len(cases)} cases" in said
