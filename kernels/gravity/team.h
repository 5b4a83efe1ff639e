/* A team of threads inside one OpenMP region that holds a whole solve. The first thread leads: it posts work in
   numbered chunks and takes chunks itself; the others help. Nobody waits for a thread that has taken nothing, so a
   helper without a processor costs nothing. Waiting spins shortly, then sleeps: the machine has other work too. */
#ifndef EXACTHAT_GRAVITY_TEAM_H
#define EXACTHAT_GRAVITY_TEAM_H

#if defined(_OPENMP) && defined(__GNUC__) && !defined(_WIN32)
#define EXACTHAT_TEAMS 1
#include <omp.h>
#include <sched.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#else
#define EXACTHAT_TEAMS 0
#endif
#include <stdint.h>

enum { EXACTHAT_SPINS = 2000 };

typedef struct {
    int size;        /* threads */
    int chunks;      /* of the work posted last */
    int closed;
    int asleep;      /* whether a helper may be */
    int done;        /* chunks finished */
    int round;       /* works posted */
    uint64_t open;   /* chunks not taken yet: round << 32 | end << 16 | begin */
} exacthat_team;

/* Threads of the region this is called from. */
static inline int exacthat_granted(void)
{
#if EXACTHAT_TEAMS
    return omp_get_num_threads();
#else
    return 1;
#endif
}

#if EXACTHAT_TEAMS

static inline void exacthat_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static inline void exacthat_announce(exacthat_team *team)
{
    __atomic_store_n(&team->round, team->round + 1, __ATOMIC_SEQ_CST);
#if defined(__linux__)
    if (__atomic_load_n(&team->asleep, __ATOMIC_SEQ_CST) && __atomic_exchange_n(&team->asleep, 0, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, &team->round, FUTEX_WAKE_PRIVATE, team->size, NULL, NULL, 0);
#endif
}

/* The leader offers chunks 0 .. chunks - 1 of new work; what the work is must be written before. */
static inline void exacthat_post(exacthat_team *team, int chunks)
{
    team->chunks = chunks;
    __atomic_store_n(&team->done, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&team->open, (uint64_t)(uint32_t)(team->round + 1) << 32 | (uint64_t)chunks << 16,
                     __ATOMIC_RELEASE);
    exacthat_announce(team);
}

/* The work that has chunks to take now, 0 if none. */
static inline uint32_t exacthat_offer(exacthat_team *team)
{
    uint64_t open = __atomic_load_n(&team->open, __ATOMIC_ACQUIRE);
    return (uint32_t)(open & 0xffff) < (uint32_t)(open >> 16 & 0xffff) ? (uint32_t)(open >> 32) : 0;
}

/* Take a chunk of that work, from below or from above, so that threads mostly meet the same chunks again; -1 if
   none is left. */
static inline int exacthat_take(exacthat_team *team, uint32_t round, int above)
{
    uint64_t open = __atomic_load_n(&team->open, __ATOMIC_ACQUIRE);
    for (;;) {
        uint64_t begin = open & 0xffff, end = open >> 16 & 0xffff;
        if ((uint32_t)(open >> 32) != round || begin >= end) return -1;
        uint64_t less = above ? open - (1 << 16) : open + 1;
        if (__atomic_compare_exchange_n(&team->open, &open, less, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return (int)(above ? end - 1 : begin);
    }
}

static inline void exacthat_finish(exacthat_team *team)
{
    __atomic_add_fetch(&team->done, 1, __ATOMIC_RELEASE);
}

/* The leader waits for the chunks that helpers have taken. */
static inline void exacthat_wait(exacthat_team *team)
{
    for (int spins = 0; __atomic_load_n(&team->done, __ATOMIC_ACQUIRE) < team->chunks; spins++) {
        if (spins < EXACTHAT_SPINS) exacthat_pause();
        else sched_yield();
    }
}

/* The work posted last: a helper asks before it looks for chunks, so that none posted later is missed. */
static inline int exacthat_round(exacthat_team *team)
{
    return __atomic_load_n(&team->round, __ATOMIC_ACQUIRE);
}

/* A helper waits for work after `round`; returns 0 when the team is closed. Closing is the last round: a helper that
   has seen its number waits for no other. */
static inline int exacthat_more(exacthat_team *team, int round)
{
    for (int spins = 0; exacthat_round(team) == round && !__atomic_load_n(&team->closed, __ATOMIC_ACQUIRE); spins++) {
        if (spins < EXACTHAT_SPINS) {
            exacthat_pause();
            continue;
        }
#if defined(__linux__)
        __atomic_store_n(&team->asleep, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, &team->round, FUTEX_WAIT_PRIVATE, round, NULL, NULL, 0);
#else
        sched_yield();
#endif
    }
    return !__atomic_load_n(&team->closed, __ATOMIC_ACQUIRE);
}

static inline void exacthat_close(exacthat_team *team)
{
    __atomic_store_n(&team->closed, 1, __ATOMIC_RELEASE);
    exacthat_announce(team);
}

#else /* one thread: nothing is ever posted */

static inline void exacthat_post(exacthat_team *team, int chunks) { (void)team, (void)chunks; }
static inline uint32_t exacthat_offer(exacthat_team *team) { (void)team; return 0; }
static inline int exacthat_take(exacthat_team *team, uint32_t round, int above)
{
    (void)team, (void)round, (void)above;
    return -1;
}
static inline void exacthat_finish(exacthat_team *team) { (void)team; }
static inline void exacthat_wait(exacthat_team *team) { (void)team; }
static inline int exacthat_round(exacthat_team *team) { (void)team; return 0; }
static inline int exacthat_more(exacthat_team *team, int round) { (void)team, (void)round; return 0; }
static inline void exacthat_close(exacthat_team *team) { (void)team; }

#endif
#endif
