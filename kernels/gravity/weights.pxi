# Trade shares and weights in packed storage.

def trade_shares(flows, spending):
    """lambda[k, i, n] = flows[i, n, k] / spending[n, k]; the compiled twin of `ref.trade_shares`.

    Returns packed weights; `flows` may be a read-only memory map and is not copied.
    """
    cdef Py_ssize_t N = flows.shape[0], K = flows.shape[2], i, n, k
    cdef list owners = []
    row = np.empty(N * K)
    shares = _empty(K, N)
    cdef Py_ssize_t stride = _row_length(N)
    cdef const double *x = _read(owners, flows, N * N * K)
    cdef const double *total = _read(owners, spending, N * K)
    cdef double *ratio = _address(row, N * K)
    cdef double *A = _address(shares, K * N * N)
    with nogil:
        for i in range(N):
            for n in range(N * K):
                ratio[n] = x[i * N * K + n] / total[n] if total[n] > 0 else 0.0
            for k in range(K):
                for n in range(N):
                    A[(k * N + i) * stride + n] = ratio[n * K + k]
    return shares


def trade_weights(trade_shares, trade_cost, trade_elasticity, out=None):
    """A[k, i, n] = trade_shares[k, i, n] trade_cost[i, n, k]^-epsilon_k; the compiled twin of `ref.trade_weights`.

    Takes and returns packed weights; `out` may be the trade shares themselves. Infinite costs give exactly zero.
    """
    cdef Py_ssize_t K = trade_shares.shape[0], N = trade_shares.shape[1], stride = _row_length(N), i, n, k
    cdef Py_ssize_t costs = trade_cost.shape[2] if np.ndim(trade_cost) == 3 else 0  # of a pair of countries
    cdef Py_ssize_t count = costs or np.size(trade_cost), size = count * (stride if costs else 1), at
    cdef double power, home
    trade_shares = _packed(trade_shares)
    weights = _empty(K, N) if out is None else out
    cdef list owners = []
    logs = np.zeros(_padded(size))  # of one origin's costs, [industry, destination]; without countries of all there are
    cdef const double *given = _read(owners, trade_cost, N * N * costs if costs else count)
    cdef const double *epsilon = _read(owners, trade_elasticity, K)
    cdef const double *shares = _address(trade_shares, K * N * N)
    cdef double *A = _address(weights, K * N * N)
    cdef double *ln_cost = _address(logs, _padded(size))
    with nogil:
        if not costs:
            memcpy(ln_cost, given, count * sizeof(double))
            vec.log(_padded(size), ln_cost, ln_cost)
        for i in range(N):
            if costs:
                for k in range(count):
                    for n in range(N):
                        ln_cost[k * stride + n] = given[(i * N + n) * count + k]
                    for n in range(N, stride):
                        ln_cost[k * stride + n] = 1.0
                vec.log(size, ln_cost, ln_cost)
            for k in range(K):
                at = (k * N + i) * stride
                if A != shares:
                    memcpy(A + at, shares + at, N * sizeof(double))
                if costs:
                    vec.multiply_exp(stride, -epsilon[k], ln_cost + (k % count) * stride, A + at)
                else:
                    power, home = exp(-epsilon[k] * ln_cost[k % count]), A[at + i]
                    for n in range(N):
                        A[at + n] *= power
                    A[at + i] = home
    return weights
