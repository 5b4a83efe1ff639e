# Trade between countries at a solution: its accounts, and the groups of countries that little trade joins.

cdef void _flow_rows(Problem *p, Part *t, Task *o) noexcept nogil:
    """Trade [origin, destination] at the border, all industries together, from some origins.

    Of a few origins at a time, whose flows stay in cache.
    """
    cdef Py_ssize_t first = t.left, last, i, k, S = p.stride
    while first < t.right:
        last = min(first + PAD, t.right)
        memset(o.y + first * S, 0, (last - first) * S * sizeof(double))
        for k in range(p.K):
            for i in range(first, last):
                vec.add_product(S, p.u[k * S + i], p.G + (k * p.N + i) * S, p.q + k * S, o.y + i * S)
        first = last


cdef void _trade(Problem *p, const double *flows, double *exports, double *imports) noexcept nogil:
    """Exports and imports: only foreign flows are added, so a closed country's are exactly zero."""
    cdef Py_ssize_t i, n
    memset(exports, 0, p.N * sizeof(double))
    memset(imports, 0, p.N * sizeof(double))
    for i in range(p.N):
        for n in range(p.N):
            if n != i:
                exports[i] += flows[i * p.stride + n]
                imports[n] += flows[i * p.stride + n]


cdef Py_ssize_t _trade_memory(Problem *p) noexcept nogil:
    """Doubles for the flows between countries and for the trees of `_branch_bound`."""
    return (p.N + 5) * p.stride


cdef double _positive(double trade) noexcept nogil:
    """Trade where it is some: iterates of a solve that fails can have negative or no numbers."""
    return trade if trade > 0 else 0.0


cdef double _branch_bound(Problem *p, double *flows, const double *exports, const double *imports) noexcept nogil:
    """Largest bound on the imbalance of a branch; the compiled twin of `ref._branch_bound`."""
    cdef Py_ssize_t c, i, n, count = 0, S = p.stride
    cdef double *link = flows + p.N * S      # largest trade with the tree, before it all trade; -1 for its members
    cdef double *joined = link + S           # by how much trade each member joined
    cdef double *gap = joined + S            # of the branch that starts at each member
    cdef Py_ssize_t *parent = <Py_ssize_t *> (gap + S)
    cdef Py_ssize_t *order = parent + S
    cdef double trade, largest = 0.0
    for n in range(p.N):
        link[n], parent[n] = _positive(exports[n] + imports[n]), -1
        gap[n] = imports[n] - exports[n] - p.deficits[n]
    for c in range(p.C):
        while True:
            i = -1
            for n in range(p.N):
                if p.component[n] == c and link[n] >= 0 and (i < 0 or link[n] > link[i]):
                    i = n
            if i < 0:
                break
            joined[i], link[i], order[count] = link[i], -1.0, i
            count += 1
            for n in range(p.N):
                if link[n] >= 0 and p.component[n] == c:
                    trade = flows[i * S + n] + flows[n * S + i]
                    if trade > link[n] or parent[n] < 0:
                        link[n], parent[n] = _positive(trade), i
    for count in range(p.N - 1, -1, -1):
        i = order[count]
        if parent[i] >= 0:
            largest = _larger(largest, fabs(gap[i]) / joined[i] if joined[i] > 0 else INFINITY)
            gap[parent[i]] += gap[i]
    return largest
