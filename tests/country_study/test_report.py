"""Country studies: what page, screen and files say of the numbers."""

import csv
import html
import html.parser
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from exacthat import scenarios
from exacthat.commands import command
from exacthat.country_study.sensitivity import (
    CERTIFIED,
    REFUSED,
)
from exacthat.errors import BadInput
from exacthat.report.country import grids, words
from tests.country_study.conftest import FILE


@pytest.mark.parametrize(
    ("alone", "together", "said"),
    [(1.0, 2.0, "not immiserizing"), (-1.0, 2.0, "is immiserizing"), (-1.0, -0.5, "does not help it either")],
)
def test_immiserizing_is_said_as_it_is(study, alone, together, said):
    test = replace(study.immiserizing, closed=0.7, alone=alone, together=together)
    assert said in words.immiserizing(replace(study, immiserizing=test))[0]


def test_summary_is_made_of_the_numbers(study):
    told = " ".join(sentence for _, several in words.summary(study) for sentence in several)
    n = study.base.countries.index("PAK")
    assert f"gains {study.alone.welfare[n]:.2f} percent of welfare" in told
    assert f"cost {study.alone.bill:.1f} percent" in told
    assert f"{int((study.together.welfare > 0).sum())} of 81 gain" in told
    certified = sum(one.outcome == CERTIFIED for one in study.variants)
    assert certified + sum(one.outcome == REFUSED for one in study.variants) == len(study.variants)


class Page(html.parser.HTMLParser):
    """Collects everything on a page that could reach outside."""

    def __init__(self):
        super().__init__()
        self.outside, self.ids, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        held = dict(attributes)
        if tag in ("link", "iframe", "img", "object", "embed", "base"):
            self.outside.append(tag)
        for name in ("href", "src", "xlink:href", "srcset", "action"):
            if name in held and not held[name].startswith("#"):
                self.outside.append(held[name])
        if "id" in held:
            self.ids.append(held["id"])


def test_page_reaches_for_nothing_outside_itself(run):
    text = (run[0] / "own.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.outside == []
    assert text.count("<script>") == 1  # sorts the tables
    assert not re.search(r"import|fetch|XMLHttpRequest|https?:", text[text.index("<script>") :])
    assert len(page.ids) == len(set(page.ids))
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    named = set(re.findall(r"https?://[^\"'\s<]+", text))
    assert named <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names, not addresses
    for reference in set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text)):
        assert reference in page.ids


def test_page_shows_summary_tables_and_charts(run, study):
    text = (run[0] / "own.html").read_text(encoding="utf-8")
    assert "<title>Policy in Pakistan?</title>" in text
    assert text.index("certified") < text.index("<h1>")
    assert text.count("<svg") >= 12
    assert text.count("<figcaption>") == text.count("<svg")
    for grid in grids.every(study):
        assert html.escape(grid.title, quote=False).replace("'", "&#39;") in text


def test_screen_starts_with_its_certificate_and_holds_the_peers_table(run):
    _, result = run
    lines = result.stdout.splitlines()
    assert result.exit_code == 0, result.output
    assert re.fullmatch(r"certified: \d+ equilibria; worst residual \S+ \(tolerance 1e-10\)", lines[0])
    assert max(map(len, lines[:-1])) <= 100
    assert any(line.startswith(" PAK ") for line in lines)
    assert "Policy in Pakistan?" in lines


def test_tables_are_written_in_full_and_again_in_the_manifest(run):
    out, _ = run
    manifest = json.loads((out / "own.json").read_text(encoding="utf-8"))
    assert manifest["study"]["country"] == "PAK"
    assert manifest["study"]["first_part"] == "own-peers.json"
    assert manifest["equilibria"]["failed"] == []
    for key, table in manifest["tables"].items():
        header, *rows = csv.reader(io.StringIO((out / f"own-{key}.csv").read_text(encoding="utf-8")))
        assert header == table["columns"]
        assert len(rows) == len(table["rows"])
        for row, known in zip(rows, table["rows"]):
            assert [cell == ("" if value is None else str(value)) for cell, value in zip(row, known)] == [
                True
            ] * len(row)
    written = {path.name for path in out.iterdir()}
    assert written == {*manifest["files"], "own.json", "own-peers.json", "own-peers.csv", "own-peers.png"}
    first = json.loads((out / "own-peers.json").read_text(encoding="utf-8"))
    assert first["study"]["kind"] == "corrective-policy"


def test_the_documented_report_is_whole_and_says_what_the_page_prints():
    """The report in docs/ and the sentences beside it are of one run, and bear no trace of where it ran."""
    docs = Path(__file__).parents[2] / "docs"
    report = (docs / "pakistan.html").read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w<:/.])/\w+/\w+|\b[A-Z]:\\\\", report)  # an absolute path
    assert len(report) < 1_500_000
    printed = (docs / "country-study.md").read_text(encoding="utf-8").split("```\n")[1]
    title, findings = printed.split("\n\n", 1)
    shown = html.unescape(re.sub(r"<[^>]+>", " ", report)).split()
    assert f"<h1>{title}</h1>" in report
    assert " ".join(findings.split()) in " ".join(shown)


@pytest.mark.parametrize("suffix", [".html", "-claims.csv", "-peers.csv"])
def test_files_of_others_are_not_replaced(tmp_path, suffix):
    (tmp_path / "own.toml").write_text(FILE, encoding="utf-8")
    theirs = tmp_path / f"own{suffix}"
    theirs.write_text("theirs", encoding="utf-8")
    result = CliRunner().invoke(command, ["run", str(tmp_path / "own.toml"), "--out", str(tmp_path)])
    assert result.exit_code == 3
    assert "is no result of this command" in result.stderr
    assert theirs.read_text(encoding="utf-8") == "theirs"


def test_another_country_names_its_files():
    plan = scenarios.find("pakistan", "VNM")
    assert (plan.name, plan.table_name) == ("pakistan-VNM", "peers-VNM")
    assert plan.title == "Is there a case for industrial policy in Viet Nam?"
    assert plan.countries == ("VNM", "PAK", "BGD", "IND", "IDN", "MYS")
    assert scenarios.find("pakistan").table_name == "peers"
    assert scenarios.find("pakistan", "DEU").countries[0] == "DEU"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pakistan", "--country", "PAQ"], "--country is the unknown label 'PAQ'; did you mean 'PAK'?"),
        (["pakistan", "--country", "vnm"], "did you mean 'VNM'?"),
        (["peers", "--country", "VNM"], "--country VNM has no use in a study of kind 'corrective-policy'"),
    ],
)
def test_wrong_countries_are_refused(arguments, message):
    result = CliRunner().invoke(command, ["run", *arguments])
    assert result.exit_code == 3
    assert message in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('country = "PAK"\n', "", "needs country"),
        ('"icio2019"', '"wiod2014"', "needs data = 'icio2019'"),
        ("draws = 2", "draws = -1", "draws is -1"),
        ("draws = 2", "seed = 1.5", "seed is 1.5"),
        ("learning = false", 'learning = "no"', "must be true or false"),
        ("learning = false", 'table_name = "own"', "the name of the scenario"),
        ("[economy]\n", '[economy]\nentry = "restricted"\n', "needs entry = 'free'"),
        ("[economy]\n", '[economy]\ndeficits = "fixed"\n', "needs deficits = 'zero'"),
        ('kind = "country-study"', 'kind = "corrective-policy"', "draws has no use"),
    ],
)
def test_faults_of_the_file_are_named(old, new, message):
    with pytest.raises(BadInput) as caught:
        scenarios.read(FILE.replace(old, new), "own.toml")
    assert message in str(caught.value)
