"""counterfactuals() and Batch: thousands of scenarios from one base year."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

import numpy as np

from exacthat import tabular
from exacthat.assembly import check_baseline, price_index
from exacthat.checks import frozen, number, thread_count
from exacthat.conditions import BALANCE, CERTIFIED, conditions_met, trade_imbalance
from exacthat.economy import Economy, require_economy
from exacthat.equilibrium import LARGEST_TOLERANCE, Equilibrium, counterfactual
from exacthat.errors import BadInput, ExacthatError, NotConverged
from exacthat.kernels.gravity import cy
from exacthat.read_only import ReadOnly
from exacthat.scenario import Policy, Scenario, Shock, deficit_levels
from exacthat.sweep.rows import Base, Row
from exacthat.threads import processors

NOT_RUN = "not run"
BREATH = 0.15  # seconds of compiled work between two looks at signals and progress
PIECES = 16  # for each processor, of a batch that an executor works on: what is lost when it stops is small
FEWEST = 16  # rows of a piece: fewer cost more to send than to solve
LONGEST = 5e7  # flows times rows of a piece: about a second

Progress = Callable[[int, int, int], None]

HATS = ("welfare_hat", "price_index_hat", "wage_hat", "income_hat", "expenditure_hat")
MISSES = ("residual", "walras", "balance")
WORK = ("iterations", "evaluations", "products")


@dataclass(frozen=True, eq=False, repr=False)
class Batch(ReadOnly):
    """Results of S scenarios, one row each, in the order given; a failed row is nan and says why.

    welfare_hat, price_index_hat, wage_hat, income_hat, expenditure_hat    (S, N), as in `Equilibrium`
    names        (S,) tuple of labels, the row's number where a scenario has none
    outcome      (S,) text: "certified", the name of the error, or "not run" after an interruption
    message      (S,) tuple: what the error says, "" for a certified row
    residual     (S,) largest relative residual; nan where nothing was solved
    walras       (S,) world revenue that demand implies over world revenue, less one, in absolute value
    balance      (S,) largest imbalance of a country's trade over its trade
    iterations, evaluations, products    (S,) Newton steps and passes over the trade weights, all attempts
    """

    economy: Economy
    scenarios: tuple[Scenario, ...]
    deficits: str | np.ndarray
    tolerance: float
    names: tuple[str, ...]
    outcome: np.ndarray
    message: tuple[str, ...]
    welfare_hat: np.ndarray
    price_index_hat: np.ndarray
    wage_hat: np.ndarray
    income_hat: np.ndarray
    expenditure_hat: np.ndarray
    residual: np.ndarray
    walras: np.ndarray
    balance: np.ndarray
    iterations: np.ndarray
    evaluations: np.ndarray
    products: np.ndarray

    def __len__(self):
        return len(self.names)

    @property
    def ok(self) -> np.ndarray:
        """Whether each row is certified (S,)."""
        return self.outcome == CERTIFIED

    def equilibrium(self, row: int) -> Equilibrium:
        """Solve one row again and return its full `Equilibrium`; raises what `counterfactual` raises."""
        if not isinstance(row, int | np.integer) or not -len(self) <= row < len(self):
            raise BadInput(f"row is {row!r}; pass the number of one of the {len(self)} scenarios")
        return _alone(self.economy, self.scenarios[row], self.deficits, self.tolerance)

    def to_frame(self):
        """Return a pandas frame of percent changes with one line per scenario and country, outcome beside them."""
        columns = {
            name.replace("_hat", "_percent"): 100.0 * (getattr(self, name) - 1.0).ravel() for name in HATS
        }
        columns["outcome"] = np.repeat(self.outcome, len(self.economy.countries))
        return tabular.frame(columns, scenario=self.names, country=self.economy.countries)

    def to_xarray(self):
        """Return an xarray dataset of the hats by ("scenario", "country").

        Outcome, message, misses and counts of work stand by "scenario". Raises `MissingLibrary` without xarray.
        """
        held = {name: (("scenario", "country"), getattr(self, name)) for name in HATS}
        held |= {
            name: (("scenario",), getattr(self, name)) for name in ("outcome", "message", *MISSES, *WORK)
        }
        return tabular.dataset(held, {"scenario": self.names, "country": self.economy.countries})

    def __repr__(self):
        names, counts = np.unique(self.outcome, return_counts=True)
        found = ", ".join(f"{count} {name}" for name, count in zip(names, counts))
        return f"Batch({len(self)} scenarios, {len(self.economy.countries)} countries: {found})"


class Interrupted(KeyboardInterrupt):
    """A batch was interrupted; `.batch` holds the rows that were done, the others are "not run"."""

    def __init__(self, batch: Batch):
        super().__init__(
            f"interrupted: {(batch.outcome != NOT_RUN).sum()} of {len(batch)} scenarios were done"
        )
        self.batch = batch

    def __reduce__(self):
        return Interrupted, (self.batch,)


class BatchStopped(ExacthatError):
    """A batch could not go on; `.batch` holds the rows that were done, the others are "not run".

    Because a worker of the executor died, the executor was shut down, or `progress` raised: see `__cause__`.
    """

    def __init__(self, message: str, batch: Batch):
        super().__init__(message, batch)
        self.batch = batch

    def __str__(self):
        return self.args[0]


def counterfactuals(
    economy: Economy,
    scenarios: Iterable[Scenario | Shock | Policy],
    *,
    executor: Executor | None = None,
    threads: int | None = None,
    tol: float = 1e-10,
    deficits="fixed",
    progress: Progress | None = None,
) -> Batch:
    """Solve many scenarios from one base year, each as `counterfactual` would, compiled end to end.

    Parameters
    ----------
    economy : Economy
        The base year of all rows.
    scenarios : iterable of Scenario, Shock or Policy
        One row each. Rows are never dropped: one that fails is nan with its outcome and message.
    executor : concurrent.futures.Executor, optional
        Works on pieces of the batch, each compiled with `threads` threads (one by default). The economy and the
        scenarios are sent along, so processes and clusters do.
    threads : int, optional
        Scenarios solved at a time, all processors by default; results do not depend on it.
    tol, deficits
        As for `counterfactual`; a scenario may have its own deficits.
    progress : callable, optional
        Called now and then with (rows done, rows failed, rows in all).

    Returns
    -------
    Batch, each row certified by the conditions of `counterfactual` (residual, Walras' law, trade balance).

    Raises
    ------
    BadInput, BadParameter
        For arguments that no row can do with: scenarios of another type, a base year that is not an equilibrium,
        deficits that do not fit it.
    Interrupted
        A KeyboardInterrupt that carries the rows done so far.
    BatchStopped
        The same where the executor breaks down, a worker dies or `progress` raises, chained from that error.

    Shocks, taxes, deficits and elasticities of a row change its prices in a worker's own copy of the trade
    weights, pairs of countries that they move alone. Rows that Newton does not certify, that end trade, or that
    change markups or the feedback through inputs go through `counterfactual` on a pool of threads.

    >>> import exacthat as eh
    >>> world = eh.Economy([[[8.0], [2.0]], [[2.0], [8.0]]], trade_elasticity=4.0)
    >>> batch = eh.counterfactuals(world, [eh.Shock(trade_cost=cost) for cost in (0.9, 1.1, -1.0)])
    >>> batch, bool(batch.welfare_hat[0, 0] > 1)
    (Batch(3 scenarios, 2 countries: 1 BadInput, 2 certified), True)
    """
    rows = _scenarios(scenarios)
    check_baseline(require_economy(economy))
    tol = number(tol, "tol", 0.0, LARGEST_TOLERANCE)
    levels = frozen(deficit_levels(deficits, economy))
    deficits = deficits if isinstance(deficits, str) else levels
    faults = []
    if executor is not None and (isinstance(executor, type) or not hasattr(executor, "submit")):
        faults.append(f"executor is a {type(executor).__name__}; pass one of concurrent.futures, or threads=")
    if progress is not None and not callable(progress):
        faults.append(
            f"progress is a {type(progress).__name__}; pass a function of rows done, failed and in all"
        )
    if faults:
        raise BadInput(faults)
    team = thread_count(threads) or (1 if executor else processors())
    table = _Table(len(rows), len(economy.countries), progress)
    try:
        if executor is None:
            _solve(economy, rows, deficits, tol, team, table)
        else:
            _distribute(executor, economy, rows, deficits, tol, team, table)
    except KeyboardInterrupt:
        raise Interrupted(table.batch(economy, rows, deficits, tol)) from None
    except Exception as error:
        batch = table.batch(economy, rows, deficits, tol)
        raise BatchStopped(_stopped(batch, error), batch) from error
    return table.batch(economy, rows, deficits, tol)


def _stopped(batch: Batch, error: Exception) -> str:
    """Say why a batch stopped and what is left of it."""
    why = f"{type(error).__name__}: {error}"
    if isinstance(error, BrokenExecutor):
        why = f"a worker of the executor died, often for want of memory: take fewer workers ({why})"
    done = (batch.outcome != NOT_RUN).sum()
    return f"the batch stopped with {done} of {len(batch)} scenarios done, which are in .batch; {why}"


def _scenarios(given) -> tuple[Scenario, ...]:
    """Read rows: a bare shock or policy is a scenario."""
    if isinstance(given, Scenario | Shock | Policy) or not isinstance(given, Iterable):
        raise BadInput(f"scenarios is a {type(given).__name__}; pass a sequence of Scenario, Shock or Policy")
    rows, faults = [], []
    for s, row in enumerate(given):
        if isinstance(row, Scenario):
            rows.append(row)
        elif isinstance(row, Shock | Policy):
            rows.append(Scenario(**{"shock" if isinstance(row, Shock) else "policy": row}))
        else:
            faults.append(f"scenario {s} is a {type(row).__name__}; pass a Scenario, a Shock or a Policy")
    if faults:
        raise BadInput(faults)
    return tuple(rows)


class _Table:
    """Rows as they come in."""

    def __init__(self, size: int, countries: int, progress: Progress | None):
        self.values = {name: np.full((size, countries), np.nan) for name in HATS}
        self.values |= {name: np.full(size, np.nan) for name in MISSES}
        self.values |= {name: np.zeros(size, dtype=int) for name in WORK}
        self.outcome, self.message = np.full(size, NOT_RUN, dtype=object), [""] * size
        self._progress = progress

    def put(self, at, outcome, **values):
        """Keep an outcome and values of one row or of an array of rows."""
        for name, value in values.items():
            self.values[name][at] = value
        self.outcome[at] = outcome

    def fail(self, at: int, error: ExacthatError):
        """Keep what a row's error says."""
        self.outcome[at], self.message[at] = type(error).__name__, str(error)

    def report(self):
        """Tell how far the batch is."""
        if self._progress is not None:
            done = self.outcome != NOT_RUN
            failed = done & (self.outcome != CERTIFIED)
            self._progress(int(done.sum()), int(failed.sum()), len(done))

    def batch(self, economy, rows, deficits, tolerance) -> Batch:
        """Return what came in as a `Batch`."""
        return Batch(
            economy, rows, deficits, tolerance,
            names=tuple(str(s) if row.name is None else str(row.name) for s, row in enumerate(rows)),
            outcome=frozen(self.outcome.astype(str)), message=tuple(self.message),
            **{name: frozen(values) for name, values in self.values.items()},
        )  # fmt: skip


def _solve(economy: Economy, rows, deficits, tol: float, threads: int, table: _Table) -> None:
    """Solve compiled rows by kind, then the others one by one."""
    base = Base(economy, deficits)
    left: list[int] = []
    at, size = 0, 2 * threads
    while at < len(rows):
        started = time.perf_counter()
        piece = range(at, min(at + size, len(rows)))
        kinds: dict[bool, list[tuple[int, Row]]] = {False: [], True: []}
        for s in piece:
            row = base.read(rows[s])
            if row is None:
                left.append(s)
            else:
                kinds[row.taxed].append((s, row))
        for taxed, some in kinds.items():
            if some:
                left += _compiled(base, taxed, some, tol, threads, table)
        table.report()
        at = piece.stop
        spent = max(time.perf_counter() - started, 1e-6)
        size = int(np.clip(len(piece) * BREATH / spent, 2 * threads, 8 * len(piece)))
    pool = ThreadPoolExecutor(threads)
    try:
        waiting = {pool.submit(_alone, economy, rows[s], deficits, tol): s for s in left}
        for future in as_completed(waiting):
            _keep(table, waiting[future], future)
            table.report()
    finally:  # of an interruption: what runs may end by itself
        pool.shutdown(wait=False, cancel_futures=True)


def _compiled(base: Base, taxed: bool, some, tol: float, threads: int, table: _Table) -> list[int]:
    """Solve rows in the compiled loop, keep the certified ones and return the numbers of the others."""
    economy, system = base.economy, base.taxed_system() if taxed else base.system
    found = cy.solve_many(
        system, [row.change for _, row in some], tol, threads, economy.tariff, economy.export_subsidy
    )
    number_of = np.array([s for s, _ in some])
    for name, counts in zip(WORK, found.work.T):
        table.values[name][number_of] = counts
    solved = np.flatnonzero(found.converged(tol))
    kept = [some[j][1] for j in solved]
    if not kept:
        return list(number_of)
    wage_bill, expenditure, exports, imports = np.moveaxis(found.accounts[solved], 1, 0)
    labour, deficits = np.stack([row.labour for row in kept]), np.stack([row.deficits for row in kept])
    epsilon = np.stack([row.trade_elasticity for row in kept])
    residual, walras, _, bound = found.misses[solved].T
    balance = trade_imbalance(exports, imports, deficits).max(axis=1)
    settled = bound <= BALANCE  # else a group of countries may be off balance: such a row is judged alone
    price = price_index(economy, found.price_power[solved], epsilon)
    expenditure_hat = expenditure / economy.expenditure
    income_hat = (expenditure - deficits) / (economy.expenditure - economy.deficits)
    hats = expenditure_hat / price, price, np.exp(wage_bill) / labour, income_hat, expenditure_hat
    met = settled & conditions_met(residual, walras, balance, tol)
    values = dict(zip((*HATS, *MISSES), (*hats, residual, walras, balance)))
    table.put(number_of[solved[met]], CERTIFIED, **{name: value[met] for name, value in values.items()})
    return sorted(set(number_of) - set(number_of[solved[met]]))


def _alone(economy: Economy, scenario: Scenario, deficits, tol: float) -> Equilibrium:
    """Solve one row by `counterfactual`."""
    return counterfactual(
        scenario.world(economy), scenario.shock, scenario.policy, tol=tol, threads=1,
        deficits=deficits if scenario.deficits is None else scenario.deficits,
    )  # fmt: skip


def _keep(table: _Table, at: int, future) -> None:
    """Keep the result or the error of a row that was solved alone; its work comes on top of earlier attempts."""
    try:
        result = future.result()
    except NotConverged as error:
        result = error.equilibrium
        table.fail(at, error)
    except ExacthatError as error:
        table.fail(at, error)
        return
    else:
        table.put(at, CERTIFIED, **{name: getattr(result, name) for name in HATS})
    for name in MISSES:
        table.values[name][at] = getattr(result.certificate, name)
    for name in WORK:
        table.values[name][at] += getattr(result.certificate, name)


def _distribute(executor, economy: Economy, rows, deficits, tol: float, threads: int, table: _Table) -> None:
    """Let an executor work on pieces of the batch; keep those that are done, whatever ends it."""
    share = -(-len(rows) // processors())
    small = min(-(-share // PIECES), int(LONGEST // economy.flows.size))
    size = max(1, min(share, max(FEWEST, small)))
    bare = replace(economy)  # without what has been derived from it: less to send
    waiting: dict[Future, slice] = {}
    try:
        for at in range(0, len(rows), size):
            piece = slice(at, at + size)
            waiting[executor.submit(_piece, bare, rows[piece], deficits, tol, threads)] = piece
        for future in as_completed(waiting):
            _take(table, waiting[future], *future.result())
            table.report()
    except BaseException:
        for future, piece in waiting.items():
            if not future.done():
                future.cancel()
            elif not future.cancelled() and future.exception() is None:
                _take(table, piece, *future.result())
        raise


def _take(table: _Table, at: slice, outcome, message, values) -> None:
    """Keep what came back of a piece."""
    table.put(at, outcome, **values)
    table.message[at] = message


def _piece(economy: Economy, rows, deficits, tol: float, threads: int) -> tuple:
    """Solve some rows of a batch where the executor runs them; return outcomes, messages and values."""
    table = _Table(len(rows), len(economy.countries), None)
    _solve(economy, rows, deficits, tol, threads, table)
    return table.outcome, table.message, table.values
