# Weights on residuals, spending and price powers carried back through the equations: transposed products.

cdef struct Weights:
    double *income                   # [stride] on ln of income (7)
    double *spending                 # [stride] on E'
    double *scale                    # [C] on ln g
    double *wage                     # [stride] on v
    double *bought                   # [M] on X
    double *ln_u                     # [M]
    double *ln_d                     # [M]
    double *received                 # [M] on ln of sum_n H q
    double *border                   # [M] on ln b
    double *untaxed                  # [M] on sum_i G u / d


cdef void _industry_pullback(Problem *p, Weights *w, Py_ssize_t k, const double *a) noexcept nogil:
    """Back from (8), (9), (10) through (6), (5), (4) to ln u for one industry; ln_d holds its weights to begin with."""
    cdef Py_ssize_t at = k * p.stride, block = k * p.N * p.stride, S = p.stride, i
    cdef double *work = p.work + at
    cdef double *work2 = p.work2 + at
    cdef double *to_q = p.change_d + at
    cdef double *row = p.row + at
    for i in range(p.N):
        if p.live[at + i] > 0:
            if p.taxes:
                w.border[at + i] = w.income[i] * (p.value[at + i] + p.bought[at + i]) * p.revenue[at + i]
                work2[i] = w.border[at + i] / p.at_border[at + i]
            w.received[at + i] = -a[at + i] - w.border[at + i]
            work[i] = w.received[at + i] / p.demand[at + i]
        else:
            work[i] = 0.0
            work2[i] = 0.0
    vec.columns(p.N, S, S, p.H + block, work, to_q)
    if p.taxes:
        vec.columns(p.N, S, S, p.G + block, work2, row)
    for i in range(p.N):
        if p.taxes:
            to_q[i] += row[i]
        if not p.spending[at + i] > 0:
            to_q[i] = 0.0
        w.bought[at + i] = 0.0
        if p.d[at + i] > 0:
            w.bought[at + i] = to_q[i] * p.inverse[at + i]
        w.ln_d[at + i] -= to_q[i] * p.q[at + i]
        if p.inputs != NULL:
            w.ln_d[at + i] += a[p.M + at + i] / p.epsilon[k]
        if p.taxes:
            w.untaxed[at + i] = -w.income[i] * p.spending[at + i]
            w.bought[at + i] += w.income[i] * (1.0 - p.untaxed[at + i])
            w.ln_d[at + i] -= w.untaxed[at + i] * p.untaxed[at + i]
        work[i] = w.ln_d[at + i] * p.inverse[at + i] if p.d[at + i] > 0 else 0.0
        work2[i] = w.untaxed[at + i] * p.inverse[at + i] if p.d[at + i] > 0 else 0.0
    for i in range(p.N, S):  # what the columns of pads collected must not reach the rows
        work[i] = 0.0
        work2[i] = 0.0
    vec.rows(p.N, S, S, p.A + block, work, row)
    for i in range(p.N):
        w.ln_u[at + i] = p.u[at + i] * row[i] - a[at + i] * p.live[at + i]
    if p.taxes:
        vec.rows(p.N, S, S, p.G + block, work2, row)
        for i in range(p.N):
            w.ln_u[at + i] += p.u[at + i] * row[i]
    for i in range(p.N):
        w.ln_u[at + i] *= p.live[at + i]


cdef void _pull_industries(Problem *p, Part *t, Task *o) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(t.first, t.last):
        _industry_pullback(p, o.weights, k, o.x)


cdef void _pull_sums(Problem *p, Part *t, Task *o) noexcept nogil:
    """Weights on spending, wages and scale of some countries, from all industries."""
    cdef Weights *w = o.weights
    cdef Py_ssize_t k, n, at
    for n in range(t.left, t.right):
        w.wage[n] = p.sum[n] = 0.0
    for k in range(p.K):
        for n in range(t.left, t.right):
            at = k * p.stride + n
            w.spending[n] += p.beta[at] * w.bought[at]
            p.sum[n] += o.x[at] * p.live[at]
            w.wage[n] -= p.labour_share[at] * (p.alpha[k] + p.epsilon[k]) * w.ln_u[at]


cdef void _pull_unknowns(Problem *p, Part *t, Task *o) noexcept nogil:
    """Weights on the unknowns of some countries."""
    cdef Weights *w = o.weights
    cdef const double *a = o.x
    cdef double *y = o.y
    cdef Py_ssize_t k, g, n, at, spent = p.L - p.stride
    cdef double cost, sum
    for n in range(t.left, t.right):
        w.wage[n] += w.scale[p.component[n]] * p.labour[n] / p.total[p.component[n]]
    for k in range(p.K):
        for n in range(t.left, t.right):
            at = k * p.stride + n
            sum = w.income[n] if p.taxes else w.spending[n]
            y[at] = (a[at] + p.alpha[k] * w.ln_u[at] + sum * p.due[at] + p.wage_weight[at] * w.wage[n])
            y[at] *= p.live[at]
    if p.inputs != NULL:
        for n in range(t.left, t.right):
            for g in range(p.K):
                sum = 0.0
                for k in range(p.K):
                    cost = p.alpha[k] + p.epsilon[k]
                    sum -= p.inputs[(n * p.K + g) * p.K + k] * cost * w.ln_u[k * p.stride + n]
                    at = k * p.stride + n
                    y[at] += (p.kappa[at] * p.revenue[at] * p.inputs[(n * p.K + g) * p.K + k]
                              * w.bought[g * p.stride + n])
                y[p.M + g * p.stride + n] = a[p.M + g * p.stride + n] + sum
    if p.taxes:
        for n in range(t.left, t.right):
            y[spent + n] = a[spent + n] + p.expenditure[n] * w.spending[n]


cdef void _pullback(Problem *p, Task *o) noexcept nogil:
    """o.y = (transposed Jacobian) o.x plus what weights already in ln_d and spending of o.weights add."""
    cdef Py_ssize_t n
    if p.taxes:
        for n in range(p.N):
            o.weights.income[n] = -o.x[p.L - p.stride + n] / p.income[n]
    _share(p, _pull_industries, o)
    _share(p, _pull_sums, o)
    _pull_scales(p, o.weights)
    _share(p, _pull_unknowns, o)


cdef void _pull_scales(Problem *p, Weights *w) noexcept nogil:
    """Weights on ln g of each component."""
    cdef Py_ssize_t k, n
    memset(w.scale, 0, p.C * sizeof(double))
    for n in range(p.N):
        k = p.component[n]
        w.scale[k] += p.sum[n]
        w.scale[k] += (p.deficits[n] * p.total[k] / p.base_total[k]
                       * (w.income[n] if p.taxes else w.spending[n]))


cdef Py_ssize_t _weights_size(Problem *p) noexcept nogil:
    return 6 * p.M + 3 * p.stride + _padded(p.C)


cdef void _place_weights(Problem *p, Weights *w, double **cursor) noexcept nogil:
    w.income = _take(cursor, p.stride)
    w.spending = _take(cursor, p.stride)
    w.wage = _take(cursor, p.stride)
    w.scale = _take(cursor, p.C)
    w.bought = _take(cursor, p.M)
    w.ln_u = _take(cursor, p.M)
    w.ln_d = _take(cursor, p.M)
    w.received = _take(cursor, p.M)
    w.border = _take(cursor, p.M)
    w.untaxed = _take(cursor, p.M)


cdef void _transposed_product(Problem *p, Task *o) noexcept nogil:
    """o.y = (transposed derivative of the residual) o.x at the point last evaluated."""
    memset(o.weights.ln_d, 0, p.M * sizeof(double))
    memset(o.weights.spending, 0, p.stride * sizeof(double))
    _pullback(p, o)
