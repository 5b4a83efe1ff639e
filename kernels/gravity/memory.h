/* Memory for what a solve reads again and again: on Linux large blocks ask for huge pages, as numpy's do; and what
   is fetched into cache before it is needed, for strides no processor foresees. */
#ifndef EXACTHAT_GRAVITY_MEMORY_H
#define EXACTHAT_GRAVITY_MEMORY_H

#include <stdlib.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#define EXACTHAT_HUGE ((size_t)1 << 21)

/* As malloc; to be freed by free. */
static inline void *exacthat_malloc(size_t bytes)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    void *start;
    if (bytes >= 2 * EXACTHAT_HUGE) {
        if (posix_memalign(&start, EXACTHAT_HUGE, bytes) != 0) return NULL;
        madvise(start, bytes, MADV_HUGEPAGE); /* where the system declines, pages stay small */
        return start;
    }
#endif
    return malloc(bytes);
}

#if defined(__GNUC__)
#define EXACTHAT_FETCH(address) __builtin_prefetch(address)
#else
#define EXACTHAT_FETCH(address) ((void)(address))
#endif

#endif
