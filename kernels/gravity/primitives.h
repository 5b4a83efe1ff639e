/* Vector primitives of the gravity kernel, one table per instruction set, chosen when first asked for.

   Matrices are row-major with `stride` doubles per row; every row is padded with zeros to `columns`, a
   multiple of EXACTHAT_PAD, and starts on a 64-byte boundary. Sums run in an order that depends on the
   instruction set only, never on the number of threads. */
#ifndef EXACTHAT_GRAVITY_PRIMITIVES_H
#define EXACTHAT_GRAVITY_PRIMITIVES_H

#include <stddef.h>
#include <stdint.h>

#define EXACTHAT_PAD 8
#define EXACTHAT_SCRATCH(columns) (17 * (columns))

typedef struct {
    const char *name;
    /* y = exp(x), 0 below -708 and infinite above 709; y = log(x). `n` is a multiple of EXACTHAT_PAD; x == y
       allowed. Within 1 ulp; zero, negative numbers, infinities and NaN as in C's log. */
    void (*exp)(ptrdiff_t n, const double *x, double *y);
    void (*log)(ptrdiff_t n, const double *x, double *y);
    /* One industry of the hat system, one read of A from memory:
       d = A' u,  q = x / d (0 where x is 0),  inverse = 1 / d,  row = A q. */
    void (*market)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A, const double *u,
                   const double *x, double *d, double *q, double *inverse, double *row);
    /* Its derivative: row = A (q (e - (A' g) inverse)). */
    void (*market_product)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A, const double *g,
                           const double *q, const double *e, const double *inverse, double *row);
    /* The two halves apart: d = A' u and row = A q. */
    void (*columns)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A, const double *u, double *d);
    void (*rows)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A, const double *q, double *row);
    /* row_i = sum_n A_in B_in w_n */
    void (*squares)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A, const double *B,
                    const double *w, double *row);
    /* Pointwise steps over one industry's countries; `n` is a multiple of EXACTHAT_PAD, results are 0 where live is.
       exponent: e = a r - c l + s and the largest e of a live cell (-inf if none);
       weigh: u = exp(e - most) live;
       miss: f = r - e + most - o - q + g;
       bend: d = a x - c l,  g = u d;
       differ: row = row / q,  y = x - d - row + g. */
    double (*exponent)(ptrdiff_t n, double a, double c, const double *r, const double *l, const double *s,
                       const double *live, double *e);
    void (*weigh)(ptrdiff_t n, double most, const double *e, const double *live, double *u);
    void (*miss)(ptrdiff_t n, double most, const double *r, const double *e, const double *o, const double *q,
                 const double *g, const double *live, double *f);
    void (*bend)(ptrdiff_t n, double a, double c, const double *x, const double *l, const double *u, double *d,
                 double *g);
    void (*differ)(ptrdiff_t n, const double *x, const double *d, const double *q, const double *g,
                   const double *live, double *row, double *y);
    void (*add_product)(ptrdiff_t n, double s, const double *a, const double *x, double *y); /* y += s a x by cell */
    double (*dot)(ptrdiff_t n, const double *x, const double *y);
    void (*add)(ptrdiff_t n, double a, const double *x, double *y); /* y += a x */
    /* The passes over a copy of one industry's weights in bfloat16, rounded by up to 2^-9, its diagonal `home` apart
       in float64; both are multiplied by the factor that `narrow` returns, a power of two that brings the largest
       foreign weight below one. `scratch` holds EXACTHAT_SCRATCH(columns) floats, the copy `narrow_size` words. */
    ptrdiff_t (*narrow_size)(ptrdiff_t rows, ptrdiff_t columns);
    double (*narrow)(ptrdiff_t rows, ptrdiff_t columns, const double *A, double *home, uint32_t *words);
    void (*market16)(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *words, const double *home, const double *u,
                     const double *x, double *q, double *inverse, double *row, float *scratch);
    void (*market_product16)(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *words, const double *home,
                             const double *g, const double *q, const double *e, const double *inverse, double *row,
                             float *scratch);
    void (*columns16)(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *words, const double *home, const double *u,
                      double *d, float *scratch);
    void (*rows16)(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *words, const double *home, const double *q,
                   double *row, float *scratch);
    /* row_i = sum_n A_in^2 w_n */
    void (*squares16)(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *words, const double *home, const double *w,
                      double *row, float *scratch);
    /* y = s exp(a x); 0 where x is infinite; s == y allowed. */
    void (*multiply_exp)(ptrdiff_t n, double a, const double *x, const double *s, double *y);
} exacthat_primitives;

/* The widest table this processor runs, or the one called `name`; NULL if it does not run here. */
const exacthat_primitives *exacthat_primitives_select(const char *name);

#endif
