# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled twin of `ref`: evaluation, Jacobian-vector product and the whole Newton-GMRES solve.

Equation numbers are those of `ref`. Arrays [industry, country] are kept in rows padded to a multiple of
eight, like the weights, so that every loop runs over whole vectors; pads and cells without output hold
zeros. A team of threads stands by for each call from beginning to end and shares its work in chunks of
industries, or of countries for sums over industries; every sum has one order, so results do not depend on the
number of threads. The C parts stand beside this file: problem.pxi (memory, teams), evaluation.pxi (equations and
derivative), preconditioner.pxi, pullback.pxi (transposed products), trade.pxi (trade between countries), newton.pxi,
batch.pxi (many systems at a time), judge.pxi (slacks of a solution), weights.pxi (trade shares and weights).
"""

import os

import numpy as np

from exacthat.kernels.gravity.system import (
    Point, Pullback, Slacks, Solution, Solutions, State, TALL, pack,
)

from cpython.buffer cimport (PyBUF_FULL_RO, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_CheckBuffer,
                             PyObject_GetBuffer)
from cython.parallel cimport parallel, prange, threadid
from libc.math cimport INFINITY, NAN, exp, fabs, isfinite, log, sqrt
from libc.stdint cimport uint32_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

include "problem.pxi"
include "evaluation.pxi"
include "preconditioner.pxi"
include "pullback.pxi"
include "trade.pxi"
include "newton.pxi"
include "batch.pxi"


def instruction_set():
    """Return the name of the vector instruction set in use: "avx512", "avx2" or "baseline"."""
    return vec.name.decode()


def use_instruction_set(name=""):
    """Switch to another instruction set this processor runs; "" is the widest. Return its name.

    For tests: no other thread may be in a solve, which lays memory out for the set it started with.
    """
    global vec
    chosen = exacthat_primitives_select(name.encode())
    if chosen == NULL:
        raise ValueError(f"instruction set {name!r} does not run on this processor")
    vec = chosen
    return instruction_set()


cdef Py_ssize_t NARROW_ABOVE = 1 << 21  # bytes of weights: above, products read a copy in bfloat16


cdef _plain(values):
    return np.ascontiguousarray(values, np.float64)


# Arrays are read by address: in small worlds typed memoryviews would cost as much as the solve.

cdef void *_start(array, Py_ssize_t bytes) except NULL:
    """Where an array of so many bytes starts; the caller knows its type and strides and keeps it alive."""
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, PyBUF_FULL_RO)
    cdef void *start = view.buf
    cdef Py_ssize_t found = view.len
    PyBuffer_Release(&view)
    if found != bytes:
        raise ValueError(f"an array of the hat system has {found} bytes, not {bytes}")
    return start


cdef double *_address(array, Py_ssize_t size) except NULL:
    return <double *> _start(array, size * <Py_ssize_t> sizeof(double))


cdef double *_read(list owners, values, Py_ssize_t size) except NULL:
    """Address of `size` numbers, copied only where they are not float64 in a row; `owners` keeps them alive."""
    cdef Py_buffer view
    cdef void *start = NULL
    if PyObject_CheckBuffer(values):
        PyObject_GetBuffer(values, &view, PyBUF_FULL_RO)
        if (view.len == size * <Py_ssize_t> sizeof(double) and view.format != NULL and view.format[0] == b"d"
                and PyBuffer_IsContiguous(&view, b"C")):
            start = view.buf
        PyBuffer_Release(&view)
    if start == NULL:
        values = _plain(values)
        start = _address(values, size)
    owners.append(values)
    return <double *> start


cdef const int *_read_components(list owners, system, Py_ssize_t size) except NULL:
    component = np.ascontiguousarray(system.component, np.int32)
    owners.append(component)
    return <const int *> _start(component, size * <Py_ssize_t> sizeof(int))


cdef Py_ssize_t _tall = TALL


cdef Py_ssize_t _row_length(Py_ssize_t countries) noexcept nogil:
    """`row_length` of `system`."""
    cdef Py_ssize_t lines = _padded(countries) // 8
    return 8 * (lines + (countries > _tall and lines % 2 == 0))


cdef _empty(Py_ssize_t industries, Py_ssize_t countries):
    """A (K, N, N) view of aligned, padded storage, as `pack` makes it; nothing is written, pads neither."""
    cdef Py_ssize_t row = _row_length(countries), size = industries * countries * row + 8
    buffer = np.empty(size)
    cdef Py_ssize_t start = -<Py_ssize_t> _address(buffer, size) & 63
    return np.ndarray((industries, countries, countries), np.float64, buffer, start, (8 * countries * row, 8 * row, 8))


cdef _packed(weights):
    """(K, N, N) weights in the storage that `pack` makes; copied only where they have another."""
    cdef Py_buffer view
    cdef Py_ssize_t row
    cdef bint fits
    PyObject_GetBuffer(weights, &view, PyBUF_FULL_RO)
    row = _row_length(view.shape[1]) * <Py_ssize_t> sizeof(double) if view.ndim == 3 else 0
    fits = (view.ndim == 3 and view.format[0] == b"d" and <uintptr_t> view.buf % 64 == 0
            and view.strides[1] == row and view.strides[2] == <Py_ssize_t> sizeof(double)
            and (view.shape[0] == 1 or view.strides[0] == view.shape[1] * row))
    PyBuffer_Release(&view)
    return weights if fits else pack(weights)


cdef bint _parallel = False      # whether this process has run more than one thread
cdef bint _forked = False        # whether it is the child of one that had: its OpenMP runtime would wait for ever


def _after_fork():
    global _forked
    _forked = _forked or _parallel


os.register_at_fork(after_in_child=_after_fork)


cdef int _threads(int wanted) except -1:
    global _parallel
    if wanted < 1:
        raise ValueError(f"threads is {wanted}; it must be at least 1")
    if wanted > 1 and not _forked and EXACTHAT_TEAMS:
        _parallel = True
        return min(wanted, os.cpu_count() or 1)
    return 1


cdef class _Bound:
    """A Problem with the Python objects that own its memory."""

    cdef Problem p
    cdef list owners

    def __cinit__(self, system, point, int threads):
        cdef const double *labour_share = NULL
        cdef Py_ssize_t N, M
        cdef int n
        self.p.K, self.p.N = system.weights.shape[0], system.weights.shape[1]
        N, M = self.p.N, self.p.K * self.p.N
        self.owners = []
        self.p.stride = _row_length(N)
        self.p.M = self.p.K * self.p.stride
        self.p.component = _read_components(self.owners, system, N)
        self.p.C = 0
        for n in range(N):
            self.p.C = max(self.p.C, self.p.component[n] + 1)
        self.p.threads = _threads(threads)
        self.p.taxes = system.border is not None
        self.p.A = self.matrix(system.weights)
        self.p.G = self.matrix(system.border) if self.p.taxes else self.p.A
        self.p.H = self.p.G if system.revenue is None else self.matrix(system.revenue)
        self.p.inputs = NULL
        if system.input_shares is not None:
            self.p.inputs = _read(self.owners, system.input_shares, N * self.p.K * self.p.K)
            labour_share = _read(self.owners, system.labour_share, M)
        self.p.L = self.p.M * (1 if self.p.inputs == NULL else 2) + (self.p.stride if self.p.taxes else 0)
        self.p.epsilon = _read(self.owners, system.trade_elasticity, self.p.K)
        self.p.alpha = _read(self.owners, system.feedback, self.p.K)
        self.p.deficits = _read(self.owners, system.deficits, N)
        self.p.base_spending = _read(self.owners, system.expenditure, N)
        if _allocate(&self.p) != 0:
            raise MemoryError("no memory for the work arrays of the hat system")
        _fill(&self.p, _read(self.owners, system.spending_shares, M), _read(self.owners, system.sales, M),
              _read(self.owners, system.shift, M), _read(self.owners, system.markup, M),
              _read(self.owners, system.cost_share, M), labour_share, _read(self.owners, system.labour_income, N))
        if point is not None:
            self.read(point)

    def __dealloc__(self):
        free(self.p.block)

    cdef const double *matrix(self, weights) except NULL:
        """Address of (K, N, N) weights in packed storage."""
        weights = _packed(weights)
        self.owners.append(weights)
        return _address(weights, self.p.K * self.p.N * self.p.N)

    cdef read(self, point):
        """Copy a point or direction in; cells without sales stay at zero."""
        cdef const double[:, ::1] cells
        cdef const double[::1] spending
        cdef Py_ssize_t k, n
        cells = self.shaped(point.sales, (self.p.K, self.p.N), "sales")
        for k in range(self.p.K):
            for n in range(self.p.N):
                self.p.x[k * self.p.stride + n] = cells[k, n] * self.p.live[k * self.p.stride + n]
        if self.p.inputs != NULL:
            cells = self.shaped(point.prices, (self.p.K, self.p.N), "prices")
            for k in range(self.p.K):
                for n in range(self.p.N):
                    self.p.x[self.p.M + k * self.p.stride + n] = cells[k, n]
        if self.p.taxes:
            spending = self.shaped(point.expenditure, (self.p.N,), "expenditure")
            for n in range(self.p.N):
                self.p.x[self.p.L - self.p.stride + n] = spending[n]

    cdef weigh(self, Weights *w, spending, price_power):
        """Copy weights on spending (N,) and on ln d (K, N) in; None is zero."""
        cdef const double[::1] by_country
        cdef const double[:, ::1] by_cell
        cdef Py_ssize_t k, n
        if spending is not None:
            by_country = self.shaped(spending, (self.p.N,), "spending")
            for n in range(self.p.N):
                w.spending[n] = by_country[n]
        if price_power is not None:
            by_cell = self.shaped(price_power, (self.p.K, self.p.N), "price_power")
            for k in range(self.p.K):
                for n in range(self.p.N):
                    w.ln_d[k * self.p.stride + n] = by_cell[k, n]

    cdef shaped(self, values, shape, name):
        if values is None or np.shape(values) != shape:
            raise ValueError(f"{name} of the point must be an array of shape {shape}")
        return _plain(values)

    cdef array(self, const double *source):
        """Copy a padded [industry, country] array out."""
        out = np.empty((self.p.K, self.p.N))
        cdef double *rows = _address(out, self.p.K * self.p.N)
        cdef Py_ssize_t k
        for k in range(self.p.K):
            memcpy(rows + k * self.p.N, source + k * self.p.stride, self.p.N * sizeof(double))
        return out

    cdef countries(self, const double *source):
        out = np.empty(self.p.N)
        memcpy(_address(out, self.p.N), source, self.p.N * sizeof(double))
        return out

    cdef point(self, const double *source):
        """Copy a vector of unknowns out."""
        return Point(self.array(source),
                     None if self.p.inputs == NULL else self.array(source + self.p.M),
                     self.countries(source + self.p.L - self.p.stride) if self.p.taxes else None)

    cdef evaluate(self, int times):
        with nogil:
            _together(&self.p, _lead_evaluations, &times)

    cdef check(self):
        """Refuse the point last evaluated where the equations have no value."""
        if self.p.status != 0:
            raise ArithmeticError("spending or income of a country is not positive at this point")

    cdef multiply(self, int times, _Bound along):
        """Products along the point of `along`, into its residual."""
        cdef Products arguments
        arguments.count, arguments.task.x, arguments.task.y = times, along.p.x, along.p.residual
        with nogil:
            _together(&self.p, _lead_products, &arguments)

    cdef state(self):
        """The point last evaluated; ln d is 0 where nothing is supplied."""
        cdef Py_ssize_t k, n
        vec.log(self.p.M, self.p.d, self.p.work)
        price_power = self.array(self.p.work)
        cdef double *power = _address(price_power, self.p.K * self.p.N)
        for k in range(self.p.K):
            for n in range(self.p.N):
                power[k * self.p.N + n] += self.p.largest[k]
                if not self.p.d[k * self.p.stride + n] > 0:
                    power[k * self.p.N + n] = 0.0
        return State(self.point(self.p.residual), self.countries(self.p.wage_bill),
                     self.countries(self.p.expenditure), price_power)


def evaluate(system, point, threads=1):
    """Evaluate the hat system at a point; the compiled twin of `ref.evaluate`."""
    cdef _Bound bound = _Bound(system, point, threads)
    bound.evaluate(1)
    bound.check()
    return bound.state()


def repeat(system, point, direction, int evaluations=1, int products=0, threads=1):
    """Run the hot loops many times without leaving compiled code (for benches); return the last residual.

    `products` Jacobian-vector products along `direction` follow `evaluations` evaluations.
    """
    cdef _Bound bound = _Bound(system, point, threads)
    cdef _Bound along = _Bound(system, direction, 1)
    bound.evaluate(max(evaluations, 1))
    bound.multiply(products, along)
    return bound.point(bound.p.residual)


def solve(system, start=None, double tolerance=1e-10, int max_iterations=60, threads=1, int halvings=6):
    """Solve the hat system by Newton-GMRES from a point, the base year by default.

    Returns a `Solution`; `converged` says whether the largest residual met `tolerance`. A step that had to be
    halved more than `halvings` times ends the solve: Newton is lost, and following the shock is cheaper. The
    compiled twin of `ref.solve`, with linear systems solved inexactly and preconditioned country by country.
    """
    cdef _Bound bound = _Bound(system, start, threads)
    cdef Krylov krylov
    cdef Report report
    cdef Py_ssize_t L = bound.p.L
    cdef double *block = <double *> exacthat_malloc(((KRYLOV + 5) * L + _trade_memory(&bound.p) + 16) * sizeof(double))
    cdef double *cursor
    if block == NULL:
        raise MemoryError("no memory for the Krylov basis of the hat system")
    cursor = block + (-(<uintptr_t> block) % 64) // 8
    _place_krylov(&bound.p, &krylov, &cursor)
    cdef double *step = _take(&cursor, L)
    cdef double *origin = _take(&cursor, L)
    cdef double *flows = _take(&cursor, _trade_memory(&bound.p))
    memset(step, 0, L * sizeof(double))
    memset(&report, 0, sizeof(report))
    exports, imports = np.empty(bound.p.N), np.empty(bound.p.N)
    cdef double *sold = _address(exports, bound.p.N)
    cdef double *bought = _address(imports, bound.p.N)
    cdef Py_ssize_t bytes = bound.p.K * vec.narrow_size(bound.p.N, bound.p.stride) * sizeof(uint32_t)
    cdef char *copy = NULL
    cdef double bound_of_branches
    if bound.p.M * bound.p.N * 8 >= NARROW_ABOVE and not bound.p.taxes:
        copy = <char *> exacthat_malloc(bytes + (_padded(bound.p.K) + 4 * bound.p.M) * sizeof(double) + 128)
    if copy != NULL:
        bound.p.factor = <double *> (copy + (-(<uintptr_t> copy) % 64))
        bound.p.home = bound.p.factor + _padded(bound.p.K)
        bound.p.narrow_q = bound.p.home + bound.p.M
        bound.p.narrow_inverse = bound.p.narrow_q + bound.p.M
        bound.p.narrow_demand = bound.p.narrow_inverse + bound.p.M
        bound.p.words = <uint32_t *> (bound.p.narrow_demand + bound.p.M)
    with nogil:
        _newton(&bound.p, &krylov, step, origin, tolerance, max_iterations, halvings, start is None, flows,
                &report)
        _trade(&bound.p, flows, sold, bought)
        bound_of_branches = _branch_bound(&bound.p, flows, sold, bought)
    free(copy)
    free(block)
    return Solution(bound.point(bound.p.x), bound.state(), exports, imports,
                    bool(report.converged), report.residual, _walras(&bound.p), report.last_step, report.iterations,
                    report.evaluations, report.products, report.passes64, report.passes16, bound_of_branches)


def solve_many(system, changes, double tolerance=1e-10, threads=1, tariff=None, export_subsidy=None,
               int max_iterations=60, int halvings=6):
    """Solve one system per `Change` of a common base, each on one thread; the compiled twin of `ref.solve_many`.

    `system` is the base year: its weights are trade shares. `tariff` and `export_subsidy` (N, N, K) are the rates
    behind its border and revenue. Every solve starts from no change, so rows do not depend on each other or on
    the number of threads. A row whose price hats are not positive or leave the range of numbers is not converged.
    """
    cdef Py_ssize_t S = len(changes), s
    cdef int team = min(_threads(threads), max(S, 1)), w
    cdef _Reader reader = _Reader()
    cdef Common base
    cdef _Bound bound = _Bound(system, None, 1)
    cdef list bounds = [bound] + [_Bound(system, None, 1) for w in range(1, team)]
    cdef Py_ssize_t N = bound.p.N, K = bound.p.K
    cdef Row *rows = <Row *> calloc(S + 1, sizeof(Row))
    cdef Worker *workers = <Worker *> calloc(team, sizeof(Worker))
    found = Solutions(np.full((S, K, N), np.nan), np.full((S, 4, N), np.nan), np.full((S, 4), np.nan),
                      np.zeros((S, 3), np.int32))
    cdef double[:, :, ::1] price_power = found.price_power
    cdef double[:, :, ::1] accounts = found.accounts
    cdef double[:, ::1] misses = found.misses
    cdef int[:, ::1] work = found.work
    try:
        if rows == NULL or workers == NULL:
            raise MemoryError("no memory for the rows of a batch")
        memset(&base, 0, sizeof(Common))
        base.row.epsilon, base.row.alpha, base.row.deficits = bound.p.epsilon, bound.p.alpha, bound.p.deficits
        base.row.shift, base.row.markup = reader.matrix(system.shift, NULL), reader.matrix(system.markup, NULL)
        base.row.tariff, base.row.subsidy = reader.route(tariff), reader.route(export_subsidy)
        base.A, base.G, base.H = bound.p.A, bound.p.G, bound.p.H
        for s, change in enumerate(changes):
            rows[s] = reader.row(change, &base.row)
        own = any(rows[s].prices for s in range(S))
        for w in range(team):
            bound = bounds[w]
            if _hire(&workers[w], &bound.p, base.row.markup) != 0:
                raise MemoryError("no memory for the workers of a batch")
            if own:
                workers[w].A = <double *> reader.weights(pack(system.weights))
                if bound.p.taxes:
                    workers[w].G = <double *> reader.weights(pack(system.border))
                    workers[w].H = <double *> reader.weights(
                        pack(system.border if system.revenue is None else system.revenue))
        for s in prange(S, nogil=True, schedule="dynamic", chunksize=1, num_threads=team):
            w = threadid()
            _solve_row(&workers[w], &base, &rows[s], tolerance, max_iterations, halvings, &price_power[s, 0, 0],
                       &accounts[s, 0, 0])
            misses[s, 0] = workers[w].report.residual
            if workers[w].report.converged:
                misses[s, 1] = _walras(workers[w].p)
                misses[s, 2] = workers[w].report.last_step
                misses[s, 3] = _branch_bound(workers[w].p, workers[w].flows, &accounts[s, 2, 0], &accounts[s, 3, 0])
            work[s, 0] = workers[w].report.iterations
            work[s, 1] = workers[w].report.evaluations
            work[s, 2] = workers[w].report.products
    finally:
        if workers != NULL:
            for w in range(team):
                free(workers[w].block)
        free(workers)
        free(rows)
    return found


include "derivatives.pxi"
include "judge.pxi"
include "weights.pxi"
