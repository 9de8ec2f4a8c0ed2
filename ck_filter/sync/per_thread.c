/* sync/per_thread.c - a bitmap of numbers in use.
 *
 * Invariant: bit n of `in_use` is set while a live thread holds number n. When all NUMBERS are
 * taken, further threads share the last one: a number chooses a stripe, it owns nothing.
 * Teardown:  the key's destructor gives the number back; a call after it takes one anew and sets
 *            the key again, so that pthread runs the destructor once more.
 */
#include "sync/per_thread.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/check.h"

enum { WORD_BITS = 64, NUMBERS = CKF_OWN_NUMBERS, WORDS = NUMBERS / WORD_BITS };

static _Atomic(uint64_t) in_use[WORDS];
static pthread_key_t at_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic(uint32_t) limit; /* more than all numbers that were ever taken */
_Thread_local unsigned ckf_thread_number_plus_one;
_Thread_local struct ckf_place *ckf_thread_place;

static void give_back(void *unused)
{
    (void)unused;
    unsigned number = ckf_thread_number_plus_one - 1;
    ckf_thread_number_plus_one = 0;
    ckf_thread_place = NULL;
    if (number < NUMBERS)
        /* edge number-inherited: release; pairs with the acquire in take_from_word(). */
        fetch_and_release(&in_use[number / WORD_BITS], ~(UINT64_C(1) << number % WORD_BITS));
}

static void keep_only_mine(void)
{
    for (unsigned word = 0; word < WORDS; word++)
        store_relaxed(&in_use[word], 0);
    if (ckf_thread_number_plus_one != 0 && ckf_thread_number_plus_one <= NUMBERS) {
        unsigned mine = ckf_thread_number_plus_one - 1;
        store_relaxed(&in_use[mine / WORD_BITS], UINT64_C(1) << mine % WORD_BITS);
    }
}

static void prepare(void)
{
    int error = pthread_key_create(&at_exit, give_back);
    if (error != 0)
        ckf_die("pthread_key_create", error);
    pthread_atfork(NULL, NULL, keep_only_mine);
}

static bool take_from_word(unsigned word, unsigned *number)
{
    uint64_t used = load_relaxed(&in_use[word]);
    while (used != UINT64_MAX) {
        unsigned bit = (unsigned)__builtin_ctzll(~used);
        /* edge number-inherited: acquire; pairs with the release in give_back(). What the number
         * indexes was last used by its former holder. */
        if (cas_acquire(&in_use[word], &used, used | UINT64_C(1) << bit)) {
            *number = word * WORD_BITS + bit;
            return true;
        }
    }
    return false;
}

static void raise_limit(unsigned number)
{
    uint32_t found = load_relaxed(&limit); /* relaxed: the CAS decides */
    while (found <= number)
        /* edge limit-raised: acquire; pairs with the release in ckf_thread_number_limit(): who comes
         * second sees the first, and all that we have to say is in the word itself. */
        if (cas_acquire(&limit, &found, number + 1))
            break;
}

static unsigned take_number(void)
{
    for (unsigned word = 0, number; word < WORDS; word++)
        if (take_from_word(word, &number)) {
            raise_limit(number);
            return number;
        }
    return NUMBERS;
}

CKF_COLD unsigned ckf_thread_number_take(void)
{
    pthread_once(&once, prepare);
    ckf_thread_number_plus_one = take_number() + 1;
    pthread_setspecific(
        at_exit, &ckf_thread_number_plus_one); /* without memory the number is never reused */
    return ckf_thread_number_plus_one - 1;
}

unsigned ckf_thread_number_end(void)
{
    for (unsigned word = WORDS; word-- > 0;) {
        /* edge number-inherited: acquire; pairs with the release in give_back(). A number that is
         * not counted any more was last used before. */
        uint64_t used = load_acquire(&in_use[word]);
        if (used != 0)
            return (word + 1) * WORD_BITS - (unsigned)__builtin_clzll(used);
    }
    return 0;
}

unsigned ckf_thread_number_limit(void)
{
    /* edge limit-raised: release; pairs with the acquire in raise_limit(). */
    return fetch_add_release(&limit, 0);
}
