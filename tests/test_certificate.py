"""Certificates: error bounds against 40 digits, proposed solutions, uniqueness and several equilibria."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import exacthat as eh
from exacthat import error_bound as bounds
from exacthat.conditions import alpha_text
from exacthat.enclosure import coefficients, enclose
from exacthat.kernels.gravity import examples, ref
from exacthat.kernels.gravity.system import Point
from exacthat.multiplicity import theorem
from tests.precise import ln_welfare_errors
from tests.taxed_worlds import PARTS, any_policy, any_shock, taxed_economy
from tests.worlds import economy

KINDS = ((), ("links",), ("bilateral",), ("subsidies",), PARTS)


def scenario(seed, parts, entry="free", **options):
    """A small world of a kind, a shock to everything and, with bilateral taxes, new rates."""
    world = taxed_economy(seed, parts, entry, **options)
    rng = np.random.default_rng(seed)
    shock = any_shock(rng, world.flows.shape)
    return world, shock, any_policy(rng, world.flows.shape) if "bilateral" in parts else None


def solved(seed, tol=1e-10):
    """An equilibrium of the kind that the seed picks."""
    options = {"countries": 3, "industries": 2, "balanced": seed % 2 == 0, "zeros": 0.0}
    return eh.counterfactual(
        *scenario(seed, KINDS[seed % 5], ("free", "restricted")[seed // 5 % 2], **options), tol=tol
    )


def nearly_closed():
    """A world of strong scale effects after a twentyfold rise of trade costs."""
    return eh.counterfactual(economy(4, 3, 2, highest_alpha=0.98), eh.Shock(trade_cost=20.0))


def cut_off():
    """Three countries, one of which leaves trade: two components and dead cells."""
    cost = np.ones((3, 3, 1))
    cost[0, 1:] = cost[1:, 0] = np.inf
    return eh.counterfactual(economy(5, 3, 2), eh.Shock(trade_cost=cost))


def alone():
    return eh.counterfactual(eh.Economy([[[4.0, 3.0]]], 3.0, [0.2, 0.1]), eh.Shock(productivity=[[1.5, 0.7]]))


WORLDS = [
    *(pytest.param(lambda seed=seed: solved(seed), id=f"seed {seed}") for seed in range(10)),
    pytest.param(lambda: solved(4, 1e-6), id="loose tolerance"),
    *(pytest.param(world, id=world.__name__) for world in (nearly_closed, cut_off, alone)),
]


@pytest.mark.parametrize("world", WORLDS)
def test_error_bound_holds_against_forty_digits(world):
    eq = world()
    true, bound = ln_welfare_errors(eq), eq.certificate.error_bound
    assert eq.certificate.error_bound_method == bounds.PROVED
    assert (true <= bound).all()
    assert (bound <= 1e3 * true + 1e-11).all()  # beside rounding, where the true error may be none


@pytest.mark.parametrize("world", WORLDS)
def test_estimate_is_named_and_near(world, monkeypatch):
    monkeypatch.setattr(bounds, "DENSE", 0)
    eq = world()
    assert eq.certificate.error_bound_method == bounds.ESTIMATED
    true = ln_welfare_errors(eq)
    assert (true <= eq.certificate.error_bound).all()
    assert (eq.certificate.error_bound <= 1e3 * true + 1e-11).all()


def test_the_solve_does_not_pay_for_what_is_computed_on_first_use():
    held = solved(0).certificate
    assert not {"_bound", "_uniqueness"} & set(vars(held))
    assert held.error_bound is held.error_bound
    with pytest.raises(ValueError, match="read-only"):
        held.error_bound[0] = 0.0
    copy = pickle.loads(pickle.dumps(held))
    np.testing.assert_array_equal(copy.error_bound, held.error_bound)
    assert json.loads(json.dumps(held.to_dict()))["outcome"] == "certified"


def test_a_wrong_number_is_not_covered_up():
    held = solved(1).certificate.evidence.reported()
    bound, method = bounds.error_bound(held._replace(ln_welfare=held.ln_welfare + 0.01))
    assert method == bounds.PROVED
    np.testing.assert_allclose(bound, 0.01, rtol=1e-6)


def test_nothing_is_proved_where_equilibria_branch_off():
    """At alpha = 1 / (4 h (1 - h)), h the share of home goods, the Jacobian of the mirror world is singular."""
    held = eh.counterfactual(mirror(0.8, 1 / 0.64), allow_multiple=True).certificate
    assert held.error_bound_method == bounds.ESTIMATED


def enclosed(seed, kind, radius):
    """A drawn system, a point, its enclosure over a ball, and one list of arrays per bound."""
    rng = np.random.default_rng(seed)
    system, point = examples.evaluate(rng, kind=kind)
    scale = Point(*(None if part is None else rng.uniform(0.1, 1.0, part.shape) for part in point))
    missed, welfare, _ = enclose(system, point, scale, radius, coefficients(system))
    return rng, system, point, scale, missed, welfare


def parts_of(point):
    return [part for part in point if part is not None]


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(examples.KINDS))
def test_enclosed_residual_is_that_of_the_specification(seed, kind):
    _, system, point, _, missed, _ = enclosed(seed, kind, 0.0)
    live = [system.sales > 0, True, True]
    for got, expected, on in zip(missed, parts_of(ref.evaluate(system, point).residual), live):
        assert np.where(on, np.abs(got.value - expected) <= 2 * got.error, True).all()
        assert np.where(on, got.error < 1e-11, True).all()


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(examples.KINDS))
def test_slopes_and_bends_hold_all_over_the_ball(seed, kind):
    """|J h| <= slope and |(J(x) - J(z)) h| <= bend * |x - z| for x in the ball and h of unit length."""
    radius = 1e-3
    rng, system, point, scale, missed, _ = enclosed(seed, kind, radius)
    draw = lambda: Point(*(None if s is None else s * rng.choice([-1.0, 1.0], s.shape) for s in scale))  # noqa: E731
    h, away = draw(), draw()
    other = Point(*(None if z is None else z + radius * step for z, step in zip(point, away)))
    here, there = (parts_of(ref.jacobian_product(system, at, h)) for at in (point, other))
    for bound, at_z, at_x in zip(missed, here, there):
        assert (np.abs(at_x) <= bound.slope * (1 + 1e-12)).all()
        assert (np.abs(at_x - at_z) <= radius * bound.bend + 1e-12).all()


@st.composite
def equilibria(draw):
    """Scenario and solution of a world of any kind."""
    seed, parts = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from(KINDS))
    try:
        world, shock, policy = scenario(
            seed,
            parts,
            draw(st.sampled_from(["free", "restricted"])),
            countries=3,
            balanced=draw(st.booleans()),
        )
        return world, shock, policy, eh.counterfactual(world, shock, policy)
    except (eh.NoEquilibrium, eh.NotConverged):
        assume(False)


@settings(max_examples=25)
@given(equilibria(), st.floats(0.01, 100.0))
def test_own_solutions_are_certified_in_any_numeraire(drawn, unit):
    world, shock, policy, eq = drawn
    held = eh.certify(world, shock, policy, wage_hat=unit * eq.wage_hat, output_share_hat=eq.output_share_hat)
    assert held.ok
    assert held.method == "proposed solution"


@settings(max_examples=25)
@given(equilibria(), st.sampled_from([1e-6, -1e-6]))
def test_every_small_perturbation_of_one_entry_is_refused(drawn, size):
    world, shock, policy, eq = drawn
    wage, share = np.array(eq.wage_hat), np.array(eq.output_share_hat)
    for at in np.ndindex(wage.shape):
        wrong = wage.copy()
        wrong[at] *= 1 + size
        with pytest.raises(eh.NotCertified):
            eh.certify(world, shock, policy, wage_hat=wrong, output_share_hat=share)
    for at in np.argwhere(eq.sales > 0):
        wrong = share.copy()
        wrong[tuple(at)] *= 1 + size
        with pytest.raises(eh.NotCertified):
            eh.certify(world, shock, policy, wage_hat=wage, output_share_hat=wrong)


def test_cells_of_tiny_sales_count_like_all_others():
    """A cell at 1e-9 of its country's output, a millionth off, changes no account by more than 1e-15."""
    world = economy(3, 3, 3, highest_alpha=0.9)
    shock = eh.Shock(productivity=np.where(np.eye(3, dtype=bool), 0.05, 1.0))
    eq = eh.counterfactual(world, shock)
    at = np.unravel_index(np.argmin(eq.output_shares), eq.output_shares.shape)
    assert eq.output_shares[at] < 1e-9
    share = np.array(eq.output_share_hat)
    share[at] *= 1 + 1e-6
    with pytest.raises(eh.NotCertified, match=world.industries[at[1]]) as refused:
        eh.certify(world, shock, wage_hat=eq.wage_hat, output_share_hat=share)
    assert refused.value.certificate.worst == (world.countries[at[0]], world.industries[at[1]])
    assert not refused.value.certificate.ok


@pytest.mark.parametrize("unit", [1e-300, 1e307])
def test_numeraires_at_the_ends_of_the_range_of_numbers(unit):
    world = economy(1, 3, 3)
    assert eh.certify(world, wage_hat=np.full(3, unit), output_share_hat=np.ones((3, 3))).ok


@pytest.mark.parametrize("wage", [1e-200, 1e200])
def test_wages_out_of_all_proportion_are_refused(wage):
    world = taxed_economy(1, ("links",))
    with pytest.raises(eh.NotCertified, match=r"away from demand|leaves the range of numbers"):
        eh.certify(
            world,
            wage_hat=[wage, *np.ones(len(world.countries) - 1)],
            output_share_hat=np.ones(world.sales.shape),
        )


def test_a_false_corner_is_refused():
    """An industry shut although there is demand: all accounts in money add up, the equilibrium is another."""
    world = economy(3, 3, 3)
    share = np.ones((3, 3))
    share[1, 2] = 0.0
    with pytest.raises(eh.NotCertified, match="'C1', industry 'industry2' is 0 of the base year's"):
        eh.certify(world, wage_hat=np.ones(3), output_share_hat=share)


def test_an_industry_without_a_market_must_be_gone():
    flows = np.array([[[5.0, 0.0], [3.0, 2.0]], [[3.0, 2.0], [5.0, 4.0]]])
    flows[0, 0, 1] = 0.0  # the first country exports all it makes of the second good
    flows[1, 0, 1] = 2.0
    world = eh.Economy(flows, 3.0, 0.1)
    cost = np.ones((2, 2, 2))
    cost[0, 1, 1] = np.inf
    shock = eh.Shock(trade_cost=cost)
    eq = eh.counterfactual(world, shock)
    assert eq.output_share_hat[0, 1] == 0.0
    eh.certify(world, shock, wage_hat=eq.wage_hat, output_share_hat=eq.output_share_hat)
    share = np.array(eq.output_share_hat)
    share[0, 1] = 1e-3
    with pytest.raises(eh.NotCertified, match="no market left"):
        eh.certify(world, shock, wage_hat=eq.wage_hat, output_share_hat=share)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"wage_hat": np.ones(2)}, "wage_hat has shape"),
        ({"output_share_hat": np.ones((3, 2))}, "output_share_hat has shape"),
        ({"wage_hat": [1.0, np.nan, 1.0]}, "wage_hat of country 'C1' is nan"),
        ({"tol": 1e-3}, "tol is"),
        ({"shock": 1.0}, "shock is a float"),
    ],
)
def test_proposals_that_cannot_be_read_are_refused(wrong, message):
    given = {"wage_hat": np.ones(3), "output_share_hat": np.ones((3, 3))} | wrong
    with pytest.raises(eh.BadInput, match=message):
        eh.certify(economy(1, 3, 3), **given)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 5))
def test_inequality_behind_the_uniqueness_theorem(seed, countries, industries):
    """The derivative of excess labour demand is negative definite at an equilibrium, but for the numeraire."""
    world = economy(seed, countries, industries, highest_alpha=0.999)
    excess = -np.diag(world.sales.sum(axis=1))
    for k in range(industries):
        sales, shares = world.sales[:, k], world.trade_shares[:, :, k]
        omega = shares * world.spending[:, k] / sales[:, None]
        markets, alpha = omega @ shares.T, world.alpha[k]
        inner = (1 - alpha) * np.eye(countries) + alpha * markets
        response = omega - (alpha + world.trade_elasticity[k]) * (np.eye(countries) - markets)
        excess += sales[:, None] * np.linalg.solve(inner, response)
    size = np.sqrt(world.sales.sum(axis=1))
    values = np.linalg.eigvalsh((excess + excess.T) / 2 / np.outer(size, size))
    assert abs(values[-1]) < 1e-12
    assert values[-2] < -1e-6


def test_uniqueness_is_claimed_where_the_theorem_holds_and_nowhere_else():
    proved = lambda eq: theorem(eq._system)  # noqa: E731
    plain, shock = economy(1, 3, 2), eh.Shock(trade_cost=1.3)
    held = eh.counterfactual(plain, shock)
    assert (held.certificate.unique, held.others) == ("proved", ())
    assert proved(held) == "every mu*epsilon below one"
    assert proved(alone()) == "one country"
    single = economy(1, 3, 1)
    single = eh.Economy(single.flows, single.trade_elasticity, 1.5 / single.trade_elasticity)
    assert proved(eh.counterfactual(single, shock, allow_multiple=True)) == "one industry"
    uneven = economy(1, 3, 2, entry="restricted")
    even = eh.Economy(uneven.flows, uneven.trade_elasticity, 0.2, entry="restricted")
    assert proved(eh.counterfactual(eh.purge_deficits(even), shock))
    subsidy = eh.Policy(production_subsidy=[0.0, 0.1])
    uncovered = [
        eh.counterfactual(uneven, shock),
        eh.counterfactual(economy(1, 3, 2, balanced=False), shock),
        eh.counterfactual(plain, shock, subsidy),
        eh.counterfactual(plain, shock, eh.Policy(tariff=0.1)),
        eh.counterfactual(taxed_economy(1, ("links",)), shock),
    ]
    for eq in uncovered:
        assert not proved(eq)
        assert eq.certificate.unique == "not found otherwise"
        assert eq.certificate.unique_method.startswith("20 solves from random points")


def mirror(home, alpha):
    """Two countries and two industries, mirror images, without a difference in the base year."""
    flows = np.full((2, 2, 2), 1.0 - home)
    flows[[0, 1], [0, 1]] = home
    return eh.Economy(flows, 4.0, alpha / 4.0)


def mirrored_equilibria(home, alpha):
    """Shares of one country in one industry at which its market clears at equal wages, by scanning all of them."""

    def excess(s):
        u, v = s**alpha, (1 - s) ** alpha
        near, far = home * u / (home * u + (1 - home) * v), (1 - home) * u / ((1 - home) * u + home * v)
        return (near + far) / 2 - s

    grid = np.linspace(1e-4, 1 - 1e-4, 20_000)  # even, so that it misses one half
    below = np.flatnonzero(np.sign(excess(grid[:-1])) != np.sign(excess(grid[1:])))
    roots = []
    for low, high in zip(grid[below], grid[below + 1]):
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if np.sign(excess(low)) == np.sign(excess(middle)) else (low, middle)
        roots.append(low)
    return np.array(roots)


@pytest.mark.parametrize(
    ("home", "alpha", "count"), [(0.6, 0.9, 1), (0.9, 1.6, 3), (0.8, 1.3, 3), (0.55, 1.6, 1)]
)
def test_several_equilibria_of_a_mirror_world(home, alpha, count):
    world, roots = mirror(home, alpha), mirrored_equilibria(home, alpha)
    assert len(roots) == count
    eq = eh.counterfactual(world, allow_multiple=True)
    assert eq.certificate.unique == (
        "multiple" if count > 1 else "proved" if alpha < 1 else "not found otherwise"
    )
    shares = np.array([found.output_shares[0, 0] for found in (eq, *eq.others)])
    for root in roots:  # there may be others, without the symmetry
        assert np.abs(shares - root).min() < 1e-9
        split = 2 * np.array([[root, 1 - root], [1 - root, root]])
        assert eh.certify(world, wage_hat=np.ones(2), output_share_hat=split).ok
    for other in eq.others:
        assert other.certificate.ok
        assert other.certificate.error_bound_method == bounds.PROVED
        assert eh.certify(world, wage_hat=other.wage_hat, output_share_hat=other.output_share_hat).ok


def test_several_equilibria_are_refused_by_default():
    with pytest.raises(eh.BadParameter, match="allow_multiple=True"):
        eh.counterfactual(mirror(0.8, 1.3))


def test_the_branch_of_the_base_year_is_followed():
    """The interior equilibrium of the mirror world stays equal shares under any symmetric shock."""
    eq = eh.counterfactual(mirror(0.9, 1.6), eh.Shock(trade_cost=1.1), allow_multiple=True)
    np.testing.assert_allclose(eq.output_shares, 0.5, rtol=1e-9)
    assert "followed" in eq.certificate.method
    assert eq.certificate.unique == "multiple"


def test_a_branch_that_ends_is_told():
    """Two countries share two industries until one of them is much better at one of these."""
    shock = eh.Shock(productivity=[[3.0, 1.0], [1.0, 1.0]])
    with pytest.raises(eh.NotConverged, match="its branch may end there"):
        eh.counterfactual(mirror(0.9, 1.6), shock, allow_multiple=True)


def test_evidence_leads_back_to_the_same_system():
    world, shock, _ = scenario(4, PARTS)
    eq = eh.counterfactual(world, shock, eh.Policy.free_trade(world))
    again = eq.certificate.evidence.reported().system
    for name, array in eq._system._asdict().items():
        np.testing.assert_array_equal(array, getattr(again, name), err_msg=name)


ALPHAS = [
    (0.9999, "0.9999"), (0.99996, "0.99996"), (1 - 1e-12, "0.999999999999"), (1.0, "1"), (1.00004, "1.00004"),
    (0.123456, "0.123"), (0.0, "0"),
]  # fmt: skip


@pytest.mark.parametrize(("alpha", "text"), ALPHAS)
def test_mu_epsilon_prints_as_one_only_where_it_is_one(alpha, text):
    assert alpha_text(alpha) == text


def test_a_certified_result_just_below_one_does_not_print_one():
    world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], 4.0, 0.9999 / 4)
    assert str(eh.counterfactual(world).certificate).endswith("largest mu*epsilon 0.9999")


def test_a_path_has_no_bound_of_its_own():
    from exacthat import dynamics

    path = dynamics.simulate(economy(1, 2, 2), dynamics.Learning(np.eye(2)), [dynamics.Phase()], horizon=1.0)
    held = path.certificate
    assert (held.error_bound, held.error_bound_method) == (None, "not computed")
    assert (held.unique, held.unique_method) == (None, "not computed")
