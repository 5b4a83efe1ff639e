# What a solution leaves open besides its residual.

cdef double _larger(double one, double other) noexcept nogil:
    """The larger of two numbers; NaN if either is."""
    return other if other > one or other != other else one


def slacks(system, solution):
    """Judge a solution; the compiled twin of `ref.slacks`."""
    cdef Py_ssize_t K = system.sales.shape[0], N = system.sales.shape[1], size = K * N
    cdef Py_ssize_t k, n, at, part
    cdef list owners = []
    point, state = solution.point, solution.state
    cdef const double *sales = _read(owners, system.sales, size)
    cdef const double *labour_income = _read(owners, system.labour_income, N)
    cdef const double *kappa = _read(owners, system.cost_share, size)
    cdef const double *owed = _read(owners, system.deficits, N)
    cdef const double *change = _read(owners, point.sales, size)
    cdef const double *residual
    cdef const double *bill = _read(owners, state.wage_bill, N)
    cdef const double *sold = _read(owners, solution.exports, N)
    cdef const double *bought = _read(owners, solution.imports, N)
    cdef const double *labour = NULL
    if system.input_shares is not None:
        labour = _read(owners, system.labour_share, size)
    gaps = np.empty(N)
    cdef double *gap = _address(gaps, N)
    cdef double *block = <double *> calloc(_padded(size) + N, sizeof(double))
    if block == NULL:
        raise MemoryError("no memory to judge a solution")
    cdef double *revenue = block
    cdef double *shares = revenue + _padded(size)
    cdef double adding_up = 0.0, balance = 0.0, most = -1.0, trade, value
    memcpy(revenue, change, size * sizeof(double))
    vec.exp(_padded(size), revenue, revenue)
    for k in range(K):
        for n in range(N):
            at = k * N + n
            value = sales[at] * revenue[at]
            shares[n] += (1.0 if labour == NULL else labour[at]) * kappa[at] * value
    for n in range(N):
        adding_up = _larger(adding_up, fabs(shares[n] / (labour_income[n] * exp(bill[n])) - 1.0))
        trade = bought[n] + sold[n]
        gap[n] = 0.0 if trade == 0 else fabs(bought[n] - sold[n] - owed[n]) / trade
        balance = _larger(balance, gap[n])
    free(block)
    worst = 0, 0, 0
    for part in range(3):
        if state.residual[part] is None:
            continue
        residual = _read(owners, state.residual[part], N if part == 2 else size)
        for at in range(N if part == 2 else size):
            if fabs(residual[at]) > most:
                most, worst = fabs(residual[at]), (part, at // N, at % N)
    return Slacks(gaps, balance, adding_up, worst)
