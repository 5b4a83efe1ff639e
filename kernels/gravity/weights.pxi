# Trade shares and weights in packed storage, and the range of the hats they are made of.

def extent(hats):
    """Return the least and the largest of an array, NaN where there is one; the compiled twin of `ref.extent`."""
    cdef Py_ssize_t size = hats.size, line, j
    if size == 0:
        raise ValueError("an array without numbers has no extent")
    cdef list owners = []
    cdef const double *x = _read(owners, hats, size)
    cdef double low[PAD]
    cdef double high[PAD]
    cdef double odd[PAD]
    with nogil:
        for j in range(PAD):         # so many at a time, for vectors
            low[j], high[j], odd[j] = INFINITY, -INFINITY, 0.0
        for line in range(size // PAD):
            for j in range(PAD):
                low[j] = x[j] if x[j] < low[j] else low[j]
                high[j] = x[j] if x[j] > high[j] else high[j]
                odd[j] = 1.0 if x[j] != x[j] else odd[j]
            x += PAD
        for j in range(size % PAD):
            low[j] = x[j] if x[j] < low[j] else low[j]
            high[j] = x[j] if x[j] > high[j] else high[j]
            odd[j] = 1.0 if x[j] != x[j] else odd[j]
        for j in range(1, PAD):
            low[0], high[0], odd[0] = min(low[0], low[j]), max(high[0], high[j]), odd[0] + odd[j]
    if odd[0] > 0:
        return NAN, NAN
    return low[0], high[0]


cdef void _turn(const double *x, double *y, Py_ssize_t N, Py_ssize_t K, Py_ssize_t count, Py_ssize_t row) noexcept nogil:
    """y[j, n] = x[n, j] for `count` of the K industries: a cache line of x at a time, and the next one fetched."""
    cdef Py_ssize_t n, j
    if count == PAD:                 # a number the compiler knows
        for n in range(N):
            for j in range(PAD):
                y[j * row + n] = x[n * K + j]
            EXACTHAT_FETCH(x + n * K + 2 * PAD - 1)
        return
    for n in range(N):
        for j in range(count):
            y[j * row + n] = x[n * K + j]


cdef struct Flows:                   # arguments of `_share_origin`
    Py_ssize_t N, K, stride
    const double *flows              # [i, n, k]
    const double *spending           # [n, k]
    double *A


cdef void _share_origin(Flows *f, Py_ssize_t i, double *ratio) noexcept nogil:
    """Trade shares of one origin; `ratio` holds [n, k]."""
    cdef Py_ssize_t line, at, k
    cdef const double *x = f.flows + i * f.N * f.K
    for at in range(f.N * f.K):
        ratio[at] = x[at] / f.spending[at] if f.spending[at] > 0 else 0.0
    for line in range((f.K + PAD - 1) // PAD):
        k = PAD * line
        _turn(ratio + k, f.A + (k * f.N + i) * f.stride, f.N, f.K, min(PAD, f.K - k), f.N * f.stride)
    for k in range(f.K):
        memset(f.A + (k * f.N + i) * f.stride + f.N, 0, (f.stride - f.N) * sizeof(double))


def trade_shares(flows, spending, threads=1):
    """lambda[k, i, n] = flows[i, n, k] / spending[n, k]; the compiled twin of `ref.trade_shares`.

    Returns packed weights; `flows` may be a read-only memory map and is not copied.
    """
    cdef Flows f
    cdef Py_ssize_t i, cells
    cdef int team = _threads(threads)
    cdef list owners = []
    f.N, f.K = flows.shape[0], flows.shape[2]
    f.stride, cells = _row_length(f.N), f.N * f.K
    rows = np.empty(team * cells)
    shares = _empty(f.K, f.N)
    f.flows = _read(owners, flows, f.N * cells)
    f.spending = _read(owners, spending, cells)
    f.A = _address(shares, f.N * cells)
    cdef double *ratio = _address(rows, team * cells)
    if team == 1:
        with nogil:
            for i in range(f.N):
                _share_origin(&f, i, ratio)
    else:
        for i in prange(f.N, nogil=True, schedule="dynamic", num_threads=team):
            _share_origin(&f, i, ratio + threadid() * cells)
    return shares


cdef struct Costs:                   # arguments of `_weigh_origin` and `_weigh_industry`
    Py_ssize_t N, K, stride
    Py_ssize_t count                 # industries the costs tell apart
    const double *given              # [i, n, k] or [k]
    const double *epsilon
    const double *shares
    double *A


cdef bint _unmoved(const double *cost, Py_ssize_t size) noexcept nogil:
    """Whether all hats are one."""
    cdef Py_ssize_t j
    for j in range(size):
        if cost[j] != 1.0:
            return False
    return True


cdef void _weigh_origin(Costs *c, Py_ssize_t i, double *ln_cost) noexcept nogil:
    """Weights of one origin, costs by pair of countries; `ln_cost` holds PAD rows, ones beside the countries."""
    cdef Py_ssize_t line, k, n, j, at, some
    if _unmoved(c.given + i * c.N * c.count, c.N * c.count):  # most origins, where a shock touches few cells
        for k in range(c.K if c.A != c.shares else 0):
            at = (k * c.N + i) * c.stride
            memcpy(c.A + at, c.shares + at, c.stride * sizeof(double))
        return
    for line in range((c.K + PAD - 1) // PAD):
        k = PAD * line
        some = min(PAD, c.K - k)
        if c.count > 1 or k == 0:
            j = min(some, c.count)
            _turn(c.given + i * c.N * c.count + k, ln_cost, c.N, c.count, j, c.stride)
            for n in range(j):
                for at in range(c.N, c.stride):
                    ln_cost[n * c.stride + at] = 1.0
            vec.log(j * c.stride, ln_cost, ln_cost)
        for j in range(some):
            at = ((k + j) * c.N + i) * c.stride
            vec.multiply_exp(c.stride, -c.epsilon[k + j], ln_cost + (j if c.count > 1 else 0) * c.stride,
                             c.shares + at, c.A + at)


cdef void _weigh_industry(Costs *c, Py_ssize_t k) noexcept nogil:
    """Weights of one industry, the same cost between all countries."""
    cdef Py_ssize_t i, n, at
    cdef double power = c.given[k if c.count > 1 else 0] ** -c.epsilon[k], home
    for i in range(c.N):
        at = (k * c.N + i) * c.stride
        home = c.shares[at + i]
        for n in range(c.stride):
            c.A[at + n] = c.shares[at + n] * power
        c.A[at + i] = home


def trade_weights(trade_shares, trade_cost, trade_elasticity, out=None, threads=1):
    """A[k, i, n] = trade_shares[k, i, n] trade_cost[i, n, k]^-epsilon_k; the compiled twin of `ref.trade_weights`.

    Takes and returns packed weights; `out` may be the trade shares themselves. Infinite costs give exactly zero.
    """
    cdef Costs c
    cdef Py_ssize_t i
    cdef int team = _threads(threads)
    cdef bint pairs = np.ndim(trade_cost) == 3
    c.K, c.N = trade_shares.shape[0], trade_shares.shape[1]
    c.stride = _row_length(c.N)
    c.count = trade_cost.shape[2] if pairs else np.size(trade_cost)
    if c.count != 1 and c.count != c.K:
        raise ValueError(f"trade costs tell {c.count} industries apart; there are {c.K}")
    if out is not None and c.N > 1 and _packed(out) is not out:  # of one country there are no strides to see
        raise ValueError("out is not stored as weights are: pass what `pack` made")
    cdef list owners = []
    trade_shares = _packed(trade_shares)
    weights = _empty(c.K, c.N) if out is None else out
    rows = np.empty(team * PAD * c.stride)
    cdef double *ln_cost = _address(rows, team * PAD * c.stride)
    c.given = _read(owners, trade_cost, c.N * c.N * c.count if pairs else c.count)
    c.epsilon = _read(owners, trade_elasticity, c.K)
    c.shares = _address(trade_shares, c.K * c.N * c.N)
    c.A = _address(weights, c.K * c.N * c.N)
    if pairs and team == 1:
        with nogil:
            for i in range(c.N):
                _weigh_origin(&c, i, ln_cost)
    elif pairs:
        for i in prange(c.N, nogil=True, schedule="dynamic", num_threads=team):
            _weigh_origin(&c, i, ln_cost + threadid() * PAD * c.stride)
    elif team == 1:
        with nogil:
            for i in range(c.K):
                _weigh_industry(&c, i)
    else:
        for i in prange(c.K, nogil=True, schedule="dynamic", num_threads=team):
            _weigh_industry(&c, i)
    return weights
