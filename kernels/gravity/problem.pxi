# One hat system in C: pointers into the caller's matrices and into one block of work arrays.

cdef extern from "primitives.h" nogil:
    ctypedef struct exacthat_primitives:
        const char *name
        void (*exp)(Py_ssize_t, const double *, double *) noexcept nogil
        void (*log)(Py_ssize_t, const double *, double *) noexcept nogil
        void (*market)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, const double *, const double *,
                       double *, double *, double *, double *) noexcept nogil
        void (*market_product)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, const double *,
                               const double *, const double *, const double *, double *) noexcept nogil
        void (*columns)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, const double *, double *) noexcept nogil
        void (*rows)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, const double *, double *) noexcept nogil
        void (*squares)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, const double *, const double *,
                        double *) noexcept nogil
        double (*exponent)(Py_ssize_t, double, double, const double *, const double *, const double *,
                           const double *, double *) noexcept nogil
        void (*weigh)(Py_ssize_t, double, const double *, const double *, double *) noexcept nogil
        void (*miss)(Py_ssize_t, double, const double *, const double *, const double *, const double *,
                     const double *, const double *, double *) noexcept nogil
        void (*bend)(Py_ssize_t, double, double, const double *, const double *, const double *, double *,
                     double *) noexcept nogil
        void (*differ)(Py_ssize_t, const double *, const double *, const double *, const double *, const double *,
                       double *, double *) noexcept nogil
        void (*add_product)(Py_ssize_t, const double *, const double *, double *) noexcept nogil
        double (*dot)(Py_ssize_t, const double *, const double *) noexcept nogil
        void (*add)(Py_ssize_t, double, const double *, double *) noexcept nogil
        void (*narrow)(Py_ssize_t, const double *, float *) noexcept nogil
        void (*market_product32)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const float *, const double *, const double *,
                                 const double *, const double *, double *, float *) noexcept nogil
        void (*columns32)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const float *, const double *, double *,
                          float *) noexcept nogil
        void (*rows32)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const float *, const double *, double *) noexcept nogil
        void (*multiply_exp)(Py_ssize_t, double, const double *, double *) noexcept nogil
    const exacthat_primitives *exacthat_primitives_select(const char *) noexcept
    const int EXACTHAT_PAD

cdef const exacthat_primitives *vec = exacthat_primitives_select(NULL)


cdef struct Problem:
    Py_ssize_t N, K, C               # countries, industries, components
    Py_ssize_t stride, M             # padded countries, K * stride
    Py_ssize_t L                     # length of a vector of unknowns: r [M], then p [M] with links, then e [stride]
    int threads
    const double *A
    const double *G                  # value at the border; A without bilateral taxes
    const double *H                  # value at the factory gate; G without export subsidies
    bint taxes                       # bilateral ones: spending is an unknown
    const double *inputs             # a[i, g, k]; NULL without links
    const int *component
    const double *epsilon
    const double *alpha
    const double *deficits
    const double *base_spending      # E
    double *block
    # [M]: the system
    double *beta
    double *sales
    double *shift
    double *offset                   # ln(m / R0)
    double *live                     # 1 where R0 > 0
    double *kappa
    double *labour_share             # l
    double *wage_share               # l kappa
    double *bought                   # (1 - l) kappa, inputs per unit of revenue
    double *value                    # b - (1 - l) kappa; b = 1 / m until bilateral taxes make it move
    double *markup                   # m
    # [M]: the point
    double *revenue                  # R
    double *wage_weight              # l kappa R / Y', what ln(labour income) moves by
    double *u
    double *d
    double *inverse                  # 1 / d
    double *q                        # X / d
    double *demand                   # sum_n H q
    double *spending                 # X
    double *at_border                # sum_n G q
    double *untaxed                  # sum_i G u / d
    double *ln_cost                  # ln c, or its change
    double *change_spending          # dX / X
    double *work
    double *work2
    double *change_d                 # dln d
    double *row                      # sum_n H dq
    double *term                     # what a cell adds to the change of income
    # [M]: preconditioner without links and bilateral taxes
    double *diagonal                 # 1 / j
    double *coupling                 # b
    # [L]
    double *x                        # the unknowns
    double *residual
    # [K]
    double *largest                  # of ln u, taken out before the exponential
    # [stride]: by country
    double *base                     # base-year labour income Y
    double *labour                   # Y'
    double *wage_bill                # v
    double *expenditure              # E'
    double *income                   # right side of (7)
    double *scale                    # ln g of the country's component
    double *change_wage              # dv
    double *change_expenditure       # dln E
    double *change_scale
    double *weight                   # preconditioner: 1 / denominator of the wage coupling
    # [C]: by component
    double *total                    # labour income
    double *base_total
    double *change_total
    # [N, K]: two buffers for one country's industries side by side
    double *row_a
    double *row_b
    # with links or bilateral taxes: inverted country blocks [N, b, padded b], a pair of vectors and pivots of each
    Py_ssize_t b
    double *inverses
    double *scratch
    int *pivots


cdef Py_ssize_t _padded(Py_ssize_t size) noexcept nogil:
    return (size + EXACTHAT_PAD - 1) // EXACTHAT_PAD * EXACTHAT_PAD


cdef double *_take(double **cursor, Py_ssize_t size) noexcept nogil:
    cdef double *start = cursor[0]
    cursor[0] += _padded(size)
    return start


cdef int _allocate(Problem *p) noexcept nogil:
    """Carve all work arrays out of one zeroed block; -1 if there is no memory."""
    cdef Py_ssize_t M = p.M, S = p.stride, blocks = 0
    cdef double *cursor
    p.b = 0
    if p.inputs != NULL or p.taxes:
        p.b = p.K + (p.K if p.inputs != NULL else 0) + (1 if p.taxes else 0)
        blocks = (p.N * p.b + 2 * p.N) * _padded(p.b) + _padded(p.N * p.b)
    p.block = <double *> calloc(30 * M + 2 * _padded(p.L) + _padded(p.K) + 10 * S + 3 * _padded(p.C)
                                + 2 * _padded(p.N * p.K) + blocks + 8, sizeof(double))
    if p.block == NULL:
        return -1
    cursor = p.block + (-(<uintptr_t> p.block) % 64) // 8
    p.beta = _take(&cursor, M)
    p.sales = _take(&cursor, M)
    p.shift = _take(&cursor, M)
    p.offset = _take(&cursor, M)
    p.live = _take(&cursor, M)
    p.kappa = _take(&cursor, M)
    p.labour_share = _take(&cursor, M)
    p.wage_share = _take(&cursor, M)
    p.bought = _take(&cursor, M)
    p.value = _take(&cursor, M)
    p.markup = _take(&cursor, M)
    p.revenue = _take(&cursor, M)
    p.wage_weight = _take(&cursor, M)
    p.u = _take(&cursor, M)
    p.d = _take(&cursor, M)
    p.inverse = _take(&cursor, M)
    p.q = _take(&cursor, M)
    p.demand = _take(&cursor, M)
    p.spending = _take(&cursor, M)
    p.at_border = _take(&cursor, M)
    p.untaxed = _take(&cursor, M)
    p.ln_cost = _take(&cursor, M)
    p.change_spending = _take(&cursor, M)
    p.work = _take(&cursor, M)
    p.work2 = _take(&cursor, M)
    p.change_d = _take(&cursor, M)
    p.row = _take(&cursor, M)
    p.term = _take(&cursor, M)
    p.diagonal = _take(&cursor, M)
    p.coupling = _take(&cursor, M)
    p.x = _take(&cursor, p.L)
    p.residual = _take(&cursor, p.L)
    p.largest = _take(&cursor, p.K)
    p.base = _take(&cursor, S)
    p.labour = _take(&cursor, S)
    p.wage_bill = _take(&cursor, S)
    p.expenditure = _take(&cursor, S)
    p.income = _take(&cursor, S)
    p.scale = _take(&cursor, S)
    p.change_wage = _take(&cursor, S)
    p.change_expenditure = _take(&cursor, S)
    p.change_scale = _take(&cursor, S)
    p.weight = _take(&cursor, S)
    p.total = _take(&cursor, p.C)
    p.base_total = _take(&cursor, p.C)
    p.change_total = _take(&cursor, p.C)
    p.row_a = _take(&cursor, p.N * p.K)
    p.row_b = _take(&cursor, p.N * p.K)
    p.inverses = _take(&cursor, p.N * p.b * _padded(p.b))
    p.scratch = _take(&cursor, 2 * p.N * _padded(p.b))
    p.pivots = <int *> _take(&cursor, p.N * p.b)
    return 0


cdef void _fill(Problem *p, const double[:, ::1] beta, const double[:, ::1] sales, const double[:, ::1] shift,
                const double[:, ::1] markup, const double[:, ::1] kappa, const double[:, ::1] labour_share,
                const double[::1] base) noexcept nogil:
    """Copy the system into padded rows and sum base-year labour income by component."""
    cdef Py_ssize_t k, n, at
    for k in range(p.K):
        for n in range(p.N):
            at = k * p.stride + n
            p.beta[at] = beta[k, n]
            p.sales[at] = sales[k, n]
            p.shift[at] = shift[k, n]
            p.kappa[at] = kappa[k, n]
            p.labour_share[at] = labour_share[k, n]
            p.wage_share[at] = labour_share[k, n] * kappa[k, n]
            p.markup[at] = markup[k, n]
            p.bought[at] = (1.0 - labour_share[k, n]) * kappa[k, n]
            p.value[at] = 1.0 / markup[k, n] - p.bought[at]
            if sales[k, n] > 0:
                p.live[at] = 1.0
                p.offset[at] = log(markup[k, n] / sales[k, n])
    for n in range(p.N):
        p.base[n] = base[n]
        p.base_total[p.component[n]] += p.base[n]
