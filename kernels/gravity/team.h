/* Threads that work on one problem meet here: one OpenMP region holds the whole solve, and its threads wait for
   each other a few times per step. Waiting spins shortly, then sleeps (yields, where only Linux's call is missing):
   the machine may have other work to do, and a thread that sleeps is woken before work that did not. */
#ifndef EXACTHAT_GRAVITY_TEAM_H
#define EXACTHAT_GRAVITY_TEAM_H

#if defined(_OPENMP) && defined(__GNUC__) && !defined(_WIN32)
#define EXACTHAT_TEAMS 1
#include <omp.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <sched.h>
#endif
#else
#define EXACTHAT_TEAMS 0
#endif

typedef struct {
    int size;
    int arrived;
    int round;
    int asleep;
} exacthat_team;

enum { EXACTHAT_SPINS = 2000 };

/* Threads of the region this is called from. */
static inline int exacthat_granted(void)
{
#if EXACTHAT_TEAMS
    return omp_get_num_threads();
#else
    return 1;
#endif
}

/* Arrive. The last thread to do so returns 1 at once and finishes what is left for one; the others return 0
   after it has called `exacthat_release`. */
static inline int exacthat_last(exacthat_team *team)
{
    if (team->size == 1) return 1;
#if EXACTHAT_TEAMS
    int round = __atomic_load_n(&team->round, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&team->arrived, 1, __ATOMIC_ACQ_REL) == team->size) return 1;
    for (int spins = 0; spins < EXACTHAT_SPINS; spins++) {
        if (__atomic_load_n(&team->round, __ATOMIC_ACQUIRE) != round) return 0;
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    __atomic_add_fetch(&team->asleep, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&team->round, __ATOMIC_SEQ_CST) == round)
#if defined(__linux__)
        syscall(SYS_futex, &team->round, FUTEX_WAIT_PRIVATE, round, NULL, NULL, 0);
#else
        sched_yield();
#endif
    __atomic_sub_fetch(&team->asleep, 1, __ATOMIC_RELAXED);
#endif
    return 0;
}

static inline void exacthat_release(exacthat_team *team)
{
#if EXACTHAT_TEAMS
    if (team->size == 1) return;
    team->arrived = 0;
    __atomic_store_n(&team->round, team->round + 1, __ATOMIC_SEQ_CST);
#if defined(__linux__)
    if (__atomic_load_n(&team->asleep, __ATOMIC_SEQ_CST) > 0)
        syscall(SYS_futex, &team->round, FUTEX_WAKE_PRIVATE, team->size, NULL, NULL, 0);
#endif
#else
    (void)team;
#endif
}

#endif
