# Inexact Newton with GMRES, the whole solve without Python.

cdef enum:
    KRYLOV = 60                       # largest number of GMRES steps in one Newton step
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
    cdef Py_ssize_t L = p.L
    cdef int j, l, used = 0
    cdef double length, rotated
    cdef double y[KRYLOV]
    memset(s.basis, 0, L * sizeof(double))
    vec.add(L, -1.0 / norm, p.residual, s.basis)
    memset(s.g, 0, sizeof(s.g))
    s.g[0] = norm
    for j in range(KRYLOV):
        _precondition(p, s.basis + j * L, s.z)
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
        if fabs(s.g[j + 1]) <= forcing * norm or length <= 1e-14 * rotated:
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
    _precondition(p, s.w, step)
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
        used = _newton_direction(p, s, norm, forcing, step)
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
