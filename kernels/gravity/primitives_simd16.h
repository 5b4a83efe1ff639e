/* Passes over foreign weights kept in bfloat16 (the upper half of a float32) and home weights in float64, included
   by primitives_simd.h once per vector width.

   A word holds two columns: tiles of at most MOST_WORDS vectors of words stand one after the other, row by row, the
   first half of a tile's columns in the upper halves, the second in the lower. Weights and vectors, which go in and
   come out in doubles, are scaled by their largest magnitude before they are narrowed: what is below the range of
   float32 beside it is lost. */

#define LANES16 (BYTES / 4)
#define MOST_WORDS 3
#define F NAME(floats)
#define H NAME(half_floats)
#define U NAME(pairs)
#define UPPER(word) ((F)((word) & 0xffff0000u))
#define LOWER(word) ((F)((word) << 16))
#define LOAD16(p) (*(const U *)(p))
#if BYTES == 64
#define JOIN(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#elif BYTES == 32
#define JOIN(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7)
#else
#define JOIN(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3)
#endif

typedef float F __attribute__((vector_size(BYTES), aligned(4), may_alias));
typedef float H __attribute__((vector_size(BYTES / 2), aligned(4), may_alias));
typedef uint32_t U __attribute__((vector_size(BYTES), aligned(4), may_alias));

#define CHAINS (EXACTHAT_PAD / LANES)

/* Raise `most`, lane by lane, to |x| where that is larger; `n` is a multiple of EXACTHAT_PAD. */
INLINE void NAME(raise)(ptrdiff_t n, const double *x, V *most)
{
    for (ptrdiff_t i = 0; i < n; i += EXACTHAT_PAD) {
#pragma GCC unroll 4
        for (int v = 0; v < CHAINS; v++) {
            const V size = (V)((I)LOAD(x + i + v * LANES) & INT64_MAX);
            most[v] = SELECT(size > most[v], size, most[v]);
        }
    }
}

INLINE double NAME(largest_of)(const V *most)
{
    double largest = 0.0;
    for (int v = 0; v < CHAINS; v++)
        for (int lane = 0; lane < LANES; lane++) largest = largest > most[v][lane] ? largest : most[v][lane];
    return largest;
}

/* The largest |x|, or 1 if all are zero; `n` is a multiple of EXACTHAT_PAD. */
INLINE double NAME(largest)(ptrdiff_t n, const double *x)
{
    V most[CHAINS] = {{0}};
    NAME(raise)(n, x, most);
    const double largest = NAME(largest_of)(most);
    return largest == 0.0 ? 1.0 : largest;
}

/* y = x / s in float32; s, the largest |x|, is returned. */
INLINE double NAME(scaled)(ptrdiff_t n, const double *x, float *y)
{
    const double most = NAME(largest)(n, x), over = 1.0 / most;
    for (ptrdiff_t i = 0; i < n; i++) y[i] = (float)(x[i] * over);
    return most;
}

/* Column sums of a tile of `width` vectors of words: d = A' u; half of the tile at `next` is fetched meanwhile. */
INLINE void NAME(columns_tile16)(const int width, ptrdiff_t rows, const uint32_t *A, const float *u, float *d,
                                 const uint32_t *next)
{
    const int together = 6 / width; /* rows at once: twelve independent sums hide the latency of the additions */
    F upper[6], lower[6];
    ptrdiff_t i = 0;
#pragma GCC unroll 6
    for (int v = 0; v < together * width; v++) upper[v] = lower[v] = (F){0};
    for (; i + together <= rows; i += together) {
        const uint32_t *a = A + i * width * LANES16;
#pragma GCC unroll 6
        for (int v = 0; v < together * width * LANES16 / 2; v += LINE32)
            __builtin_prefetch(next + i * width * LANES16 / 2 + v);
#pragma GCC unroll 6
        for (int v = 0; v < together * width; v++) {
            const U word = LOAD16(a + v * LANES16);
            upper[v] += u[i + v / width] * UPPER(word);
            lower[v] += u[i + v / width] * LOWER(word);
        }
    }
    for (; i < rows; i++) {
#pragma GCC unroll 3
        for (int v = 0; v < width; v++) {
            const U word = LOAD16(A + (i * width + v) * LANES16);
            upper[v] += u[i] * UPPER(word);
            lower[v] += u[i] * LOWER(word);
        }
    }
#pragma GCC unroll 3
    for (int v = 0; v < width; v++) {
#pragma GCC unroll 6
        for (int j = 1; j < together; j++) upper[v] += upper[v + j * width], lower[v] += lower[v + j * width];
        *(F *)(d + v * LANES16) = upper[v];
        *(F *)(d + (width + v) * LANES16) = lower[v];
    }
}

/* row[0..3] += scale times the sums of four vectors. */
INLINE void NAME(add_narrow_sums)(const F *x, double scale, double *row)
{
    typedef float Q __attribute__((vector_size(16), aligned(4), may_alias));
    typedef double D __attribute__((vector_size(16), aligned(8), may_alias));
    Q part[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
#if BYTES == 64
        part[j] = __builtin_shufflevector(x[j], x[j], 0, 1, 2, 3) + __builtin_shufflevector(x[j], x[j], 4, 5, 6, 7) +
                  __builtin_shufflevector(x[j], x[j], 8, 9, 10, 11) +
                  __builtin_shufflevector(x[j], x[j], 12, 13, 14, 15);
#elif BYTES == 32
        part[j] = __builtin_shufflevector(x[j], x[j], 0, 1, 2, 3) + __builtin_shufflevector(x[j], x[j], 4, 5, 6, 7);
#else
        part[j] = x[j];
#endif
    }
#define FOLD(a, b) (__builtin_shufflevector(a, b, 0, 4, 2, 6) + __builtin_shufflevector(a, b, 1, 5, 3, 7))
    const Q pq = FOLD(part[0], part[1]), rs = FOLD(part[2], part[3]);
#undef FOLD
    const Q sums = __builtin_shufflevector(pq, rs, 0, 1, 4, 5) + __builtin_shufflevector(pq, rs, 2, 3, 6, 7);
    *(D *)row += scale * (D){sums[0], sums[1]};
    *(D *)(row + 2) += scale * (D){sums[2], sums[3]};
}

/* Row sums of the same tile, lane by lane: sums += A q; the other half of the tile at `next` is fetched meanwhile. */
INLINE void NAME(rows_tile16)(const int width, ptrdiff_t rows, const uint32_t *A, const float *q, F *sums,
                              const uint32_t *next)
{
    F upper[3], lower[3];
#pragma GCC unroll 3
    for (int v = 0; v < width; v++) {
        upper[v] = *(const F *)(q + v * LANES16);
        lower[v] = *(const F *)(q + (width + v) * LANES16);
    }
    next += rows * width * LANES16 / 2;
    ptrdiff_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        const uint32_t *a = A + i * width * LANES16;
        F part[4] = {sums[i], sums[i + 1], sums[i + 2], sums[i + 3]};
#pragma GCC unroll 6
        for (int v = 0; v < 2 * width * LANES16; v += LINE32) __builtin_prefetch(next + i * width * LANES16 / 2 + v);
#pragma GCC unroll 3
        for (int v = 0; v < width; v++) {
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                const U word = LOAD16(a + (j * width + v) * LANES16);
                part[j] += upper[v] * UPPER(word);
                part[j] += lower[v] * LOWER(word);
            }
        }
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) sums[i + j] = part[j];
    }
    for (; i < rows; i++) {
        F sum = sums[i];
#pragma GCC unroll 3
        for (int v = 0; v < width; v++) {
            const U word = LOAD16(A + (i * width + v) * LANES16);
            sum += upper[v] * UPPER(word);
            sum += lower[v] * LOWER(word);
        }
        sums[i] = sum;
    }
}

/* Cut the columns into nearly equal tiles of at most MOST_WORDS vectors of words. */
#define TILES16(call)                                                                               \
    do {                                                                                            \
        const ptrdiff_t vectors = (columns + 2 * LANES16 - 1) / (2 * LANES16);                      \
        const ptrdiff_t tiles = (vectors + MOST_WORDS - 1) / MOST_WORDS, longer = vectors % tiles;  \
        for (ptrdiff_t tile = 0, n = 0, at = 0; tile < tiles; tile++) {                             \
            const ptrdiff_t count = vectors / tiles + (tile < longer);                              \
            const ptrdiff_t held = MIN(2 * LANES16 * count, columns - n);                           \
            const ptrdiff_t after = at + rows * LANES16 * count;                                    \
            switch (count) {                                                                        \
            case 1: call(1); break;                                                                 \
            case 2: call(2); break;                                                                 \
            default: call(3);                                                                       \
            }                                                                                       \
            n += held;                                                                              \
            at = after;                                                                             \
        }                                                                                           \
    } while (0)

/* LANES16 numbers times a factor as bfloat16 in the upper halves of words, zeros from `held` on. */
INLINE U NAME(rounded)(double factor, const double *x, ptrdiff_t held)
{
    F single = {0};
    if (held >= LANES16) {
        single = JOIN(__builtin_convertvector(factor * LOAD(x), H),
                      __builtin_convertvector(factor * LOAD(x + LANES), H));
    } else {
        for (int lane = 0; lane < held; lane++) single[lane] = (float)(factor * x[lane]);
    }
    return ((U)single + 0x8000u) & 0xffff0000u;
}

INLINE void NAME(narrow_tile)(const int width, ptrdiff_t rows, ptrdiff_t held, ptrdiff_t stride, ptrdiff_t first,
                              double factor, const double *from, uint32_t *A)
{
    const ptrdiff_t half = width * LANES16;
    for (ptrdiff_t i = 0; i < rows; i++, from += stride, A += half) {
#pragma GCC unroll 3
        for (ptrdiff_t j = 0; j < half; j += LANES16)
            *(U *)(A + j) = NAME(rounded)(factor, from + j, held - j) |
                            NAME(rounded)(factor, from + half + j, held - half - j) >> 16;
        if (i >= first && i < first + half) A[i - first] &= 0x0000ffffu;
        if (i >= first + half && i < first + 2 * half) A[i - first - half] &= 0xffff0000u;
    }
}

TARGET static ptrdiff_t NAME(narrow_size)(ptrdiff_t rows, ptrdiff_t columns)
{
    return rows * LANES16 * ((columns + 2 * LANES16 - 1) / (2 * LANES16));
}

TARGET static double NAME(narrow)(ptrdiff_t rows, ptrdiff_t columns, const double *from, double *home, uint32_t *A)
{
    V most[CHAINS] = {{0}};
    for (ptrdiff_t i = 0; i < rows; i++) {
        const ptrdiff_t before = i / EXACTHAT_PAD * EXACTHAT_PAD, after = before + EXACTHAT_PAD;
        const double *row = from + i * columns;
        double foreign[EXACTHAT_PAD];
        memcpy(foreign, row + before, sizeof foreign);
        foreign[i - before] = 0.0;
        NAME(raise)(before, row, most);
        NAME(raise)(EXACTHAT_PAD, foreign, most);
        NAME(raise)(columns - after, row + after, most);
    }
    const double factor = power_below_one(NAME(largest_of)(most));
    for (ptrdiff_t i = 0; i < columns; i++) home[i] = i < rows ? factor * from[i * columns + i] : 0.0;
#define CALL(width) (void)after, NAME(narrow_tile)(width, rows, held, columns, n, factor, from + n, A + at)
    TILES16(CALL);
#undef CALL
    return factor;
}

/* row += scale times the sums of all lanes */
INLINE void NAME(add_lanes)(ptrdiff_t rows, const F *sums, double scale, double *row)
{
    ptrdiff_t i = 0;
    for (; i + 4 <= rows; i += 4) NAME(add_narrow_sums)(sums + i, scale, row + i);
    for (; i < rows; i++)
        for (int lane = 0; lane < LANES16; lane++) row[i] += scale * sums[i][lane];
}

INLINE void NAME(product_tile16)(const int width, ptrdiff_t rows, ptrdiff_t held, const uint32_t *A, const float *u,
                                 double scale, const double *home, const double *g, const double *q, const double *e,
                                 const double *inverse, double *row, double over, F *lanes, const uint32_t *next)
{
    float sums[2 * MOST_WORDS * LANES16];
    NAME(columns_tile16)(width, rows, A, u, sums, next);
    for (ptrdiff_t n = 0; n < held; n += LANES) {
        const V base = LOAD(q + n), sum = scale * __builtin_convertvector(*(const H *)(sums + n), V);
        const V change = base * (LOAD(e + n) - (sum + LOAD(home + n) * LOAD(g + n)) * LOAD(inverse + n));
        const V weight = SELECT(base == 0.0, NAME(broadcast)(0.0), change);
        STORE(row + n, LOAD(home + n) * weight);
        *(H *)(sums + n) = __builtin_convertvector(weight * over, H);
    }
    for (ptrdiff_t n = held; n < 2 * width * LANES16; n++) sums[n] = 0.0f;
    NAME(rows_tile16)(width, rows, A, sums, lanes, next);
}

TARGET static void NAME(market_product16)(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *A, const double *home,
                                          const double *g, const double *q, const double *e, const double *inverse,
                                          double *row, float *scratch)
{
    F *lanes = (F *)(scratch + columns);
    const double scale = NAME(scaled)(columns, g, scratch), most = NAME(largest)(columns, q);
    for (ptrdiff_t i = 0; i < rows; i++) lanes[i] = (F){0};
#define CALL(width) NAME(product_tile16)(width, rows, held, A + at, scratch, scale, home + n, g + n, q + n, e + n, \
                                         inverse + n, row + n, 1.0 / most, lanes, A + after)
    TILES16(CALL);
#undef CALL
    NAME(add_lanes)(rows, lanes, most, row);
}

/* How large q becomes is not known before the last tile: where a tile has by far larger ones than those before, what
   was summed up so far is laid aside. */
INLINE void NAME(market_tile16)(const int width, ptrdiff_t rows, ptrdiff_t held, const uint32_t *A, const float *u,
                                double scale, const double *home, const double *g, const double *x, double *q,
                                double *inverse, double *row_n, double *row, double *unit, F *lanes,
                                const uint32_t *next)
{
    float sums[2 * MOST_WORDS * LANES16];
    V most[CHAINS] = {{0}};
    NAME(columns_tile16)(width, rows, A, u, sums, next);
    for (ptrdiff_t n = 0; n < held; n += LANES) {
        const V sum = scale * __builtin_convertvector(*(const H *)(sums + n), V);
        const V over = 1.0 / (sum + LOAD(home + n) * LOAD(g + n)), spending = LOAD(x + n);
        const V weight = SELECT(spending == 0.0, NAME(broadcast)(0.0), spending * over);
        STORE(inverse + n, over);
        STORE(q + n, weight);
        STORE(row_n + n, LOAD(row_n + n) + LOAD(home + n) * weight);
    }
    NAME(raise)(held, q, most);
    const double largest = NAME(largest_of)(most);
    if (largest > 0x1p40 * *unit) {
        NAME(add_lanes)(rows, lanes, *unit, row);
        for (ptrdiff_t i = 0; i < rows; i++) lanes[i] = (F){0};
        *unit = largest;
    }
    const double over = 1.0 / *unit;
    for (ptrdiff_t n = 0; n < held; n++) sums[n] = (float)(q[n] * over);
    for (ptrdiff_t n = held; n < 2 * width * LANES16; n++) sums[n] = 0.0f;
    NAME(rows_tile16)(width, rows, A, sums, lanes, next);
}

TARGET static void NAME(market16)(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *A, const double *home,
                                  const double *u, const double *x, double *q, double *inverse, double *row,
                                  float *scratch)
{
    F *lanes = (F *)(scratch + columns);
    const double scale = NAME(scaled)(columns, u, scratch);
    double unit = 0x1p-1000; /* its inverse is a number */
    for (ptrdiff_t i = 0; i < rows; i++) lanes[i] = (F){0};
    for (ptrdiff_t i = 0; i < columns; i++) row[i] = 0.0;
#define CALL(width) NAME(market_tile16)(width, rows, held, A + at, scratch, scale, home + n, u + n, x + n, q + n, \
                                        inverse + n, row + n, row, &unit, lanes, A + after)
    TILES16(CALL);
#undef CALL
    NAME(add_lanes)(rows, lanes, unit, row);
}

INLINE void NAME(store_columns16)(const int width, ptrdiff_t rows, ptrdiff_t held, const uint32_t *A, const float *u,
                                  double scale, const double *home, const double *g, double *d, const uint32_t *next)
{
    float sums[2 * MOST_WORDS * LANES16];
    NAME(columns_tile16)(width, rows, A, u, sums, next);
    for (ptrdiff_t n = 0; n < held; n += LANES)
        STORE(d + n, scale * __builtin_convertvector(*(const H *)(sums + n), V) + LOAD(home + n) * LOAD(g + n));
}

TARGET static void NAME(columns16)(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *A, const double *home,
                                   const double *u, double *d, float *scratch)
{
    const double scale = NAME(scaled)(columns, u, scratch);
#define CALL(width) NAME(store_columns16)(width, rows, held, A + at, scratch, scale, home + n, u + n, d + n, A + after)
    TILES16(CALL);
#undef CALL
}

INLINE void NAME(load_rows16)(const int width, ptrdiff_t rows, ptrdiff_t held, const uint32_t *A, const double *q,
                              double over, F *lanes, const uint32_t *next)
{
    float narrowed[2 * MOST_WORDS * LANES16];
    for (ptrdiff_t n = 0; n < held; n++) narrowed[n] = (float)(q[n] * over);
    for (ptrdiff_t n = held; n < 2 * width * LANES16; n++) narrowed[n] = 0.0f;
    NAME(rows_tile16)(width, rows, A, narrowed, lanes, next);
}

TARGET static void NAME(rows16)(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *A, const double *home,
                                const double *q, double *row, float *scratch)
{
    F *lanes = (F *)scratch;
    const double most = NAME(largest)(columns, q);
    for (ptrdiff_t i = 0; i < rows; i++) lanes[i] = (F){0};
    for (ptrdiff_t n = 0; n < columns; n++) row[n] = home[n] * q[n];
#define CALL(width) NAME(load_rows16)(width, rows, held, A + at, q + n, 1.0 / most, lanes, A + after)
    TILES16(CALL);
#undef CALL
    NAME(add_lanes)(rows, lanes, most, row);
}

INLINE void NAME(squares_tile16)(const int width, ptrdiff_t rows, ptrdiff_t held, const uint32_t *A, const double *w,
                                 double over, F *lanes)
{
    float narrowed[2 * MOST_WORDS * LANES16];
    for (ptrdiff_t n = 0; n < held; n++) narrowed[n] = (float)(w[n] * over);
    for (ptrdiff_t n = held; n < 2 * width * LANES16; n++) narrowed[n] = 0.0f;
    for (ptrdiff_t i = 0; i < rows; i++) {
        for (int v = 0; v < width; v++) {
            const U word = LOAD16(A + (i * width + v) * LANES16);
            const F upper = UPPER(word), lower = LOWER(word);
            lanes[i] += *(const F *)(narrowed + v * LANES16) * upper * upper;
            lanes[i] += *(const F *)(narrowed + (width + v) * LANES16) * lower * lower;
        }
    }
}

TARGET static void NAME(squares16)(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *A, const double *home,
                                   const double *w, double *row, float *scratch)
{
    F *lanes = (F *)scratch;
    const double most = NAME(largest)(columns, w);
    for (ptrdiff_t i = 0; i < rows; i++) lanes[i] = (F){0};
    for (ptrdiff_t n = 0; n < columns; n++) row[n] = home[n] * home[n] * w[n];
#define CALL(width) (void)after, NAME(squares_tile16)(width, rows, held, A + at, w + n, 1.0 / most, lanes)
    TILES16(CALL);
#undef CALL
    NAME(add_lanes)(rows, lanes, most, row);
}

#undef TILES16
#undef JOIN
#undef LOAD16
#undef LOWER
#undef UPPER
#undef U
#undef H
#undef F
#undef MOST_WORDS
#undef CHAINS
#undef LANES16
