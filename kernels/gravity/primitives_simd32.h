/* Passes over weights kept in float32, included by primitives_simd.h once per vector width.

   Vectors go in and come out in doubles. Each is scaled by its largest magnitude before it is narrowed, and sums
   leave float32 after at most BLOCK rows or one tile of columns, so that only the rounding of A and of single
   products is that of float32. */

#define LANES32 (BYTES >= 32 ? 8 : 4)
#define F NAME(floats)
#define BLOCK 256
#define LOAD32(p) (*(const F *)(p))

typedef float F __attribute__((vector_size(LANES32 * 4), aligned(4), may_alias));

TARGET static void NAME(narrow)(ptrdiff_t n, const double *x, float *y)
{
    for (ptrdiff_t i = 0; i < n; i++) y[i] = (float)x[i];
}

/* y = x / s in float32; s, the largest |x|, or 1 if all are zero, is returned. */
INLINE double NAME(scaled)(ptrdiff_t n, const double *x, float *y)
{
    double most = 0.0;
    for (ptrdiff_t i = 0; i < n; i++) most = most > fabs(x[i]) ? most : fabs(x[i]);
    if (most == 0.0) most = 1.0;
    for (ptrdiff_t i = 0; i < n; i++) y[i] = (float)(x[i] / most);
    return most;
}

/* Column sums of `width` vectors of columns, times `scale`: d = scale A' u. */
INLINE void NAME(columns_tile32)(const int width, ptrdiff_t rows, ptrdiff_t stride, const float *A, const float *u,
                                 double scale, double *d)
{
    const int together = 8 / width;
    for (int n = 0; n < width * LANES32; n++) d[n] = 0.0;
    for (ptrdiff_t first = 0; first < rows; first += BLOCK) {
        ptrdiff_t i = first, last = rows < first + BLOCK ? rows : first + BLOCK;
        F sums[8];
#pragma GCC unroll 8
        for (int v = 0; v < together * width; v++) sums[v] = (F){0};
        for (; i + together <= last; i += together) {
#pragma GCC unroll 8
            for (int v = 0; v < together * width; v++)
                sums[v] += u[i + v / width] * LOAD32(A + (i + v / width) * stride + (v % width) * LANES32);
        }
        for (; i < last; i++) {
#pragma GCC unroll 8
            for (int v = 0; v < width; v++) sums[v] += u[i] * LOAD32(A + i * stride + v * LANES32);
        }
#pragma GCC unroll 8
        for (int v = 0; v < together * width; v++)
            for (int lane = 0; lane < LANES32; lane++) d[(v % width) * LANES32 + lane] += scale * sums[v][lane];
    }
}

/* Row sums of the same tile: row += A q; the tile at `next` is fetched into cache meanwhile. */
INLINE void NAME(rows_tile32)(const int width, ptrdiff_t rows, ptrdiff_t stride, const float *A, const double *q,
                              double *row, const float *next)
{
    float narrowed[8 * LANES32];
    const double scale = NAME(scaled)(width * LANES32, q, narrowed);
    F weights[8];
    ptrdiff_t i = 0;
#pragma GCC unroll 8
    for (int v = 0; v < width; v++) weights[v] = LOAD32(narrowed + v * LANES32);
    for (; i + 4 <= rows; i += 4) {
        const float *a = A + i * stride, *b = a + stride, *c = b + stride, *d = c + stride;
#pragma GCC unroll 8
        for (int v = 0; v < width * LANES32; v += LINE32) {
            __builtin_prefetch(next + i * stride + v);
            __builtin_prefetch(next + (i + 1) * stride + v);
            __builtin_prefetch(next + (i + 2) * stride + v);
            __builtin_prefetch(next + (i + 3) * stride + v);
        }
        F p = weights[0] * LOAD32(a), q = weights[0] * LOAD32(b), r = weights[0] * LOAD32(c), s = weights[0] * LOAD32(d);
#pragma GCC unroll 8
        for (int v = 1; v < width; v++) {
            p += weights[v] * LOAD32(a + v * LANES32);
            q += weights[v] * LOAD32(b + v * LANES32);
            r += weights[v] * LOAD32(c + v * LANES32);
            s += weights[v] * LOAD32(d + v * LANES32);
        }
        /* a shuffle tree: the sums of p, q, r, s side by side */
#if BYTES >= 32
        F pq = __builtin_shufflevector(p, q, 0, 8, 2, 10, 4, 12, 6, 14) +
               __builtin_shufflevector(p, q, 1, 9, 3, 11, 5, 13, 7, 15);
        F rs = __builtin_shufflevector(r, s, 0, 8, 2, 10, 4, 12, 6, 14) +
               __builtin_shufflevector(r, s, 1, 9, 3, 11, 5, 13, 7, 15);
        F sums = __builtin_shufflevector(pq, rs, 0, 1, 8, 9, 4, 5, 12, 13) +
                 __builtin_shufflevector(pq, rs, 2, 3, 10, 11, 6, 7, 14, 15);
        for (int lane = 0; lane < 4; lane++) row[i + lane] += scale * (sums[lane] + sums[lane + 4]);
#else
        F pq = __builtin_shufflevector(p, q, 0, 4, 2, 6) + __builtin_shufflevector(p, q, 1, 5, 3, 7);
        F rs = __builtin_shufflevector(r, s, 0, 4, 2, 6) + __builtin_shufflevector(r, s, 1, 5, 3, 7);
        F sums = __builtin_shufflevector(pq, rs, 0, 1, 4, 5) + __builtin_shufflevector(pq, rs, 2, 3, 6, 7);
        for (int lane = 0; lane < 4; lane++) row[i + lane] += scale * sums[lane];
#endif
    }
    for (; i < rows; i++) {
        F p = weights[0] * LOAD32(A + i * stride);
        double sum = 0.0;
#pragma GCC unroll 8
        for (int v = 1; v < width; v++) p += weights[v] * LOAD32(A + i * stride + v * LANES32);
        for (int lane = 0; lane < LANES32; lane++) sum += p[lane];
        row[i] += scale * sum;
    }
}

INLINE void NAME(product_tile32)(const int width, ptrdiff_t rows, ptrdiff_t stride, const float *A, const float *g,
                                 double scale, const double *q, const double *e, const double *inverse, double *row,
                                 const float *next)
{
    double weights[8 * LANES32];
    NAME(columns_tile32)(width, rows, stride, A, g, scale, weights);
    for (int n = 0; n < width * LANES32; n++) {
        double change = q[n] * (e[n] - weights[n] * inverse[n]);
        weights[n] = q[n] == 0.0 ? 0.0 : change;
    }
    NAME(rows_tile32)(width, rows, stride, A, weights, row, next);
}

TARGET static void NAME(market_product32)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const float *A,
                                          const double *g, const double *q, const double *e, const double *inverse,
                                          double *row, float *scratch)
{
    const double scale = NAME(scaled)(rows, g, scratch);
    for (ptrdiff_t i = 0; i < rows; i++) row[i] = 0.0;
#define CALL(width) NAME(product_tile32)(width, rows, stride, A + n, scratch, scale, q + n, e + n, inverse + n, row, A + next)
    TILES(LANES32, 4, CALL);
#undef CALL
}

TARGET static void NAME(columns32)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const float *A,
                                   const double *u, double *d, float *scratch)
{
    const double scale = NAME(scaled)(rows, u, scratch);
#define CALL(width) (void)next, NAME(columns_tile32)(width, rows, stride, A + n, scratch, scale, d + n)
    TILES(LANES32, 4, CALL);
#undef CALL
}

TARGET static void NAME(rows32)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const float *A, const double *q,
                                double *row)
{
    for (ptrdiff_t i = 0; i < rows; i++) row[i] = 0.0;
#define CALL(width) NAME(rows_tile32)(width, rows, stride, A + n, q + n, row, A + next)
    TILES(LANES32, 4, CALL);
#undef CALL
}

#undef LOAD32
#undef BLOCK
#undef F
#undef LANES32
