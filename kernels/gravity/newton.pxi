# Inexact Newton with GMRES, the whole solve without Python.

cdef enum:
    RESTARTS = 12                     # of GMRES in a linear solve of its own
cdef double FIRST_FORCING = 0.3       # relative accuracy of the first linear solve, at most
cdef double FORCING = 0.1             # of later ones, at most
cdef double FORCING_LEAST = 1e-3
cdef double CLOSE = 0.1               # residual below which a solve begins close to the solution:
cdef double CLOSE_FORCING = 0.3       # there Newton's step will be as good as this times the residual,
cdef double CLOSE_FORCING_LEAST = 1e-4  # which linear solves in float64 are to match
cdef double NEAR = 30.0               # times the tolerance: a residual within it is solved away at once
cdef int LONG_SOLVE = 12              # products after which a kept preconditioner is renewed
cdef double ROUGH = 0.1               # residual above which the copy in bfloat16 will do for evaluations,
cdef double NEAR_ROUGH = 0.02         # and below which no longer
cdef double SETTLED = 1e-2            # residual below which own shares hardly move any more
cdef double CANCELLED = 1e-6          # of a squared length: what is left below needs a second projection
cdef double LARGEST_WAGE_STEP = 1.0   # in ln(labour income); ln(sales) is never capped
cdef double LARGEST_RISE = 1.5        # of the largest residual, in a step that lessens their length
cdef double LONGER = 1.5              # times the share taken of the last step: what is tried first of the next,
cdef double SHORTEST = 0.0625         # or this if it is more


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
    double shrink                    # 1 / length of what is left then
    int used
    bint twice                       # whether new vectors are always made orthogonal a second time
    bint done, again


cdef struct Report:
    int converged
    double residual
    double last_step
    int iterations
    int evaluations
    int products
    int passes64                     # over the weights in float64: evaluations, set-ups, products, a copy, trade
    int passes16                     # over their copy in bfloat16: products, its markets, set-ups, rough evaluations


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


cdef void _set(Py_ssize_t n, double a, const double *x, double *y) noexcept nogil:
    """y = a x"""
    cdef Py_ssize_t i
    for i in range(n):
        y[i] = a * x[i]


cdef void _direction(Problem *p, Part *t, Task *o) noexcept nogil:
    """Vector j of the basis from what s.w leaves, what the preconditioner makes of it, and how that moves incomes.

    For some countries; a transposed product starts elsewhere.
    """
    cdef Krylov *s = o.krylov
    cdef double *v = s.basis + o.j * p.L
    cdef Py_ssize_t row, at
    cdef int l
    for row in range(p.rows):
        at = row * p.stride + t.left
        _set(t.width, s.shrink, s.w + at, v + at)
        for l in range(o.j):
            vec.add(t.width, -s.part[l] * s.shrink, s.basis + l * p.L + at, v + at)
    _precondition(p, t, o.weights != NULL, v, s.z)
    if o.weights == NULL:
        _own_changes(p, t, o)


cdef void _dots(Problem *p, Part *t, Task *o) noexcept nogil:
    """Inner products of s.w with the basis and itself, for some industries."""
    cdef Py_ssize_t row, k
    for k in range(t.first, t.last):
        for row in range(p.own):
            _partial_dots(p, o.krylov, k + row * p.K, o.j)


cdef void _partial_dots(Problem *p, Krylov *s, Py_ssize_t row, int j) noexcept nogil:
    cdef Py_ssize_t at = row * p.stride
    cdef double *partial = p.partial + row * PARTS
    cdef int l
    for l in range(j + 1):
        partial[l] = vec.dot(p.stride, s.w + at, s.basis + l * p.L + at)
    partial[j + 1] = vec.dot(p.stride, s.w + at, s.w + at)


cdef void _hessenberg_column(Problem *p, Krylov *s, int j, bint again, double accuracy) noexcept nogil:
    """Add up the parts of s.w along the basis, and unless they are to be taken out a second time rotate the column.

    Sums run over the unknowns of one industry first, then over industries: in the same order on any team.
    """
    cdef Py_ssize_t row
    cdef int l
    cdef double whole = 0.0, square, length, rotated
    if p.taxes:
        _partial_dots(p, s, p.rows - 1, j)
    memset(s.part, 0, (j + 1) * sizeof(double))
    for row in range(p.rows):
        for l in range(j + 1):
            s.part[l] += p.partial[row * PARTS + l]
        whole += p.partial[row * PARTS + j + 1]
    square = whole
    for l in range(j + 1):
        s.h[l][j] = s.part[l] + (s.h[l][j] if again else 0.0)
        square -= s.part[l] * s.part[l]
    s.again = not again and (s.twice or square < CANCELLED * whole)
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
        s.shrink = 1.0 / length if length > 0 else 0.0
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


cdef int _krylov(Problem *p, Krylov *s, Weights *transposed, const double *right, double sign, double norm,
                 double accuracy, double *step) noexcept nogil:
    """Solve J step = sign * right by preconditioned GMRES, with the transpose if its work space is given.

    `norm` is the length of `right`, `accuracy` the residual asked for relative to it. Returns the products used.
    New vectors are made orthogonal by classical Gram-Schmidt, twice if asked for or where little is left.
    """
    cdef Py_ssize_t L = p.L
    cdef int j, l
    cdef Part whole = _part(p, 0, 1, 0)
    cdef Task o
    o.krylov, o.weights, o.x, o.y = s, transposed, s.z, s.w
    _set(L, sign, right, s.w)
    s.shrink = 1.0 / norm
    s.g[0] = norm
    for j in range(KRYLOV):
        o.j = j
        _share(p, _direction, &o)
        if transposed != NULL:
            _transposed_product(p, &o)
        else:
            _product(p, &o)
        _share(p, _dots, &o)
        _hessenberg_column(p, s, j, False, accuracy * norm)
        if s.again:
            for l in range(j + 1):
                vec.add(L, -s.part[l], s.basis + l * L, s.w)
            _share(p, _dots, &o)
            _hessenberg_column(p, s, j, True, accuracy * norm)
        if s.done:
            break
    _set(L, s.y[0] if s.used > 0 else 0.0, s.basis, s.z)
    for j in range(1, s.used):
        vec.add(L, s.y[j], s.basis + j * L, s.z)
    _precondition(p, &whole, transposed != NULL, s.z, step)
    return s.used


cdef double _forcing(double norm, double previous, double residual, double tolerance, bint close) noexcept nogil:
    """Accuracy of the next linear solve: as good as Newton's step will be, and no better than the end needs."""
    cdef double forcing = min(FIRST_FORCING, max(residual, FORCING_LEAST))
    if previous > 0:
        forcing = min(FORCING, max(0.9 * (norm / previous) ** 2, FORCING_LEAST))
    if close:
        forcing = min(forcing, max(CLOSE_FORCING * residual, CLOSE_FORCING_LEAST))
    if forcing * residual < NEAR * tolerance:
        forcing = min(0.3 * tolerance / residual, FORCING)
    return forcing


cdef void _narrow_weights(Problem *p, Part *t, Task *o) noexcept nogil:
    """Copy the weights of some industries to bfloat16."""
    cdef Py_ssize_t k
    for k in range(t.first, t.last):
        p.factor[k] = vec.narrow(p.N, p.stride, p.A + k * p.N * p.stride, p.home + k * p.stride,
                                 p.words + k * vec.narrow_size(p.N, p.stride))


cdef void _narrow_markets(Problem *p, Part *t, Task *o) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(t.first, t.last):
        _narrow_market(p, t, k)


cdef void _narrow(Problem *p, Report *done) noexcept nogil:
    """Make the copy in bfloat16; from now on products and set-ups read it, and evaluations where `rough` says so."""
    _share(p, _narrow_weights, NULL)
    p.narrow = p.words
    done.passes64 += 1


cdef struct Newton:                  # arguments of a solve
    Krylov *krylov
    double *step
    double *start
    double tolerance
    int max_iterations, halvings
    bint cold                        # from no change: likely far from the solution
    double *flows
    Report *report


cdef double _again(Problem *p, Report *done) noexcept nogil:
    """Evaluate at p.x; return the residual, infinite where there is none."""
    done.evaluations += 1
    if p.rough:
        done.passes16 += 1
    else:
        done.passes64 += 1
    return p.most if _evaluate(p) == 0 else INFINITY


cdef void _lead_newton(Problem *p, void *arguments) noexcept nogil:
    """A solve; what is shared among the team is in `_share`."""
    cdef Newton *o = <Newton *> arguments
    cdef Part whole = _part(p, 0, 1, 0)
    cdef double *step = o.step
    cdef double norm, residual, before, previous = 0.0, forcing, length = 1.0, most
    cdef int halving, used
    cdef bint stale = True, seen = False, close, last
    cdef Py_ssize_t L = p.L
    cdef Report done
    cdef Task trade
    memset(&done, 0, sizeof(done))
    residual = INFINITY
    if p.words != NULL and o.cold and o.max_iterations > 0:
        _narrow(p, &done)
        p.rough = True
        residual = _again(p, &done)
        seen = isfinite(residual)
        p.rough = seen and residual > ROUGH
    if not p.rough:
        residual = _again(p, &done)
    norm = p.length
    if p.words != NULL and p.narrow == NULL and o.tolerance < residual < INFINITY and o.max_iterations > 0:
        _narrow(p, &done)
        p.rough = residual > ROUGH
    close = residual < CLOSE
    while residual > o.tolerance and done.iterations < o.max_iterations and isfinite(residual):
        if p.narrow != NULL and not seen:
            _share(p, _narrow_markets, NULL)
            done.passes16 += 1
        forcing = _forcing(norm, previous, residual, o.tolerance, close and p.narrow == NULL)
        # dense blocks cost more than a few products: keep them while they serve
        if stale or (p.b == 0 and residual > SETTLED):
            _prepare_preconditioner(p)
            if p.narrow != NULL:
                done.passes16 += 1
            else:
                done.passes64 += 1
            stale = False
        used = _krylov(p, o.krylov, NULL, p.residual, -1.0, norm, forcing, step)
        done.products += used
        if p.narrow != NULL:
            done.passes16 += used
        else:
            done.passes64 += used
        _over_industries(p, &whole, p.wage_weight, step, p.change_wage)
        most = _largest(p.change_wage, p.N)
        if p.narrow != NULL and (used == KRYLOV or not isfinite(most)):
            p.narrow, stale = NULL, True  # its range or its accuracy is not enough for this system
            if p.rough:
                p.rough = False
                residual = _again(p, &done)
                norm = p.length
            continue
        if not isfinite(most):
            break
        length = min(1.0, max(LONGER * length, SHORTEST))
        if length * most > LARGEST_WAGE_STEP:
            length = LARGEST_WAGE_STEP / most
        memcpy(o.start, p.x, L * sizeof(double))
        previous, before = norm, residual
        for halving in range(o.halvings):
            memcpy(p.x, o.start, L * sizeof(double))
            vec.add(L, length, step, p.x)
            residual = _again(p, &done)
            norm = p.length
            if residual < LARGEST_RISE * before and norm < previous:
                break
            length *= 0.5
        else:
            memcpy(p.x, o.start, L * sizeof(double))
            length = 1.0
            last = p.narrow == NULL
            if not p.rough and not last:
                p.narrow, stale = NULL, True
            p.rough = seen = False
            residual = _again(p, &done)
            norm = p.length
            if last:
                break
            continue
        if p.narrow != NULL and before < SETTLED and norm > 0.3 * previous:
            p.narrow = NULL
        stale = used > LONG_SOLVE or length < 1.0
        done.iterations += 1
        done.last_step = length * _largest(step, L)
        seen = p.rough
        if p.rough and residual < NEAR_ROUGH:
            p.rough = False
            residual = _again(p, &done)
            norm = p.length
    if p.rough:
        p.rough = False
        residual = _again(p, &done)
    trade.y = o.flows
    _share(p, _flow_rows, &trade)
    done.passes64 += 1
    done.residual = residual
    done.converged = residual <= o.tolerance
    o.report[0] = done


cdef void _newton(Problem *p, Krylov *s, double *step, double *start, double tolerance, int max_iterations,
                  int halvings, bint cold, double *flows, Report *report) noexcept nogil:
    """Inexact Newton with halved steps: on return p stands at the last accepted point, `flows` is its trade."""
    cdef Newton arguments
    arguments.krylov = s
    s.twice = False
    arguments.step = step
    arguments.start = start
    arguments.tolerance = tolerance
    arguments.max_iterations = max_iterations
    arguments.halvings = halvings
    arguments.cold = cold
    arguments.flows = flows
    arguments.report = report
    _together(p, _lead_newton, &arguments)


cdef void _place_krylov(Problem *p, Krylov *s, double **cursor) noexcept nogil:
    """Lay out memory; only what has pads that nothing writes is cleared."""
    s.z = _take(cursor, p.L)
    s.w = _take(cursor, p.L)
    memset(s.z, 0, 2 * p.L * sizeof(double))
    s.basis = _take(cursor, (KRYLOV + 1) * p.L)


cdef struct Linear:                  # arguments of a linear solve
    Krylov *krylov
    Weights *weights                 # work space of transposed products; NULL if the Jacobian is not transposed
    double *right                    # what is left of the right side
    double *part
    double *y
    double accuracy
    Report *report


cdef void _lead_linear(Problem *p, void *arguments) noexcept nogil:
    """Jacobian or its transpose times y = right; GMRES is restarted on what is left until `accuracy` is met."""
    cdef Linear *o = <Linear *> arguments
    cdef double whole = sqrt(vec.dot(p.L, o.right, o.right)), norm = whole
    cdef int rounds
    cdef Task product
    cdef Report done
    o.krylov.twice = True
    memset(&done, 0, sizeof(done))
    if _evaluate(p) != 0:
        return
    _prepare_preconditioner(p)
    product.weights, product.x, product.y = o.weights, o.part, o.krylov.w
    done.residual = 0.0 if whole == 0 else 1.0
    for rounds in range(RESTARTS):
        if done.residual <= o.accuracy or not isfinite(norm):
            break
        done.products += _krylov(p, o.krylov, o.weights, o.right, 1.0, norm,
                                 max(0.1 * o.accuracy * whole / norm, 1e-14), o.part)
        vec.add(p.L, 1.0, o.part, o.y)
        if o.weights != NULL:
            _transposed_product(p, &product)
        else:
            _share(p, _own_changes, &product)
            _product(p, &product)
        done.products += 1
        vec.add(p.L, -1.0, o.krylov.w, o.right)
        norm = sqrt(vec.dot(p.L, o.right, o.right))
        done.residual = norm / whole
        done.iterations += 1
    done.converged = done.residual <= o.accuracy
    o.report[0] = done


# What callers in Python ask for beside solves.

cdef void _lead_evaluations(Problem *p, void *times) noexcept nogil:
    cdef int j
    for j in range((<int *> times)[0]):
        _evaluate(p)


cdef struct Products:
    int count
    Task task


cdef void _lead_products(Problem *p, void *arguments) noexcept nogil:
    cdef Products *o = <Products *> arguments
    cdef int j
    for j in range(o.count):
        _share(p, _own_changes, &o.task)
        _product(p, &o.task)


cdef void _lead_pullback(Problem *p, void *task) noexcept nogil:
    if _evaluate(p) == 0:
        _pullback(p, <Task *> task)
