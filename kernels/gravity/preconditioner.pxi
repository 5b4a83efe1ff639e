# Approximate inverses of the Jacobian: what a country does to itself, other countries held still.
#
# Without links and bilateral taxes the own-country block is diagonal up to the wage coupling, and inverted
# in closed form. Otherwise it is a dense matrix of size b = K (+ K prices) (+ 1 spending) per country, inverted
# once and kept while it serves.

cdef void _own_shares(Problem *p, Part *t, Py_ssize_t k) noexcept nogil:
    """S_ii = sum_n Omega_in Lambda'_in into p.row: Omega are destination shares of revenue."""
    cdef Py_ssize_t at = k * p.stride, block = k * p.N * p.stride, i
    cdef double *q = (p.q if p.narrow == NULL else p.narrow_q) + at
    cdef double *inverse = (p.inverse if p.narrow == NULL else p.narrow_inverse) + at
    for i in range(p.stride):
        p.work[at + i] = 0.0 if q[i] == 0.0 else q[i] * inverse[i]
    if p.narrow != NULL:
        vec.squares16(p.N, p.stride, p.narrow + k * vec.narrow_size(p.N, p.stride), p.home + at, p.work + at,
                      p.row + at, p.scratch16 + 2 * t.thread * _scratch16(p))
    else:
        vec.squares(p.N, p.stride, p.stride, p.A + block, p.H + block, p.work + at, p.row + at)
    for i in range(p.N):
        p.row[at + i] = p.row[at + i] * p.u[at + i] / p.demand[at + i] if p.live[at + i] > 0 else 0.0


cdef double _home(Problem *p, Py_ssize_t k, Py_ssize_t i) noexcept nogil:
    """Share of the home market in revenue, Omega_ii."""
    cdef Py_ssize_t at = k * p.stride + i
    if p.narrow != NULL:
        return p.home[at] * p.narrow_q[at] / p.narrow_demand[at]
    return p.H[(k * p.N + i) * p.stride + i] * p.q[at] / p.demand[at]


cdef void _industry_diagonal(Problem *p, Py_ssize_t k) noexcept nogil:
    """j = 1 - alpha (1 - S_ii) and the wage coupling b, both over j."""
    cdef Py_ssize_t at = k * p.stride, i
    cdef double alpha = p.alpha[k], wage = p.alpha[k] + p.epsilon[k], other
    for i in range(p.N):
        if p.live[at + i] > 0:
            other = 1.0 - p.row[at + i]
            p.diagonal[at + i] = 1.0 / (1.0 - alpha * other)
            p.coupling[at + i] = wage * other - _home(p, k, i) * p.labour[i] / p.expenditure[i]
            p.coupling[at + i] *= p.diagonal[at + i]
            p.pull[at + i] = p.diagonal[at + i] * p.wage_weight[at + i]


cdef void _country_block(Problem *p, Py_ssize_t i) noexcept nogil:
    """Assemble and invert the own-country Jacobian of country i; unknowns r_k, then p_k, then e."""
    cdef Py_ssize_t K = p.K, S = p.stride, b = _padded(p.b), k, g, at, e = p.b - 1
    cdef bint links = p.inputs != NULL
    cdef double *m = p.inverses + i * p.b * b
    cdef double *line
    cdef double *income = m + e * b          # last row with bilateral taxes
    cdef double cost, other, home, own, per_spending, by_u, by_x, wage_bill
    cdef const double *a = p.inputs + i * K * K
    memset(m, 0, p.b * b * sizeof(double))
    for k in range(K):
        at = k * S + i
        cost = p.alpha[k] + p.epsilon[k]
        own = p.A[(k * p.N + i) * S + i] * p.u[at] * p.inverse[at] if p.d[at] > 0 else 0.0
        line = m + k * b
        line[k] = 1.0
        if p.live[at] == 0:
            if links:
                m[(K + k) * b + K + k] = 1.0
            continue
        other = 1.0 - p.row[at]
        home = _home(p, k, i)
        per_spending = home / p.spending[at] if p.spending[at] > 0 else 0.0
        # d ln u = alpha xr_k - cost (l sum_g y_g xr_g + sum_g a_gk xp_g)
        line[k] -= other * p.alpha[k]
        for g in range(K):
            wage_bill = p.wage_weight[g * S + i]
            line[g] += other * cost * p.labour_share[at] * wage_bill
            if not p.taxes:
                line[g] -= (per_spending * p.beta[at] * p.value[g * S + i] * p.revenue[g * S + i])
        if p.taxes:
            line[e] = -per_spending * p.beta[at] * p.expenditure[i]
            by_x = p.spending[at] * (1.0 - p.untaxed[at])
            by_u = -by_x * own
            income[k] += p.value[at] * p.revenue[at] + by_u * p.alpha[k]
            for g in range(K):
                wage_bill = p.wage_weight[g * S + i]
                income[g] -= by_u * cost * p.labour_share[at] * wage_bill
            if p.spending[at] > 0:
                income[e] += by_x * p.beta[at] * p.expenditure[i] / p.spending[at]
        if links:
            for g in range(K):
                line[K + g] += other * cost * a[g * K + k]
                line[g] -= per_spending * a[k * K + g] * p.kappa[g * S + i] * p.revenue[g * S + i]
                if p.taxes:
                    income[K + g] -= by_u * cost * a[g * K + k]
                    if p.spending[at] > 0:
                        income[g] += by_x * a[k * K + g] * p.kappa[g * S + i] * p.revenue[g * S + i] / p.spending[at]
            line = m + (K + k) * b
            own /= p.epsilon[k]
            line[k] += own * p.alpha[k]
            line[K + k] += 1.0
            for g in range(K):
                wage_bill = p.wage_weight[g * S + i]
                line[g] -= own * cost * p.labour_share[at] * wage_bill
                line[K + g] -= own * cost * a[g * K + k]
    if p.taxes:
        for k in range(p.b):
            income[k] = -income[k] / p.income[i]
        income[e] += 1.0
    _invert(m, p.pivots + i * p.b, p.b, b)


cdef void _invert(double *m, int *pivots, Py_ssize_t size, Py_ssize_t stride) noexcept nogil:
    """Invert in place by elimination with partial pivoting; a vanishing pivot is replaced, it only preconditions."""
    cdef Py_ssize_t j, row, column
    cdef double most, factor
    cdef double *pivot
    for j in range(size):
        pivots[j] = <int> j
        most = fabs(m[j * stride + j])
        for row in range(j + 1, size):
            if fabs(m[row * stride + j]) > most:
                most = fabs(m[row * stride + j])
                pivots[j] = <int> row
        pivot = m + j * stride
        if pivots[j] != j:
            for column in range(size):
                factor = pivot[column]
                pivot[column] = m[pivots[j] * stride + column]
                m[pivots[j] * stride + column] = factor
        factor = 1.0 / pivot[j] if most > 1e-12 else 1.0
        pivot[j] = 1.0
        for column in range(size):
            pivot[column] *= factor
        for row in range(size):
            factor = m[row * stride + j]
            if row != j and factor != 0.0:
                m[row * stride + j] = 0.0
                vec.add(stride, -factor, pivot, m + row * stride)
    for j in range(size - 1, -1, -1):
        if pivots[j] != j:
            for row in range(size):
                factor = m[row * stride + j]
                m[row * stride + j] = m[row * stride + pivots[j]]
                m[row * stride + pivots[j]] = factor


cdef void _country_solve(Problem *p, Py_ssize_t i, bint transposed, const double *x, double *z) noexcept nogil:
    """z = inverse (or its transpose) of country i's block times x, over that country's unknowns."""
    cdef Py_ssize_t K = p.K, S = p.stride, b = _padded(p.b), k
    cdef double *v = p.scratch + 2 * i * b
    cdef double *y = v + b
    for k in range(K):
        v[k] = x[k * S + i]
    if p.inputs != NULL:
        for k in range(K):
            v[K + k] = x[p.M + k * S + i]
    if p.taxes:
        v[p.b - 1] = x[p.L - S + i]
    if transposed:
        vec.columns(p.b, b, b, p.inverses + i * p.b * b, v, y)
    else:
        vec.rows(p.b, b, b, p.inverses + i * p.b * b, v, y)
    for k in range(K):
        z[k * S + i] = y[k]
    if p.inputs != NULL:
        for k in range(K):
            z[p.M + k * S + i] = y[K + k]
    if p.taxes:
        z[p.L - S + i] = y[p.b - 1]


cdef void _precondition(Problem *p, Part *t, bint transposed, const double *x, double *z) noexcept nogil:
    """z = approximate inverse of the Jacobian, or its transpose, times x, for some countries."""
    cdef Py_ssize_t k, n, at
    cdef const double *bend = p.pull if transposed else p.coupling
    if p.b > 0:
        for n in range(t.left, t.right):
            _country_solve(p, n, transposed, x, z)
        return
    _over_industries(p, t, p.coupling if transposed else p.pull, x, p.change_wage)
    for n in range(t.left, t.left + t.width):
        p.change_wage[n] *= p.weight[n]
    for k in range(p.K):
        at = k * p.stride
        for n in range(t.left, t.left + t.width):
            z[at + n] = p.diagonal[at + n] * x[at + n] - bend[at + n] * p.change_wage[n]


cdef void _own_industries(Problem *p, Part *t, Task *o) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(t.first, t.last):
        _own_shares(p, t, k)
        if p.b == 0:
            _industry_diagonal(p, k)


cdef void _own_countries(Problem *p, Part *t, Task *o) noexcept nogil:
    cdef Py_ssize_t n
    if p.b > 0:
        for n in range(t.left, t.right):
            _country_block(p, n)
        return
    _over_industries(p, t, p.wage_weight, p.coupling, p.weight)
    for n in range(t.left, t.left + t.width):
        p.weight[n] = 1.0 / max(1.0 + p.weight[n], 0.02)


cdef void _prepare_preconditioner(Problem *p) noexcept nogil:
    _share(p, _own_industries, NULL)
    _share(p, _own_countries, NULL)
