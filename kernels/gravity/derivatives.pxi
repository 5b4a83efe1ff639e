# What callers in Python ask for of the Jacobian: products, all of it, its transpose, linear systems.

def jacobian_product(system, point, direction, threads=1):
    """Derivative of the residual at `point` along `direction`; the compiled twin of `ref.jacobian_product`."""
    cdef _Bound bound = _Bound(system, point, threads)
    cdef _Bound along = _Bound(system, direction, 1)
    bound.evaluate(1)
    bound.check()
    bound.multiply(1, along)
    return along.point(along.p.residual)


def jacobian(system, point, threads=1):
    """The Jacobian at `point` over the unknowns that move; the compiled twin of `ref.jacobian`."""
    cdef _Bound bound = _Bound(system, point, threads)
    cdef _Bound along = _Bound(system, system.origin(), 1)
    bound.evaluate(1)
    bound.check()
    moves = np.flatnonzero(system.moving())
    cdef Py_ssize_t[::1] places = moves // bound.p.N * bound.p.stride + moves % bound.p.N
    cdef Py_ssize_t size = len(moves), i, j
    columns = np.empty((size, size))
    cdef double[:, ::1] column = columns
    for j in range(size):
        along.p.x[places[j]] = 1.0
        bound.multiply(1, along)
        along.p.x[places[j]] = 0.0
        for i in range(size):
            column[j, i] = along.p.residual[places[i]]
    return columns.T


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
        bound.check()
        taxed = bound.p.taxes
        return Pullback(weights.point(weights.p.residual), bound.array(w.ln_u), bound.array(w.ln_d),
                        bound.array(w.received), bound.array(w.border) if taxed else None,
                        bound.array(w.untaxed) if taxed else None, bound.countries(w.spending))
    finally:
        free(block)


def solve_linear(system, point, right, bint transposed=False, double tolerance=1e-12, threads=1):
    """Solve J y = `right` with the Jacobian at `point` or its transpose; return (y, relative residual, products).

    The compiled twin of `ref.solve_linear`: GMRES, preconditioned country by country and restarted on what is left
    until that is `tolerance` times the length of `right`, but not forever: look at the residual.
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
    cdef Linear arguments
    cdef double size = _largest(sides.p.x, L)
    if not 1e-300 < size < 1e300:
        size = 1.0
    if block == NULL:
        raise MemoryError("no memory for the Krylov basis of the hat system")
    cursor = block + (-(<uintptr_t> block) % 64) // 8
    _place_weights(&bound.p, &w, &cursor)
    _place_krylov(&bound.p, &krylov, &cursor)
    part = _take(&cursor, L)
    _set(L, 1.0 / size, sides.p.x, sides.p.x)  # squares of its entries stay in the range of numbers
    memset(&report, 0, sizeof(report))
    arguments.krylov, arguments.weights, arguments.right = &krylov, &w if transposed else NULL, sides.p.x
    arguments.part, arguments.y, arguments.accuracy = part, sides.p.residual, tolerance
    arguments.report = &report
    with nogil:
        _together(&bound.p, _lead_linear, &arguments)
    free(block)
    bound.check()
    _set(L, size, sides.p.residual, sides.p.residual)
    return sides.point(sides.p.residual), report.residual, report.products
