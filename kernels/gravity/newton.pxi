# Inexact Newton with GMRES, the whole solve without Python.

cdef enum:
    KRYLOV = 60                       # largest number of GMRES steps in one Newton step
    RESTARTS = 12                     # of GMRES in a transposed solve
cdef double FORCING = 0.1             # relative accuracy of the first linear solve
cdef double FORCING_LEAST = 1e-3
cdef int LONG_SOLVE = 12              # products after which a kept preconditioner is renewed
cdef double LARGEST_WAGE_STEP = 2.0   # in ln(labour income); ln(sales) is never capped


cdef struct Krylov:
    double *basis                    # KRYLOV + 1 vectors of length M
    double *z
    double *w
    double h[KRYLOV + 1][KRYLOV]     # Hessenberg matrix, turned triangular by rotations
    double cosine[KRYLOV]
    double sine[KRYLOV]
    double g[KRYLOV + 1]
    double left


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


cdef int _krylov(Problem *p, Krylov *s, Weights *transposed, const double *right, double sign, double norm,
                 double accuracy, double *step) noexcept nogil:
    """Solve J step = sign * right by preconditioned GMRES, with the transpose if its work space is given.

    `norm` is the length of `right`, `accuracy` the residual asked for relative to it. Returns the products used;
    what is left of the residual, relative to `norm`, is in s.left.
    """
    cdef Py_ssize_t L = p.L
    cdef int j, l, used = 0
    cdef double length, rotated
    cdef double y[KRYLOV]
    memset(s.basis, 0, L * sizeof(double))
    vec.add(L, sign / norm, right, s.basis)
    memset(s.g, 0, sizeof(s.g))
    s.g[0] = norm
    for j in range(KRYLOV):
        _precondition(p, transposed != NULL, s.basis + j * L, s.z)
        if transposed != NULL:
            _transposed_product(p, transposed, s.z, s.w)
        else:
            _product(p, s.z, s.w)
        used = j + 1
        for l in range(used):
            s.h[l][j] = vec.dot(L, s.w, s.basis + l * L)
            vec.add(L, -s.h[l][j], s.basis + l * L, s.w)
        length = sqrt(vec.dot(L, s.w, s.w))
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
        if fabs(s.g[j + 1]) <= accuracy * norm or length <= 1e-14 * rotated:
            break
        memset(s.basis + (j + 1) * L, 0, L * sizeof(double))
        vec.add(L, 1.0 / length, s.w, s.basis + (j + 1) * L)
    memset(s.w, 0, L * sizeof(double))
    for j in range(used - 1, -1, -1):
        y[j] = s.g[j]
        for l in range(j + 1, used):
            y[j] -= s.h[j][l] * y[l]
        y[j] /= s.h[j][j]
    for j in range(used):
        vec.add(L, y[j], s.basis + j * L, s.w)
    _precondition(p, transposed != NULL, s.w, step)
    s.left = fabs(s.g[used]) / norm
    return used


cdef void _newton(Problem *p, Krylov *s, double *step, double *start, double tolerance, int max_iterations,
                  int halvings, Report *report) noexcept nogil:
    """Inexact Newton with halved steps: on return p stands at the last accepted point."""
    cdef double norm, previous = 0.0, forcing = FORCING, length, most
    cdef int halving, used, status = _evaluate(p)
    cdef bint stale = True
    cdef Py_ssize_t L = p.L
    report.evaluations = 1
    report.residual = _largest(p.residual, L) if status == 0 else INFINITY
    norm = sqrt(vec.dot(L, p.residual, p.residual))
    while (report.residual > tolerance and report.iterations < max_iterations and isfinite(report.residual)):
        if report.iterations > 0:
            forcing = min(FORCING, max(0.9 * (norm / previous) ** 2, FORCING_LEAST))
        forcing = max(forcing, min(0.3 * tolerance / report.residual, FORCING))
        if p.b == 0 or stale:  # the dense blocks cost more than a few products: keep them while they serve
            _prepare_preconditioner(p)
        used = _krylov(p, s, NULL, p.residual, -1.0, norm, forcing, step)
        report.products += used
        _wage_change(p, step, p.change_wage)
        most = _largest(p.change_wage, p.N)
        if not isfinite(most):
            break
        length = min(1.0, LARGEST_WAGE_STEP / most) if most > 0 else 1.0
        memcpy(start, p.x, L * sizeof(double))
        previous = norm
        for halving in range(halvings):
            memcpy(p.x, start, L * sizeof(double))
            vec.add(L, length, step, p.x)
            status = _evaluate(p)
            report.evaluations += 1
            norm = sqrt(vec.dot(L, p.residual, p.residual))
            if status == 0 and norm < previous:
                break
            length *= 0.5
        else:
            memcpy(p.x, start, L * sizeof(double))
            _evaluate(p)
            report.evaluations += 1
            break
        stale = used > LONG_SOLVE or length < 1.0
        report.iterations += 1
        report.residual = _largest(p.residual, L)
        report.last_step = length * _largest(step, L)
    report.converged = report.residual <= tolerance


cdef void _place_krylov(Problem *p, Krylov *s, double **cursor) noexcept nogil:
    s.z = _take(cursor, p.L)
    s.w = _take(cursor, p.L)
    s.basis = _take(cursor, (KRYLOV + 1) * p.L)


cdef void _transposed_solve(Problem *p, Krylov *s, Weights *w, double *right, double *part, double *y,
                            double accuracy, Report *report) noexcept nogil:
    """y solves (transposed Jacobian) y = right; GMRES is restarted on what is left until `accuracy` is met."""
    cdef double whole = sqrt(vec.dot(p.L, right, right)), norm = whole
    cdef int rounds
    _prepare_preconditioner(p)
    report.residual = 1.0 if whole > 0 else 0.0
    for rounds in range(RESTARTS):
        if report.residual <= accuracy or not isfinite(norm):
            break
        report.products += _krylov(p, s, w, right, 1.0, norm, max(0.1 * accuracy * whole / norm, 1e-14), part)
        vec.add(p.L, 1.0, part, y)
        _transposed_product(p, w, part, s.w)
        report.products += 1
        vec.add(p.L, -1.0, s.w, right)
        norm = sqrt(vec.dot(p.L, right, right))
        report.residual = norm / whole
        report.iterations += 1
    report.converged = report.residual <= accuracy
