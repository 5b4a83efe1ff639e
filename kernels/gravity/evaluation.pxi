# Equations (1) to (10) of `ref` at a point, and their derivative along a direction.

cdef void _wage_change(Problem *p, const double *x, double *change) noexcept nogil:
    """change_n = sum_k l kappa R x / Y', the move of ln(labour income) along x."""
    cdef Py_ssize_t k
    memset(change, 0, p.stride * sizeof(double))
    for k in range(p.K):
        vec.add_product(p.stride, p.wage_weight + k * p.stride, x + k * p.stride, change)


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


cdef void _industry(Problem *p, Py_ssize_t k) noexcept nogil:
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


cdef int _evaluate(Problem *p) noexcept nogil:
    """Equations (1) to (10) at p.x; -1 where spending or income of a country is not positive."""
    cdef Py_ssize_t k, n, at, spent = p.L - p.stride
    cdef double growth
    cdef bint same
    vec.exp(p.M, p.x, p.revenue)
    memset(p.labour, 0, p.stride * sizeof(double))
    memset(p.expenditure, 0, p.stride * sizeof(double))
    memset(p.total, 0, p.C * sizeof(double))
    for k in range(p.K):
        at = k * p.stride
        for n in range(p.stride):
            p.revenue[at + n] *= p.sales[at + n]
        vec.add_product(p.stride, p.wage_share + at, p.revenue + at, p.labour)
        vec.add_product(p.stride, p.value + at, p.revenue + at, p.expenditure)
    for n in range(p.N):
        p.total[p.component[n]] += p.labour[n]
    for n in range(p.stride):
        p.wage_bill[n] = p.labour[n] / p.base[n] if n < p.N else 1.0
    vec.log(p.stride, p.wage_bill, p.wage_bill)
    for n in range(p.N):
        growth = p.total[p.component[n]] / p.base_total[p.component[n]]
        same = n > 0 and p.component[n] == p.component[n - 1]
        p.scale[n] = p.scale[n - 1] if same else log(growth)
        p.expenditure[n] += p.deficits[n] * growth
        if p.taxes:
            p.income[n] = p.deficits[n] * growth
            p.expenditure[n] = p.base_spending[n] * exp(p.x[spent + n])
        if not p.expenditure[n] > 0:
            return -1
    for k in range(p.K):
        at = k * p.stride
        for n in range(p.N):
            p.wage_weight[at + n] = p.wage_share[at + n] * p.revenue[at + n] / p.labour[n]
    if p.inputs != NULL:
        for n in range(p.N):
            _links(p, n, p.x + p.M, p.wage_bill, NULL, p.expenditure, p.ln_cost, p.spending)
    if p.threads == 1:
        for k in range(p.K):
            _industry(p, k)
    else:
        for k in prange(p.K, schedule="static", num_threads=p.threads):
            _industry(p, k)
    if p.taxes:
        for k in range(p.K):
            for n in range(p.N):
                at = k * p.stride + n
                p.income[n] += p.value[at] * p.revenue[at] + p.spending[at] * (1.0 - p.untaxed[at])
        for n in range(p.N):
            if not p.income[n] > 0:
                return -1
            p.residual[spent + n] = p.x[spent + n] - log(p.income[n] / p.base_spending[n])
    return 0


cdef void _industry_product(Problem *p, Py_ssize_t k, const double *x, double *y) noexcept nogil:
    """Derivative of (3) to (6), (8) and (9) for one industry, and its part of the derivative of (7)."""
    cdef Py_ssize_t at = k * p.stride, block = k * p.N * p.stride, S = p.stride, i
    cdef double alpha = p.alpha[k], cost = p.alpha[k] + p.epsilon[k], dln_v, tariffs
    cdef double *dln_u = p.work + at
    cdef double *g = p.work2 + at
    cdef double *dln_d = p.change_d + at
    cdef double *row = p.row + at
    cdef double *ln_cost = p.change_wage if p.inputs == NULL else p.ln_cost + at
    cdef double *spent = p.change_expenditure if p.inputs == NULL else p.change_spending + at
    vec.bend(S, alpha, cost, x + at, ln_cost, p.u + at, dln_u, g)
    if p.b == 0:
        vec.market_product(p.N, S, S, p.A + block, g, p.q + at, spent, p.inverse + at, row)
    else:
        vec.columns(p.N, S, S, p.A + block, g, dln_d)
        if p.taxes:
            vec.columns(p.N, S, S, p.G + block, g, p.term + at)
        for i in range(p.N):
            dln_d[i] = dln_d[i] * p.inverse[at + i] if p.d[at + i] > 0 else 0.0
            g[i] = p.q[at + i] * (spent[i] - dln_d[i])
        vec.rows(p.N, S, S, p.H + block, g, row)
    vec.differ(S, x + at, dln_u, p.demand + at, p.change_scale, p.live + at, row, y + at)
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


cdef void _product(Problem *p, const double *x, double *y) noexcept nogil:
    """y = (derivative of the residual) x at the point last evaluated; x is zero outside live cells."""
    cdef Py_ssize_t k, n, at, spent = p.L - p.stride
    _wage_change(p, x, p.change_wage)
    memset(p.change_expenditure, 0, p.stride * sizeof(double))
    memset(p.change_total, 0, p.C * sizeof(double))
    for n in range(p.N):
        p.change_total[p.component[n]] += p.labour[n] * p.change_wage[n]
    for n in range(p.N):
        k = p.component[n]
        p.change_scale[n] = p.change_total[k] / p.total[k]
    if p.taxes:
        for n in range(p.N):
            p.change_expenditure[n] = x[spent + n]
    else:
        for k in range(p.K):
            at = k * p.stride
            for n in range(p.stride):
                p.change_expenditure[n] += p.value[at + n] * p.revenue[at + n] * x[at + n]
        for n in range(p.N):
            p.change_expenditure[n] += p.deficits[n] * p.change_total[p.component[n]] / p.base_total[p.component[n]]
            p.change_expenditure[n] /= p.expenditure[n]
    if p.inputs != NULL:
        for n in range(p.N):
            p.change_expenditure[n] *= p.expenditure[n]
            _links(p, n, x + p.M, p.change_wage, x, p.change_expenditure, p.ln_cost, p.change_spending)
        for k in range(p.K):
            for n in range(p.N):
                at = k * p.stride + n
                p.change_spending[at] = p.change_spending[at] / p.spending[at] if p.spending[at] > 0 else 0.0
    if p.threads == 1:
        for k in range(p.K):
            _industry_product(p, k, x, y)
    else:
        for k in prange(p.K, schedule="static", num_threads=p.threads):
            _industry_product(p, k, x, y)
    if p.taxes:
        for n in range(p.N):
            y[spent + n] = p.deficits[n] * p.change_total[p.component[n]] / p.base_total[p.component[n]]
        for k in range(p.K):
            for n in range(p.N):
                y[spent + n] += p.term[k * p.stride + n]
        for n in range(p.N):
            y[spent + n] = x[spent + n] - y[spent + n] / p.income[n]


cdef void _trade(Problem *p, double *exports, double *imports) noexcept nogil:
    """Exports and imports at the border, foreign flows alone: a closed country's are exactly zero."""
    cdef Py_ssize_t k, i, n, S = p.stride
    cdef const double *row
    cdef double flow, u
    memset(exports, 0, p.N * sizeof(double))
    memset(imports, 0, p.N * sizeof(double))
    for k in range(p.K):
        for i in range(p.N):
            row = p.G + (k * p.N + i) * S
            u = p.u[k * S + i]
            if u > 0:
                for n in range(p.N):
                    if n != i:
                        flow = row[n] * p.q[k * S + n] * u
                        exports[i] += flow
                        imports[n] += flow
