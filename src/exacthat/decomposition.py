"""What a change of welfare is made of: exact identities of any size, and the first-order formulas beside them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from exacthat import tabular
from exacthat.checks import frozen
from exacthat.economy import Economy
from exacthat.equilibrium import require_certified
from exacthat.errors import BadInput, BadParameter, nearest
from exacthat.read_only import ReadOnly

SHOWN = 5e-6  # log points; less prints as 0.000


@dataclass(frozen=True, eq=False, repr=False)
class Decomposition(ReadOnly):
    """Terms of a log change of welfare, country by country.

    kind        what was decomposed, and how
    countries   labels of the country axis
    terms       name -> (N,) log points; they add up to `total`
    exact       ln What (N,) of the equilibrium; `error` is `total` less this

    For exact kinds `error` is rounding and the solver's residual; for first-order formulas it is what they miss.
    """

    kind: str
    countries: tuple[str, ...]
    terms: Mapping[str, np.ndarray]
    exact: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Sum of the terms (N,)."""
        return frozen(np.sum(list(self.terms.values()), axis=0))

    @property
    def error(self) -> np.ndarray:
        """Total less the exact log change of welfare (N,)."""
        return frozen(self.total - self.exact)

    def to_frame(self):
        """Return a pandas frame in 100 log points: one row per country, the terms, total, exact."""
        columns = {**self.terms, "total": self.total, "exact": self.exact}
        return tabular.frame(
            {name: 100.0 * values for name, values in columns.items()}, country=self.countries
        )

    def __repr__(self):
        return f"Decomposition({self.kind}: {', '.join(self.terms)}; {len(self.countries)} countries)"

    def __str__(self):
        idle = [name for name, values in self.terms.items() if np.abs(values).max() < SHOWN]
        shown = {name: values for name, values in self.terms.items() if name not in idle}
        shown |= {"total": self.total, "exact": self.exact}
        shown = {name: 100.0 * values for name, values in shown.items()}
        lines = [f"{self.kind}, 100 log points", *tabular.text(self.countries, shown, 3)]
        lines += [f"0.000 everywhere: {', '.join(idle)}"] if idle else []
        lines.append(f"largest |total - exact| {100.0 * np.abs(self.error).max():.1e}")
        return "\n".join(lines)


def decompose(eq, kind: str = "welfare") -> Decomposition:
    """Split ln What of an equilibrium into terms that add up to it, whatever the size of the change.

    Parameters
    ----------
    eq : Equilibrium
    kind : one of

        "welfare"     any shock and policy, both entry regimes, taxes, deficits, input-output links:
                      ln What = dln(E/Y) + dln L + sum_k beta_k [dln(1+s) + dln phi - dln tau_nn
                      + mu dln(L_k/f) - dln lambda_nn/epsilon - (1+mu) sum_g a_gk dln(P_g/w)]; mu = 0 under
                      restricted entry. `profits`, `taxes` (net) and `deficit` are the parts of dln(E/Y),
                      each its change over the logarithmic mean of E/Y; `input_prices` is the last term.
        "roundabout"  the same with the input prices traced to their causes: weights solve
                      e_k = beta_k + sum_g a_kg (1 + mu_g) e_g, and there is no term `input_prices`.
        "growth"      growth accounting: `hulten` sum y dln phi, `allocative_efficiency` sum y mu dln y,
                      `terms_of_trade` the rest: sum (beta-y)(mu dln y + dln phi) - (beta/epsilon) dln lambda_nn.
                      Shocks to trade costs between countries and productivity only, free entry, no taxes, no
                      links, no deficits.
        "corrective"  production subsidies: `efficiency`, what they give a closed economy with this output;
                      `transfer_abroad`, what foreign buyers take of cheaper goods, weights output less
                      spending; `gains_from_trade`, -sum (beta/epsilon) dln lambda_nn; `other_income`, tariff
                      revenue, export subsidies and deficits. Both entry regimes, no links, no other change.

    Returns
    -------
    Decomposition. Where a country has no producers of its own, before or after, the term in lambda_nn is the
    change of the price of imports in its wages.

    Raises `BadParameter` for an unknown kind, `NotCertified` for an equilibrium without a certificate, `BadInput`
    with all conditions that an identity needs and this equilibrium lacks. Cost: little over that of the trade shares.

    Equations: Lashkaripour's lecture, corrected: its covariance form of allocative efficiency is exact to first
    order only (`first_order_growth`), and its open-economy policy formula lacks ln(1+mu) in the transfer.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0, 3.0], [2.0, 2.0]], [[2.0, 2.0], [8.0, 3.0]]], 4.0, [0.2, 0.0])
    >>> parts = decompose(eh.counterfactual(world, policy=eh.Policy.corrective(world)), "corrective")
    >>> {name: float((100 * values[0]).round(3)) for name, values in parts.terms.items() if values.any()}
    {'efficiency': 0.401}
    """
    if kind not in KINDS:
        raise BadParameter(f"kind is {kind!r}; it must be one of {tuple(KINDS)}{nearest(kind, tuple(KINDS))}")
    return KINDS[kind](require_certified(eq))


def first_order_growth(eq) -> Decomposition:
    """Growth accounting in the lecture's covariance form, exact to first order only; `error` is what it misses.

    As `decompose(eq, "growth")`, with Cov_y(mu, dln y) for sum_k y mu dln y. The error is E_y[mu] KL(y||y'),
    never negative: the form overstates the growth. Raises as that kind does.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0, 3.0], [2.0, 2.0]], [[2.0, 2.0], [8.0, 3.0]]], 4.0, [0.2, 0.0])
    >>> terms = first_order_growth(eh.counterfactual(world, eh.Shock(productivity=[[2.0, 1.0], [1.0, 1.0]])))
    >>> list(terms.terms), bool((terms.error > 0).all())
    (['hulten', 'allocative_covariance', 'terms_of_trade'], True)
    """
    parts = _growth(require_certified(eq))
    share, mu = eq.economy.output_shares, eq.economy.scale_elasticity
    change = _log_hat(eq.output_share_hat, share > 0)
    covariance = (share * mu * change).sum(axis=1) - (share * mu).sum(axis=1) * (share * change).sum(axis=1)
    return _decomposition(
        "growth accounting, covariance form, first order",
        eq,
        hulten=parts.terms["hulten"],
        allocative_covariance=covariance,
        terms_of_trade=parts.terms["terms_of_trade"],
    )


def scale_effects(economy: Economy) -> np.ndarray:
    """Return mu (K,) where it moves productivity: zero under restricted entry."""
    mu = economy.scale_elasticity
    return mu if economy.entry == "free" else np.zeros_like(mu)


def exposure(economy: Economy, own=None) -> np.ndarray:
    """Return what a price of own goods weighs in a country's price index, through inputs of inputs (N, K).

    e_k = beta_k + sum_g a_kg (1 + mu_g) e_g; expenditure shares without input-output links. `own` (N, K) tells
    which goods a country makes for itself: all by default. Raises `BadInput` where scale effects feed on
    themselves through inputs without bound.
    """
    beta = economy.expenditure_shares
    if economy.input_shares is None:
        return beta
    chain = economy.input_shares * (1.0 + scale_effects(economy))
    if own is not None:
        chain = chain * own[:, None, :]
    weights, dies_out = leontief(chain, beta)
    if not dies_out.all():
        raise BadInput(
            [
                f"country {economy.countries[n]!r}: scale effects of inputs of inputs add up without bound; lower "
                "its input shares or the scale elasticities"
                for n in np.flatnonzero(~dies_out)
            ]
        )
    return weights


def leontief(chain, final) -> tuple[np.ndarray, np.ndarray]:
    """Solve x = final + chain x in every country; tell where the chain dies out, without which x means nothing.

    chain (N, K, K) not negative, final (N, K). Returns x (N, K) and (N,) flags: spectral radius below one.
    """
    eye = np.eye(chain.shape[1])
    found = np.full((*final.shape, 2), -1.0)
    for n, links in enumerate(chain):
        with suppress(np.linalg.LinAlgError):
            found[n] = np.linalg.solve(eye - links, np.stack([final[n], np.ones_like(final[n])], axis=1))
    dies_out = (found[:, :, 1] >= 1.0 - 1e-9).all(axis=1)  # a solution above 1 for final = 1 proves it
    return np.where(found[:, :, 0] > 1e-15, found[:, :, 0], 0.0), dies_out


def caliendo_parro_terms(eq) -> Decomposition:
    """Compute terms of trade and volume of trade as Caliendo and Parro (2015) define them: first order.

    Parameters
    ----------
    eq : Equilibrium
        Of a change of tariffs.

    Returns
    -------
    Decomposition with the terms (N,)

        terms_of_trade  = sum_ik (exports_nik dc_nk - imports_ink dc_ik) / I_n
        volume_of_trade = sum_ik t_ink imports_ink (dM_ink - dc_ik) / I_n

    over foreign partners i; trade at the border (without tariffs), tariffs t and final spending I of the base
    year; dc and dM are rates of change (hat less one) of the price at the factory gate, net of subsidies,
    and of the value of imports. `error` is what the sum misses of ln What: second-order terms of the
    tariffs, which are large where tariffs change much, and first-order terms of whatever else changed
    (trade costs, productivity, profits, scale effects, deficits). With deficits the first term depends
    on the numeraire, world labour income. Raises `NotCertified` for an equilibrium without a certificate.

    >>> import numpy as np, exacthat as eh
    >>> world = eh.Economy(np.ones((2, 2, 1)) + 2 * np.eye(2)[:, :, None], 4.0, tariff=0.02)
    >>> terms = caliendo_parro_terms(eh.counterfactual(world, policy=eh.Policy(tariff=0.0)))
    >>> list(terms.terms), bool(abs(terms.error).max() < 1e-3)
    (['terms_of_trade', 'volume_of_trade'], True)
    """
    economy = require_certified(eq).economy
    abroad = ~np.eye(len(economy.countries), dtype=bool)[:, :, None]
    trade = np.where(abroad, economy.border_flows, 0.0)
    dc = eq.factory_price_hat - 1.0
    earned = np.einsum("nik,nk->n", trade, dc)
    paid = np.einsum("ink,ik->n", trade, dc)
    volume = np.zeros_like(earned)
    if economy.tariff is not None:
        change = np.where(abroad, eq.border_flows - trade - trade * dc[:, None, :], 0.0)
        volume = (economy.tariff * change).sum(axis=(0, 2))
    return _decomposition(
        "Caliendo-Parro terms, first order",
        eq,
        terms_of_trade=(earned - paid) / economy.expenditure,
        volume_of_trade=volume / economy.expenditure,
    )


def _welfare(eq) -> Decomposition:
    economy, causes = eq.economy, _causes(eq)
    terms = {name: (economy.expenditure_shares * values).sum(axis=1) for name, values in causes.items()}
    inputs = np.zeros_like(eq.wage_hat)
    if economy.input_shares is not None:
        price = np.log(eq.industry_price_hat) - np.log(eq.wage_hat)[:, None]
        chain = (1.0 + scale_effects(economy)) * np.einsum("ngk,ng->nk", economy.input_shares, price)
        inputs = -(economy.expenditure_shares * np.where(_own(eq), chain, 0.0)).sum(axis=1)
    return _decomposition("change of welfare", eq, **_income(eq), **terms, input_prices=inputs)


def _roundabout(eq) -> Decomposition:
    weight = exposure(eq.economy, own=_own(eq))
    terms = {name: (weight * values).sum(axis=1) for name, values in _causes(eq).items()}
    return _decomposition("change of welfare, input prices traced to causes", eq, **_income(eq), **terms)


def _growth(eq) -> Decomposition:
    economy = eq.economy
    _require(eq, "growth", _links(economy) + _taxes(eq) + _changes(eq, ("labour", "entry_cost")) + [
        fault for fault, holds in (
            ("deficits: purge them first", economy.deficits.any() or eq.deficits.any()),
            ("restricted entry", economy.entry == "restricted" and economy.scale_elasticity.any()),
            ("a change of trade costs at home", _home_cost(eq).any()),
            ("an industry that lost its last market", ((economy.sales > 0) & (eq.sales == 0)).any()),
        ) if holds
    ])  # fmt: skip
    share, causes = economy.output_shares, _causes(eq, everywhere=True)
    hulten = (share * causes["productivity"]).sum(axis=1)
    allocation = (share * causes["scale"]).sum(axis=1)
    at_home = np.where(_own(eq), causes["productivity"] + causes["scale"], 0.0)
    traded = (economy.expenditure_shares * (at_home + causes["trade"])).sum(axis=1) - hulten - allocation
    return _decomposition(
        "growth accounting", eq, hulten=hulten, allocative_efficiency=allocation, terms_of_trade=traded
    )


def _corrective(eq) -> Decomposition:
    economy = eq.economy
    _require(eq, "corrective", _links(economy) + _changes(eq) + [
        f"a change of {what}" for what, name in (("tariffs", "tariff"), ("export subsidies", "export_subsidy"))
        if not _same(getattr(eq.policy, name), getattr(economy, name))
    ])  # fmt: skip
    before = economy.sales / (1.0 + economy.production_subsidy)
    after = (eq.sales / (1.0 + eq.policy.production_subsidy)).sum(axis=1)
    share = before / before.sum(axis=1, keepdims=True)
    causes = _causes(eq, everywhere=True)
    cheaper = causes["subsidies"] + causes["scale"]
    labour_income = economy.labour_income * eq.wage_hat
    per_wage = np.log(after / labour_income) - np.log(before.sum(axis=1) / economy.labour_income)
    home = (share * cheaper).sum(axis=1)
    bought = (economy.expenditure_shares * np.where(_own(eq), cheaper, 0.0)).sum(axis=1)
    return _decomposition(
        "production subsidies",
        eq,
        efficiency=per_wage + home,
        transfer_abroad=bought - home,
        gains_from_trade=(economy.expenditure_shares * causes["trade"]).sum(axis=1),
        other_income=np.log(eq.expenditure_hat / eq.wage_hat) - per_wage,
    )


KINDS = {"welfare": _welfare, "roundabout": _roundabout, "growth": _growth, "corrective": _corrective}


def _own(eq) -> np.ndarray:
    """Where (N, K) a country buys from its own producers, before and after."""
    return (eq.economy.domestic_shares > 0) & (np.einsum("nnk->nk", eq.trade_shares) > 0)


def _causes(eq, everywhere: bool = False) -> dict[str, np.ndarray]:
    """Return what makes each industry's goods cheaper in wages (N, K), by cause, input prices aside.

    Causes at home are zero where a country does not buy from itself, unless `everywhere`; there the trade term
    is the price of imports.
    """
    economy, hats, own = eq.economy, eq.shock, _own(eq)
    counted = economy.sales > 0 if everywhere else own
    log = lambda hat: np.zeros(own.shape) if hat is None else np.log(hat)  # noqa: E731
    size = _log_hat(eq.sales / np.where(economy.sales > 0, economy.sales, 1.0), counted & (eq.sales > 0))
    size = size - np.log(eq.wage_hat)[:, None] - log(hats.entry_cost)
    subsidy = np.log1p(eq.policy.production_subsidy) - np.log1p(economy.production_subsidy)
    at_home = {
        "subsidies": subsidy,
        "productivity": log(hats.productivity),
        "domestic_trade_cost": -_home_cost(eq),
        "scale": scale_effects(economy) * size,
    }
    share = np.einsum("nnk->nk", eq.trade_shares) / np.where(own, economy.domestic_shares, 1.0)
    imported = np.log(eq.wage_hat)[:, None] - np.log(eq.industry_price_hat)
    trade = np.where(own, -_log_hat(share, own) / economy.trade_elasticity, imported)
    causes = {name: np.where(counted, values, 0.0) for name, values in at_home.items()}
    return causes | {"trade": np.where(economy.spending > 0, trade, 0.0)}


def _income(eq) -> dict[str, np.ndarray]:
    """Return the parts (N,) of dln E/w: labour, and what is spent beside labour income, per unit of it."""
    economy = eq.economy
    base, new = economy.labour_income, economy.labour_income * eq.wage_hat * eq.labour_hat
    profits = ((1.0 - economy.cost_share) * economy.sales).sum(axis=1)
    spent, spent_new = economy.expenditure, economy.expenditure * eq.expenditure_hat
    parts = {
        "profits": (profits, eq.profits),
        "taxes": (economy.income - base - profits, eq.tariff_revenue - eq.subsidy_cost),
        "deficit": (spent - economy.income, eq.deficits),
    }
    mean = _logarithmic_mean(spent / base, spent_new / new)
    shares = {name: (after / new - before / base) / mean for name, (before, after) in parts.items()}
    return {"labour": np.log(eq.labour_hat), **shares}


def _logarithmic_mean(a, b) -> np.ndarray:
    """(b - a) / ln(b / a), and a where both are equal."""
    ratio = b / a - 1.0
    tiny = np.abs(ratio) < 1e-8
    safe = np.where(tiny, 1.0, ratio)
    return a * np.where(tiny, 1.0 + ratio / 2.0, safe / np.log1p(safe))


def _home_cost(eq) -> np.ndarray:
    """ln tauhat_nn (N, K)."""
    cost = eq.shock.trade_cost
    return np.zeros(eq.sales.shape) if cost is None else np.log(np.einsum("nnk->nk", cost))


def _log_hat(hat, counted) -> np.ndarray:
    return np.log(np.where(counted, hat, 1.0))


def _same(new, old) -> bool:
    return new is old or (new is not None and old is not None and bool((new == old).all()))


def _links(economy: Economy) -> list[str]:
    return [] if economy.input_shares is None else ["input-output links"]


def _taxes(eq) -> list[str]:
    held = (eq.economy, eq.policy)
    return [
        f"{what} in the base year or after"
        for what, name in (
            ("tariffs", "tariff"),
            ("export subsidies", "export_subsidy"),
            ("production subsidies", "production_subsidy"),
        )
        if any(getattr(rates, name) is not None and getattr(rates, name).any() for rates in held)
    ]


def _changes(eq, names=("trade_cost", "productivity", "labour", "entry_cost")) -> list[str]:
    return [f"a change of {name.replace('_', ' ')}" for name in names if getattr(eq.shock, name) is not None]


def _require(eq, kind: str, lacking: list[str]) -> None:
    if lacking:
        raise BadInput(
            f"the identity of kind {kind!r} does not hold with {', '.join(lacking)}: take kind 'welfare', which "
            "holds always"
        )


def _decomposition(kind: str, eq, **terms) -> Decomposition:
    shown = MappingProxyType({name: frozen(np.array(values)) for name, values in terms.items()})
    return Decomposition(kind, eq.countries, shown, frozen(np.log(eq.welfare_hat)))
