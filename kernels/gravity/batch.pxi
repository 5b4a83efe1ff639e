# Many systems that differ from one base: one per thread, work arrays and weights kept from one to the next.

cdef double LARGEST_POWER = 600.0     # |ln| of a change of trade shares beyond which a row is not read here


cdef struct Row:
    # what a change gives, NULL for the base's own: [i, n, k], [k, n], [n] or [k] as the caller stores it
    const double *trade_cost
    const double *tariff
    const double *subsidy
    bint prices                      # whether any of the three is given
    const double *shift
    const double *markup
    const double *deficits
    const double *epsilon
    const double *alpha


cdef struct Common:
    Row row                          # what rows take that give nothing of their own; base-year tariff and subsidy
    const double *A
    const double *G
    const double *H


cdef struct Worker:
    Problem *p
    Krylov krylov
    Report report
    double *block
    double *step
    double *start
    double *A                        # own weights: the base's but for the pairs that moved
    double *G
    double *H
    char *moved                      # [i, n]
    Py_ssize_t *partner              # destinations whose prices one origin's shock moves
    double *hats                     # [n, k] of one origin: changes of consumer over factory prices
    double *power                    # [k, partner], padded: changes of their weights
    double *flows                    # as `_trade_memory`
    const double *markup             # now in p


cdef class _Reader:
    """Pointers into the arrays that callers give, which it keeps alive."""

    cdef list owners

    def __cinit__(self):
        self.owners = []

    cdef const double *weights(self, values):
        cdef const double[:, :, :] view = values
        self.owners.append(values)
        return &view[0, 0, 0]

    cdef const double *route(self, values):
        cdef const double[:, :, ::1] view
        if values is None:
            return NULL
        view = values = _plain(values)
        self.owners.append(values)
        return &view[0, 0, 0]

    cdef const double *matrix(self, values, const double *default):
        cdef const double[:, ::1] view
        if values is None:
            return default
        view = values = _plain(values)
        self.owners.append(values)
        return &view[0, 0]

    cdef const double *vector(self, values, const double *default):
        cdef const double[::1] view
        if values is None:
            return default
        view = values = _plain(values)
        self.owners.append(values)
        return &view[0]

    cdef Row row(self, change, Row *base):
        cdef Row row
        row.trade_cost = self.route(change.trade_cost)
        row.tariff = self.route(change.tariff)
        row.subsidy = self.route(change.export_subsidy)
        row.prices = row.trade_cost != NULL or row.tariff != NULL or row.subsidy != NULL
        row.shift = self.matrix(change.shift, base.shift)
        row.markup = self.matrix(change.markup, base.markup)
        row.deficits = self.vector(change.deficits, base.deficits)
        row.epsilon = self.vector(change.trade_elasticity, base.epsilon)
        row.alpha = self.vector(change.feedback, base.alpha)
        return row


cdef int _hire(Worker *worker, Problem *p, const double *markup) noexcept nogil:
    """Give a worker its memory; -1 if there is none."""
    cdef Py_ssize_t L = p.L, pairs = _padded(p.N)
    cdef double *cursor
    worker.p = p
    worker.markup = markup
    worker.block = <double *> calloc((KRYLOV + 5) * L + 2 * p.K * pairs + _trade_memory(p) + 3 * pairs
                                     + p.N * p.N // 8 + 24, sizeof(double))
    if worker.block == NULL:
        return -1
    cursor = worker.block + (-(<uintptr_t> worker.block) % 64) // 8
    _place_krylov(p, &worker.krylov, &cursor)
    worker.step = _take(&cursor, L)
    worker.start = _take(&cursor, L)
    worker.hats = _take(&cursor, p.N * p.K)
    worker.power = _take(&cursor, p.K * pairs)
    worker.flows = _take(&cursor, _trade_memory(p))
    worker.partner = <Py_ssize_t *> _take(&cursor, p.N)
    worker.moved = <char *> cursor
    return 0


cdef double _rate(const double *rates, Py_ssize_t cell) noexcept nogil:
    """One tax rate; zero where none are given."""
    return 0.0 if rates == NULL else rates[cell]


cdef bint _retaxed(Row *row, Common *base, Py_ssize_t cell) noexcept nogil:
    """Whether a bilateral tax differs from the base year's."""
    return (_rate(row.tariff, cell) != _rate(base.row.tariff, cell)
            or _rate(row.subsidy, cell) != _rate(base.row.subsidy, cell))


cdef double _price_hat(Row *row, Common *base, Py_ssize_t cell) noexcept nogil:
    """Change of consumer over factory prices: trade cost times (1 + t) / (1 + x), new over old.

    NaN unless each factor is above 0: two negative ones would make a hat that looks right.
    """
    cdef double hat = 1.0 if row.trade_cost == NULL else row.trade_cost[cell]
    cdef double tariff = 1.0 + _rate(row.tariff, cell), subsidy = 1.0 + _rate(row.subsidy, cell)
    if not (hat > 0 and tariff > 0 and subsidy > 0):
        return NAN
    if _retaxed(row, base, cell):
        hat *= tariff / (1.0 + _rate(base.row.tariff, cell)) * ((1.0 + _rate(base.row.subsidy, cell)) / subsidy)
    return hat


cdef int _reweigh(Worker *worker, Common *base, Row *row) noexcept nogil:
    """Bring the worker's weights to a row's prices: A = lambda hat^-eps, G = A / (1 + t), H = G (1 + x).

    Pairs of countries that neither this row nor the last one moves are left as they are; taxes may move revenue
    where they leave prices. Returns -1 where a hat is not a number above 0 whose power stays in range.
    """
    cdef Problem *p = worker.p
    cdef Py_ssize_t N = p.N, K = p.K, S = p.stride, i, j, k, n, at, cell, count, width
    cdef double *power
    cdef double *weights
    cdef const double *shares
    cdef const double *cost
    cdef char *moved
    cdef bint still, plain = row.tariff == NULL and row.subsidy == NULL and not p.taxes
    cdef double most, value
    for i in range(N):
        moved = worker.moved + i * N
        cost = row.trade_cost + i * N * K
        if not plain:
            for cell in range(N * K):
                worker.hats[cell] = _price_hat(row, base, i * N * K + cell)
            cost = worker.hats
        count = 0
        for n in range(N):
            still = True
            for k in range(K):
                if cost[n * K + k] != 1.0 or (not plain and _retaxed(row, base, (i * N + n) * K + k)):
                    still = False
                    break
            if moved[n] or not still:
                worker.partner[count] = n
                count += 1
            moved[n] = not still
        if count == 0:
            continue
        if 2 * count > N:            # whole rows are quicker: a hat of one leaves the share as it is
            count = N
            for n in range(N):
                worker.partner[n] = n
        width = _padded(count)
        for j in range(count, width):
            worker.partner[j] = worker.partner[0]
        power = worker.power
        for j in range(width):
            for k in range(K):
                power[k * width + j] = cost[worker.partner[j] * K + k]
        vec.log(K * width, worker.power, worker.power)
        for k in range(K):
            value = -p.epsilon[k]
            power = worker.power + k * width
            for j in range(width):
                power[j] *= value
        most = vec.dot(K * width, worker.power, worker.power)
        if not most <= LARGEST_POWER * LARGEST_POWER and not _largest(worker.power, K * width) <= LARGEST_POWER:
            memset(moved, 1, N)
            return -1
        vec.exp(K * width, worker.power, worker.power)
        for k in range(K):
            at = (k * N + i) * S
            power = worker.power + k * width
            weights, shares = worker.A + at, base.A + at
            if count == N:
                for n in range(N):
                    weights[n] = shares[n] * power[n]
            else:
                for j in range(count):
                    weights[worker.partner[j]] = shares[worker.partner[j]] * power[j]
            if p.taxes:
                for j in range(count):
                    n = worker.partner[j]
                    cell = (i * N + n) * K + k
                    value = worker.A[at + n]
                    if row.tariff != NULL:
                        value /= 1.0 + row.tariff[cell]
                    worker.G[at + n] = value
                    if row.subsidy != NULL:
                        value *= 1.0 + row.subsidy[cell]
                    worker.H[at + n] = value
    return 0


cdef void _retarget(Worker *worker, Common *base, Row *row) noexcept nogil:
    """Point the worker's system at a row, all but its weights."""
    cdef Problem *p = worker.p
    cdef Py_ssize_t k
    p.epsilon, p.alpha, p.deficits = row.epsilon, row.alpha, row.deficits
    for k in range(p.K):
        memcpy(p.shift + k * p.stride, row.shift + k * p.N, p.N * sizeof(double))
    if row.markup != worker.markup:
        worker.markup = row.markup
        _mark_up(p, row.markup)
    p.A, p.G, p.H = base.A, base.G, base.H
    if row.prices:
        p.A = p.G = p.H = worker.A
        if p.taxes:
            p.G = worker.G
            p.H = worker.G if row.subsidy == NULL else worker.H


cdef void _solve_row(Worker *worker, Common *base, Row *row, double tolerance, int max_iterations, int halvings,
                     double *price_power, double *accounts) noexcept nogil:
    """Solve one row and write ln d [k, n] and its accounts: ln labour income, spending, exports, imports [n].

    A row whose prices are out of range, or that has no finite point, keeps an infinite residual.
    """
    cdef Problem *p = worker.p
    cdef Py_ssize_t k, n, at, N = p.N
    memset(&worker.report, 0, sizeof(Report))
    worker.report.residual = INFINITY
    _retarget(worker, base, row)
    if row.prices and _reweigh(worker, base, row) != 0:
        return
    memset(p.x, 0, p.L * sizeof(double))
    _newton(p, &worker.krylov, worker.step, worker.start, tolerance, max_iterations, halvings, True, worker.flows,
            &worker.report)
    if not worker.report.converged:
        return
    _trade(p, worker.flows, accounts + 2 * N, accounts + 3 * N)
    memcpy(accounts, p.wage_bill, N * sizeof(double))
    memcpy(accounts + N, p.expenditure, N * sizeof(double))
    for k in range(p.K):
        at = k * p.stride
        vec.log(p.stride, p.d + at, p.work)
        for n in range(N):
            price_power[k * N + n] = p.work[n] + p.largest[k] if p.d[at + n] > 0 else 0.0
