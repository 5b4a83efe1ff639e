"""Scenario files: what they build, and every way of getting them wrong."""

import hashlib

import numpy as np
import pytest

import exacthat as eh
from exacthat import datasets, scenarios
from exacthat.errors import BadInput, BadParameter

DATA = '[economy]\ndata = "wiod2014"\n'
GAINS = '[study]\nkind = "gains-from-trade"\n'
FLOWS = """origin,destination,industry,value
NA,NA,010121,8
NA,B,010121,2
B,NA,010121,3
B,B,010121,9
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "flows.csv").write_text(FLOWS, encoding="utf-8")
    (tmp_path / "elasticities.csv").write_text(
        "industry,trade_elasticity,scale_elasticity\n010121,5,0.1\n", encoding="utf-8"
    )
    return tmp_path


def change(entry, data=DATA):
    return scenarios.read(f'{data}[[counterfactual]]\nname = "it"\n{entry}\n', "own.toml")


def faults(text, folder=None, kind=BadInput):
    with pytest.raises(kind) as caught:
        scenarios.read(text, "own.toml", *([folder] if folder else []))
    return caught.value.problems


def only_fault(text, folder=None, kind=BadInput):
    problems = faults(text, folder, kind)
    assert len(problems) == 1, problems
    return problems[0]


@pytest.mark.parametrize("name", scenarios.embedded())
def test_embedded_scenarios_are_valid_and_named_as_their_files(name):
    plan = scenarios.find(name)
    assert plan.name == plan.origin == name
    assert plan.title != name
    assert plan.hashes == {plan.options["data"]: datasets.data_hash(plan.options["data"])}


@pytest.mark.parametrize(("name", "kind"), [("pakistan", "country-study"), ("peers", "corrective-policy")])
def test_default_and_its_first_part_are_of_pakistan_and_its_peers(name, kind):
    assert scenarios.DEFAULT == "pakistan"
    plan = scenarios.find(name)
    assert plan.kind == kind
    assert plan.countries == ("PAK", "BGD", "VNM", "IND", "IDN", "MYS")
    assert (plan.deficits, plan.economy.entry) == ("zero", "free")
    assert plan.economy.trade_elasticity[plan.economy.industries.index("SERV")] == 4.0


def test_multi_industry_gains_are_those_of_the_handbook():
    plan = scenarios.find("autarky-wiod2008")
    columns = scenarios.run(plan).columns
    assert plan.countries == ("IRL", "BEL", "DEU", "CHN", "USA")
    assert columns["gains_from_trade"].round(1).tolist() == [23.5, 32.7, 12.7, 4.0, 4.4]
    assert columns["gains_single_industry"].round(1).tolist() == [8.0, 7.5, 4.5, 2.6, 1.8]


def test_file_is_found_by_its_path_and_names_itself(folder):
    path = folder / "my study.toml"
    path.write_text(DATA + GAINS, encoding="utf-8-sig")
    plan = scenarios.find(path)
    assert (plan.name, plan.title, plan.origin) == ("my-study", "my-study", str(path))
    assert plan.scenario_hash == hashlib.sha256((DATA + GAINS).encode()).hexdigest()
    assert plan.countries == plan.economy.countries


def test_own_flows_keep_ids_as_text_and_take_elasticities_from_a_file(folder):
    plan = scenarios.read(
        f'[economy]\nflows = "flows.csv"\nelasticities = "elasticities.csv"\n{GAINS}', "own.toml", folder
    )
    assert plan.economy.countries == ("NA", "B")
    assert plan.economy.industries == ("010121",)
    assert plan.economy.flows[:, :, 0].tolist() == [[8.0, 2.0], [3.0, 9.0]]
    assert (plan.economy.trade_elasticity[0], plan.economy.scale_elasticity[0]) == (5.0, 0.1)
    assert plan.inputs == (folder / "flows.csv", folder / "elasticities.csv")
    assert plan.hashes["flows.csv"] == hashlib.sha256(FLOWS.encode()).hexdigest()


def test_own_flows_with_elasticities_as_keys_and_absent_rows(folder):
    (folder / "flows.csv").write_text(FLOWS.replace("B,NA,010121,3\n", ""), encoding="utf-8")
    text = '[economy]\nflows = "flows.csv"\nscale_elasticity = 0.2\nmissing = "zero"\n'
    text += f"trade_elasticity = {{ 010121 = 4.0 }}\n{GAINS}"
    plan = scenarios.read(text, "own.toml", folder)
    assert plan.economy.flows[1, 0, 0] == 0.0
    assert (plan.economy.trade_elasticity[0], plan.economy.scale_elasticity[0]) == (4.0, 0.2)
    assert "has no row" in only_fault(text.replace("zero", "raise"), folder)


def test_elasticities_by_industry_replace_those_named_only():
    table = '{ "Coke and petroleum" = 0.0 }'
    plan = scenarios.read(f"{DATA}scale_elasticity = {table}\n{GAINS}", "own.toml")
    usual = datasets.load("wiod2014")
    petroleum = usual.industries.index("Coke and petroleum")
    assert plan.economy.scale_elasticity[petroleum] == 0.0
    others = np.delete(np.arange(16), petroleum)
    assert (plan.economy.scale_elasticity[others] == usual.scale_elasticity[others]).all()
    assert (plan.economy.trade_elasticity == usual.trade_elasticity).all()


def test_options_of_the_data_reach_it():
    text = '[economy]\ndata = "icio2019"\nentry = "restricted"\ntrade_elasticity = "CP"\n'
    text += f"services_trade_elasticity = 7\n{GAINS}"
    economy = scenarios.read(text, "own.toml").economy
    usual = datasets.load("icio2019", trade_elasticity="CP", services_trade_elasticity=7.0)
    assert economy.entry == "restricted"
    assert (economy.trade_elasticity == usual.trade_elasticity).all()


def test_numbers_act_everywhere():
    shock, policy = change("trade_cost = 1.1\nproductivity = 1.2\nlabour = 0.9").changes["it"]
    assert (shock.trade_cost[~np.eye(44, dtype=bool)] == 1.1).all()
    assert (np.einsum("nnk->nk", shock.trade_cost) == 1.0).all()
    assert (shock.productivity == 1.2).all()
    assert (shock.labour == 0.9).all()
    assert (policy.production_subsidy == 0.0).all()


def test_cells_act_where_they_say():
    plan = change(
        'trade_cost = { origin = "USA", destination = ["CHN", "DEU", "USA"], industry = "Wood", hat = inf }\n'
        'production_subsidy = [{ country = "CHN", rate = 0.1 }, { country = "USA", industry = "Wood", rate = -0.2 }]\n'
        'corrective = "DEU"'
    )
    economy = plan.economy
    usa, chn, deu = economy.country_index(["USA", "CHN", "DEU"])
    wood = economy.industries.index("Wood")
    shock, policy = plan.changes["it"]
    assert [tuple(cell) for cell in np.argwhere(shock.trade_cost != 1.0)] == [
        (usa, chn, wood),
        (usa, deu, wood),
    ]
    assert np.isinf(shock.trade_cost[usa, chn, wood])
    expected = np.zeros((44, 16))
    expected[chn], expected[usa, wood], expected[deu] = 0.1, -0.2, economy.scale_elasticity
    assert (policy.production_subsidy == expected).all()
    assert shock.productivity is None


def test_corrective_all_is_the_policy_of_that_name():
    from exacthat import Policy

    plan = change('corrective = "all"')
    expected = Policy.corrective(plan.economy).production_subsidy
    assert (plan.changes["it"][1].production_subsidy == expected).all()


def test_large_changes_pass_when_confirmed():
    shock, policy = change("trade_cost = 6\nproduction_subsidy = 10\nlarge_changes = true").changes["it"]
    assert shock.trade_cost.max() == 6.0
    assert policy.production_subsidy.max() == 10.0


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("", "changes nothing"),
        ("trade_cost = 10", "10 times the old value; ten percent more is 1.1; if it is meant"),
        ("trade_cost = 0.1", "0.1 times the old value"),
        ("trade_cost = 0", "hat is 0; it must be new over old"),
        ("trade_cost = nan", "hat is nan"),
        ("trade_cost = -1.1", "hat is -1.1"),
        ("trade_cost = true", "must be a number or a list of { origin"),
        ('trade_cost = "1.1"', "must be a number or a list"),
        ("trade_cost = []", "must be a number or a list"),
        ("productivity = inf", "hat is inf"),
        ("labour = [{ country = 'USA' }]", "hat is None"),
        ("labour = [{ country = 'USA', industry = 'Wood', hat = 1.1 }]", "'industry' is not a key"),
        ("production_subsidy = 10", "1000 percent; did you mean 0.1? if it is meant"),
        ("production_subsidy = -1", "rate is -1; it must be a number above -1"),
        ("production_subsidy = [{ country = 'USA', hat = 1.1 }]", "'hat' is not a key"),
        ("productivity = [{ county = 'USA', hat = 1.1 }]", "did you mean 'country'?"),
        ("productivity = [{ country = 'UAS', hat = 1.1 }]", "did you mean 'USA'?"),
        ("productivity = [{ industry = 'Woood', hat = 1.1 }]", "did you mean 'Wood'?"),
        ("productivity = [{ country = 3, hat = 1.1 }]", "a label or a list of labels"),
        ("productivity = [{ country = 'USA', hat = 1.1 }, { industry = 'Wood', hat = 1.2 }]", "twice"),
        ("trade_cost = [{ origin = 'USA', destination = 'USA', hat = 1.1 }]", "no foreign trade there"),
        ("production_subsidy = 0.1\ncorrective = ['USA']", "both set the subsidies of 'USA'"),
        ("corrective = 'PAK'", "unknown label 'PAK'"),
        ("corrective = true", "a label or a list of labels"),
        ("trade_cost = 1.1\nlarge_changes = 1", "large_changes is 1; it must be true or false"),
        ("trade_costs = 1.1\nlabour = 1.1", "did you mean 'trade_cost'?"),
    ],
)
def test_wrong_changes_are_named(entry, message):
    with pytest.raises(BadInput) as caught:
        change(entry)
    assert any(message in problem for problem in caught.value.problems), caught.value.problems
    assert all(
        problem.startswith("own.toml") and "counterfactual it" in problem for problem in caught.value.problems
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GAINS, "give either data"),
        (f'{DATA}flows = "a.csv"\n{GAINS}', "give either data"),
        (f'{DATA}elasticities = "e.csv"\n{GAINS}', "elasticities has no use with data"),
        (f'[economy]\ndata = "wiod2104"\n{GAINS}', "did you mean 'wiod2014'?"),
        (f"[economy]\ndata = 2014\n{GAINS}", "data is 2014; it must be a text"),
        (f'{DATA}entry = "fre"\n{GAINS}', "did you mean 'free'?"),
        (f"{DATA}deficits = 0\n{GAINS}", "deficits is 0; it must be one of 'zero', 'fixed'"),
        (f'{DATA}trade_elasticity = "LL"\n{GAINS}', "no named sets"),
        (f'{DATA}scale_elasticity = "LL"\n{GAINS}', "a number or a table by industry"),
        (f'{DATA}scale_elasticity = {{ Woood = 0.1 }}\n{GAINS}', "did you mean 'Wood'?"),
        (f'{DATA}expenditure_shares = "final"\n{GAINS}', "has no option 'expenditure_shares'"),
        (f'[economy]\ndata = "wiod2008"\n{GAINS}', "add expenditure_shares = 'spending'"),
        (DATA, "kind is missing"),
        (f'{DATA}[study]\nkind = "gains-of-trade"', "did you mean 'gains-from-trade'?"),
        (f'{DATA}[study]\nkind = "counterfactual"', "needs at least one [[counterfactual]]"),
        (f"{DATA}{GAINS}[[counterfactual]]\nlabour = 1.1", "has no use for [[counterfactual]]"),
        (f"{DATA}{GAINS}countries = []", "a label or a list of labels"),
        (f'{DATA}{GAINS}countries = ["USA", "USA"]', "'USA' more than once"),
        (f'{DATA}{GAINS}countries = ["UAS"]', "line 5: [study] countries holds the unknown label 'UAS'"),
        (f"{DATA}{GAINS}single_industry_elasticity = 0", "must be a number above 0"),
        (f'{DATA}[study]\nkind = "corrective-policy"\nsingle_industry_elasticity = 5', "has no use in a study"),
        (f'{DATA}{GAINS}[scenario]\nname = "a/b"', "it names files"),
        (f"{DATA}{GAINS}[scenario]\ntitle = 3", "title is 3; it must be a text"),
        (f"{DATA}{GAINS}[scenarios]\n", "did you mean 'scenario'?"),
        (f"scenario = 3\n{DATA}{GAINS}", "write [scenario] on a line of its own"),
        (f"counterfactual = 3\n{DATA}{GAINS}", "write [[counterfactual]] on a line of its own"),
        (f'{DATA}[[counterfactual]]\nname = "a"\nlabour = 1.1\n[[counterfactual]]\nname = "a"\nlabour = 1.2',
         "two are named 'a'"),
        ('[economy]\ndata = "nafta1993"\n[study]\nkind = "table5"', "needs data = 'wiod2014'"),
        (f'{DATA}entry = "restricted"\n[study]\nkind = "table5"', "entry has no use in a study of kind 'table5'"),
        (f'{DATA}as_published = true\n[study]\nkind = "table5"', "as_published has no use"),
        (f'{DATA}[study]\nkind = "table5"\ncountries = ["USA"]', "countries has no use"),
        (f'{DATA}[study]\nkind = "nafta"', "needs data = 'nafta1993'"),
        ('[economy]\ndata = "nafta1993"\ndeficits = "fixed"\n[study]\nkind = "nafta"', "needs deficits = 'zero'"),
        (f'{DATA}as_published = "yes"\n{GAINS}', "as_published = 'yes' (known: False, True)"),
        ("[economy\n", "is not valid TOML"),
        (f"{DATA}{DATA}", "is not valid TOML"),
    ],
)  # fmt: skip
def test_wrong_files_are_named(text, message):
    assert message in only_fault(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("trade_elasticity = -1", "trade_elasticity of industry"),
        ("scale_elasticity = -0.1", "scale_elasticity of industry"),
        ("services_trade_elasticity = 0", "services_trade_elasticity"),
    ],
)
def test_elasticities_out_of_range_are_parameters(given, message):
    problems = faults(f"{DATA}{given}\n{GAINS}", kind=BadParameter)
    assert message in problems[0]


def test_data_with_links_start_from_the_world_solved_at_their_weights():
    plan = scenarios.read('[economy]\ndata = "nafta1993"\n[[counterfactual]]\ntrade_cost = 1.1', "own.toml")
    result = scenarios.run(plan)
    assert result.failed == ()
    assert result.base.consistent
    assert (result.columns["welfare"] < 0).all()


def test_the_published_world_is_an_option():
    plan = scenarios.read(f'{DATA}as_published = true\nentry = "restricted"\n{GAINS}', "own.toml")
    assert plan.economy.trade_elasticity[-1] == 11.0
    assert not plan.economy.deficits.any()


def test_all_faults_come_at_once():
    problems = faults(
        f'{DATA}entri = "free"\n[study]\nkind = "gains-from-trade"\ncountries = ["UAS", "CHNN"]'
    )
    assert len(problems) == 3
    assert "line 3: [economy] 'entri' is not a key; did you mean 'entry'?" in problems[0]


def test_faults_of_file_tables_labels_and_changes_come_at_once(folder):
    """What cannot be used has a stand-in, so that the rest of the file is checked in the same round."""
    flows = folder / "flows.csv"
    rows = [line + (",tariff" if at == 0 else ",0") for at, line in enumerate(flows.read_text().splitlines())]
    rows[2] = rows[2].removesuffix("0") + "10"
    flows.write_text("\n".join(rows), encoding="utf-8")
    text = """
        [economy]
        flows = "flows.csv"
        services_trade_elasticity = 4
        trade_elasticity = -4
        scale_elasticity = "LL"
        entry = "fre"
        [study]
        countries = ["XX"]
        [[counterfactual]]
        name = "it"
        tariff = 25
        productivity = [{ country = "YY", hat = 1.1 }]
    """
    problems = faults(text, folder)
    for piece in (
        "services_trade_elasticity has no use with flows",
        "did you mean 'free'?",
        "scale_elasticity is 'LL'; it must be a number",
        "is 10, a rate of 1000 percent; did you mean 0.1? if it is meant, set large_rates to true",
        "unknown label 'XX'",
        "[counterfactual it] tariff is 25, a rate of 2500 percent; did you mean 0.25?",
        "unknown label 'YY'",
    ):
        assert sum(piece in problem for problem in problems) == 1, (piece, problems)
    faults(text.replace("[study]", "large_rates = 1\n[study]"), folder)
    text = text.replace('scale_elasticity = "LL"', "large_rates = true")
    problems = faults(text, folder)
    assert any("trade_elasticity of industry" in problem for problem in problems)
    assert not any("1000 percent" in problem for problem in problems)


def test_parameters_beside_other_faults_are_bad_input():
    text = f'{DATA}trade_elasticity = -1\n{GAINS}title = "x"'
    assert len(faults(text, kind=BadInput)) == 17
    with pytest.raises(BadInput) as caught:
        scenarios.read(text, "own.toml")
    assert not isinstance(caught.value, BadParameter)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "flows.csv cannot be read: No such file"),
        ("", "holds no rows"),
        ("origin,destination,industry,value\n", "holds no rows"),
        ("origin;destination;industry;value\nA;A;a;1\n", "separated by semicolons"),
        ("origin,dest,industry,value\nA,A,a,1\n", "no column 'destination'"),
        ("origin,origin,destination,industry,value\nA,A,A,a,1\n", "the column 'origin' twice"),
        ("origin,destination,industry,value\nA,A,a\n", "line 2: 3 cells, but the header has 4"),
        ("origin,destination,industry,value\nA,A,a,x\n", "must be a number"),
        ("origin,destination,industry,value\nA,A,a,nan\n", "finite and not negative"),
        ("origin,destination,industry,value\nA,A,a,1\nA,A,a,1\n", "stands in 2 rows"),
        (b"origin,destination,industry,value\n\xff,A,a,1\n", "not UTF-8"),
    ],
)
def test_wrong_tables_are_named(folder, content, message):
    path = folder / "flows.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = faults(f'[economy]\nflows = "flows.csv"\ntrade_elasticity = 4\n{GAINS}', folder)
    assert message in problems[0]
    assert "flows.csv" in problems[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("industry,trade_elasticity\n010121,x\n", "trade_elasticity of industry '010121' is 'x'"),
        ("industry,trade_elasticity\n010121,4\n010121,5\n", "stands in 2 rows"),
        ("industry,trade_elasticity\n10121,4\n", "unknown industry '10121'; did you mean '010121'?"),
        ("industry,elasticity\n010121,4\n", "no column 'trade_elasticity'"),
    ],
)
def test_wrong_elasticity_tables_are_named(folder, content, message):
    (folder / "elasticities.csv").write_text(content, encoding="utf-8")
    text = f'[economy]\nflows = "flows.csv"\nelasticities = "elasticities.csv"\n{GAINS}'
    assert any(message in problem for problem in faults(text, folder))


def test_elasticities_of_own_flows_come_from_one_place(folder):
    text = f'[economy]\nflows = "flows.csv"\n{GAINS}'
    assert "trade_elasticity is missing" in only_fault(text, folder)
    both = 'flows = "flows.csv"\nelasticities = "elasticities.csv"\ntrade_elasticity = 4\n'
    assert "not both" in only_fault(f"[economy]\n{both}{GAINS}", folder)
    assert "elasticities is 3" in only_fault(
        f'[economy]\nflows = "flows.csv"\nelasticities = 3\n{GAINS}', folder
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("peeers", "did you mean 'peers'?"),
        ("absent.toml", "absent.toml cannot be read: No such file"),
        ("latin.toml", "is not UTF-8 text"),
    ],
)
def test_scenarios_that_are_not_there(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# \xe9t\xe9\n")
    with pytest.raises(BadInput) as caught:
        scenarios.find(name)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scenarios.find(None), "scenario is None; give the name"),
        (lambda: scenarios.read(3, "x"), "the text of a scenario is a int"),
        (lambda: scenarios.run("peers"), "plan is a str; pass what"),
        (lambda: scenarios.run(scenarios.find("autarky-wiod2008"), threads=0), "threads is 0"),
        (lambda: scenarios.run(scenarios.find("autarky-wiod2008"), tol=1), "tol is 1; it must be one number"),
    ],
)
def test_slips_of_calls_are_named(call, message):
    with pytest.raises(BadInput, match=message):
        call()


def test_tariffs_and_entry_costs_are_what_the_api_makes_of_them(tmp_path):
    """A uniform tariff written in a file is `Policy.uniform_tariff`; a tariff column taxes the base year."""
    rows = ["origin,destination,industry,value,tariff"]
    names, size = ("A", "B", "C"), iter(np.random.default_rng(3).uniform(1, 2, 18))
    rows += [
        f"{o},{d},{k},{next(size) + 9 * (o == d)},{0.0 if o == d else 0.05}"
        for o in names
        for d in names
        for k in "xy"
    ]
    (tmp_path / "flows.csv").write_text("\n".join(rows))
    text = """
        [economy]
        flows = "flows.csv"
        trade_elasticity = 4.0
        scale_elasticity = 0.1
        [study]
        kind = "counterfactual"
        [[counterfactual]]
        name = "war"
        tariff = [{ origin = "B", destination = "A", rate = 0.5 }]
        entry_cost = [{ country = "C", hat = 1.2 }]
    """
    plan = scenarios.read(text, "own.toml", tmp_path)
    result = scenarios.run(plan)
    base = result.base
    np.testing.assert_allclose(base.tariff, 0.05 * ~np.eye(3, dtype=bool)[:, :, None] * np.ones(2))
    policy = eh.Policy.uniform_tariff(base, "A", 0.5, origins="B")
    shock = eh.Shock(entry_cost=[[1.0], [1.0], [1.2]])
    expected = eh.counterfactual(base, shock, policy).welfare_hat
    np.testing.assert_allclose(result.welfare["war"], 100 * (expected - 1), atol=1e-7)
