"""The command: what it prints and writes, its exit codes, its refusals."""

import builtins
import csv
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version

import pytest
from click.testing import CliRunner

import exacthat as eh
from exacthat import cli, cluster_study, datasets, scenarios
from exacthat.commands import command
from exacthat.errors import BadInput, BadParameter, ExacthatError, NoEquilibrium, NotCertified, NotConverged

FLOWS = """origin,destination,industry,value
A,A,food,60
A,B,food,10
B,A,food,12
B,B,food,30
A,A,steel,40
A,B,steel,20
B,A,steel,15
B,B,steel,70
"""
OWN = """[scenario]
name = "own"
title = "Two countries"
[economy]
flows = "flows.csv"
source = "made up"
trade_elasticity = 4.0
scale_elasticity = { food = 0.05, steel = 0.2 }
"""
CORRECTIVE = '[study]\nkind = "corrective-policy"\n'
DEARER = '[[counterfactual]]\nname = "dearer"\ntrade_cost = 1.1\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows.csv").write_text(FLOWS, encoding="utf-8")
    return tmp_path


def invoke(*arguments):
    return CliRunner().invoke(command, list(arguments), prog_name="exacthat")


def run_own(folder, text, *options):
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return invoke("run", "own.toml", *options)


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    out = tmp_path_factory.mktemp("peers")
    return out, invoke("run", "peers", "--out", str(out))


def read(path):
    with open(path, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_peers_run_starts_with_its_certificate_and_fits_the_screen(peers):
    _, result = peers
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert result.stderr == ""
    assert re.fullmatch(r"certified: all 8 equilibria; worst residual \S+ \(tolerance 1e-10\)", lines[0])
    assert max(map(len, lines[:-1])) <= 100  # the last names a folder
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    "said",
    ["icio2019", "2019", "OECD", "deficits purged", "free", "Lashkaripour and Lugovskyy (2023), Table 3",
     "services' trade elasticity 4", "percent", "numeraire", "1e-10"],
)  # fmt: skip
def test_peers_run_says_what_it_rests_on(peers, said):
    before, _, _ = " ".join(peers[1].stdout.split()).partition("PAK")
    assert said in before


def test_table_file_holds_the_table_in_full_digits(peers):
    out, _ = peers
    result = scenarios.run(scenarios.find("peers"))
    rows = read(out / "peers.csv")
    assert [row.pop("country") for row in rows] == ["PAK", "BGD", "VNM", "IND", "IDN", "MYS"]
    for at, row in enumerate(rows):
        assert {name: float(cell) for name, cell in row.items()} == {
            f"{name}_percent": values[at] for name, values in result.columns.items()
        }


def test_screen_and_file_show_the_same_numbers(peers):
    out, result = peers
    for row in read(out / "peers.csv"):
        shown = re.search(rf"^ {row.pop('country')} +(.*)$", result.stdout, re.MULTILINE).group(1).split()
        assert shown == [f"{float(cell):.2f}" for cell in row.values()]


def test_sentences_follow_from_the_table(peers):
    out, result = peers
    rows = read(out / "peers.csv")
    text = " ".join(result.stdout.split())
    up = [row["country"] for row in rows if float(row["gain_alone_percent"]) > 0]
    down = [row["country"] for row in rows if float(row["gain_alone_percent"]) < 0]
    assert (
        f"Acting alone, {', '.join(up[:-1])} and {up[-1]} gain; {', '.join(down[:-1])} and {down[-1]} lose."
        in text
    )
    together = scenarios.run(scenarios.find("peers")).welfare["all together"]
    assert f"With all 81 countries acting together, {(together > 0).sum()} of 81 gain" in text


def test_manifest_tells_how_the_numbers_came_about(peers):
    out, result = peers
    manifest = json.loads((out / "peers.json").read_text(encoding="utf-8"))
    plan = scenarios.find("peers")
    assert manifest["program"] == "exacthat"
    assert manifest["outcome"] == "certified"
    assert manifest["summary"] == result.stdout.splitlines()[0]
    assert manifest["data"] == [{"name": "icio2019", "sha256": datasets.data_hash("icio2019")}]
    assert manifest["scenario"] == {"origin": "peers", "sha256": plan.scenario_hash}
    assert manifest["tolerances"] == {"counterfactual": 1e-10, "base year": 1e-13}
    assert manifest["versions"].keys() == {"exacthat", "python", "numpy", "scipy", "matplotlib"}
    assert manifest["versions"]["numpy"] == version("numpy")
    assert manifest["kernel"]["instruction_set"] == manifest["certificates"]["PAK alone"]["instruction_set"]
    assert len(manifest["certificates"]) == 8
    for certificate in manifest["certificates"].values():
        assert certificate["outcome"] == "certified"
        assert certificate["residual"] <= certificate["tolerance"]
    assert manifest["economy"]["options"]["services_trade_elasticity"] == 4.0
    assert manifest["wall_seconds"] > 0
    assert all(sentence in " ".join(result.stdout.split()) for sentence in manifest["findings"])


def test_manifest_carries_table_and_hashes_of_the_other_files(peers):
    import hashlib

    out, _ = peers
    manifest = json.loads((out / "peers.json").read_text(encoding="utf-8"))
    for name, sha256 in manifest["files"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == sha256
    header, *rows = csv.reader((out / "peers.csv").read_text(encoding="utf-8").splitlines())
    assert [name.removesuffix("_percent") for name in header] == manifest["table"]["columns"]
    assert [[row[0], *map(float, row[1:])] for row in rows] == manifest["table"]["rows"]


def test_run_names_its_files_and_writes_no_others(peers):
    out, result = peers
    names = {"peers.json", "peers.csv", "peers.png"}
    assert {path.name for path in out.iterdir()} == names
    last = result.stdout.splitlines()[-1]
    assert last == f"Written to {out.resolve()}: peers.json, peers.csv, peers.png"
    assert (out / "peers.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_second_run_replaces_its_own_files_with_the_same_table(folder):
    assert run_own(folder, OWN + CORRECTIVE).exit_code == 0
    first = (folder / "own.csv").read_bytes()
    again = run_own(folder, OWN + CORRECTIVE, "--threads", "2")
    assert again.exit_code == 0
    assert (folder / "own.csv").read_bytes() == first


@pytest.mark.parametrize("name", [name for name in scenarios.embedded() if name not in ("pakistan", "peers")])
def test_other_embedded_scenarios_run(tmp_path, name):
    result = invoke("run", name, "--out", str(tmp_path / "new" / "folder"))
    assert result.exit_code == 0, result.output
    assert len(read(tmp_path / "new" / "folder" / f"{name}.csv")) >= 3
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 100


def test_table5_prints_the_comparison_and_keeps_every_certificate(tmp_path):
    result = invoke("run", "table5", "--out", str(tmp_path))
    assert result.stdout.startswith("certified: all 180 equilibria;")
    text = " ".join(result.stdout.split())
    assert "mean -0.3236 percent with swapped tariffs, which agrees with the printed -0.32" in text
    assert "mean -6.1093 percent with swapped tariffs, which differs from the printed -2.78" in text
    assert "…" not in result.stdout  # nothing is cut off at 80 columns
    manifest = json.loads((tmp_path / "table5.json").read_text(encoding="utf-8"))
    assert manifest["table"]["summary"]["printed"] == [-0.32, None, 1.67, None, -2.78, None, 3.42, None]
    assert manifest["certificates"]["free entry, swapped tariffs: BEL alone"]["outcome"] == "certified"


def test_nafta_prints_first_order_and_exact(tmp_path):
    text = " ".join(invoke("run", "nafta", "--out", str(tmp_path)).stdout.split())
    assert "99 percent sample; services' trade elasticity 8.22" in text
    assert "MEX: first-order welfare 1.31 percent (printed: 1.31), exact real income 0.007." in text


def test_a_published_table_that_misses_its_tolerance_says_so(tmp_path):
    result = invoke("run", "nafta", "--tol", "1e-18", "--out", str(tmp_path))
    assert result.exit_code == 6
    assert result.stdout.startswith("NOT certified")
    assert "failed" in result.stdout


def test_gains_table_of_all_countries_names_the_column_that_is_no_percentage(tmp_path):
    result = invoke("run", "gains-wiod2014", "--out", str(tmp_path))
    rows = read(tmp_path / "gains-wiod2014.csv")
    manifest = json.loads((tmp_path / "gains-wiod2014.json").read_text(encoding="utf-8"))
    table = eh.gains_table(eh.datasets.load("wiod2014", deficits="zero"), 5.0)
    assert [row["country"] for row in rows] == list(table.countries)
    columns = {
        "gains_from_trade_percent": table.with_scale,
        "gains_from_trade_no_scale_percent": table.no_scale,
        "gains_single_industry_percent": table.single_industry,
        "effective_elasticity": table.effective_elasticity,
        "domestic_share_percent": table.domestic_share,
    }
    assert list(rows[0]) == ["country", *columns]
    for name, values in columns.items():
        assert [float(row[name]) for row in rows] == values.tolist(), name
    assert manifest["table"]["numbers"] == ["effective_elasticity"]
    assert result.stdout.splitlines()[0].startswith("certified: 1 equilibrium")


def test_country_without_trade_has_no_effective_elasticity_and_no_failure(folder):
    (folder / "flows.csv").write_text("origin,destination,industry,value\nA,A,food,3\n", encoding="utf-8")
    text = OWN.replace("{ food = 0.05, steel = 0.2 }", "0.1") + '[study]\nkind = "gains-from-trade"\n'
    result = run_own(folder, text)
    assert result.exit_code == 0
    assert re.search(r"^ A +0\.00 +0\.00 +none +100\.00$", result.stdout, re.MULTILINE)


def test_closed_form_says_that_nothing_was_solved(tmp_path):
    result = invoke("run", "autarky-wiod2008", "--out", str(tmp_path))
    assert result.stdout.startswith("closed form: no equilibrium was solved\n")
    assert "Deficits are as observed" in result.stdout


def test_own_flows_and_counterfactual(folder):
    result = run_own(folder, OWN + DEARER)
    assert result.exit_code == 0, result.output
    assert "flows.csv; 2 countries x 2 industries" in result.stdout
    assert "made up" in result.stdout
    rows = read(folder / "own.csv")
    assert [(row["counterfactual"], row["country"]) for row in rows] == [("dearer", "A"), ("dearer", "B")]
    assert all(float(row["welfare_percent"]) < 0 for row in rows)
    assert "dearer: 0 of 2 countries gain" in result.stdout


def test_json_replaces_the_table(folder):
    result = run_own(folder, OWN + CORRECTIVE, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads((folder / "own.json").read_text(encoding="utf-8"))


def test_failed_solves_leave_a_table_without_their_numbers(tmp_path):
    result = invoke("run", "peers", "--tol", "1e-18", "--out", str(tmp_path))
    failed = scenarios.run(scenarios.find("peers"), tol=1e-18).failed  # a residual may be zero by chance
    assert len(failed) >= 2
    assert result.exit_code == NotConverged.exit_code == 6
    first = " ".join(result.stdout.split("\n\n")[0].split())
    assert first.startswith(
        f"NOT certified: {len(failed)} of 8 equilibria miss the tolerance 1e-18: {failed[0]}"
    )
    assert result.stderr.startswith(f"error: not converged: {failed[0]} (")
    manifest = json.loads((tmp_path / "peers.json").read_text(encoding="utf-8"))
    assert manifest["outcome"] == "not certified"
    at = manifest["table"]["columns"].index("gain_alone")
    for row, cells in zip(read(tmp_path / "peers.csv"), manifest["table"]["rows"]):
        missing = f"{row['country']} alone" in failed
        assert (row["gain_alone_percent"] == "nan") == (cells[at] is None) == missing
        assert bool(re.search(rf"^ {row['country']} .* failed ", result.stdout, re.MULTILINE)) == missing
    assert manifest["findings"][-1].startswith("Nothing is said of ")


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (OWN + CORRECTIVE + 'countries = ["C"]\n', BadInput.exit_code, "unknown label 'C'"),
        (OWN.replace("steel = 0.2", "steel = 0.3") + CORRECTIVE, BadParameter.exit_code, "mu*epsilon = 1.2"),
        (OWN + DEARER.replace("1.1", "inf") + 'deficits = "fixed"\n', BadInput.exit_code, "'deficits' is not a key"),
        (OWN + 'deficits = "fixed"\n' + DEARER.replace("1.1", "inf"), NoEquilibrium.exit_code,
         "counterfactual 'dearer'"),
        (OWN + CORRECTIVE + 'kinds = "x"\n[study2]\n', BadInput.exit_code, "did you mean 'kind'?"),
    ],
)  # fmt: skip
def test_errors_are_one_message_with_their_exit_code(folder, text, code, message):
    result = run_own(folder, text)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("error:")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (folder / "own.csv").exists()


@pytest.mark.parametrize(
    "error", [ExacthatError("x"), BadInput("x"), BadParameter("x"), NoEquilibrium("x"), NotConverged("x"),
              NotCertified("x")],
)  # fmt: skip
def test_every_error_of_the_package_has_its_exit_code(monkeypatch, tmp_path, error):
    def fail(*args, **options):
        raise error

    monkeypatch.setattr(scenarios, "run", fail)
    result = invoke("run", "peers", "--out", str(tmp_path))
    assert (result.exit_code, result.stderr) == (type(error).exit_code, "error: x\n")


def test_help_lists_the_exit_code_of_every_error():
    text = invoke("run", "--help").stdout
    for kind in (ExacthatError, BadInput, BadParameter, NoEquilibrium, NotConverged, NotCertified):
        assert re.search(rf"^ +{kind.exit_code}  ", text, re.MULTILINE), kind
    for name in scenarios.embedded():
        assert name in text


def test_unknown_scenario_suggests_the_nearest():
    result = invoke("run", "peer")
    assert result.exit_code == 3
    assert "did you mean 'peers'?" in result.stderr


def test_unknown_scenario_names_all_there_are_and_the_file_of_that_name(folder):
    said = invoke("run", "nofigs").stderr
    assert all(name in said for name in (*scenarios.embedded(), *cluster_study.names()))
    (folder / "own_ok.toml").write_text(OWN, encoding="utf-8")
    assert "did you mean 'own_ok.toml'?" in invoke("run", "own_ok").stderr
    assert invoke("run", "").exit_code == 3


def test_all_faults_of_a_file_are_printed(folder):
    result = run_own(folder, '[economy]\ndata = "wiod2014"\ntrade_elasticity = -1\n' + CORRECTIVE)
    assert result.exit_code == BadParameter.exit_code
    assert len(result.stderr.splitlines()) == 1 + 16
    assert ".problems" not in result.stderr


def test_help_and_studies_agree_on_the_tolerance():
    said = " ".join(invoke("run", "--help").stdout.split())
    assert "at most 1e-06; of paths of clusters, at least 1e-11. [default: 1e-10; 0.0<x<=0.0001]" in said
    for name in ("peers", "autarky-wiod2008"):  # whether anything is solved or not
        refused = invoke("run", name, "--tol", "1e-5")
        assert refused.exit_code == BadParameter.exit_code
        assert refused.stderr == "error: tol is 1e-05; it must be one number above 0 and at most 1e-06\n"


def test_the_cure_for_several_equilibria_is_no_option_of_the_command(folder):
    result = run_own(folder, OWN.replace("steel = 0.2", "steel = 0.3") + CORRECTIVE)
    assert "(4). From Python, counterfactual with allow_multiple=True returns one" in result.stderr


@pytest.mark.parametrize("options", [("--tol", "0"), ("--tol", "1"), ("--threads", "0"), ("--tall",)])
def test_wrong_options_are_usage_errors(options):
    assert invoke("run", *options).exit_code == 2


def test_folder_that_cannot_be_made_is_one_message(folder):
    result = run_own(folder, OWN + CORRECTIVE, "--out", "flows.csv/below")
    assert result.exit_code == 1
    assert result.stderr.startswith("error:")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("suffix", ["csv", "json", "png"])
def test_files_of_others_are_not_replaced(folder, suffix):
    theirs = folder / f"own.{suffix}"
    theirs.write_text("{}", encoding="utf-8")
    result = run_own(folder, OWN + CORRECTIVE)
    assert result.exit_code == 3
    assert f"own.{suffix} exists and is no result of this command" in result.stderr
    assert theirs.read_text(encoding="utf-8") == "{}"
    assert run_own(folder, OWN + CORRECTIVE, "--out", "elsewhere").exit_code == 0


def test_tables_read_are_not_replaced_even_beside_own_results(folder):
    text = OWN.replace('"own"', '"flows"') + CORRECTIVE
    (folder / "flows.json").write_text('{"program": "exacthat", "name": "flows"}', encoding="utf-8")
    result = run_own(folder, text)
    assert result.exit_code == 3
    assert "is read by the scenario and would be overwritten" in result.stderr
    assert (folder / "flows.csv").read_text(encoding="utf-8") == FLOWS


def test_data_lists_all_and_describes_one():
    listed = invoke("data")
    assert listed.exit_code == 0
    assert all(name in listed.stdout for name in datasets.names())
    described = invoke("data", "icio2019")
    assert described.stdout == f"{datasets.describe('icio2019')}\n"
    unknown = invoke("data", "icio2018")
    assert unknown.exit_code == 3
    assert "did you mean 'icio2019'?" in unknown.stderr


def test_without_its_packages_the_command_says_how_to_get_them(monkeypatch, capsys):
    monkeypatch.setattr(cli, "NEEDED", ("click", "no_such_package"))
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    said = capsys.readouterr().err
    assert stopped.value.code == 1
    assert said == 'the command needs no_such_package: install with  pip install "exacthat[app]"\n'


def test_entry_point_needs_none_of_its_packages_to_load(monkeypatch):
    import importlib

    real = builtins.__import__

    def refuse(name, *rest):
        if name.split(".")[0] in cli.NEEDED:
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    importlib.reload(cli)


def test_module_is_the_command():
    ran = subprocess.run(
        [sys.executable, "-m", "exacthat", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout == f"exacthat, version {version('exacthat')}\n"


def test_a_reader_that_leaves_early_is_no_error():
    gone, pipe = os.pipe()
    os.close(gone)
    with os.fdopen(pipe, "wb") as nobody:
        ran = subprocess.run(
            [sys.executable, "-m", "exacthat", "data"], stdout=nobody, stderr=subprocess.PIPE
        )
    assert (ran.returncode, ran.stderr) == (0, b"")
