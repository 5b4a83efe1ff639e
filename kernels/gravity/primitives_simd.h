/* Body of one table of primitives, included once per vector width with SET, BYTES and TARGET defined.

   A tile of a few vectors of columns is one unit of work: its column sums stay in registers while the rows
   stream by, it is still in cache when the row sums read it a second time, and meanwhile the next one is fetched. */

#define LANES (BYTES / 8)
#define NAME(function) PASTE(function, SET)
#define V NAME(vector)
#define I NAME(integers)
#define W NAME(words)
#define INLINE static inline __attribute__((always_inline)) TARGET

typedef double V __attribute__((vector_size(BYTES), aligned(8), may_alias));
typedef int64_t I __attribute__((vector_size(BYTES), aligned(8), may_alias));
typedef uint64_t W __attribute__((vector_size(BYTES), aligned(8), may_alias));

#define LOAD(p) (*(const V *)(p))
#define STORE(p, value) (*(V *)(p) = (value))
#define SELECT(mask, yes, no) ((V)(((mask) & (I)(yes)) | (~(mask) & (I)(no))))

INLINE V NAME(broadcast)(double x)
{
    return x - (V){0};
}

/* exp(x) = 2^k exp(r), |r| <= ln(2)/2; exp(r) = 1 + r + r^2 (1/2 + r p(r)), p the minimax polynomial of degree 8,
   paired so that its steps do not wait for one another. */
INLINE V NAME(exp1)(V x)
{
    const V magic = NAME(broadcast)(6755399441055744.0); /* 1.5 * 2^52: rounds to an integer, in the low bits */
    const I zero = x < NAME(broadcast)(-708.0), over = x > NAME(broadcast)(709.0);
    V shifted = x * 1.4426950408889634 + magic;
    V k = shifted - magic;
    V r = (x - k * 0.6931471803691238) - k * 1.9082149292705877e-10;
    V square = r * r, fourth = square * square;
    V low = (0.041666666666611 * r + 0.16666666666666494) + (0.0013888888924207933 * r + 0.008333333333473924) * square;
    V high = (2.480151169020349e-05 * r + 0.00019841269503965896) +
             (2.7624067246067046e-07 * r + 2.7557619776007407e-06) * square + 2.49819511825802e-08 * fourth;
    V p = ((low + high * fourth) * r + 0.5) * square + r + 1.0;
    V power = (V)(((W)shifted << 52) + (W)NAME(broadcast)(1.0));
    p = SELECT(over, NAME(broadcast)(INFINITY), p * power);
    return (V)(~zero & (I)p);
}

/* log(2^k m) = k ln 2 + log(m), m in [sqrt(1/2), sqrt(2)); log(m) = 2 atanh(s), s = (m-1)/(m+1), whose series after
   the first term is a minimax polynomial of degree 6 in s^2. */
INLINE V NAME(log1)(V x)
{
    const W half_root = (W)NAME(broadcast)(0.70710678118654752), one = (W)NAME(broadcast)(1.0);
    const I tiny = x < NAME(broadcast)(2.2250738585072014e-308);
    W bits = (W)SELECT(tiny, x * 18014398509481984.0, x); /* 2^54: denormals become normal */
    W moved = bits + (one - half_root);                  /* its exponent is that of m = 1 up to sqrt(2) */
    V k = (V)(moved >> 52 | (W)NAME(broadcast)(4503599627370496.0)) - 4503599627371519.0; /* 2^52 and 2^52 + 1023 */
    k -= (V)(tiny & (I)NAME(broadcast)(54.0));
    V f = (V)(bits - (moved & 0xfff0000000000000ULL) + one) - 1.0;
    V s = f / (f + 2.0);
    V z = s * s, square = z * z;
    V p = (0.39999999999898445 * z + 0.666666666666667) + (0.22222211072894535 * z + 0.28571428626398654) * square +
          ((0.1533159698024087 * z + 0.18182893216800716) + 0.14617872803131471 * square) * (square * square);
    V half = f * f * 0.5;
    V y = k * 0.6931471803691238 - ((half - (s * (half + p * z) + k * 1.9082149292705877e-10)) - f);
    V below = (V)((x < 0.0) | (I)NAME(broadcast)(-INFINITY)); /* NaN below zero, where all bits are set */
    y = SELECT(x < NAME(broadcast)(INFINITY), y, x);
    return SELECT(x <= 0.0, below, y);
}

TARGET static void NAME(exp_all)(ptrdiff_t n, const double *x, double *y)
{
    for (ptrdiff_t i = 0; i < n; i += LANES) STORE(y + i, NAME(exp1)(LOAD(x + i)));
}

TARGET static void NAME(log_all)(ptrdiff_t n, const double *x, double *y)
{
    for (ptrdiff_t i = 0; i < n; i += LANES) STORE(y + i, NAME(log1)(LOAD(x + i)));
}

TARGET static void NAME(multiply_exp)(ptrdiff_t n, double a, const double *x, const double *s, double *y)
{
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        const I finite = LOAD(x + i) < NAME(broadcast)(INFINITY);
        V factor = NAME(exp1)(a * LOAD(x + i));
        STORE(y + i, LOAD(s + i) * (V)(finite & (I)factor));
    }
}

/* The sums of `width` vectors times weights, four rows at a time, added to row[0..3]. */
INLINE void NAME(add_sums)(V a, V b, V c, V d, double *row)
{
#if LANES == 8
    typedef double H __attribute__((vector_size(32), aligned(8), may_alias));
#define FOLD(x) (__builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7))
    H p = FOLD(a), q = FOLD(b), r = FOLD(c), s = FOLD(d);
#undef FOLD
#elif LANES == 4
    typedef V H;
    H p = a, q = b, r = c, s = d;
#endif
#if LANES >= 4
    H pq = __builtin_shufflevector(p, q, 0, 4, 2, 6) + __builtin_shufflevector(p, q, 1, 5, 3, 7);
    H rs = __builtin_shufflevector(r, s, 0, 4, 2, 6) + __builtin_shufflevector(r, s, 1, 5, 3, 7);
    *(H *)row += __builtin_shufflevector(pq, rs, 0, 1, 4, 5) + __builtin_shufflevector(pq, rs, 2, 3, 6, 7);
#else
    *(V *)row += __builtin_shufflevector(a, b, 0, 2) + __builtin_shufflevector(a, b, 1, 3);
    *(V *)(row + 2) += __builtin_shufflevector(c, d, 0, 2) + __builtin_shufflevector(c, d, 1, 3);
#endif
}

INLINE double NAME(sum)(V a)
{
    double total = 0.0;
    for (int lane = 0; lane < LANES; lane++) total += a[lane];
    return total;
}

/* Column sums of `width` vectors of columns: d = A' u. Narrow tiles take several rows at once: up to
   eight independent sums hide the latency of the additions. */
INLINE void NAME(columns_tile)(const int width, ptrdiff_t rows, ptrdiff_t stride, const double *A, const double *u,
                               V *d)
{
    const int together = 8 / width;
    V sums[8];
    ptrdiff_t i = 0;
#pragma GCC unroll 8
    for (int v = 0; v < together * width; v++) sums[v] = (V){0};
    for (; i + together <= rows; i += together) {
#pragma GCC unroll 8
        for (int v = 0; v < together * width; v++)
            sums[v] += u[i + v / width] * LOAD(A + (i + v / width) * stride + (v % width) * LANES);
    }
    for (; i < rows; i++) {
#pragma GCC unroll 8
        for (int v = 0; v < width; v++) sums[v] += u[i] * LOAD(A + i * stride + v * LANES);
    }
#pragma GCC unroll 8
    for (int v = 0; v < width; v++) {
        d[v] = sums[v];
#pragma GCC unroll 8
        for (int j = 1; j < together; j++) d[v] += sums[v + j * width];
    }
}

/* Row sums of the same tile: row += A q; the tile at `next` is fetched into cache meanwhile. */
INLINE void NAME(rows_tile)(const int width, ptrdiff_t rows, ptrdiff_t stride, const double *A, const V *q,
                            double *row, const double *next)
{
    ptrdiff_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        const double *a = A + i * stride, *b = a + stride, *c = b + stride, *d = c + stride;
#pragma GCC unroll 8
        for (int v = 0; v < width * LANES; v += LINE) {
            __builtin_prefetch(next + i * stride + v);
            __builtin_prefetch(next + (i + 1) * stride + v);
            __builtin_prefetch(next + (i + 2) * stride + v);
            __builtin_prefetch(next + (i + 3) * stride + v);
        }
        V p0 = q[0] * LOAD(a), p1 = q[0] * LOAD(b), p2 = q[0] * LOAD(c), p3 = q[0] * LOAD(d);
#pragma GCC unroll 8
        for (int v = 1; v < width; v++) {
            p0 += q[v] * LOAD(a + v * LANES);
            p1 += q[v] * LOAD(b + v * LANES);
            p2 += q[v] * LOAD(c + v * LANES);
            p3 += q[v] * LOAD(d + v * LANES);
        }
        NAME(add_sums)(p0, p1, p2, p3, row + i);
    }
    for (; i < rows; i++) {
        V p = q[0] * LOAD(A + i * stride);
#pragma GCC unroll 8
        for (int v = 1; v < width; v++) p += q[v] * LOAD(A + i * stride + v * LANES);
        row[i] += NAME(sum)(p);
    }
}

INLINE void NAME(market_tile)(const int width, ptrdiff_t rows, ptrdiff_t stride, const double *A, const double *u,
                              const double *x, double *d, double *q, double *inverse, double *row,
                              const double *next)
{
    V sums[8], weights[8];
    NAME(columns_tile)(width, rows, stride, A, u, sums);
#pragma GCC unroll 8
    for (int v = 0; v < width; v++) {
        V spending = LOAD(x + v * LANES), over = 1.0 / sums[v];
        weights[v] = SELECT(spending == 0.0, NAME(broadcast)(0.0), spending * over);
        STORE(d + v * LANES, sums[v]);
        STORE(q + v * LANES, weights[v]);
        STORE(inverse + v * LANES, over);
    }
    NAME(rows_tile)(width, rows, stride, A, weights, row, next);
}

INLINE void NAME(product_tile)(const int width, ptrdiff_t rows, ptrdiff_t stride, const double *A, const double *g,
                               const double *q, const double *e, const double *inverse, double *row,
                               const double *next)
{
    V sums[8], weights[8];
    NAME(columns_tile)(width, rows, stride, A, g, sums);
#pragma GCC unroll 8
    for (int v = 0; v < width; v++) {
        V base = LOAD(q + v * LANES);
        V change = base * (LOAD(e + v * LANES) - sums[v] * LOAD(inverse + v * LANES));
        weights[v] = SELECT(base == 0.0, NAME(broadcast)(0.0), change);
    }
    NAME(rows_tile)(width, rows, stride, A, weights, row, next);
}

/* Cut the columns into nearly equal tiles of at most MOST_VECTORS vectors, such that one stays in half the first
   cache and no row of it is shorter than two lines; the width is a constant in each call. `next` is the tile after
   this one, in the next matrix at the end of this: nothing is read there, only fetched. */
#define TILES(call)                                                                                \
    do {                                                                                           \
        const ptrdiff_t vectors = columns / LANES, fits = HALF_CACHE / (rows * LANES * 8);         \
        const ptrdiff_t least = MIN(2 * LINE / LANES, MOST_VECTORS);                               \
        const ptrdiff_t most = fits < least ? least : MIN(fits, MOST_VECTORS);                     \
        const ptrdiff_t tiles = (vectors + most - 1) / most, longer = vectors % tiles;             \
        for (ptrdiff_t tile = 0, n = 0; tile < tiles; tile++) {                                    \
            const ptrdiff_t count = vectors / tiles + (tile < longer), after = n + count * LANES;  \
            const ptrdiff_t next = after < columns ? after : rows * stride;                        \
            switch (count) {                                                                       \
            case 1: call(1); break;                                                                \
            case 2: call(2); break;                                                                \
            case 3: call(3); break;                                                                \
            case 4: call(4); break;                                                                \
            case 5: call(5); break;                                                                \
            default: call(6);                                                                      \
            }                                                                                      \
            n = after;                                                                             \
        }                                                                                          \
    } while (0)

TARGET static void NAME(market)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A,
                                const double *u, const double *x, double *d, double *q, double *inverse,
                                double *row)
{
    for (ptrdiff_t i = 0; i < rows; i++) row[i] = 0.0;
#define CALL(width) NAME(market_tile)(width, rows, stride, A + n, u, x + n, d + n, q + n, inverse + n, row, A + next)
    TILES(CALL);
#undef CALL
}

TARGET static void NAME(market_product)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A,
                                        const double *g, const double *q, const double *e, const double *inverse,
                                        double *row)
{
    for (ptrdiff_t i = 0; i < rows; i++) row[i] = 0.0;
#define CALL(width) NAME(product_tile)(width, rows, stride, A + n, g, q + n, e + n, inverse + n, row, A + next)
    TILES(CALL);
#undef CALL
}

INLINE void NAME(store_columns)(const int width, ptrdiff_t rows, ptrdiff_t stride, const double *A, const double *u,
                                double *d)
{
    V sums[8];
    NAME(columns_tile)(width, rows, stride, A, u, sums);
#pragma GCC unroll 8
    for (int v = 0; v < width; v++) STORE(d + v * LANES, sums[v]);
}

INLINE void NAME(load_rows)(const int width, ptrdiff_t rows, ptrdiff_t stride, const double *A, const double *q,
                            double *row, const double *next)
{
    V weights[8];
#pragma GCC unroll 8
    for (int v = 0; v < width; v++) weights[v] = LOAD(q + v * LANES);
    NAME(rows_tile)(width, rows, stride, A, weights, row, next);
}

TARGET static void NAME(columns)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A,
                                 const double *u, double *d)
{
#define CALL(width) (void)next, NAME(store_columns)(width, rows, stride, A + n, u, d + n)
    TILES(CALL);
#undef CALL
}

TARGET static void NAME(rows)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A, const double *q,
                              double *row)
{
    for (ptrdiff_t i = 0; i < rows; i++) row[i] = 0.0;
#define CALL(width) NAME(load_rows)(width, rows, stride, A + n, q + n, row, A + next)
    TILES(CALL);
#undef CALL
}

TARGET static void NAME(squares)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A,
                                 const double *B, const double *w, double *row)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        V p = {0};
        for (ptrdiff_t n = 0; n < columns; n += LANES)
            p += LOAD(A + i * stride + n) * LOAD(B + i * stride + n) * LOAD(w + n);
        row[i] = NAME(sum)(p);
    }
}

TARGET static double NAME(exponent)(ptrdiff_t n, double a, double c, const double *r, const double *l,
                                    const double *s, const double *live, double *e)
{
    V most = NAME(broadcast)(-INFINITY);
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        V value = a * LOAD(r + i) - c * LOAD(l + i) + LOAD(s + i);
        V counted = SELECT(LOAD(live + i) > 0.0, value, NAME(broadcast)(-INFINITY));
        STORE(e + i, value);
        most = SELECT(counted > most, counted, most);
    }
    double largest = most[0];
    for (int lane = 1; lane < LANES; lane++)
        if (most[lane] > largest) largest = most[lane];
    return largest;
}

TARGET static void NAME(weigh)(ptrdiff_t n, double most, const double *e, const double *live, double *u)
{
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        V value = NAME(exp1)(LOAD(e + i) - most);
        STORE(u + i, SELECT(LOAD(live + i) > 0.0, value, NAME(broadcast)(0.0)));
    }
}

TARGET static void NAME(miss)(ptrdiff_t n, double most, const double *r, const double *e, const double *o,
                              const double *q, const double *g, const double *live, double *f)
{
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        V value = LOAD(r + i) - LOAD(e + i) + most - LOAD(o + i) - NAME(log1)(LOAD(q + i)) + LOAD(g + i);
        STORE(f + i, SELECT(LOAD(live + i) > 0.0, value, NAME(broadcast)(0.0)));
    }
}

TARGET static void NAME(bend)(ptrdiff_t n, double a, double c, const double *x, const double *l, const double *u,
                              double *d, double *g)
{
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        V value = a * LOAD(x + i) - c * LOAD(l + i);
        STORE(d + i, value);
        STORE(g + i, LOAD(u + i) * value);
    }
}

TARGET static void NAME(differ)(ptrdiff_t n, const double *x, const double *d, const double *q, const double *g,
                                const double *live, double *row, double *y)
{
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        const I alive = LOAD(live + i) > 0.0;
        V share = LOAD(row + i) / LOAD(q + i);
        V value = LOAD(x + i) - LOAD(d + i) - share + LOAD(g + i);
        STORE(row + i, SELECT(alive, share, NAME(broadcast)(0.0)));
        STORE(y + i, SELECT(alive, value, NAME(broadcast)(0.0)));
    }
}

TARGET static void NAME(add_product)(ptrdiff_t n, double s, const double *a, const double *x, double *y)
{
    for (ptrdiff_t i = 0; i < n; i += LANES) STORE(y + i, LOAD(y + i) + s * LOAD(a + i) * LOAD(x + i));
}

TARGET static double NAME(dot)(ptrdiff_t n, const double *x, const double *y)
{
    V p = {0}, q = {0};
    ptrdiff_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        p += LOAD(x + i) * LOAD(y + i);
        q += LOAD(x + i + LANES) * LOAD(y + i + LANES);
    }
    for (; i < n; i += LANES) p += LOAD(x + i) * LOAD(y + i);
    return NAME(sum)(p + q);
}

TARGET static void NAME(add)(ptrdiff_t n, double a, const double *x, double *y)
{
    for (ptrdiff_t i = 0; i < n; i += LANES) STORE(y + i, LOAD(y + i) + a * LOAD(x + i));
}

#include "primitives_simd16.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
static const exacthat_primitives NAME(table) = {
    TEXT(SET),     NAME(exp_all), NAME(log_all), NAME(market), NAME(market_product),
    NAME(columns), NAME(rows),    NAME(squares), NAME(exponent), NAME(weigh),
    NAME(miss),    NAME(bend),    NAME(differ),  NAME(add_product), NAME(dot),
    NAME(add),     NAME(narrow_size), NAME(narrow), NAME(market16), NAME(market_product16),
    NAME(columns16), NAME(rows16),  NAME(squares16), NAME(multiply_exp),
};

#undef TEXT
#undef TEXT_
#undef TILES
#undef SELECT
#undef STORE
#undef LOAD
#undef INLINE
#undef W
#undef I
#undef V
#undef NAME
#undef LANES
