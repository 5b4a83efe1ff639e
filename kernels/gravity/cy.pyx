# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled twin of `ref`: evaluation, Jacobian-vector product and the whole Newton-GMRES solve.

Equation numbers are those of `ref`. Arrays [industry, country] are kept in rows padded to a multiple of
eight, like the weights, so that every loop runs over whole vectors; pads and cells without output hold
zeros. A team of threads stands by for each call from beginning to end and shares its work in chunks of
industries, or of countries for sums over industries; every sum has one order, so results do not depend on the
number of threads. The C parts stand beside this file: problem.pxi (memory, teams), evaluation.pxi (equations and
derivative), preconditioner.pxi, pullback.pxi (transposed products), newton.pxi.
"""

import os

import numpy as np

from exacthat.kernels.gravity.system import (
    Point, Pullback, Solution, State, empty_weights, is_packed, pack, row_length,
)

from cython.parallel cimport parallel, threadid
from libc.math cimport INFINITY, exp, fabs, isfinite, log, sqrt
from libc.stdint cimport uint32_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

include "problem.pxi"
include "evaluation.pxi"
include "preconditioner.pxi"
include "pullback.pxi"
include "newton.pxi"


def instruction_set():
    """Return the name of the vector instruction set in use: "avx512", "avx2" or "baseline"."""
    return vec.name.decode()


def use_instruction_set(name=""):
    """Switch to another instruction set this processor runs (for tests); "" is the widest. Return its name."""
    global vec
    chosen = exacthat_primitives_select(name.encode())
    if chosen == NULL:
        raise ValueError(f"instruction set {name!r} does not run on this processor")
    vec = chosen
    return instruction_set()


cdef Py_ssize_t NARROW_ABOVE = 1 << 21  # bytes of weights: above, products read a copy in float32


cdef _plain(values):
    return np.ascontiguousarray(values, np.float64)


cdef _packed(weights):
    return weights if is_packed(weights) else pack(weights)


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
    cdef object owners

    def __cinit__(self, system, point, int threads):
        weights = _packed(system.weights)
        border = weights if system.border is None else _packed(system.border)
        revenue = border if system.revenue is None else _packed(system.revenue)
        cdef const double[:, :, :] A = weights
        cdef const double[:, :, :] G = border
        cdef const double[:, :, :] H = revenue
        cdef const double[:, :, ::1] inputs
        cdef const int[::1] component = np.ascontiguousarray(system.component, np.int32)
        cdef const double[::1] epsilon = _plain(system.trade_elasticity)
        cdef const double[::1] alpha = _plain(system.feedback)
        cdef const double[::1] deficits = _plain(system.deficits)
        cdef const double[::1] expenditure = _plain(system.expenditure)
        self.owners = [A, G, H, component, epsilon, alpha, deficits, expenditure]
        self.p.K, self.p.N = A.shape[0], A.shape[1]
        self.p.stride = row_length(self.p.N)
        self.p.M = self.p.K * self.p.stride
        self.p.C = int(np.max(system.component)) + 1
        self.p.threads = _threads(threads)
        self.p.A, self.p.G, self.p.H = &A[0, 0, 0], &G[0, 0, 0], &H[0, 0, 0]
        self.p.taxes = system.border is not None
        self.p.inputs = NULL
        if system.input_shares is not None:
            inputs = _plain(system.input_shares)
            self.owners.append(inputs)
            self.p.inputs = &inputs[0, 0, 0]
        self.p.L = self.p.M * (1 if self.p.inputs == NULL else 2) + (self.p.stride if self.p.taxes else 0)
        self.p.component = &component[0]
        self.p.epsilon = &epsilon[0]
        self.p.alpha = &alpha[0]
        self.p.deficits = &deficits[0]
        self.p.base_spending = &expenditure[0]
        if _allocate(&self.p) != 0:
            raise MemoryError("no memory for the work arrays of the hat system")
        _fill(&self.p, _plain(system.spending_shares), _plain(system.sales), _plain(system.shift),
              _plain(system.markup), _plain(system.cost_share), _plain(system.labour_share),
              _plain(system.labour_income))
        if point is not None:
            self.read(point)

    def __dealloc__(self):
        free(self.p.block)

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
        cdef double[:, ::1] view = out
        cdef Py_ssize_t k
        for k in range(self.p.K):
            memcpy(&view[k, 0], source + k * self.p.stride, self.p.N * sizeof(double))
        return out

    cdef countries(self, const double *source):
        out = np.empty(self.p.N)
        cdef double[::1] view = out
        memcpy(&view[0], source, self.p.N * sizeof(double))
        return out

    cdef point(self, const double *source):
        """Copy a vector of unknowns out."""
        return Point(self.array(source),
                     None if self.p.inputs == NULL else self.array(source + self.p.M),
                     self.countries(source + self.p.L - self.p.stride) if self.p.taxes else None)

    cdef evaluate(self, int times):
        with nogil:
            _together(&self.p, _lead_evaluations, &times)

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
        cdef double[:, ::1] power = price_power
        for k in range(self.p.K):
            for n in range(self.p.N):
                power[k, n] = power[k, n] + self.p.largest[k] if self.p.d[k * self.p.stride + n] > 0 else 0.0
        return State(self.point(self.p.residual), self.countries(self.p.wage_bill),
                     self.countries(self.p.expenditure), price_power)


def evaluate(system, point, threads=1):
    """Evaluate the hat system at a point; the compiled twin of `ref.evaluate`."""
    cdef _Bound bound = _Bound(system, point, threads)
    bound.evaluate(1)
    if bound.p.status != 0:
        raise ArithmeticError("spending or income of a country is not positive at this point")
    return bound.state()


def jacobian_product(system, point, direction, threads=1):
    """Derivative of the residual at `point` along `direction`; the compiled twin of `ref.jacobian_product`."""
    cdef _Bound bound = _Bound(system, point, threads)
    cdef _Bound along = _Bound(system, direction, 1)
    bound.evaluate(1)
    if bound.p.status != 0:
        raise ArithmeticError("spending or income of a country is not positive at this point")
    bound.multiply(1, along)
    return along.point(along.p.residual)


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
    cdef double *block = <double *> malloc(((KRYLOV + 5) * L + 8) * sizeof(double))
    cdef double *cursor
    if block == NULL:
        raise MemoryError("no memory for the Krylov basis of the hat system")
    cursor = block + (-(<uintptr_t> block) % 64) // 8
    _place_krylov(&bound.p, &krylov, &cursor)
    cdef double *step = _take(&cursor, L)
    cdef double *origin = _take(&cursor, L)
    memset(step, 0, L * sizeof(double))
    memset(&report, 0, sizeof(report))
    cdef double[::1] exports = np.empty(bound.p.N)
    cdef double[::1] imports = np.empty(bound.p.N)
    cdef char *floats = NULL
    if bound.p.M * bound.p.N * 8 >= NARROW_ABOVE and not bound.p.taxes:
        floats = <char *> malloc(bound.p.M * bound.p.N * sizeof(float) + 64)
    if floats != NULL:
        bound.p.floats = <float *> (floats + (-(<uintptr_t> floats) % 64))
    with nogil:
        _newton(&bound.p, &krylov, step, origin, tolerance, max_iterations, halvings, &report)
        _trade(&bound.p, &exports[0], &imports[0])
    free(floats)
    free(block)
    return Solution(bound.point(bound.p.x), bound.state(), np.asarray(exports), np.asarray(imports),
                    bool(report.converged), report.residual, report.last_step, report.iterations,
                    report.evaluations, report.products, report.passes64, report.passes32)


def pullback(system, point, residual, spending=None, price_power=None, threads=1):
    """Carry weights back through the equations; the compiled twin of `ref.pullback`."""
    cdef _Bound bound = _Bound(system, point, threads)
    cdef _Bound weights = _Bound(system, residual, 1)
    cdef Weights w
    cdef Task task
    cdef double *block = <double *> calloc(_weights_size(&bound.p) + 8, sizeof(double))
    cdef double *cursor
    if block == NULL:
        raise MemoryError("no memory for the weights of the hat system")
    cursor = block + (-(<uintptr_t> block) % 64) // 8
    _place_weights(&bound.p, &w, &cursor)
    try:
        bound.weigh(&w, spending, price_power)
        task.weights, task.x, task.y = &w, weights.p.x, weights.p.residual
        with nogil:
            _together(&bound.p, _lead_pullback, &task)
        if bound.p.status != 0:
            raise ArithmeticError("spending or income of a country is not positive at this point")
        taxed = bound.p.taxes
        return Pullback(weights.point(weights.p.residual), bound.array(w.ln_u), bound.array(w.ln_d),
                        bound.array(w.received), bound.array(w.border) if taxed else None,
                        bound.array(w.untaxed) if taxed else None, bound.countries(w.spending))
    finally:
        free(block)


def solve_transposed(system, point, right, double tolerance=1e-12, threads=1):
    """Solve (transposed Jacobian at `point`) y = `right`; return (y, relative residual, products used).

    The compiled twin of `ref.solve_transposed`: GMRES with transposed products and preconditioner.
    """
    cdef _Bound bound = _Bound(system, point, threads)
    cdef _Bound sides = _Bound(system, right, 1)
    cdef Weights w
    cdef Krylov krylov
    cdef Report report
    cdef Py_ssize_t L = bound.p.L
    cdef double *block = <double *> calloc(_weights_size(&bound.p) + (KRYLOV + 5) * L + 8, sizeof(double))
    cdef double *cursor
    cdef double *part
    cdef Transposed arguments
    if block == NULL:
        raise MemoryError("no memory for the Krylov basis of the hat system")
    cursor = block + (-(<uintptr_t> block) % 64) // 8
    _place_weights(&bound.p, &w, &cursor)
    _place_krylov(&bound.p, &krylov, &cursor)
    part = _take(&cursor, L)
    memset(&report, 0, sizeof(report))
    arguments.krylov, arguments.weights, arguments.right = &krylov, &w, sides.p.x
    arguments.part, arguments.y, arguments.accuracy = part, sides.p.residual, tolerance
    arguments.report = &report
    with nogil:
        _together(&bound.p, _lead_transposed, &arguments)
    free(block)
    if bound.p.status != 0:
        raise ArithmeticError("spending or income of a country is not positive at this point")
    return sides.point(sides.p.residual), report.residual, report.products


def trade_weights(trade_shares, trade_cost, trade_elasticity):
    """A[k, i, n] = trade_shares[k, i, n] trade_cost[i, n, k]^-epsilon_k; the compiled twin of `ref.trade_weights`.

    Returns packed weights. `trade_cost` is (N, N, K) as users give it; infinite costs give exactly zero.
    """
    cdef const double[:, :, ::1] cost = _plain(trade_cost)
    cdef const double[:, :, :] shares = trade_shares
    cdef const double[::1] epsilon = _plain(trade_elasticity)
    cdef Py_ssize_t N = cost.shape[0], K = cost.shape[2], i, n, k
    cdef Py_ssize_t width = _padded(N)
    weights = empty_weights(K, N)
    cdef double[:, :, :] A = weights
    cdef double[:, ::1] turned = np.ones((K, width))  # one origin's costs by industry
    cdef double[:, ::1] logs = np.empty((K, width))
    with nogil:
        for i in range(N):
            for n in range(N):
                for k in range(K):
                    turned[k, n] = cost[i, n, k]
            vec.log(K * width, &turned[0, 0], &logs[0, 0])
            for k in range(K):
                for n in range(N):
                    A[k, i, n] = shares[k, i, n]
                vec.multiply_exp(width, -epsilon[k], &logs[k, 0], &A[k, i, 0])
    return weights
