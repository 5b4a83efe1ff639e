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
        void (*add_product)(Py_ssize_t, double, const double *, const double *, double *) noexcept nogil
        double (*dot)(Py_ssize_t, const double *, const double *) noexcept nogil
        void (*add)(Py_ssize_t, double, const double *, double *) noexcept nogil
        Py_ssize_t (*narrow_size)(Py_ssize_t, Py_ssize_t) noexcept nogil
        double (*narrow)(Py_ssize_t, Py_ssize_t, const double *, double *, uint32_t *) noexcept nogil
        void (*market16)(Py_ssize_t, Py_ssize_t, const uint32_t *, const double *, const double *, const double *,
                         double *, double *, double *, float *) noexcept nogil
        void (*market_product16)(Py_ssize_t, Py_ssize_t, const uint32_t *, const double *, const double *,
                                 const double *, const double *, const double *, double *, float *) noexcept nogil
        void (*columns16)(Py_ssize_t, Py_ssize_t, const uint32_t *, const double *, const double *, double *,
                          float *) noexcept nogil
        void (*rows16)(Py_ssize_t, Py_ssize_t, const uint32_t *, const double *, const double *, double *,
                       float *) noexcept nogil
        void (*squares16)(Py_ssize_t, Py_ssize_t, const uint32_t *, const double *, const double *, double *,
                          float *) noexcept nogil
        void (*multiply_exp)(Py_ssize_t, double, const double *, const double *, double *) noexcept nogil
    const exacthat_primitives *exacthat_primitives_select(const char *) noexcept
    const int EXACTHAT_PAD
    Py_ssize_t EXACTHAT_SCRATCH(Py_ssize_t) noexcept

cdef extern from "memory.h" nogil:
    void *exacthat_malloc(size_t) noexcept
    void EXACTHAT_FETCH(const void *) noexcept

cdef extern from "team.h" nogil:
    ctypedef struct exacthat_team:
        int size, round
    int EXACTHAT_TEAMS
    int exacthat_granted() noexcept
    void exacthat_post(exacthat_team *, int) noexcept
    uint32_t exacthat_offer(exacthat_team *) noexcept
    int exacthat_take(exacthat_team *, uint32_t, bint) noexcept
    void exacthat_finish(exacthat_team *) noexcept
    void exacthat_wait(exacthat_team *) noexcept
    int exacthat_round(exacthat_team *) noexcept
    bint exacthat_more(exacthat_team *, int) noexcept
    void exacthat_close(exacthat_team *) noexcept

cdef const exacthat_primitives *vec = exacthat_primitives_select(NULL)


cdef enum:
    PAD = 8                          # EXACTHAT_PAD, and a cache line
    KRYLOV = 60                      # largest number of GMRES steps in one Newton step
    PARTS = KRYLOV + 2               # sums over all unknowns taken at once
    CHUNKS = 4                       # of each thread, in work that is shared


cdef struct Part:                    # of one piece of work: what one thread does at once
    int thread
    Py_ssize_t first, last           # industries
    Py_ssize_t left, width           # countries, whole cache lines
    Py_ssize_t right                 # end of its countries without pads


cdef struct Task                     # what a piece of work reads and writes beside the problem
ctypedef void (*Work)(Problem *, Part *, Task *) noexcept nogil


cdef struct Problem:
    Py_ssize_t N, K, C               # countries, industries, components
    Py_ssize_t stride, M             # padded countries, K * stride
    Py_ssize_t L                     # length of a vector of unknowns: r [M], then p [M] with links, then e [stride]
    Py_ssize_t rows, own             # of a vector of unknowns: L / stride; those of one industry
    int threads
    exacthat_team team
    Work shared                      # piece of work the team is at
    Task *task
    const double *A
    uint32_t *words                  # memory for A once more, in bfloat16; may be NULL
    double *factor                   # [K] what its weights are multiplied by
    double *home                     # [M] for its diagonals
    double *narrow_q                 # [M] q, 1 / d and demand that follow from it
    double *narrow_inverse
    double *narrow_demand
    const uint32_t *narrow           # that copy, once made, while it serves
    bint rough                       # evaluate with it: far from the solution its rounding is no matter
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
    double *due                      # (b - (1 - l) kappa) R, what a cell adds to income
    # [M]: preconditioner without links and bilateral taxes
    double *diagonal                 # 1 / j
    double *coupling                 # b / j
    double *pull                     # l kappa R / (Y' j)
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
    double *sum                      # of one country, before countries are summed
    # [C]: by component
    double *total                    # labour income
    double *base_total
    double *change_total
    # [rows of L]: parts of sums over unknowns, one row's together, summed in this order whoever made them
    double *partial
    float *scratch16                 # [threads] of the passes in bfloat16
    # what the last evaluation found
    int status                       # -1 where spending or income of a country is not positive
    double length                    # of the residual
    double most                      # largest |residual|
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


cdef Py_ssize_t _scratch16(Problem *p) noexcept nogil:
    """Doubles one thread lays aside for passes in bfloat16."""
    return _padded((EXACTHAT_SCRATCH(p.stride) + 1) // 2)


cdef int _allocate(Problem *p) noexcept nogil:
    """Carve all work arrays out of one zeroed block; -1 if there is no memory."""
    cdef Py_ssize_t M = p.M, S = p.stride, blocks = 0
    cdef double *cursor
    p.b = 0
    p.team.size = p.threads
    p.rows = p.L // S
    p.own = 1 if p.inputs == NULL else 2
    p.words = NULL
    p.narrow = NULL
    p.rough = False
    if p.inputs != NULL or p.taxes:
        p.b = p.K + (p.K if p.inputs != NULL else 0) + (1 if p.taxes else 0)
        blocks = (p.N * p.b + 2 * p.N) * _padded(p.b) + _padded(p.N * p.b)
    p.block = <double *> calloc(32 * M + 2 * _padded(p.L) + _padded(p.K) + 11 * S + 3 * _padded(p.C)
                                + _padded(p.rows * PARTS) + p.threads * _scratch16(p) + 2 * _padded(p.N * p.K)
                                + blocks + 8, sizeof(double))
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
    p.due = _take(&cursor, M)
    p.pull = _take(&cursor, M)
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
    p.sum = _take(&cursor, S)
    p.partial = _take(&cursor, p.rows * PARTS)
    p.scratch16 = <float *> _take(&cursor, p.threads * _scratch16(p))
    p.total = _take(&cursor, p.C)
    p.base_total = _take(&cursor, p.C)
    p.change_total = _take(&cursor, p.C)
    p.row_a = _take(&cursor, p.N * p.K)
    p.row_b = _take(&cursor, p.N * p.K)
    p.inverses = _take(&cursor, p.N * p.b * _padded(p.b))
    p.scratch = _take(&cursor, 2 * p.N * _padded(p.b))
    p.pivots = <int *> _take(&cursor, p.N * p.b)
    return 0


cdef void _mark_up(Problem *p, const double *markup) noexcept nogil:
    """Copy markups in, with all that follows from them."""
    cdef Py_ssize_t k, n, at
    for k in range(p.K):
        for n in range(p.N):
            at = k * p.stride + n
            p.markup[at] = markup[k * p.N + n]
            p.value[at] = 1.0 / p.markup[at] - p.bought[at]
            p.offset[at] = p.markup[at] / p.sales[at] if p.live[at] > 0 else 1.0
    vec.log(p.M, p.offset, p.offset)


cdef void _fill(Problem *p, const double *beta, const double *sales, const double *shift, const double *markup,
                const double *kappa, const double *labour_share, const double *base) noexcept nogil:
    """Copy the system into padded rows and sum base-year labour income by component; without links l = 1."""
    cdef Py_ssize_t k, n, at, cell
    cdef double labour
    for k in range(p.K):
        for n in range(p.N):
            at, cell = k * p.stride + n, k * p.N + n
            labour = 1.0 if labour_share == NULL else labour_share[cell]
            p.beta[at] = beta[cell]
            p.sales[at] = sales[cell]
            p.shift[at] = shift[cell]
            p.kappa[at] = kappa[cell]
            p.labour_share[at] = labour
            p.wage_share[at] = labour * kappa[cell]
            p.bought[at] = (1.0 - labour) * kappa[cell]
            p.live[at] = sales[cell] > 0
    _mark_up(p, markup)
    for n in range(p.N):
        p.base[n] = base[n]
        p.base_total[p.component[n]] += p.base[n]


cdef Part _part(Problem *p, int chunk, int chunks, int thread) noexcept nogil:
    """One chunk of the industries and of the countries: every sum has an order of its own, whoever takes it."""
    cdef Part t
    cdef Py_ssize_t lines = p.stride // PAD
    t.thread = thread
    t.first = p.K * chunk // chunks
    t.last = p.K * (chunk + 1) // chunks
    t.left = lines * chunk // chunks * PAD
    t.width = lines * (chunk + 1) // chunks * PAD - t.left
    t.right = min(t.left + t.width, p.N)
    return t


cdef void _share(Problem *p, Work work, Task *task) noexcept nogil:
    """Do a piece of work with the help of whatever threads of the team are free."""
    cdef Part t
    if p.team.size == 1:
        t = _part(p, 0, 1, 0)
        work(p, &t, task)
        return
    p.shared, p.task = work, task
    exacthat_post(&p.team, CHUNKS * p.team.size)
    _take_chunks(p, 0)
    exacthat_wait(&p.team)


cdef void _take_chunks(Problem *p, int thread) noexcept nogil:
    cdef uint32_t round = exacthat_offer(&p.team)
    cdef Work work = p.shared
    cdef Task *task = p.task
    cdef int chunk, chunks = CHUNKS * p.team.size
    cdef Part t
    while round != 0:
        chunk = exacthat_take(&p.team, round, thread % 2)
        if chunk < 0:
            return
        t = _part(p, chunk, chunks, thread)
        work(p, &t, task)
        exacthat_finish(&p.team)


cdef void _help(Problem *p, int thread) noexcept nogil:
    """What a thread that does not lead does all the time."""
    cdef int round = 0
    while exacthat_more(&p.team, round):
        round = exacthat_round(&p.team)
        _take_chunks(p, thread)


ctypedef void (*Lead)(Problem *, void *) noexcept nogil


cdef void _together(Problem *p, Lead lead, void *arguments) noexcept nogil:
    """Run `lead` with a team of p.threads at hand, or alone where the runtime grants fewer."""
    cdef int thread = 0
    memset(&p.team, 0, sizeof(exacthat_team))
    p.team.size = p.threads
    if p.threads == 1:
        lead(p, arguments)
        return
    with parallel(num_threads=p.threads):
        thread = threadid()
        if exacthat_granted() < p.threads:
            if thread == 0:
                p.team.size = 1
                lead(p, arguments)
        elif thread == 0:
            lead(p, arguments)
            exacthat_close(&p.team)
        else:
            _help(p, thread)
