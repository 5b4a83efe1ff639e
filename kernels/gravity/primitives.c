/* Tables of vector primitives: the body in primitives_simd.h is compiled once per vector width. */
#include "primitives.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) && (defined(__clang__) || __GNUC__ >= 12)
#define HAVE_VECTORS 1
#else
#define HAVE_VECTORS 0
#endif

#define MOST_VECTORS 6   /* of columns in a tile: their sums and four row sums stay in 16 registers */
#define HALF_CACHE 24576 /* bytes of a tile; what comes next needs the rest of the first cache */
#define LINE 8           /* doubles in a cache line */
#define LINE32 16
#define MIN(a, b) ((a) < (b) ? (a) : (b))

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)

/* A power of two that brings a positive number into (1/4, 1]; 1 for others. */
static double power_below_one(double x)
{
    int exponent;
    if (!(x > 0.0 && x < INFINITY)) return 1.0;
    frexp(x, &exponent);
    return ldexp(1.0, exponent > -1000 ? -exponent : 1000);
}

#if HAVE_VECTORS

#if defined(__x86_64__)
#define SET avx512
#define BYTES 64
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma")))
#include "primitives_simd.h"
#undef SET
#undef BYTES
#undef TARGET

#define SET avx2
#define BYTES 32
#define TARGET __attribute__((target("avx2,fma")))
#include "primitives_simd.h"
#undef SET
#undef BYTES
#undef TARGET
#endif

#define SET baseline
#define BYTES 16
#define TARGET
#include "primitives_simd.h"
#undef SET
#undef BYTES
#undef TARGET

#else /* a compiler without vector extensions: the same contract in plain loops */

static void exp_plain(ptrdiff_t n, const double *x, double *y)
{
    for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i] < -708.0 ? 0.0 : (x[i] > 709.0 ? INFINITY : exp(x[i]));
}

static void log_plain(ptrdiff_t n, const double *x, double *y)
{
    for (ptrdiff_t i = 0; i < n; i++) y[i] = log(x[i]);
}

static void columns_plain(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A, const double *u,
                          double *d)
{
    for (ptrdiff_t n = 0; n < columns; n++) d[n] = 0.0;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t n = 0; n < columns; n++) d[n] += u[i] * A[i * stride + n];
}

static void rows_plain(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A, const double *q,
                       double *row)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        row[i] = 0.0;
        for (ptrdiff_t n = 0; n < columns; n++) row[i] += A[i * stride + n] * q[n];
    }
}

static void market_plain(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A, const double *u,
                         const double *x, double *d, double *q, double *inverse, double *row)
{
    columns_plain(rows, columns, stride, A, u, d);
    for (ptrdiff_t n = 0; n < columns; n++) {
        inverse[n] = 1.0 / d[n];
        q[n] = x[n] == 0.0 ? 0.0 : x[n] * inverse[n];
    }
    rows_plain(rows, columns, stride, A, q, row);
}

static void market_product_plain(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A,
                                 const double *g, const double *q, const double *e, const double *inverse,
                                 double *row)
{
    for (ptrdiff_t i = 0; i < rows; i++) row[i] = 0.0;
    for (ptrdiff_t n = 0; n < columns; n++) {
        double p = 0.0, t;
        if (q[n] == 0.0) continue;
        for (ptrdiff_t i = 0; i < rows; i++) p += g[i] * A[i * stride + n];
        t = q[n] * (e[n] - p * inverse[n]);
        for (ptrdiff_t i = 0; i < rows; i++) row[i] += A[i * stride + n] * t;
    }
}

static void squares_plain(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const double *A, const double *B,
                          const double *w, double *row)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        row[i] = 0.0;
        for (ptrdiff_t n = 0; n < columns; n++) row[i] += A[i * stride + n] * B[i * stride + n] * w[n];
    }
}

static double exponent_plain(ptrdiff_t n, double a, double c, const double *r, const double *l, const double *s,
                             const double *live, double *e)
{
    double most = -INFINITY;
    for (ptrdiff_t i = 0; i < n; i++) {
        e[i] = a * r[i] - c * l[i] + s[i];
        if (live[i] > 0.0 && e[i] > most) most = e[i];
    }
    return most;
}

static void weigh_plain(ptrdiff_t n, double most, const double *e, const double *live, double *u)
{
    for (ptrdiff_t i = 0; i < n; i++) u[i] = live[i] > 0.0 ? exp(e[i] - most) : 0.0;
}

static void miss_plain(ptrdiff_t n, double most, const double *r, const double *e, const double *o, const double *q,
                       const double *g, const double *live, double *f)
{
    for (ptrdiff_t i = 0; i < n; i++) f[i] = live[i] > 0.0 ? r[i] - e[i] + most - o[i] - log(q[i]) + g[i] : 0.0;
}

static void bend_plain(ptrdiff_t n, double a, double c, const double *x, const double *l, const double *u, double *d,
                       double *g)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        d[i] = a * x[i] - c * l[i];
        g[i] = u[i] * d[i];
    }
}

static void differ_plain(ptrdiff_t n, const double *x, const double *d, const double *q, const double *g,
                         const double *live, double *row, double *y)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        row[i] = live[i] > 0.0 ? row[i] / q[i] : 0.0;
        y[i] = live[i] > 0.0 ? x[i] - d[i] - row[i] + g[i] : 0.0;
    }
}

static void add_product_plain(ptrdiff_t n, double s, const double *a, const double *x, double *y)
{
    for (ptrdiff_t i = 0; i < n; i++) y[i] += s * a[i] * x[i];
}

static double dot_plain(ptrdiff_t n, const double *x, const double *y)
{
    double sum = 0.0;
    for (ptrdiff_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static void add_plain(ptrdiff_t n, double a, const double *x, double *y)
{
    for (ptrdiff_t i = 0; i < n; i++) y[i] += a * x[i];
}

/* One word per weight, a float's bits: what the vectors gain from halves, plain loops do not. */
static ptrdiff_t narrow_size_plain(ptrdiff_t rows, ptrdiff_t columns) { return rows * columns; }

static double narrow_plain(ptrdiff_t rows, ptrdiff_t columns, const double *A, double *home, uint32_t *words)
{
    double most = 0.0, factor;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t n = 0; n < columns; n++)
            if (n != i && A[i * columns + n] > most) most = A[i * columns + n];
    factor = power_below_one(most);
    for (ptrdiff_t n = 0; n < columns; n++) home[n] = n < rows ? factor * A[n * columns + n] : 0.0;
    for (ptrdiff_t i = 0; i < rows; i++) {
        for (ptrdiff_t n = 0; n < columns; n++) {
            const float weight = n == i ? 0.0f : (float)(factor * A[i * columns + n]);
            memcpy(words + i * columns + n, &weight, sizeof weight);
        }
    }
    return factor;
}

static double weight_plain(const uint32_t *word)
{
    float weight;
    memcpy(&weight, word, sizeof weight);
    return weight;
}

static void columns16_plain(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *words, const double *home,
                            const double *u, double *d, float *scratch)
{
    (void)scratch;
    for (ptrdiff_t n = 0; n < columns; n++) d[n] = home[n] * u[n];
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t n = 0; n < columns; n++) d[n] += u[i] * weight_plain(words + i * columns + n);
}

static void rows16_plain(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *words, const double *home,
                         const double *q, double *row, float *scratch)
{
    (void)scratch;
    for (ptrdiff_t i = 0; i < rows; i++) {
        row[i] = home[i] * q[i];
        for (ptrdiff_t n = 0; n < columns; n++) row[i] += weight_plain(words + i * columns + n) * q[n];
    }
}

static void squares16_plain(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *words, const double *home,
                            const double *w, double *row, float *scratch)
{
    (void)scratch;
    for (ptrdiff_t i = 0; i < rows; i++) {
        row[i] = home[i] * home[i] * w[i];
        for (ptrdiff_t n = 0; n < columns; n++) {
            const double weight = weight_plain(words + i * columns + n);
            row[i] += weight * weight * w[n];
        }
    }
}

static void market16_plain(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *words, const double *home,
                           const double *u, const double *x, double *q, double *inverse, double *row, float *scratch)
{
    columns16_plain(rows, columns, words, home, u, inverse, scratch);
    for (ptrdiff_t n = 0; n < columns; n++) {
        inverse[n] = 1.0 / inverse[n];
        q[n] = x[n] == 0.0 ? 0.0 : x[n] * inverse[n];
    }
    rows16_plain(rows, columns, words, home, q, row, scratch);
}

static void market_product16_plain(ptrdiff_t rows, ptrdiff_t columns, const uint32_t *words, const double *home,
                                   const double *g, const double *q, const double *e, const double *inverse,
                                   double *row, float *scratch)
{
    for (ptrdiff_t i = 0; i < rows; i++) row[i] = 0.0;
    (void)scratch;
    for (ptrdiff_t n = 0; n < columns; n++) {
        double p = home[n] * g[n], t;
        if (q[n] == 0.0) continue;
        for (ptrdiff_t i = 0; i < rows; i++) p += g[i] * weight_plain(words + i * columns + n);
        t = q[n] * (e[n] - p * inverse[n]);
        for (ptrdiff_t i = 0; i < rows; i++) row[i] += weight_plain(words + i * columns + n) * t;
        row[n] += home[n] * t;
    }
}

static void multiply_exp_plain(ptrdiff_t n, double a, const double *x, const double *s, double *y)
{
    for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i] < INFINITY ? s[i] * exp(a * x[i]) : 0.0;
}

static const exacthat_primitives table_baseline = {
    "baseline",     exp_plain,    log_plain,     market_plain, market_product_plain, columns_plain,
    rows_plain,     squares_plain, exponent_plain, weigh_plain, miss_plain,           bend_plain,
    differ_plain,   add_product_plain, dot_plain, add_plain,    narrow_size_plain,    narrow_plain,
    market16_plain, market_product16_plain, columns16_plain, rows16_plain, squares16_plain, multiply_exp_plain,
};

#endif

const exacthat_primitives *exacthat_primitives_select(const char *name)
{
    const exacthat_primitives *runs[3];
    int count = 0;
#if HAVE_VECTORS && defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        runs[count++] = &table_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) runs[count++] = &table_avx2;
#endif
    runs[count++] = &table_baseline;
    if (name == NULL || name[0] == '\0') return runs[0];
    for (int j = 0; j < count; j++)
        if (strcmp(runs[j]->name, name) == 0) return runs[j];
    return NULL;
}
