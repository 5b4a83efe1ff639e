# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled twin of `ref`: evaluation, Jacobian-vector product and the whole Newton-GMRES solve.

Equation numbers are those of `ref`. Arrays [industry, country] are kept in rows padded to a multiple of
eight, like the weights, so that every loop runs over whole vectors; pads and cells without output hold
zeros. Industries are shared among threads; every sum over industries runs in a fixed order on one thread,
so results do not depend on the number of threads.
"""

import numpy as np

from exacthat.kernels.gravity.system import Solution, State, empty_weights, is_packed, pack

from cython.parallel cimport prange
from libc.math cimport INFINITY, fabs, isfinite, log, sqrt
from libc.stdlib cimport calloc, free
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy, memset

cdef extern from "primitives.h" nogil:
    ctypedef struct exacthat_primitives:
        const char *name
        void (*exp)(Py_ssize_t, const double *, double *) noexcept nogil
        void (*log)(Py_ssize_t, const double *, double *) noexcept nogil
        void (*market)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, const double *, const double *,
                       double *, double *, double *, double *) noexcept nogil
        void (*market_product)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, const double *,
                               const double *, const double *, const double *, double *) noexcept nogil
        void (*squares)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, const double *,
                        double *) noexcept nogil
        double (*dot)(Py_ssize_t, const double *, const double *) noexcept nogil
        void (*add)(Py_ssize_t, double, const double *, double *) noexcept nogil
    const exacthat_primitives *exacthat_primitives_select(const char *) noexcept
    const int EXACTHAT_PAD

cdef const exacthat_primitives *vec = exacthat_primitives_select(NULL)

cdef enum:
    KRYLOV = 60                       # largest number of GMRES steps in one Newton step
cdef double FORCING = 0.1             # relative accuracy of the first linear solve
cdef double FORCING_LEAST = 1e-3
cdef double LARGEST_WAGE_STEP = 2.0   # in ln(labour income); ln(sales) is never capped
cdef int HALVINGS = 6                 # a step cut further says that Newton is lost: follow the shock instead


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


# ---------------------------------------------------------------------------------------------------
# One problem: pointers into the caller's weights and into one block of work arrays.

cdef struct Problem:
    Py_ssize_t N, K, C, stride, M    # countries, industries, components, padded countries, K * stride
    int threads
    const double *A
    const int *component
    const double *epsilon
    const double *alpha
    const double *deficits
    double *block
    # [K, stride]: the system
    double *beta
    double *sales
    double *shift
    double *offset                   # ln(m / R0)
    double *live                     # 1 where R0 > 0
    double *kappa
    double *over_markup
    # [K, stride]: the point
    double *r
    double *revenue                  # R
    double *u
    double *d
    double *inverse                  # 1 / d
    double *q                        # beta E / d
    double *demand                   # Q
    double *residual
    double *spending                 # beta E, then scratch
    double *work
    double *diagonal                 # preconditioner: 1 / j
    double *coupling                 # preconditioner: b
    # [K]
    double *largest                  # of ln u, taken out before the exponential
    # [stride]: by country
    double *base                     # base-year labour income Y
    double *labour                   # Y'
    double *wage_bill                # v
    double *expenditure              # E'
    double *scale                    # g of the country's component
    double *change_wage              # dv
    double *change_spending          # dln E
    double *change_scale
    double *weight                   # preconditioner: 1 / denominator of the wage coupling
    # [C]: by component
    double *total                    # labour income
    double *base_total
    double *change_total


cdef Py_ssize_t _padded(Py_ssize_t size) noexcept nogil:
    return (size + EXACTHAT_PAD - 1) // EXACTHAT_PAD * EXACTHAT_PAD


cdef double *_take(double **cursor, Py_ssize_t size) noexcept nogil:
    cdef double *start = cursor[0]
    cursor[0] += _padded(size)
    return start


cdef int _allocate(Problem *p) noexcept nogil:
    """Carve all work arrays out of one zeroed block; -1 if there is no memory."""
    cdef Py_ssize_t M = p.M, S = p.stride
    cdef double *cursor
    p.block = <double *> calloc(19 * M + 9 * S + 3 * _padded(p.C) + _padded(p.K) + 8, sizeof(double))
    if p.block == NULL:
        return -1
    cursor = p.block + (-(<uintptr_t> p.block) % 64) // 8
    p.beta = _take(&cursor, M)
    p.sales = _take(&cursor, M)
    p.shift = _take(&cursor, M)
    p.offset = _take(&cursor, M)
    p.live = _take(&cursor, M)
    p.kappa = _take(&cursor, M)
    p.over_markup = _take(&cursor, M)
    p.r = _take(&cursor, M)
    p.revenue = _take(&cursor, M)
    p.u = _take(&cursor, M)
    p.d = _take(&cursor, M)
    p.inverse = _take(&cursor, M)
    p.q = _take(&cursor, M)
    p.demand = _take(&cursor, M)
    p.residual = _take(&cursor, M)
    p.spending = _take(&cursor, M)
    p.work = _take(&cursor, M)
    p.diagonal = _take(&cursor, M)
    p.coupling = _take(&cursor, M)
    p.largest = _take(&cursor, p.K)
    p.base = _take(&cursor, S)
    p.labour = _take(&cursor, S)
    p.wage_bill = _take(&cursor, S)
    p.expenditure = _take(&cursor, S)
    p.scale = _take(&cursor, S)
    p.change_wage = _take(&cursor, S)
    p.change_spending = _take(&cursor, S)
    p.change_scale = _take(&cursor, S)
    p.weight = _take(&cursor, S)
    p.total = _take(&cursor, p.C)
    p.base_total = _take(&cursor, p.C)
    p.change_total = _take(&cursor, p.C)
    return 0


cdef void _fill(Problem *p, const double[:, ::1] beta, const double[:, ::1] sales, const double[:, ::1] shift,
                const double[:, ::1] markup, const double[:, ::1] kappa, const double[::1] base) noexcept nogil:
    """Copy the system into padded rows and sum base-year labour income by component."""
    cdef Py_ssize_t k, n, at
    for k in range(p.K):
        for n in range(p.N):
            at = k * p.stride + n
            p.beta[at] = beta[k, n]
            p.sales[at] = sales[k, n]
            p.shift[at] = shift[k, n]
            p.kappa[at] = kappa[k, n]
            p.over_markup[at] = 1.0 / markup[k, n]
            if sales[k, n] > 0:
                p.live[at] = 1.0
                p.offset[at] = log(markup[k, n] / sales[k, n])
    for n in range(p.N):
        p.base[n] = base[n]
        p.base_total[p.component[n]] += p.base[n]


# ---------------------------------------------------------------------------------------------------
# One evaluation

cdef void _industry(Problem *p, Py_ssize_t k) noexcept nogil:
    """Equations (3) to (6) for one industry."""
    cdef Py_ssize_t at = k * p.stride, i
    cdef double alpha = p.alpha[k], wage = p.alpha[k] + p.epsilon[k], most = -INFINITY, value
    cdef double *r = p.r + at
    cdef double *u = p.u + at
    cdef double *residual = p.residual + at
    cdef double *work = p.work + at
    cdef double *live = p.live + at
    for i in range(p.N):
        value = alpha * r[i] - wage * p.wage_bill[i] + p.shift[at + i]
        residual[i] = value
        if live[i] > 0 and value > most:
            most = value
    if not isfinite(most):
        most = 0.0
    p.largest[k] = most
    for i in range(p.N):
        work[i] = residual[i] - most
    vec.exp(p.stride, work, u)
    for i in range(p.stride):
        u[i] *= live[i]
        p.spending[at + i] = p.beta[at + i] * p.expenditure[i]
    vec.market(p.N, p.stride, p.stride, p.A + k * p.N * p.stride, u, p.spending + at, p.d + at, p.q + at,
               p.inverse + at, p.demand + at)
    vec.log(p.stride, p.demand + at, work)
    # with u divided by exp(most), Q comes out multiplied by it
    for i in range(p.N):
        value = r[i] - residual[i] + most - p.offset[at + i] - work[i] + p.scale[i]
        residual[i] = value if live[i] > 0 else 0.0


cdef int _evaluate(Problem *p) noexcept nogil:
    """Equations (1) to (6) at p.r; -1 where spending of a country is not positive."""
    cdef Py_ssize_t k, n, at
    cdef double spending
    vec.exp(p.M, p.r, p.revenue)
    memset(p.labour, 0, p.stride * sizeof(double))
    memset(p.expenditure, 0, p.stride * sizeof(double))
    memset(p.total, 0, p.C * sizeof(double))
    for k in range(p.K):
        for n in range(p.N):
            at = k * p.stride + n
            p.revenue[at] *= p.sales[at]
            p.labour[n] += p.kappa[at] * p.revenue[at]
            p.expenditure[n] += p.over_markup[at] * p.revenue[at]
    for n in range(p.N):
        p.total[p.component[n]] += p.labour[n]
    for n in range(p.N):
        p.wage_bill[n] = log(p.labour[n] / p.base[n])
        spending = p.total[p.component[n]] / p.base_total[p.component[n]]
        p.scale[n] = log(spending)
        p.expenditure[n] += p.deficits[n] * spending
        if not p.expenditure[n] > 0:
            return -1
    if p.threads == 1:
        for k in range(p.K):
            _industry(p, k)
    else:
        for k in prange(p.K, schedule="static", num_threads=p.threads):
            _industry(p, k)
    return 0


# ---------------------------------------------------------------------------------------------------
# Derivatives

cdef void _industry_product(Problem *p, Py_ssize_t k, const double *x, double *y) noexcept nogil:
    cdef Py_ssize_t at = k * p.stride, i
    cdef double alpha = p.alpha[k], wage = p.alpha[k] + p.epsilon[k], own = 1.0 - p.alpha[k]
    cdef double *work = p.work + at
    for i in range(p.N):
        work[i] = p.u[at + i] * (alpha * x[at + i] - wage * p.change_wage[i])
    vec.market_product(p.N, p.stride, p.stride, p.A + k * p.N * p.stride, work, p.q + at, p.change_spending,
                       p.inverse + at, p.spending + at)
    for i in range(p.N):
        if p.live[at + i] > 0:
            y[at + i] = (own * x[at + i] + wage * p.change_wage[i]
                         - p.spending[at + i] / p.demand[at + i] + p.change_scale[i])
        else:
            y[at + i] = 0.0


cdef void _wage_change(Problem *p, const double *x, double *change) noexcept nogil:
    """change_n = sum_k kappa R x / Y', the move of ln(labour income) along x."""
    cdef Py_ssize_t k, n, at
    memset(change, 0, p.stride * sizeof(double))
    for k in range(p.K):
        at = k * p.stride
        for n in range(p.N):
            change[n] += p.kappa[at + n] * p.revenue[at + n] * x[at + n]
    for n in range(p.N):
        change[n] /= p.labour[n]


cdef void _product(Problem *p, const double *x, double *y) noexcept nogil:
    """y = (derivative of the residual) x at the point last evaluated; x is zero outside live cells."""
    cdef Py_ssize_t k, n, at
    _wage_change(p, x, p.change_wage)
    memset(p.change_spending, 0, p.stride * sizeof(double))
    memset(p.change_total, 0, p.C * sizeof(double))
    for k in range(p.K):
        at = k * p.stride
        for n in range(p.N):
            p.change_spending[n] += p.over_markup[at + n] * p.revenue[at + n] * x[at + n]
    for n in range(p.N):
        p.change_total[p.component[n]] += p.labour[n] * p.change_wage[n]
    for n in range(p.N):
        k = p.component[n]
        p.change_scale[n] = p.change_total[k] / p.total[k]
        p.change_spending[n] += p.deficits[n] * p.change_total[k] / p.base_total[k]
        p.change_spending[n] /= p.expenditure[n]
    if p.threads == 1:
        for k in range(p.K):
            _industry_product(p, k, x, y)
    else:
        for k in prange(p.K, schedule="static", num_threads=p.threads):
            _industry_product(p, k, x, y)


cdef void _industry_diagonal(Problem *p, Py_ssize_t k) noexcept nogil:
    """Own-country derivative of one industry: j = 1 - alpha (1 - S_ii) and the wage coupling b."""
    cdef Py_ssize_t at = k * p.stride, i
    cdef double alpha = p.alpha[k], wage = p.alpha[k] + p.epsilon[k], own, home
    cdef const double *A = p.A + k * p.N * p.stride
    for i in range(p.stride):
        p.work[at + i] = 0.0 if p.q[at + i] == 0.0 else p.q[at + i] * p.inverse[at + i]
    vec.squares(p.N, p.stride, p.stride, A, p.work + at, p.spending + at)
    for i in range(p.N):
        if p.live[at + i] > 0:
            own = p.spending[at + i] * p.u[at + i] / p.demand[at + i]
            home = A[i * p.stride + i] * p.q[at + i] / p.demand[at + i]
            p.diagonal[at + i] = 1.0 / (1.0 - alpha * (1.0 - own))
            p.coupling[at + i] = wage * (1.0 - own) - home * p.labour[i] / p.expenditure[i]


cdef void _precondition(Problem *p, const double *x, double *z) noexcept nogil:
    """z = approximate inverse of the Jacobian times x: diagonal by country with the wage coupling."""
    cdef Py_ssize_t k, n, at
    for k in range(p.M):
        z[k] = p.diagonal[k] * x[k]
    _wage_change(p, z, p.change_wage)
    for n in range(p.N):
        p.change_wage[n] *= p.weight[n]
    for k in range(p.K):
        at = k * p.stride
        for n in range(p.N):
            z[at + n] -= p.diagonal[at + n] * p.coupling[at + n] * p.change_wage[n]


cdef void _prepare_preconditioner(Problem *p) noexcept nogil:
    cdef Py_ssize_t k, n
    if p.threads == 1:
        for k in range(p.K):
            _industry_diagonal(p, k)
    else:
        for k in prange(p.K, schedule="static", num_threads=p.threads):
            _industry_diagonal(p, k)
    for k in range(p.M):
        p.work[k] = p.diagonal[k] * p.coupling[k]
    _wage_change(p, p.work, p.weight)
    for n in range(p.N):
        p.weight[n] = 1.0 / max(1.0 + p.weight[n], 0.02)


# ---------------------------------------------------------------------------------------------------
# Newton-GMRES

cdef struct Krylov:
    double *basis                    # KRYLOV + 1 vectors of length M
    double *z
    double *w
    double h[KRYLOV + 1][KRYLOV]     # Hessenberg matrix, turned triangular by rotations
    double cosine[KRYLOV]
    double sine[KRYLOV]
    double g[KRYLOV + 1]


cdef struct Report:
    int converged
    double residual
    double last_step
    int iterations
    int evaluations
    int products


cdef double _largest(const double *x, Py_ssize_t n) noexcept nogil:
    """Largest |x|; infinity where an entry is not finite."""
    cdef double most = 0.0
    cdef Py_ssize_t i
    for i in range(n):
        if not isfinite(x[i]):
            return INFINITY
        if fabs(x[i]) > most:
            most = fabs(x[i])
    return most


cdef int _newton_direction(Problem *p, Krylov *s, double norm, double forcing, double *step) noexcept nogil:
    """Solve J step = -F to relative accuracy `forcing` by preconditioned GMRES; return the products used."""
    cdef Py_ssize_t M = p.M
    cdef int j, l, used = 0
    cdef double length, rotated
    cdef double y[KRYLOV]
    memset(s.basis, 0, M * sizeof(double))
    vec.add(M, -1.0 / norm, p.residual, s.basis)
    memset(s.g, 0, sizeof(s.g))
    s.g[0] = norm
    for j in range(KRYLOV):
        _precondition(p, s.basis + j * M, s.z)
        _product(p, s.z, s.w)
        used = j + 1
        for l in range(used):
            s.h[l][j] = vec.dot(M, s.w, s.basis + l * M)
            vec.add(M, -s.h[l][j], s.basis + l * M, s.w)
        length = sqrt(vec.dot(M, s.w, s.w))
        for l in range(j):
            rotated = s.cosine[l] * s.h[l][j] + s.sine[l] * s.h[l + 1][j]
            s.h[l + 1][j] = s.cosine[l] * s.h[l + 1][j] - s.sine[l] * s.h[l][j]
            s.h[l][j] = rotated
        rotated = sqrt(s.h[j][j] * s.h[j][j] + length * length)
        if not rotated > 0:
            used = j
            break
        s.cosine[j] = s.h[j][j] / rotated
        s.sine[j] = length / rotated
        s.h[j][j] = rotated
        s.g[j + 1] = -s.sine[j] * s.g[j]
        s.g[j] *= s.cosine[j]
        if fabs(s.g[j + 1]) <= forcing * norm or length <= 1e-14 * rotated:
            break
        memset(s.basis + (j + 1) * M, 0, M * sizeof(double))
        vec.add(M, 1.0 / length, s.w, s.basis + (j + 1) * M)
    memset(s.w, 0, M * sizeof(double))
    for j in range(used - 1, -1, -1):
        y[j] = s.g[j]
        for l in range(j + 1, used):
            y[j] -= s.h[j][l] * y[l]
        y[j] /= s.h[j][j]
    for j in range(used):
        vec.add(M, y[j], s.basis + j * M, s.w)
    _precondition(p, s.w, step)
    return used


cdef void _newton(Problem *p, Krylov *s, double *step, double *start, double tolerance, int max_iterations,
                  Report *report) noexcept nogil:
    """Inexact Newton with halved steps: on return p stands at the last accepted point."""
    cdef double norm, previous = 0.0, forcing = FORCING, length, most
    cdef int halving, status = _evaluate(p)
    cdef Py_ssize_t M = p.M
    report.evaluations = 1
    report.residual = _largest(p.residual, M) if status == 0 else INFINITY
    norm = sqrt(vec.dot(M, p.residual, p.residual))
    while (report.residual > tolerance and report.iterations < max_iterations and isfinite(report.residual)):
        if report.iterations > 0:
            forcing = min(FORCING, max(0.9 * (norm / previous) ** 2, FORCING_LEAST))
        forcing = max(forcing, min(0.3 * tolerance / report.residual, FORCING))
        _prepare_preconditioner(p)
        report.products += _newton_direction(p, s, norm, forcing, step)
        _wage_change(p, step, p.change_wage)
        most = _largest(p.change_wage, p.N)
        if not isfinite(most):
            break
        length = min(1.0, LARGEST_WAGE_STEP / most) if most > 0 else 1.0
        memcpy(start, p.r, M * sizeof(double))
        previous = norm
        for halving in range(HALVINGS):
            memcpy(p.r, start, M * sizeof(double))
            vec.add(M, length, step, p.r)
            status = _evaluate(p)
            report.evaluations += 1
            norm = sqrt(vec.dot(M, p.residual, p.residual))
            if status == 0 and norm < previous:
                break
            length *= 0.5
        else:
            memcpy(p.r, start, M * sizeof(double))
            _evaluate(p)
            report.evaluations += 1
            break
        report.iterations += 1
        report.residual = _largest(p.residual, M)
        report.last_step = length * _largest(step, M)
    report.converged = report.residual <= tolerance


# ---------------------------------------------------------------------------------------------------
# Python entry points

cdef class _Bound:
    """A Problem with the Python objects that own its memory."""

    cdef Problem p
    cdef object owners

    def __cinit__(self, system, start, int threads):
        weights = system.weights if is_packed(system.weights) else pack(system.weights)
        cdef const double[:, :, :] A = weights
        cdef const int[::1] component = np.ascontiguousarray(system.component, np.int32)
        cdef const double[::1] epsilon = _plain(system.trade_elasticity)
        cdef const double[::1] alpha = _plain(system.feedback)
        cdef const double[::1] deficits = _plain(system.deficits)
        cdef const double[:, ::1] point
        cdef Py_ssize_t k, n
        self.owners = (weights, component, epsilon, alpha, deficits)
        self.p.K, self.p.N = A.shape[0], A.shape[1]
        self.p.stride = _padded(self.p.N)
        self.p.M = self.p.K * self.p.stride
        self.p.C = int(np.max(system.component)) + 1
        self.p.threads = max(1, threads)
        self.p.A = &A[0, 0, 0]
        self.p.component = &component[0]
        self.p.epsilon = &epsilon[0]
        self.p.alpha = &alpha[0]
        self.p.deficits = &deficits[0]
        if _allocate(&self.p) != 0:
            raise MemoryError("no memory for the work arrays of the hat system")
        _fill(&self.p, _plain(system.spending_shares), _plain(system.sales), _plain(system.shift),
              _plain(system.markup), _plain(system.labour_share), _plain(system.labour_income))
        if start is not None:
            point = _plain(start)
            for k in range(self.p.K):
                for n in range(self.p.N):
                    self.p.r[k * self.p.stride + n] = point[k, n]

    def __dealloc__(self):
        free(self.p.block)

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

    cdef state(self):
        """The point last evaluated; ln d is 0 where nothing is supplied."""
        price_power = self.array(self.p.d)
        cdef double[:, ::1] power = price_power
        cdef Py_ssize_t k, n
        for k in range(self.p.K):
            for n in range(self.p.N):
                power[k, n] = log(power[k, n]) + self.p.largest[k] if power[k, n] > 0 else 0.0
        return State(self.array(self.p.residual), self.countries(self.p.wage_bill),
                     self.countries(self.p.expenditure), price_power)


cdef _plain(values):
    return np.ascontiguousarray(values, np.float64)


def evaluate(system, log_sales_hat, threads=1):
    """Evaluate the hat system at `log_sales_hat` (K, N); the compiled twin of `ref.evaluate`."""
    cdef _Bound bound = _Bound(system, log_sales_hat, threads)
    cdef int status
    with nogil:
        status = _evaluate(&bound.p)
    if status != 0:
        raise ArithmeticError("spending of a country is not positive at this point")
    return bound.state()


def jacobian_product(system, log_sales_hat, direction, threads=1):
    """Derivative of the residual along `direction` (K, N); the compiled twin of `ref.jacobian_product`."""
    cdef _Bound bound = _Bound(system, log_sales_hat, threads)
    cdef _Bound along = _Bound(system, direction, 1)
    cdef int status
    cdef Py_ssize_t at
    for at in range(bound.p.M):
        along.p.r[at] *= along.p.live[at]
    with nogil:
        status = _evaluate(&bound.p)
        if status == 0:
            _product(&bound.p, along.p.r, along.p.residual)
    if status != 0:
        raise ArithmeticError("spending of a country is not positive at this point")
    return along.array(along.p.residual)


def repeat(system, log_sales_hat, direction, int evaluations=1, int products=0, threads=1):
    """Run the hot loops many times without leaving compiled code (for benches); return the last residual.

    `products` Jacobian-vector products along `direction` follow `evaluations` evaluations.
    """
    cdef _Bound bound = _Bound(system, log_sales_hat, threads)
    cdef _Bound along = _Bound(system, direction, 1)
    cdef int j
    with nogil:
        for j in range(max(evaluations, 1)):
            _evaluate(&bound.p)
        for j in range(products):
            _product(&bound.p, along.p.r, along.p.residual)
    return bound.array(bound.p.residual)


def solve(system, start=None, double tolerance=1e-10, int max_iterations=60, threads=1):
    """Solve the hat system by Newton-GMRES from `start` (K, N), zeros by default.

    Returns a `Solution`; `converged` says whether the largest |F| met `tolerance`. The compiled twin of
    `ref.solve`, with the linear systems solved inexactly and preconditioned country by country.
    """
    cdef _Bound bound = _Bound(system, start, threads)
    cdef Krylov krylov
    cdef Report report
    cdef Py_ssize_t M = bound.p.M
    cdef double *block = <double *> calloc((KRYLOV + 5) * M + 8, sizeof(double))
    cdef double *cursor
    if block == NULL:
        raise MemoryError("no memory for the Krylov basis of the hat system")
    cursor = block + (-(<uintptr_t> block) % 64) // 8
    krylov.z = _take(&cursor, M)
    krylov.w = _take(&cursor, M)
    cdef double *step = _take(&cursor, M)
    cdef double *origin = _take(&cursor, M)
    krylov.basis = cursor
    memset(&report, 0, sizeof(report))
    with nogil:
        _newton(&bound.p, &krylov, step, origin, tolerance, max_iterations, &report)
    free(block)
    return Solution(bound.array(bound.p.r), bound.state(), bool(report.converged), report.residual,
                    report.last_step, report.iterations, report.evaluations, report.products)


def trade_weights(trade_shares, trade_cost, trade_elasticity):
    """A[k, i, n] = trade_shares[k, i, n] trade_cost[i, n, k]^-epsilon_k; the compiled twin of `ref.trade_weights`.

    Returns packed weights. `trade_cost` is (N, N, K) as users give it; infinite costs give exactly zero.
    """
    cdef const double[:, :, ::1] cost = _plain(trade_cost)
    cdef const double[:, :, :] shares = trade_shares
    cdef const double[::1] epsilon = _plain(trade_elasticity)
    cdef Py_ssize_t N = cost.shape[0], K = cost.shape[2], i, n, k
    cdef Py_ssize_t size = _padded(N * K)
    weights = empty_weights(K, N)
    cdef double[:, :, :] A = weights
    cdef double[::1] row = np.zeros(size)
    with nogil:
        for i in range(N):
            memcpy(&row[0], &cost[i, 0, 0], N * K * sizeof(double))
            vec.log(size, &row[0], &row[0])
            for n in range(N):
                for k in range(K):
                    row[n * K + k] *= -epsilon[k]
            vec.exp(size, &row[0], &row[0])
            for k in range(K):
                for n in range(N):
                    A[k, i, n] = shares[k, i, n] * row[n * K + k] if cost[i, n, k] < INFINITY else 0.0
    return weights
