# Equations (1) to (10) of `ref` at a point, and their derivative along a direction.

cdef struct Task:                    # what a piece of shared work reads and writes beside the problem
    Krylov *krylov
    Weights *weights                 # of a transposed product; NULL otherwise
    int j                            # GMRES step
    const double *x
    double *y


cdef void _over_industries(Problem *p, Part *t, const double *weight, const double *x, double *sum) noexcept nogil:
    """sum_n = sum_k weight x for some countries."""
    cdef Py_ssize_t k, at = t.left
    memset(sum + t.left, 0, t.width * sizeof(double))
    for k in range(p.K):
        vec.add_product(t.width, 1.0, weight + at, x + at, sum + t.left)
        at += p.stride


cdef void _links(Problem *p, Py_ssize_t i, const double *prices, const double *wage, const double *sales,
                 const double *final, double *ln_cost, double *spending) noexcept nogil:
    """One country's input bundles (2) and spending (5), or their changes.

    ln_cost = l wage + sum_g a prices, spending = beta final + sum_k a kappa sales; `sales` may be NULL for R.
    """
    cdef Py_ssize_t K = p.K, S = p.stride, g, k
    cdef const double *a = p.inputs + i * K * K
    cdef double *cost = p.row_a + i * K
    cdef double *bought = p.row_b + i * K
    cdef double price, sum
    for k in range(K):
        cost[k] = p.labour_share[k * S + i] * wage[i]
        bought[k] = p.kappa[k * S + i] * p.revenue[k * S + i]
        if sales != NULL:
            bought[k] *= sales[k * S + i]
    for g in range(K):
        price = prices[g * S + i]
        sum = 0.0
        for k in range(K):
            cost[k] += a[g * K + k] * price
            sum += a[g * K + k] * bought[k]
        spending[g * S + i] = p.beta[g * S + i] * final[i] + sum
    for k in range(K):
        ln_cost[k * S + i] = cost[k]


cdef void _narrow_market(Problem *p, Part *t, Py_ssize_t k) noexcept nogil:
    """Equations (4) to (6) with the weights of the narrow copy and its factor, which demand does not show.

    Products are their exact derivative: with q, d and demand of the weights themselves, the rounding of the copy
    would hide how little moves when all countries of a group that trades little with the others move alike.
    """
    cdef Py_ssize_t at = k * p.stride
    vec.market16(p.N, p.stride, p.narrow + k * vec.narrow_size(p.N, p.stride), p.home + at, p.u + at,
                 p.spending + at, p.narrow_q + at, p.narrow_inverse + at, p.narrow_demand + at,
                 p.scratch16 + 2 * t.thread * _scratch16(p))


cdef void _industry(Problem *p, Part *t, Py_ssize_t k) noexcept nogil:
    """Equations (3) to (6), (8) and (9) for one industry."""
    cdef Py_ssize_t at = k * p.stride, block = k * p.N * p.stride, S = p.stride, i
    cdef double alpha = p.alpha[k], cost = p.alpha[k] + p.epsilon[k], most, value
    cdef double *u = p.u + at
    cdef double *live = p.live + at
    cdef double *exponent = p.work + at
    cdef double *ln_cost = p.wage_bill if p.inputs == NULL else p.ln_cost + at
    most = vec.exponent(S, alpha, cost, p.x + at, ln_cost, p.shift + at, live, exponent)
    if not isfinite(most):
        most = 0.0
    p.largest[k] = most
    vec.weigh(S, most, exponent, live, u)
    if p.inputs == NULL:
        for i in range(S):
            p.spending[at + i] = p.beta[at + i] * p.expenditure[i]
    if p.rough:
        _narrow_market(p, t, k)
        for i in range(S):
            p.inverse[at + i] = p.factor[k] * p.narrow_inverse[at + i]
            p.q[at + i] = p.factor[k] * p.narrow_q[at + i]
            p.d[at + i] = 1.0 / p.inverse[at + i]
        memcpy(p.demand + at, p.narrow_demand + at, S * sizeof(double))
    else:
        vec.market(p.N, S, S, p.A + block, u, p.spending + at, p.d + at, p.q + at, p.inverse + at, p.demand + at)
    if p.taxes:
        vec.columns(p.N, S, S, p.G + block, u, p.untaxed + at)
        for i in range(p.N):
            p.untaxed[at + i] *= p.inverse[at + i] if p.d[at + i] > 0 else 0.0
        vec.rows(p.N, S, S, p.H + block, p.q + at, p.demand + at)
        if p.G == p.H:
            memcpy(p.at_border + at, p.demand + at, S * sizeof(double))
        else:
            vec.rows(p.N, S, S, p.G + block, p.q + at, p.at_border + at)
        for i in range(p.N):
            if live[i] > 0:
                value = p.at_border[at + i] / (p.markup[at + i] * p.demand[at + i])
                p.value[at + i] = value - p.bought[at + i]
    # with u divided by exp(most), demand per unit of u comes out multiplied by it
    vec.miss(S, most, p.x + at, exponent, p.offset + at, p.demand + at, p.scale, live, p.residual + at)
    if p.inputs != NULL:
        vec.log(S, p.d + at, exponent)
        for i in range(p.N):
            value = p.x[p.M + at + i]
            if p.d[at + i] > 0:
                value += (exponent[i] + most) / p.epsilon[k]
            p.residual[p.M + at + i] = value


cdef void _incomes(Problem *p, Part *t, Task *o) noexcept nogil:
    """Equation (1) for some countries, and what their income and expenditure do not share."""
    cdef Py_ssize_t k, n, at
    for k in range(p.K):
        at = k * p.stride + t.left
        vec.exp(t.width, p.x + at, p.revenue + at)
        for n in range(t.width):
            p.revenue[at + n] *= p.sales[at + n]
    _over_industries(p, t, p.wage_share, p.revenue, p.labour)
    for n in range(t.left, t.left + t.width):
        p.sum[n] = 1.0 / p.labour[n] if n < p.N else 0.0
        p.wage_bill[n] = p.labour[n] / p.base[n] if n < p.N else 1.0
    vec.log(t.width, p.wage_bill + t.left, p.wage_bill + t.left)
    for k in range(p.K):
        at = k * p.stride
        for n in range(t.left, t.left + t.width):
            p.due[at + n] = p.value[at + n] * p.revenue[at + n]
            p.wage_weight[at + n] = p.wage_share[at + n] * p.revenue[at + n] * p.sum[n]
    memset(p.expenditure + t.left, 0, t.width * sizeof(double))
    if p.taxes:
        for n in range(t.left, t.right):
            p.expenditure[n] = p.base_spending[n] * exp(p.x[p.L - p.stride + n])
    else:
        for k in range(p.K):
            vec.add(t.width, 1.0, p.due + k * p.stride + t.left, p.expenditure + t.left)


cdef void _scales(Problem *p) noexcept nogil:
    """Growth of each component and the deficits that go with it."""
    cdef Py_ssize_t n
    cdef double growth
    memset(p.total, 0, p.C * sizeof(double))
    for n in range(p.N):
        p.total[p.component[n]] += p.labour[n]
    p.status = 0
    for n in range(p.N):
        growth = p.total[p.component[n]] / p.base_total[p.component[n]]
        p.scale[n] = p.scale[n - 1] if n > 0 and p.component[n] == p.component[n - 1] else log(growth)
        p.income[n] = p.deficits[n] * growth
        if not p.taxes:
            p.expenditure[n] += p.income[n]
        if not p.expenditure[n] > 0:
            p.status = -1


cdef void _spending_residual(Problem *p, Part *t, Task *o) noexcept nogil:
    """Equations (7) and (10) for some countries; a country without income misses by infinity."""
    cdef Py_ssize_t k, n, at, spent = p.L - p.stride
    for k in range(p.K):
        at = k * p.stride
        for n in range(t.left, t.right):
            p.due[at + n] = p.value[at + n] * p.revenue[at + n]
            p.income[n] += p.due[at + n] + p.spending[at + n] * (1.0 - p.untaxed[at + n])
    for n in range(t.left, t.right):
        p.residual[spent + n] = INFINITY
        if p.income[n] > 0:
            p.residual[spent + n] = p.x[spent + n] - log(p.income[n] / p.base_spending[n])


cdef void _measure(Problem *p) noexcept nogil:
    """Length and largest entry of the residual from the parts of each industry."""
    cdef Py_ssize_t row, rows = p.rows, spent = p.L - p.stride
    if p.taxes:
        p.partial[(rows - 1) * PARTS] = vec.dot(p.stride, p.residual + spent, p.residual + spent)
        p.partial[(rows - 1) * PARTS + 1] = _largest(p.residual + spent, p.stride)
        if not p.partial[(rows - 1) * PARTS + 1] < INFINITY:
            p.status = -1
    p.length = p.most = 0.0
    for row in range(rows):
        p.length += p.partial[row * PARTS]
        p.most = max(p.most, p.partial[row * PARTS + 1])
    p.length = sqrt(p.length)


cdef void _bundles(Problem *p, Part *t, Task *o) noexcept nogil:
    """Equations (2) and (5) for some countries."""
    cdef Py_ssize_t n
    for n in range(t.left, t.right):
        _links(p, n, p.x + p.M, p.wage_bill, NULL, p.expenditure, p.ln_cost, p.spending)


cdef void _industries(Problem *p, Part *t, Task *o) noexcept nogil:
    """Equations (3) to (6), (8) and (9) for some industries, and their part of the size of the residual."""
    cdef Py_ssize_t k, j, row, at
    for k in range(t.first, t.last):
        _industry(p, t, k)
        for j in range(p.own):
            row = k + j * p.K
            at = row * p.stride
            p.partial[row * PARTS] = vec.dot(p.stride, p.residual + at, p.residual + at)
            p.partial[row * PARTS + 1] = _largest(p.residual + at, p.N)


cdef int _evaluate(Problem *p) noexcept nogil:
    """Equations (1) to (10) at p.x; -1 where spending or income of a country is not positive."""
    _share(p, _incomes, NULL)
    _scales(p)
    if p.status != 0:
        return -1
    if p.inputs != NULL:
        _share(p, _bundles, NULL)
    _share(p, _industries, NULL)
    if p.taxes:
        _share(p, _spending_residual, NULL)
    _measure(p)
    return p.status


cdef void _industry_product(Problem *p, Part *t, Py_ssize_t k, const double *x, double *y) noexcept nogil:
    """Derivative of (3) to (6), (8) and (9) for one industry, and its part of the derivative of (7)."""
    cdef Py_ssize_t at = k * p.stride, block = k * p.N * p.stride, S = p.stride, i
    cdef double alpha = p.alpha[k], cost = p.alpha[k] + p.epsilon[k], dln_v, tariffs
    cdef double *dln_u = p.work + at
    cdef double *g = p.work2 + at
    cdef double *dln_d = p.change_d + at
    cdef double *row = p.row + at
    cdef float *scratch = p.scratch16 + 2 * t.thread * _scratch16(p)
    cdef const uint32_t *narrow = NULL
    cdef double *q = p.q + at
    cdef double *inverse = p.inverse + at
    cdef double *demand = p.demand + at
    if p.narrow != NULL:
        narrow = p.narrow + k * vec.narrow_size(p.N, S)
        q, inverse, demand = p.narrow_q + at, p.narrow_inverse + at, p.narrow_demand + at
    cdef double *ln_cost = p.change_wage if p.inputs == NULL else p.ln_cost + at
    cdef double *spent = p.change_expenditure if p.inputs == NULL else p.change_spending + at
    vec.bend(S, alpha, cost, x + at, ln_cost, p.u + at, dln_u, g)
    if p.b == 0 and narrow != NULL:
        vec.market_product16(p.N, S, narrow, p.home + at, g, q, spent, inverse, row, scratch)
    elif p.b == 0:
        vec.market_product(p.N, S, S, p.A + block, g, p.q + at, spent, p.inverse + at, row)
    else:
        if narrow != NULL:
            vec.columns16(p.N, S, narrow, p.home + at, g, dln_d, scratch)
        else:
            vec.columns(p.N, S, S, p.A + block, g, dln_d)
        if p.taxes:
            vec.columns(p.N, S, S, p.G + block, g, p.term + at)
        for i in range(p.N):
            dln_d[i] = dln_d[i] * inverse[i] if p.d[at + i] > 0 else 0.0
            g[i] = q[i] * (spent[i] - dln_d[i])
        if narrow != NULL:
            vec.rows16(p.N, S, narrow, p.home + at, g, row, scratch)
        else:
            vec.rows(p.N, S, S, p.H + block, g, row)
    vec.differ(S, x + at, dln_u, demand, p.change_scale, p.live + at, row, y + at)
    if p.inputs != NULL:
        for i in range(p.N):
            y[p.M + at + i] = x[p.M + at + i] + dln_d[i] / p.epsilon[k]
    if p.taxes:
        for i in range(p.N):
            tariffs = 0.0
            if p.d[at + i] > 0:
                tariffs = p.spending[at + i] * (spent[i] * (1.0 - p.untaxed[at + i])
                                                - p.term[at + i] * p.inverse[at + i] + p.untaxed[at + i] * dln_d[i])
            p.term[at + i] = tariffs + p.value[at + i] * p.revenue[at + i] * x[at + i]
        if p.G != p.H:
            vec.rows(p.N, S, S, p.G + block, g, dln_d)
            for i in range(p.N):
                if p.live[at + i] > 0:
                    dln_v = dln_d[i] / p.at_border[at + i] - row[i]
                    p.term[at + i] += (p.value[at + i] + p.bought[at + i]) * p.revenue[at + i] * dln_v


cdef void _own_changes(Problem *p, Part *t, Task *o) noexcept nogil:
    """Changes of labour income and of spending for some countries, but for what a component shares."""
    _over_industries(p, t, p.wage_weight, o.x, p.change_wage)
    if not p.taxes:
        _over_industries(p, t, p.due, o.x, p.change_expenditure)


cdef void _bundle_changes(Problem *p, Part *t, Task *o) noexcept nogil:
    cdef Py_ssize_t k, n, at
    for n in range(t.left, t.right):
        p.sum[n] = p.change_expenditure[n] * p.expenditure[n]
        _links(p, n, o.x + p.M, p.change_wage, o.x, p.sum, p.ln_cost, p.change_spending)
    for k in range(p.K):
        for n in range(t.left, t.right):
            at = k * p.stride + n
            p.change_spending[at] = p.change_spending[at] / p.spending[at] if p.spending[at] > 0 else 0.0


cdef void _industry_products(Problem *p, Part *t, Task *o) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(t.first, t.last):
        _industry_product(p, t, k, o.x, o.y)


cdef void _spending_product(Problem *p, Part *t, Task *o) noexcept nogil:
    cdef Py_ssize_t k, n, spent = p.L - p.stride
    for n in range(t.left, t.right):
        o.y[spent + n] = p.deficits[n] * p.change_total[p.component[n]] / p.base_total[p.component[n]]
    for k in range(p.K):
        for n in range(t.left, t.right):
            o.y[spent + n] += p.term[k * p.stride + n]
    for n in range(t.left, t.right):
        o.y[spent + n] = o.x[spent + n] - o.y[spent + n] / p.income[n]


cdef void _product(Problem *p, Task *o) noexcept nogil:
    """o.y = (derivative of the residual) o.x at the point last evaluated; x is zero outside live cells.

    `_own_changes` along x have been taken before.
    """
    _scale_changes(p, o.x)
    if p.inputs != NULL:
        _share(p, _bundle_changes, o)
    _share(p, _industry_products, o)
    if p.taxes:
        _share(p, _spending_product, o)


cdef void _scale_changes(Problem *p, const double *x) noexcept nogil:
    """Relative changes of each component's labour income and of spending."""
    cdef Py_ssize_t k, n
    memset(p.change_total, 0, p.C * sizeof(double))
    for n in range(p.N):
        p.change_total[p.component[n]] += p.labour[n] * p.change_wage[n]
    for n in range(p.N):
        k = p.component[n]
        p.change_scale[n] = p.change_total[k] / p.total[k]
        if p.taxes:
            p.change_expenditure[n] = x[p.L - p.stride + n]
        else:
            p.change_expenditure[n] += p.deficits[n] * p.change_total[k] / p.base_total[k]
            p.change_expenditure[n] /= p.expenditure[n]


cdef double _walras(Problem *p) noexcept nogil:
    """World revenue that demand implies over world revenue, less one: equation (11) of `ref`."""
    cdef Py_ssize_t k, n, at
    cdef double implied = 0.0, sold = 0.0
    for k in range(p.K):
        at = k * p.stride
        for n in range(p.stride):
            p.work[n] = p.scale[n] - p.residual[at + n]
            sold += p.revenue[at + n]
        vec.exp(p.stride, p.work, p.work)
        implied += vec.dot(p.stride, p.work, p.revenue + at)
    return fabs(implied / sold - 1.0)
