# Inexact Newton with GMRES, the whole solve without Python.

cdef enum:
    RESTARTS = 12                     # of GMRES in a transposed solve
cdef double FIRST_FORCING = 0.3       # relative accuracy of the first linear solve, at most
cdef double FORCING = 0.1             # of later ones, at most
cdef double FORCING_LEAST = 1e-3
cdef double NEAR = 30.0               # times the tolerance: a residual within it is solved away at once
cdef int LONG_SOLVE = 12              # products after which a kept preconditioner is renewed
cdef double SETTLED = 1e-2            # residual below which own shares hardly move any more
cdef double CANCELLED = 1e-6          # of a squared length: what is left below needs a second projection
cdef double LARGEST_WAGE_STEP = 2.0   # in ln(labour income); ln(sales) is never capped


cdef struct Krylov:
    double *basis                    # KRYLOV + 1 vectors of length L
    double *z
    double *w
    double h[KRYLOV + 1][KRYLOV]     # Hessenberg matrix, turned triangular by rotations
    double cosine[KRYLOV]
    double sine[KRYLOV]
    double g[KRYLOV + 1]
    double part[PARTS]               # of the new vector along each of the basis, still to be taken out
    double y[KRYLOV]
    int used
    bint done, again


cdef struct Report:
    int converged
    double residual
    double last_step
    int iterations
    int evaluations
    int products
    int passes64                     # over the weights in float64: evaluations, set-ups, products, one copy
    int passes32                     # over their copy in float32: products


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


cdef void _add(Problem *p, Part *t, double a, const double *x, double *y) noexcept nogil:
    """y += a x for the countries of one thread."""
    cdef Py_ssize_t at, row
    if p.team.size == 1:
        vec.add(p.L, a, x, y)
        return
    for row in range(p.rows):
        at = row * p.stride + t.left
        vec.add(t.width, a, x + at, y + at)


cdef void _set(Problem *p, Part *t, double a, const double *x, double *y) noexcept nogil:
    """y = a x for the countries of one thread."""
    cdef Py_ssize_t at, row, n
    for row in range(p.rows):
        at = row * p.stride + t.left
        for n in range(at, at + t.width):
            y[n] = a * x[n]


cdef void _project(Problem *p, Part *t, Krylov *s, int j, bint twice, double accuracy) noexcept nogil:
    """Split s.w in its parts along the first j + 1 vectors of the basis and the rest, by classical Gram-Schmidt.

    Sums run over the unknowns of one industry first, then over industries: in the same order on any team. The
    parts are in s.part and not taken out of s.w yet; where little is left, or `twice`, they are, and again.
    """
    cdef Py_ssize_t row, k
    cdef int l, again
    for again in range(2):
        if again:
            for l in range(j + 1):
                _add(p, t, -s.part[l], s.basis + l * p.L, s.w)
            _meet(p)
        for k in range(t.first, t.last):
            for row in range(p.own):
                _partial_dots(p, s, k + row * p.K, j)
        if p.taxes:
            _meet(p)
        if exacthat_last(&p.team):
            if p.taxes:
                _partial_dots(p, s, p.rows - 1, j)
            _hessenberg_column(p, s, j, again, twice, accuracy)
            exacthat_release(&p.team)
        if not s.again:
            return


cdef void _partial_dots(Problem *p, Krylov *s, Py_ssize_t row, int j) noexcept nogil:
    cdef Py_ssize_t at = row * p.stride
    cdef double *partial = p.partial + row * PARTS
    cdef int l
    for l in range(j + 1):
        partial[l] = vec.dot(p.stride, s.w + at, s.basis + l * p.L + at)
    partial[j + 1] = vec.dot(p.stride, s.w + at, s.w + at)


cdef void _hessenberg_column(Problem *p, Krylov *s, int j, bint again, bint twice, double accuracy) noexcept nogil:
    """Add up the parts, and unless they are to be taken out a second time rotate the new column."""
    cdef Py_ssize_t row
    cdef int l
    cdef double whole = 0.0, square, length, rotated
    memset(s.part, 0, (j + 1) * sizeof(double))
    for row in range(p.rows):
        for l in range(j + 1):
            s.part[l] += p.partial[row * PARTS + l]
        whole += p.partial[row * PARTS + j + 1]
    square = whole
    for l in range(j + 1):
        s.h[l][j] = s.part[l] + (s.h[l][j] if again else 0.0)
        square -= s.part[l] * s.part[l]
    s.again = not again and (twice or square < CANCELLED * whole)
    if s.again:
        return
    length = sqrt(square) if square > 0 else 0.0
    s.used = j + 1
    for l in range(j):
        rotated = s.cosine[l] * s.h[l][j] + s.sine[l] * s.h[l + 1][j]
        s.h[l + 1][j] = s.cosine[l] * s.h[l + 1][j] - s.sine[l] * s.h[l][j]
        s.h[l][j] = rotated
    rotated = sqrt(s.h[j][j] * s.h[j][j] + length * length)
    if rotated > 0:
        s.cosine[j] = s.h[j][j] / rotated
        s.sine[j] = length / rotated
        s.h[j][j] = rotated
        s.h[j + 1][j] = length
        s.g[j + 1] = -s.sine[j] * s.g[j]
        s.g[j] *= s.cosine[j]
    else:
        s.used = j
    s.done = (not rotated > 0 or j + 1 == KRYLOV or fabs(s.g[j + 1]) <= accuracy or length <= 1e-14 * rotated)
    if not s.done:
        return
    for j in range(s.used - 1, -1, -1):
        s.y[j] = s.g[j]
        for l in range(j + 1, s.used):
            s.y[j] -= s.h[j][l] * s.y[l]
        s.y[j] /= s.h[j][j]


cdef int _krylov(Problem *p, Part *t, Krylov *s, Weights *transposed, const double *right, double sign, double norm,
                 double accuracy, double *step) noexcept nogil:
    """Solve J step = sign * right by preconditioned GMRES, with the transpose if its work space is given.

    `norm` is the length of `right`, `accuracy` the residual asked for relative to it. Returns the products used.
    Each thread reads `right` and leaves `step` for its own countries.
    """
    cdef Py_ssize_t L = p.L
    cdef int j, l
    cdef double *v = s.basis
    _set(p, t, sign / norm, right, v)
    if exacthat_last(&p.team):
        s.g[0] = norm
        exacthat_release(&p.team)
    for j in range(KRYLOV):
        _precondition(p, t, transposed != NULL, v, s.z)
        if transposed != NULL:
            _meet(p)
            _transposed_product(p, t, transposed, s.z, s.w)
            _meet(p)
        else:
            _product(p, t, s.z, s.w)
        _project(p, t, s, j, transposed != NULL, accuracy * norm)
        if s.done:
            break
        v = v + L
        _set(p, t, 1.0 / s.h[j + 1][j], s.w, v)
        for l in range(j + 1):
            _add(p, t, -s.part[l] / s.h[j + 1][j], s.basis + l * L, v)
    _set(p, t, s.y[0] if s.used > 0 else 0.0, s.basis, s.z)
    for j in range(1, s.used):
        _add(p, t, s.y[j], s.basis + j * L, s.z)
    _precondition(p, t, transposed != NULL, s.z, step)
    return s.used


cdef double _forcing(double norm, double previous, double residual, double tolerance) noexcept nogil:
    """Accuracy of the next linear solve: as good as Newton's step will be, and no better than the end needs."""
    cdef double forcing = min(FIRST_FORCING, max(residual, FORCING_LEAST))
    if previous > 0:
        forcing = min(FORCING, max(0.9 * (norm / previous) ** 2, FORCING_LEAST))
    if forcing * residual < NEAR * tolerance:
        forcing = min(0.3 * tolerance / residual, FORCING)
    return forcing


cdef void _peaks(Problem *p, Part *t, const double *step, double *wage, double *moved) noexcept nogil:
    """Largest |change| of ln(labour income) and of any unknown along a step, from each thread's countries."""
    cdef Py_ssize_t row
    cdef double *mine = p.peak + t.rank * PAD
    cdef int rank
    _over_industries(p, t, p.wage_weight, step, p.change_wage)
    mine[0] = _largest(p.change_wage + t.left, t.right - t.left)
    mine[1] = 0.0
    for row in range(p.rows):
        mine[1] = max(mine[1], _largest(step + row * p.stride + t.left, t.width))
    _meet(p)
    wage[0] = moved[0] = 0.0
    for rank in range(p.team.size):
        wage[0] = max(wage[0], p.peak[rank * PAD])
        moved[0] = max(moved[0], p.peak[rank * PAD + 1])


cdef void _narrow_weights(Problem *p, Part *t) noexcept nogil:
    """Copy the weights to float32, from now on read by products."""
    cdef Py_ssize_t k, size = p.N * p.stride
    for k in range(t.first, t.last):
        vec.narrow(size, p.A + k * size, p.floats + k * size)
    if exacthat_last(&p.team):
        p.narrow = p.floats
        exacthat_release(&p.team)


cdef void _widen(Problem *p) noexcept nogil:
    """Give up float32: its range or its accuracy is not enough for this system."""
    if exacthat_last(&p.team):
        p.narrow = NULL
        exacthat_release(&p.team)


cdef struct Newton:                  # arguments of a solve
    Krylov *krylov
    double *step
    double *start
    double tolerance
    int max_iterations, halvings
    Report *report


cdef void _newton_part(Problem *p, Part *t, void *arguments) noexcept nogil:
    """What one thread does of a solve; all take the same turns, from numbers that are the same to all."""
    cdef Newton *o = <Newton *> arguments
    cdef double *step = o.step
    cdef double norm, residual, previous = 0.0, forcing, length, most, moved
    cdef int halving, used, status = _evaluate(p, t)
    cdef bint stale = True
    cdef Report done
    memset(&done, 0, sizeof(done))
    done.evaluations = done.passes64 = 1
    residual = p.most if status == 0 else INFINITY
    norm = p.length
    if p.floats != NULL and residual > o.tolerance:
        _narrow_weights(p, t)
        done.passes64 += 1
    while residual > o.tolerance and done.iterations < o.max_iterations and isfinite(residual):
        forcing = _forcing(norm, previous, residual, o.tolerance)
        # dense blocks cost more than a few products: keep them while they serve
        if stale or (p.b == 0 and residual > SETTLED):
            _prepare_preconditioner(p, t)
            done.passes64 += 1
            stale = False
        used = _krylov(p, t, o.krylov, NULL, p.residual, -1.0, norm, forcing, step)
        done.products += used
        if p.narrow != NULL:
            done.passes32 += used
        else:
            done.passes64 += used
        _peaks(p, t, step, &most, &moved)
        if p.narrow != NULL and (used == KRYLOV or not isfinite(most)):
            _widen(p)
            continue
        if not isfinite(most):
            break
        length = min(1.0, LARGEST_WAGE_STEP / most) if most > 0 else 1.0
        _set(p, t, 1.0, p.x, o.start)
        previous = norm
        for halving in range(o.halvings):
            _set(p, t, 1.0, o.start, p.x)
            _add(p, t, length, step, p.x)
            status = _evaluate(p, t)
            done.evaluations += 1
            norm = p.length
            if status == 0 and norm < previous:
                break
            length *= 0.5
        else:
            _set(p, t, 1.0, o.start, p.x)
            _evaluate(p, t)
            done.evaluations += 1
            norm = p.length
            if p.narrow == NULL:
                break
            _widen(p)
            continue
        if p.narrow != NULL and residual < SETTLED and norm > 0.3 * previous:
            _widen(p)
        stale = used > LONG_SOLVE or length < 1.0
        done.iterations += 1
        residual = p.most
        done.last_step = length * moved
    done.passes64 += done.evaluations - 1
    done.residual = residual
    done.converged = residual <= o.tolerance
    if t.rank == 0:
        o.report[0] = done


cdef void _newton(Problem *p, Krylov *s, double *step, double *start, double tolerance, int max_iterations,
                  int halvings, Report *report) noexcept nogil:
    """Inexact Newton with halved steps: on return p stands at the last accepted point."""
    cdef Newton arguments
    arguments.krylov = s
    arguments.step = step
    arguments.start = start
    arguments.tolerance = tolerance
    arguments.max_iterations = max_iterations
    arguments.halvings = halvings
    arguments.report = report
    _together(p, _newton_part, &arguments)


cdef void _place_krylov(Problem *p, Krylov *s, double **cursor) noexcept nogil:
    """Lay out memory; only what has pads that nothing writes is cleared."""
    s.z = _take(cursor, p.L)
    s.w = _take(cursor, p.L)
    memset(s.z, 0, 2 * p.L * sizeof(double))
    s.basis = _take(cursor, (KRYLOV + 1) * p.L)


cdef struct Transposed:              # arguments of a transposed solve
    Krylov *krylov
    Weights *weights
    double *right                    # what is left of the right side
    double *part
    double *y
    double accuracy
    Report *report


cdef void _transposed_part(Problem *p, Part *t, void *arguments) noexcept nogil:
    """(transposed Jacobian) y = right; GMRES is restarted on what is left until `accuracy` is met."""
    cdef Transposed *o = <Transposed *> arguments
    cdef double whole = sqrt(vec.dot(p.L, o.right, o.right)), norm = whole
    cdef int rounds
    cdef Report done
    memset(&done, 0, sizeof(done))
    if _evaluate(p, t) != 0:
        return
    _prepare_preconditioner(p, t)
    done.residual = 1.0 if whole > 0 else 0.0
    for rounds in range(RESTARTS):
        if done.residual <= o.accuracy or not isfinite(norm):
            break
        done.products += _krylov(p, t, o.krylov, o.weights, o.right, 1.0, norm,
                                 max(0.1 * o.accuracy * whole / norm, 1e-14), o.part)
        _add(p, t, 1.0, o.part, o.y)
        _meet(p)
        _transposed_product(p, t, o.weights, o.part, o.krylov.w)
        done.products += 1
        _add(p, t, -1.0, o.krylov.w, o.right)
        _meet(p)
        norm = sqrt(vec.dot(p.L, o.right, o.right))
        done.residual = norm / whole
        done.iterations += 1
    done.converged = done.residual <= o.accuracy
    if t.rank == 0:
        o.report[0] = done


# What callers in Python ask for: one piece of work each, on a team.

cdef void _evaluate_part(Problem *p, Part *t, void *arguments) noexcept nogil:
    cdef int j
    for j in range((<int *> arguments)[0]):
        _evaluate(p, t)


cdef struct Product:
    int count
    const double *x
    double *y


cdef void _product_part(Problem *p, Part *t, void *arguments) noexcept nogil:
    cdef Product *o = <Product *> arguments
    cdef int j
    for j in range(o.count):
        _product(p, t, o.x, o.y)
        _meet(p)


cdef struct Pulled:
    Weights *weights
    const double *a
    double *y


cdef void _pullback_part(Problem *p, Part *t, void *arguments) noexcept nogil:
    cdef Pulled *o = <Pulled *> arguments
    if _evaluate(p, t) == 0:
        _pullback(p, t, o.weights, o.a, o.y)
