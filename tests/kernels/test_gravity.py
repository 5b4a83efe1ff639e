"""The gravity kernel beyond its twin test: threads, instruction sets, edges, floating-point mode."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exacthat.kernels.gravity import cy, examples, ref
from exacthat.kernels.gravity.system import TALL, Point, pack, row_length

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 6))
WIDE = st.tuples(st.integers(TALL - 1, 200), st.integers(1, 2))  # rows of weights longer than a pass needs


def _parts(value):
    """All arrays of a point or a state."""
    return [
        array
        for part in value
        if part is not None
        for array in (_parts(part) if isinstance(part, tuple) else [part])
    ]


def _moved(point, direction, step):
    return Point(*(None if part is None else part + step * along for part, along in zip(point, direction)))


def _instruction_sets():
    names = []
    for name in ("avx512", "avx2", "baseline"):
        try:
            names.append(cy.use_instruction_set(name))
        except ValueError:
            continue
    cy.use_instruction_set()
    return names


@given(seed=st.integers(0, 2**32 - 1), size=SIZES)
def test_threads_do_not_change_a_bit(seed, size):
    system, *_ = examples.solve(np.random.default_rng(seed), countries=size[0], industries=size[1])
    one = cy.solve(system, None, 1e-11)
    assert one.converged
    for threads in (2, 3):
        _same_bits(one, cy.solve(system, None, 1e-11, threads=threads))


def _same_bits(one, two):
    assert all((a == b).all() for a, b in zip(_parts(one.point), _parts(two.point)))
    assert all((a == b).all() for a, b in zip(_parts(one.state), _parts(two.state)))
    assert (one.exports == two.exports).all()
    assert (one.imports == two.imports).all()
    assert one[4:] == two[4:]


@pytest.mark.parametrize("name", _instruction_sets())
@pytest.mark.parametrize("size", [(90, 36), (TALL + 8, 25), (129, 15)], ids=str)
@pytest.mark.parametrize("kind", ["plain", "links"])
def test_large_systems_are_multiplied_in_bfloat16_and_solved_in_float64(kind, size, name):
    assert size[0] * size[1] * row_length(size[0]) * 8 >= 1 << 21
    system = examples.system(np.random.default_rng(1), *size, kind=kind, highest=0.8)
    try:
        cy.use_instruction_set(name)
        _solve_narrow(system)
    finally:
        cy.use_instruction_set()


def _solve_narrow(system):
    solution = cy.solve(system, None, 1e-11)
    assert solution.converged
    assert solution.passes16 > solution.products
    # the copy, evaluations near the solution, the trade at the end
    assert 4 <= solution.passes64 <= solution.evaluations + 2
    residual = ref.evaluate(system, solution.point).residual
    assert max(np.abs(part).max() for part in residual if part is not None) <= 2e-11
    _same_bits(solution, cy.solve(system, None, 1e-11, threads=2))


@pytest.mark.parametrize("factor", [1e-200, 1e-45, 1e20, 1e42, 1e150])
@pytest.mark.parametrize("kind", ["plain", "links"])
def test_the_scale_of_weights_does_not_matter(kind, factor):
    system = examples.system(np.random.default_rng(1), 90, 36, kind=kind, highest=0.8)
    far = system._replace(weights=pack(np.array(system.weights) * factor))
    solution = cy.solve(far, None, 1e-11)
    residual = ref.evaluate(far, solution.point).residual
    assert max(np.abs(part).max() for part in residual if part is not None) <= 2e-11
    nearly = solution.point._replace(sales=solution.point.sales + 1e-3 * (system.sales > 0))
    assert cy.solve(far, nearly, 1e-11).converged
    if kind == "plain":  # the factor moves prices alone
        near = cy.solve(system, None, 1e-11)
        np.testing.assert_allclose(solution.point.sales, near.point.sales, rtol=0, atol=1e-8)
        assert solution.passes16 > solution.products


@pytest.mark.parametrize("share", [0.0, 1e-312, 1e-307, 1e-30])
def test_spending_that_hardly_counts_leaves_the_copy_in_use(share):
    """As little of it as numbers can say, in the countries that come first."""
    system = examples.system(np.random.default_rng(1), 90, 36, highest=0.8)
    spending = system.spending_shares.copy()
    spending[0, :48] *= share
    solution = cy.solve(system._replace(spending_shares=spending), None, 1e-11)
    assert solution.converged
    assert solution.passes16 > solution.products


@pytest.mark.parametrize("kind", ["plain", "links"])
def test_weights_too_far_apart_for_float32_are_multiplied_in_float64(kind):
    """Weights of some origins are tiny and their productivity huge: the same economy."""
    system = examples.system(np.random.default_rng(1), 90, 36, kind=kind, highest=0.8)
    tiny = np.where(np.arange(90) % 3 == 0, 1e-60, 1.0)
    weights = pack(np.array(system.weights) * tiny[None, :, None])
    apart = system._replace(weights=weights, shift=system.shift - np.log(tiny))
    near, solution = cy.solve(system, None, 1e-11), cy.solve(apart, None, 1e-11)
    assert solution.converged
    assert solution.passes64 > solution.evaluations + 2
    np.testing.assert_allclose(solution.point.sales, near.point.sales, rtol=0, atol=1e-8)


@given(seed=st.integers(0, 2**32 - 1))
def test_a_solve_that_leaves_the_range_of_numbers_is_judged_as_nothing(seed):
    rng = np.random.default_rng(seed)
    system = examples.system(rng)
    weights = np.where(rng.random(system.weights.shape) < 0.3, np.inf, np.array(system.weights))
    for lost in (
        system._replace(weights=pack(weights)),
        system._replace(shift=system.shift + 3000.0 * rng.choice([-1.0, 1.0], system.shift.shape)),
    ):
        solution = cy.solve(lost, None, 1e-10)
        assert solution.converged == (solution.branch_bound <= 1e-7)


@given(seed=st.integers(0, 2**32 - 1), size=SIZES)
def test_exports_and_imports_are_the_reference(seed, size):
    """Of open and of nearly closed countries, whose trade is not a difference of large flows."""
    rng = np.random.default_rng(seed)
    system, *_ = examples.solve(rng, countries=size[0], industries=min(size[1], 3))
    apart = np.where(np.eye(size[0], dtype=bool), 1.0, 1e-9 if seed % 2 else 1.0)
    scaled = {
        name: pack(np.array(getattr(system, name)) * apart)
        for name in ("weights", "border", "revenue")
        if getattr(system, name) is not None
    }
    system = system._replace(**scaled)
    solution = cy.solve(system, None, 1e-10, max_iterations=0)
    exports, imports = ref._trade(ref._flows(system, system.origin()))
    np.testing.assert_allclose(solution.exports, exports, rtol=1e-8, atol=1e-300)
    np.testing.assert_allclose(solution.imports, imports, rtol=1e-8, atol=1e-300)


def _meets(got, want, tolerance):
    for one, other in zip(_parts(got), _parts(want), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * max(1.0, np.abs(other).max()))


@pytest.mark.parametrize("name", _instruction_sets())
@pytest.mark.parametrize("sizes", [SIZES, WIDE], ids=["small", "wide"])
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), threads=st.integers(1, 2))
def test_every_instruction_set_meets_the_reference(name, sizes, data, seed, threads):
    countries, industries = data.draw(sizes)
    system, point, direction, *on = examples.pullback(
        np.random.default_rng(seed), countries=countries, industries=industries
    )
    try:
        cy.use_instruction_set(name)
        state, product = (
            cy.evaluate(system, point, threads),
            cy.jacobian_product(system, point, direction, threads),
        )
        carried = cy.pullback(system, point, direction, *on, threads)
    finally:
        cy.use_instruction_set()
    _meets(state, ref.evaluate(system, point), 1e-12)
    _meets(product, ref.jacobian_product(system, point, direction), 1e-12)
    _meets(carried, ref.pullback(system, point, direction, *on), 1e-11)


@pytest.mark.parametrize("countries", [1, 7, 8, 9, TALL + 8])
@pytest.mark.parametrize("industries", [1, 9])
def test_pads_of_shares_and_weights_are_zero(countries, industries):
    """Whatever the memory held before."""
    rng = np.random.default_rng(0)
    row = row_length(countries)
    flows = rng.uniform(1.0, 2.0, (countries, countries, industries))
    epsilon = np.full(industries, 4.0)
    for cost in (2.0, np.full(industries, np.inf), flows[:, :, :1].copy(), flows):
        np.full(industries * countries * row + 8, np.nan)  # given back at once, and likely used again
        made = [cy.trade_shares(flows, flows.sum(axis=0))]
        np.full(industries * countries * row + 8, np.nan)
        made.append(cy.trade_weights(made[0], cost, epsilon))
        np.full(industries * countries * row + 8, np.nan)
        made.append(pack(np.array(made[0])))
        for weights in made:
            strides = (8 * countries * row, 8 * row, 8)
            rows = np.lib.stride_tricks.as_strided(weights, (industries, countries, row), strides)
            assert (rows[:, :, countries:] == 0).all()


@pytest.mark.parametrize("industries", [1, 5])
def test_cells_that_do_not_move_keep_their_weights_to_the_bit(industries):
    """Origins without a change are copied, the others computed: neither shows, in place or not."""
    shares, _, epsilon = examples.trade_weights(np.random.default_rng(1), 11, 5)
    shares, cost = pack(shares), np.ones((11, 11, industries))
    cost[3, 4, industries - 1] = 1.3
    found = cy.trade_weights(shares, cost, epsilon)
    np.testing.assert_allclose(found, ref.trade_weights(shares, cost, epsilon), rtol=1e-12)
    moved = np.broadcast_to(cost != 1.0, (11, 11, 5)).transpose(2, 0, 1)
    assert (found[moved] != shares[moved]).all()
    np.testing.assert_array_equal(found[~moved], shares[~moved])
    in_place = pack(shares)
    assert (cy.trade_weights(in_place, cost, epsilon, in_place) == found).all()


@given(
    hats=st.lists(
        st.sampled_from([-np.inf, -1.0, -0.0, 1e-310, 0.3, 1.0, 7.0, np.inf]), min_size=1, max_size=40
    ),
    at=st.integers(0, 39),
)
def test_the_extent_of_hats_knows_infinities_and_numbers_that_are_none(hats, at):
    assert cy.extent(np.array(hats)) == ref.extent(hats)
    hats[at % len(hats)] = np.nan
    assert np.isnan(cy.extent(np.array(hats))).all()
    assert np.isnan(ref.extent(hats)).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), countries=st.integers(1, 12), industries=st.integers(1, 20))
def test_shares_and_weights_on_several_threads_are_the_reference(seed, countries, industries):
    """However many industries the last of the blocks holds in which costs are turned."""
    arguments = examples.trade_weights(np.random.default_rng(seed), countries, industries)
    found = cy.trade_weights(*arguments)
    np.testing.assert_allclose(found, ref.trade_weights(*arguments), rtol=1e-12, atol=1e-300)
    for threads in (2, 3):
        assert (cy.trade_weights(*arguments, None, threads) == found).all()
    flows = examples.trade_shares(np.random.default_rng(seed), countries, industries)
    shares = cy.trade_shares(*flows)
    np.testing.assert_allclose(shares, ref.trade_shares(*flows), rtol=1e-15)
    assert (cy.trade_shares(*flows, 3) == shares).all()
    if industries > 2:
        with pytest.raises(ValueError, match="tell 2 industries apart"):
            cy.trade_weights(arguments[0], np.ones(2), arguments[2])
    if countries > 1 and countries % 8:
        with pytest.raises(ValueError, match="out is not stored as weights are"):
            cy.trade_weights(*arguments, np.empty((industries, countries, countries)))
    in_place = pack(arguments[0])
    assert (cy.trade_weights(in_place, *arguments[1:], in_place) == found).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), size=WIDE)
def test_wide_systems_are_weighed_and_solved(seed, size):
    """Of more countries than a row of weights holds without a gap: no kernel mistakes its rows for padded ones."""
    rng = np.random.default_rng(seed)
    for kernel in ("trade_shares", "trade_weights"):
        arguments = getattr(examples, kernel)(rng, *size)
        want = getattr(ref, kernel)(*arguments)
        np.testing.assert_allclose(getattr(cy, kernel)(*arguments), want, rtol=1e-12, atol=1e-300)
    system, *_ = examples.solve(rng, countries=size[0], industries=size[1])
    solution = cy.solve(system, None, 1e-11)
    assert solution.converged
    _same_bits(solution, cy.solve(system, None, 1e-11, threads=2))
    residual = _parts(ref.evaluate(system, solution.point).residual)
    assert max(np.abs(part).max() for part in residual) <= 3e-11
    _meets((solution.exports, solution.imports), ref._trade(ref._flows(system, solution.point)), 1e-11)
    right = examples.near(rng, system)
    right = right._replace(sales=np.where(system.sales > 0, right.sales, 0.0))
    y, *_ = cy.solve_linear(system, solution.point, right, True, 1e-12, 2)
    _meets(ref.pullback(system, solution.point, y).unknowns, right, 1e-8)
    y, *_ = cy.solve_linear(system, solution.point, right, False, 1e-12, 2)
    _meets(ref.jacobian_product(system, solution.point, y), right, 1e-8)


@pytest.mark.parametrize("kind", examples.KINDS)
def test_cells_without_sales_are_left_out_of_linear_systems(kind):
    """The country that makes nothing of an industry has no unknown there, whatever the right side says of it."""
    rng = np.random.default_rng(7)
    system = examples.system(rng, 5, 3, kind=kind)
    sales, weights = system.sales.copy(), np.array(system.weights)
    sales[1, 2] = weights[1, 2] = 0.0
    keep = lambda matrix: None if matrix is None else matrix * (weights > 0)  # noqa: E731
    system = system._replace(
        sales=sales, weights=weights, border=keep(system.border), revenue=keep(system.revenue)
    )
    point, right = examples.near(rng, system, 0.1), examples.near(rng, system)
    moves = system.moving()
    assert moves.size - moves.sum() == 1
    matrix = ref.jacobian(system, point)
    np.testing.assert_allclose(cy.jacobian(system, point), matrix, rtol=0, atol=1e-12)
    for transposed in (False, True):
        y, residual, _ = cy.solve_linear(system, point, right, transposed)
        assert residual <= 1e-12
        assert y.sales[1, 2] == 0.0
        _meets(y, ref.solve_linear(system, point, right, transposed)[0], 1e-9)


def test_a_right_side_that_is_no_number_is_not_solved():
    system = examples.system(np.random.default_rng(1))
    right = system.origin()
    right.sales[0, 0] = np.nan
    for transposed in (False, True):
        assert not cy.solve_linear(system, system.origin(), right, transposed)[1] <= 1e-9
    assert cy.solve_linear(system, system.origin(), system.origin())[1] == 0.0


@pytest.mark.parametrize("factor", [1e-250, 1e250])
@pytest.mark.parametrize("transposed", [False, True])
def test_linear_systems_are_homogeneous_in_the_right_side(factor, transposed):
    system, point, right, _ = examples.solve_linear(np.random.default_rng(4))
    y, *_ = cy.solve_linear(system, point, right, transposed)
    scaled = Point(*(None if part is None else factor * part for part in right))
    far, residual, _ = cy.solve_linear(system, point, scaled, transposed)
    assert residual <= 1e-12
    np.testing.assert_allclose(far.flat() / factor, y.flat(), rtol=0, atol=1e-10 * np.abs(y.flat()).max())


def test_many_wide_systems_are_the_reference():
    arguments = examples.solve_many(np.random.default_rng(2), countries=TALL + 8, industries=2, rows=4)
    base, changes, *_, tariff, subsidy = arguments
    found = cy.solve_many(*arguments)
    assert found.converged(1e-11).all()
    for change, price_power, accounts in zip(changes, found.price_power, found.accounts):
        alone = cy.solve(ref.changed(base, change, tariff, subsidy), None, 1e-11)
        np.testing.assert_allclose(price_power, alone.state.price_power, rtol=0, atol=1e-9)
        np.testing.assert_allclose(
            accounts[1:], [alone.state.expenditure, alone.exports, alone.imports], rtol=1e-8
        )


def test_an_unknown_instruction_set_is_refused():
    with pytest.raises(ValueError, match="does not run"):
        cy.use_instruction_set("abacus")


@given(seed=st.integers(0, 2**32 - 1))
def test_jacobian_product_is_the_derivative(seed):
    system, point, direction = examples.jacobian_product(np.random.default_rng(seed))
    step = 1e-5
    up, down = (
        _parts(cy.evaluate(system, _moved(point, direction, sign * step)).residual) for sign in (1, -1)
    )
    product = _parts(cy.jacobian_product(system, point, direction))
    largest = max(np.abs(part).max() for part in product)
    for high, low, expected in zip(up, down, product):
        np.testing.assert_allclose((high - low) / (2 * step), expected, rtol=1e-6, atol=1e-7 * largest)


@given(seed=st.integers(0, 2**32 - 1))
def test_residual_does_not_see_the_numeraire(seed):
    """Scaling all values moves the residual by the scale of the component alone: degree zero otherwise."""
    system, point = examples.evaluate(np.random.default_rng(seed))
    scaled = Point(*(None if part is None else part + 1.7 for part in point))
    before, after = (cy.evaluate(system, at).residual for at in (point, scaled))
    np.testing.assert_allclose((after.sales - before.sales)[system.sales > 0], 1.7, rtol=1e-11)
    for part in (1, 2):
        if before[part] is not None:
            np.testing.assert_allclose(after[part], before[part], rtol=0, atol=1e-11)


@given(seed=st.integers(0, 2**32 - 1))
def test_plain_and_packed_weights_give_the_same_bits(seed):
    system, point = examples.evaluate(np.random.default_rng(seed), countries=9)
    plain = system._replace(weights=np.ascontiguousarray(system.weights))
    plain, packed = cy.evaluate(plain, point).residual, cy.evaluate(system, point).residual
    assert all((a == b).all() for a, b in zip(_parts(plain), _parts(packed)))


def test_revenue_far_below_the_smallest_double_is_followed():
    """The residual goes through ln Q, so an industry at exp(-900) of its size still has an exact one."""
    system = examples.system(np.random.default_rng(3), 4, 3)
    point = system.origin()
    point.sales[0, 1] = -900.0
    expected = ref.evaluate(system, point).residual.sales
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(cy.evaluate(system, point).residual.sales, expected, rtol=1e-12, atol=1e-10)


def test_two_groups_without_trade_solve_apart():
    rng = np.random.default_rng(5)
    joint = examples.system(rng, 6, 3)
    weights = np.array(joint.weights)
    weights[:, :3, 3:] = weights[:, 3:, :3] = 0.0
    group = np.array([0, 0, 0, 1, 1, 1], dtype=np.int32)
    deficits = np.zeros(6)
    apart = joint._replace(weights=pack(weights), component=group, deficits=deficits)
    both = cy.solve(apart, None, 1e-12)
    assert both.converged
    for part in (slice(0, 3), slice(3, 6)):
        alone = joint._replace(
            weights=pack(weights[:, part, part]),
            component=np.zeros(3, dtype=np.int32),
            deficits=deficits[part],
            labour_income=joint.labour_income[part],
            expenditure=joint.expenditure[part],
            **{name: np.ascontiguousarray(getattr(joint, name)[:, part])
               for name in ("spending_shares", "sales", "shift", "markup", "cost_share")},
        )  # fmt: skip
        found = cy.solve(alone, None, 1e-12).point.sales
        np.testing.assert_allclose(both.point.sales[:, part], found, rtol=0, atol=1e-10)


def test_importing_leaves_denormals_alone():
    code = "import exacthat.kernels.gravity.cy; print(1e-310 * 1.0 > 0.0)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "True"
    )


def test_importing_leaves_the_environment_alone():
    code = "import os; before = dict(os.environ); import exacthat.kernels.gravity; print(before == dict(os.environ))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "True"
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_child_of_a_threaded_parent_solves():
    """The child of a process that ran two threads would wait for them for ever; it runs one, to the same bits."""
    code = (
        "import multiprocessing, numpy as np\n"
        "from exacthat.kernels.gravity import cy, examples\n"
        "system = examples.system(np.random.default_rng(1), 20, 6)\n"
        "def solve(threads): return cy.solve(system, None, 1e-11, threads=threads).point.sales\n"
        "here = solve(2)\n"
        "with multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    print((pool.map_async(solve, [2]).get(timeout=60)[0] == here).all())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "True", done.stderr


TEAMS = """
import numpy as np
from exacthat.kernels.gravity import cy, examples
system = examples.system(np.random.default_rng(0), 40, 30)
for _ in range(20_000):
    cy.evaluate(system, system.origin(), 2)
"""


def test_teams_of_threads_always_end():
    """A helper that looks up just as its team is closed must not wait for work that never comes."""
    subprocess.run([sys.executable, "-c", TEAMS], check=True, timeout=300)
