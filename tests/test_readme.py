"""The README says what the program does: its output is the program's, its example runs, its commands are CI's."""

import doctest
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def block(name: str) -> str:
    """The fenced block after the mark <!-- name -->."""
    return re.search(rf"<!-- {name} -->\n```\w*\n(.*?)\n```", README.read_text("utf8"), re.S).group(1)


def words(text: str) -> list[str]:
    """All words but the residual, which depends on the processor."""
    return re.sub(r"worst residual \S+", "", text).split()


def test_the_printed_output_is_how_the_output_begins(tmp_path):
    runner = pytest.importorskip("click.testing").CliRunner()
    from exacthat.commands import command

    result = runner.invoke(command, ["run", "--out", str(tmp_path)])
    assert result.exit_code == 0
    shown = words(block("output"))
    assert len(shown) > 200
    assert words(result.stdout)[: len(shown)] == shown


def test_the_page_of_slips_runs():
    failed, run = doctest.testfile(str(README.parent / "docs" / "slips.md"), module_relative=False)
    assert failed == 0 < run


def test_the_example_runs(capsys):
    exec(compile(block("example"), "README", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("certified")
    assert re.search(r"-?\d+\.\d\d percent, gains from trade \d+\.\d\d percent", printed)


@pytest.mark.parametrize(("name", "end"), [("run", "&& exacthat run"), ("test", "&& pytest")])
def test_each_command_is_one_line_from_a_fresh_environment(name, end):
    command = block(name)
    assert "\n" not in command
    assert command.startswith("python3 -m venv .venv && ")
    assert command.endswith(end)
