/* tests/test_counter_map_private.c - what nobody outside can bring about: keys whose hashes collide;
 * and the parts that a map is made of. */
#include "support.h"

#include <string.h>

#include "base/fold_hash.h"
#include "base/memory.h"
#include "counter_map/blocks.h"
#include "counter_map/cells.h"
#include "counter_map/entry.h"
#include "counter_map/list.h"
#include "counter_map/lockfree.h"
#include "sync/reclaim.h"
#include "sync/section.h"

/* --- the index, reached through the variant with hashes of our choice --- */

static struct ckf_counter_map *make(size_t max_keys)
{
    struct ckf_counter_map_options options = {.max_keys = max_keys};
    struct ckf_counter_map *map = NULL;
    assert_int_equal(ckf_counter_map_create(&map, &options), CKF_OK);
    return map;
}

static struct ckf_counter_key key_of(const uint64_t *number, uint64_t hash)
{
    return (struct ckf_counter_key){number, sizeof *number, hash};
}

static void add_hashed(struct ckf_counter_map *map, uint64_t number, uint64_t hash, uint64_t n)
{
    struct ckf_counter_key key = key_of(&number, hash);
    assert_int_equal(ckf_counter_lockfree_add(map, &key, n), CKF_OK);
}

static uint64_t value_hashed(struct ckf_counter_map *map, uint64_t number, uint64_t hash)
{
    struct ckf_counter_key key = key_of(&number, hash);
    uint64_t value;
    return ckf_counter_lockfree_get(map, &key, &value) == CKF_OK ? value : UINT64_MAX;
}

static bool count_visit(const void *key, size_t length, uint64_t value, void *arg)
{
    (void)key;
    (void)length;
    (void)value;
    ++*(size_t *)arg;
    return true;
}

static void keys_of_one_hash_stay_apart(void **state)
{
    (void)state;
    enum { KEYS = 26 };
    const uint64_t hashes[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63};
    for (size_t h = 0; h < sizeof hashes / sizeof hashes[0]; h++) {
        struct ckf_counter_map *map = make(0);
        for (uint64_t i = 0; i < KEYS; i++) {
            assert_int_equal(value_hashed(map, i, hashes[h]), UINT64_MAX);
            add_hashed(map, i, hashes[h], 1);
            add_hashed(map, i, hashes[h], i);
        }
        uint64_t gone = 3, final;
        struct ckf_counter_key key = key_of(&gone, hashes[h]);
        assert_int_equal(ckf_counter_lockfree_remove(map, &key, &final), CKF_OK);
        assert_int_equal(final, 4);
        assert_int_equal(value_hashed(map, gone, hashes[h]), UINT64_MAX);
        add_hashed(map, gone, hashes[h], 4);
        for (uint64_t i = 0; i < KEYS; i++)
            assert_int_equal(value_hashed(map, i, hashes[h]), i + 1);
        assert_int_equal(ckf_counter_map_len(map), KEYS);
        ckf_counter_map_destroy(map);
    }
}

/* As if somebody knew the hash's key: the shard takes another hash, and neither time nor memory grow
 * with the square of the keys. */
static void a_shard_whose_keys_collide_is_keyed_anew(void **state)
{
    (void)state;
    enum { KEYS = 100000 };
    const uint64_t hash = UINT64_C(0x123456789abcdef0);
    struct ckf_counter_map *map = make(0);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(ckf_counter_map_add_u64(map, i, 1), CKF_OK);
    for (uint64_t i = 0; i < KEYS; i++)
        add_hashed(map, i << 32 | 1, hash, i);
    for (uint64_t i = 0; i < KEYS; i += 7)
        assert_int_equal(value_hashed(map, i << 32 | 1, hash), i);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t value;
        assert_int_equal(ckf_counter_map_get(map, &i, sizeof i, &value), CKF_OK);
        assert_int_equal(value, 1);
    }
    size_t visits = 0;
    assert_int_equal(ckf_counter_map_for_each(map, count_visit, &visits), CKF_OK);
    assert_int_equal(visits, KEYS + 1000);
    for (uint64_t i = 0; i < KEYS; i += 1000) {
        uint64_t number = i << 32 | 1, final;
        struct ckf_counter_key key = key_of(&number, hash);
        assert_int_equal(ckf_counter_lockfree_remove(map, &key, &final), CKF_OK);
        assert_int_equal(final, i);
    }
    assert_int_equal(ckf_counter_map_total(map), UINT64_C(99999) * 50000 + 1000);
    ckf_counter_map_destroy(map);
}

/* The same while others add to these keys, take and remove them, and add to keys of other hashes. */
struct crowd {
    struct ckf_counter_map *map;
    _Atomic(uint64_t) added, got;
    _Atomic(unsigned) turn;
};

enum { COLLIDING_KEYS = 1500, ONE_HASH = 0x5555 };

static struct ckf_counter_key colliding_key(const uint64_t *number)
{
    return key_of(number, ONE_HASH);
}

static int add_colliding(void *arg)
{
    struct crowd *crowd = arg;
    unsigned turn = fetch_add_relaxed(&crowd->turn, 1);
    for (uint64_t i = 0; i < 3 * COLLIDING_KEYS; i++) {
        /* the crowd goes through the keys in different orders */
        uint64_t number = turn % 2 == 0 ? i % COLLIDING_KEYS : (i * 7 + turn) % COLLIDING_KEYS;
        struct ckf_counter_key key = colliding_key(&number);
        if (ckf_counter_lockfree_add(crowd->map, &key, i) != CKF_OK ||
            ckf_counter_map_add_u64(crowd->map, i << 32, 1) != CKF_OK)
            return 1;
        fetch_add_relaxed(&crowd->added, i + 1);
    }
    return 0;
}

static int take_colliding(void *arg)
{
    struct crowd *crowd = arg;
    for (uint64_t i = 0; i < 2 * COLLIDING_KEYS; i++) {
        uint64_t number = i * 11 % COLLIDING_KEYS, value;
        struct ckf_counter_key key = colliding_key(&number);
        enum ckf_status status = i % 16 == 0 ? ckf_counter_lockfree_remove(crowd->map, &key, &value)
                                             : ckf_counter_lockfree_take(crowd->map, &key, &value);
        if (status != CKF_OK && status != CKF_NOT_FOUND)
            return 1;
        fetch_add_relaxed(&crowd->got, value);
    }
    return 0;
}

static void no_count_is_lost_while_a_shard_is_keyed_anew(void **state)
{
    (void)state;
    enum { ADDERS = 3, TAKERS = 2 };
    struct crowd crowd = {.map = make(0)};
    struct test_thread threads[ADDERS + TAKERS];
    for (int i = 0; i < ADDERS + TAKERS; i++)
        thread_start(&threads[i], i < ADDERS ? add_colliding : take_colliding, &crowd);
    for (int i = 0; i < ADDERS + TAKERS; i++)
        assert_int_equal(thread_join(&threads[i]), 0);
    assert_true(load_relaxed(&ckf_lockfree(crowd.map)->index.rekeyings) > 0);
    uint64_t left = 0;
    for (uint64_t i = 0; i < COLLIDING_KEYS; i++) {
        uint64_t value = value_hashed(crowd.map, i, ONE_HASH), again;
        struct ckf_counter_key key = colliding_key(&i);
        left += value == UINT64_MAX ? 0 : value;
        /* and it is there once */
        (void)!ckf_counter_lockfree_remove(crowd.map, &key, &again);
        assert_int_equal(again, value == UINT64_MAX ? 0 : value);
        assert_int_equal(value_hashed(crowd.map, i, ONE_HASH), UINT64_MAX);
    }
    size_t others = 0;
    assert_int_equal(ckf_counter_map_for_each(crowd.map, count_visit, &others), CKF_OK);
    assert_int_equal(others, 3 * COLLIDING_KEYS);
    uint64_t apart = ADDERS * 3 * COLLIDING_KEYS;
    assert_int_equal(load_relaxed(&crowd.got) + left + apart, load_relaxed(&crowd.added));
    assert_int_equal(ckf_counter_map_total(crowd.map), load_relaxed(&crowd.added));
    ckf_counter_map_destroy(crowd.map);
}

static void hashes_that_share_many_bits_are_told_apart(void **state)
{
    (void)state;
    for (int shift = 0; shift < 64; shift += 8) {
        struct ckf_counter_map *map = make(0);
        for (uint64_t i = 0; i < 20000; i++)
            add_hashed(map, i, i << shift, i);
        for (uint64_t i = 0; i < 20000; i++)
            assert_int_equal(value_hashed(map, i, i << shift), i);
        assert_int_equal(ckf_counter_map_len(map), 20000);
        ckf_counter_map_destroy(map);
    }
}

/* --- the fast hash --- */

static unsigned bits_in(uint64_t word)
{
    return (unsigned)__builtin_popcountll(word);
}

static void each_bit_of_a_key_changes_half_of_its_hash(void **state)
{
    (void)state;
    static const size_t lengths[] = {1,  2,  3,  4,  5,  7,  8,  9,  15,
                                     16, 17, 31, 32, 33, 48, 64, 65, 200};
    struct ckf_fold_key key;
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        unsigned char bytes[200] = {0};
        unsigned changed = 0, samples = 0;
        for (int round = 0; round < 20; round++) {
            ckf_fold_key_init(&key);
            uint64_t whole = ckf_fold_hash(&key, bytes, lengths[l]);
            for (size_t bit = 0; bit < lengths[l] * 8; bit += 1 + lengths[l] / 16) {
                bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
                uint64_t other = ckf_fold_hash(&key, bytes, lengths[l]);
                bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
                assert_true(other != whole);
                changed += bits_in(other ^ whole);
                samples++;
            }
        }
        assert_in_range(changed, samples * 29u, samples * 35u);
    }
}

static void keys_that_differ_in_length_alone_have_other_hashes(void **state)
{
    (void)state;
    static const unsigned char zeros[200];
    struct ckf_fold_key key;
    ckf_fold_key_init(&key);
    for (size_t a = 0; a < sizeof zeros; a++)
        for (size_t b = 0; b < a; b++)
            assert_true(ckf_fold_hash(&key, zeros, a) != ckf_fold_hash(&key, zeros, b));
}

/* --- cells --- */

static struct ckf_cells *make_cells(void)
{
    struct ckf_cells *cells = ckf_alloc_aligned(sizeof *cells, CKF_CACHELINE);
    assert_non_null(cells);
    ckf_section_start();
    ckf_cells_init(cells);
    return cells;
}

static void destroy_cells(struct ckf_cells *cells)
{
    ckf_cells_destroy(cells);
    ckf_free(cells);
}

static bool take_id(struct ckf_cells *cells, uint32_t *id)
{
    struct ckf_place *place = ckf_section_begin();
    bool taken = ckf_cells_take_id(cells, place, id);
    ckf_section_end(place);
    return taken;
}

static void a_cell_id_that_is_used_again_starts_at_nothing(void **state)
{
    (void)state;
    struct ckf_cells *cells = make_cells();
    for (uint32_t round = 0; round < 3 * CKF_CELLS_OF_A_CHUNK; round++) {
        uint32_t id;
        assert_true(take_id(cells, &id));
        assert_int_equal(ckf_cells_sum(cells, id), 0);
        struct ckf_place *place = ckf_section_begin();
        _Atomic(uint64_t) *word = ckf_cells_make_mine(cells, place, id);
        assert_non_null(word);
        store_release(word, load_relaxed(word) + round);
        ckf_section_end(place);
        assert_int_equal(ckf_cells_sum(cells, id), round);
        if (round % 2 == 0)
            ckf_cells_give_back_id(cells, NULL, id);
    }
    destroy_cells(cells);
}

static void cells_abound_until_few_ids_are_left(void **state)
{
    (void)state;
    struct ckf_cells *cells = make_cells();
    static bool taken[CKF_CELL_IDS];
    uint32_t id;
    for (int i = 0; i < CKF_CELL_IDS; i++) {
        /* Those that this thread has not used yet count as in use. */
        int kept = CKF_CELL_IDS_KEPT - 1;
        bool all = ckf_cells_abound(cells, false), met = ckf_cells_abound(cells, true);
        assert_true(all ? i < CKF_CELL_IDS_FOR_ALL : i + kept >= CKF_CELL_IDS_FOR_ALL);
        assert_true(met ? i < CKF_CELL_IDS_TO_SPARE : i + kept >= CKF_CELL_IDS_TO_SPARE);
        assert_true(take_id(cells, &id));
        assert_false(taken[id]);
        taken[id] = true;
    }
    assert_false(take_id(cells, &id));
    for (uint32_t i = 0; i < CKF_CELL_IDS; i++)
        ckf_cells_give_back_id(cells, NULL, i);
    assert_int_equal(ckf_cells_abound(cells, false), CKF_CELL_IDS_FOR_ALL > 0);
    destroy_cells(cells);
}

static void a_cell_id_that_was_taken_in_vain_is_the_next_one(void **state)
{
    (void)state;
    struct ckf_cells *cells = make_cells();
    uint32_t first, second;
    assert_true(take_id(cells, &first));
    ckf_cells_keep_id(cells, ckf_thread_place, first);
    assert_true(take_id(cells, &second));
    assert_int_equal(first, second);
    destroy_cells(cells);
}

static void a_cell_id_that_is_given_back_is_the_next_one_of_its_thread(void **state)
{
    (void)state;
    struct ckf_cells *cells = make_cells();
    uint32_t first, second;
    assert_true(take_id(cells, &first));
    struct ckf_place *place = ckf_section_begin();
    ckf_count_in(ckf_cells_make_mine(cells, place, first), 7);
    ckf_section_end(place);
    ckf_cells_give_back_id(cells, place, first);
    assert_true(take_id(cells, &second));
    assert_int_equal(first, second);
    assert_int_equal(ckf_cells_sum(cells, second), 0);
    destroy_cells(cells);
}

/* The thread that kept ids may have been about to take one, or to put one back. */
static void a_forked_child_uses_no_cell_ids_that_threads_kept(void **state)
{
    (void)state;
    struct ckf_cells *cells = make_cells();
    uint32_t before, after;
    assert_true(take_id(cells, &before));
    ckf_cells_mend_child(cells);
    for (uint32_t i = 0; i < 2 * CKF_CELL_IDS_KEPT; i++) {
        assert_true(take_id(cells, &after));
        assert_true(after >= CKF_CELL_IDS_KEPT);
    }
    destroy_cells(cells);
}

/* --- fronts --- */

static struct ckf_front *make_front(void)
{
    struct ckf_front *front = ckf_front_make(CKF_FRONT_LEAST);
    assert_non_null(front);
    return front;
}

/* What the front says of the key, while the fence is down. */
static _Atomic(uint64_t) *find_in_front(struct ckf_front *front, const struct ckf_short_key *key,
                                        uint64_t tag)
{
    const _Atomic(uint64_t) word = tag;
    const struct ckf_front_slot *slot = ckf_front_find(front, key, &word);
    return slot != NULL ? slot->word : NULL;
}

/* As an add does: true: the front had the key's word, which it should be. */
static bool meet(struct ckf_front **front, const struct ckf_short_key *key, _Atomic(uint64_t) *word,
                 bool *pays)
{
    bool beside;
    _Atomic(uint64_t) *found =
        ckf_front_is_watched(*front) ? NULL : find_in_front(*front, key, CKF_FRONT_TAG_STEP);
    if (found == NULL) {
        found = ckf_front_look_again(*front, key, CKF_FRONT_TAG_STEP, &beside);
        if (found == NULL)
            *pays = ckf_front_fill(front, key, CKF_FRONT_TAG_STEP, word);
        else if (beside)
            *pays = ckf_front_note_beside(front, CKF_FRONT_TAG_STEP);
    }
    assert_true(found == NULL || found == word);
    return found != NULL;
}

static void a_front_tells_keys_of_one_set_apart(void **state)
{
    (void)state;
    enum { KEYS = 4000 };
    static _Atomic(uint64_t) words[KEYS];
    struct ckf_front *front = make_front();
    size_t found = 0;
    for (uint64_t round = 0; round < 8; round++)
        for (uint64_t i = 0; i < KEYS; i++) {
            struct ckf_short_key key = {i % 7, i, 8 + i % 9};
            bool pays;
            for (int again = 0; again < 2; again++)
                found += meet(&front, &key, &words[i], &pays);
            front->rest = 0;
        }
    assert_true(found > 0);
    ckf_free(front);
}

static void a_front_forgets_all_when_the_tag_moves_on(void **state)
{
    (void)state;
    _Atomic(uint64_t) word;
    struct ckf_front *front = make_front();
    struct ckf_short_key key = {1, 2, 16};
    for (int i = 0; i < 8; i++)
        ckf_front_fill(&front, &key, CKF_FRONT_TAG_STEP, &word);
    assert_ptr_equal(find_in_front(front, &key, CKF_FRONT_TAG_STEP), &word);
    assert_null(find_in_front(front, &key, 2 * CKF_FRONT_TAG_STEP));
    assert_null(find_in_front(front, &key, CKF_FRONT_TAG_STEP + CKF_FENCE_MOVING));
    assert_null(find_in_front(front, &key, CKF_FRONT_TAG_STEP + CKF_FENCE_UP));
    ckf_free(front);
}

static void a_front_grows_until_it_holds_what_is_asked_for(void **state)
{
    (void)state;
    enum { KEYS = 3000, ROUNDS = 60 };
    if (KEYS > CKF_FRONT_WAYS << CKF_FRONT_MOST_BITS)
        skip(); /* fronts of instrumented builds are tiny */
    static _Atomic(uint64_t) words[KEYS];
    struct ckf_front *front = make_front();
    size_t found = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (uint64_t i = 0; i < KEYS; i++) {
            struct ckf_short_key key = {i, ~i, 16};
            bool pays = true;
            found += meet(&front, &key, &words[i], &pays) && round == ROUNDS - 1;
            assert_true(pays);
        }
    assert_true(ckf_front_size(front) > CKF_FRONT_LEAST);
    assert_true(ckf_front_size(front) <= CKF_FRONT_MOST);
    assert_true(found > KEYS / 10 * 9);
    ckf_free(front);
}

static uint64_t set_of(const struct ckf_front *front, uint64_t number)
{
    return ckf_front_offset(front, ckf_front_mix(&(struct ckf_short_key){number, number, 8}));
}

/* Fills one set and a key more, which comes beside it; returns the number that makes that key. */
static uint64_t fill_beside(struct ckf_front **front, _Atomic(uint64_t) *words)
{
    uint64_t number = 0;
    for (int filled = 0; filled <= CKF_FRONT_WAYS; filled++) {
        do
            number++;
        while (set_of(*front, number) != 0);
        ckf_front_fill(front, &(struct ckf_short_key){number, number, 8}, CKF_FRONT_TAG_STEP,
                       &words[filled]);
    }
    return number;
}

static void a_front_finds_beside_its_set_what_has_no_place_there(void **state)
{
    (void)state;
    _Atomic(uint64_t) words[CKF_FRONT_WAYS + 1];
    bool beside;
    struct ckf_front *front = make_front();
    uint64_t number = fill_beside(&front, words);
    struct ckf_short_key key = {number, number, 8}, longer = {number, number, 9};
    assert_null(find_in_front(front, &key, CKF_FRONT_TAG_STEP));
    assert_ptr_equal(ckf_front_look_again(front, &key, CKF_FRONT_TAG_STEP, &beside),
                     &words[CKF_FRONT_WAYS]);
    assert_true(beside);
    assert_null(ckf_front_look_again(front, &longer, CKF_FRONT_TAG_STEP, &beside));
    assert_null(ckf_front_look_again(front, &key, 2 * CKF_FRONT_TAG_STEP, &beside));
    ckf_free(front);
}

static void a_front_grows_for_keys_beside_their_sets(void **state)
{
    (void)state;
    _Atomic(uint64_t) words[CKF_FRONT_WAYS + 1];
    bool pays = true;
    struct ckf_front *front = make_front();
    uint64_t number = fill_beside(&front, words);
    for (int i = 0; i < 4000 && pays && ckf_front_size(front) == CKF_FRONT_LEAST; i++)
        assert_true(meet(&front, &(struct ckf_short_key){number, number, 8}, &words[CKF_FRONT_WAYS],
                         &pays));
    assert_true(pays && ckf_front_size(front) > CKF_FRONT_LEAST);
    ckf_free(front);
}

/* One that seldom misses goes on, however often it does: windows show the hits. */
static void a_front_that_hits_does_not_rest(void **state)
{
    (void)state;
    enum { HITS = 20 };
    _Atomic(uint64_t) word;
    bool pays = true;
    struct ckf_front *front = make_front();
    for (uint64_t i = 1; i < 4000; i++)
        for (int hit = 0; hit < HITS; hit++) {
            meet(&front, &(struct ckf_short_key){i, i, 8}, &word, &pays);
            assert_true(pays);
        }
    ckf_free(front);
}

static void a_front_stays_as_it_is_without_memory(void **state)
{
    (void)state;
    _Atomic(uint64_t) word;
    struct ckf_front *front = make_front(), *first = front;
    bool rested = false;
    for (uint64_t i = 0; i < 4000 && !rested; i++) {
        fail_allocation(1); /* the next one */
        rested =
            !ckf_front_fill(&front, &(struct ckf_short_key){i, i, 8}, CKF_FRONT_TAG_STEP, &word);
    }
    fail_allocation(0);
    assert_true(rested);
    assert_ptr_equal(front, first);
    ckf_free(front);
}

/* Whatever is filled in, what does not pay is left alone for a while, and tried again. */
static void a_front_that_misses_rests(void **state)
{
    (void)state;
    _Atomic(uint64_t) word;
    struct ckf_front *front = make_front();
    bool rested = false, came_back = false;
    for (uint64_t i = 0; i < 600000; i++) {
        struct ckf_short_key key = {i, i, 8};
        bool rests = ckf_front_rests(front, 1);
        rested = rested || rests;
        came_back = came_back || (rested && !rests);
        if (!rests)
            (void)ckf_front_fill(&front, &key, CKF_FRONT_TAG_STEP, &word);
    }
    assert_true(rested && came_back);
    ckf_free(front);
}

static uint32_t next_rest(struct ckf_front **front)
{
    _Atomic(uint64_t) word;
    static uint64_t number;
    (*front)->rest = 0;
    do
        number++;
    while (ckf_front_fill(front, &(struct ckf_short_key){number, number, 8}, CKF_FRONT_TAG_STEP,
                          &word));
    return (*front)->rest;
}

static void a_front_rests_longer_each_time_up_to_a_limit(void **state)
{
    (void)state;
    struct ckf_front *front = make_front();
    uint32_t first = next_rest(&front), last = first;
    for (int i = 0; i < 6; i++) {
        uint32_t rest = next_rest(&front);
        assert_true(rest == 2 * last || (rest == last && rest > 2 * first));
        last = rest;
    }
    ckf_free(front);
}

/* --- blocks --- */

static char taken_by; /* stands for a map */

struct taken {
    void *block;
    unsigned group_bits;
    int mark;
};

static void assert_is_all(const void *memory, int byte, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(((const unsigned char *)memory)[i], byte);
}

static void take_block(struct ckf_blocks *blocks, struct ckf_block_run *run, struct taken *taken)
{
    assert_true(ckf_blocks_take(blocks, run, &taken->block, &taken->group_bits));
    assert_non_null(taken->block);
    assert_int_not_equal(taken->group_bits, 0);
    assert_int_equal((uintptr_t)taken->block % CKF_BLOCK, 0);
    assert_ptr_equal(ckf_block_owner(taken->block, taken->group_bits), &taken_by);
    assert_is_all(taken->block, 0, CKF_BLOCK);
    memset(taken->block, taken->mark, CKF_BLOCK);
    memset(ckf_block_side(taken->block, taken->group_bits), taken->mark, CKF_BLOCK_SIDE);
}

/* From two runs and without one, fresh and used before; given back to them as well. Neither blocks nor their sides
 * overlap. */
static void blocks_are_zeroed_and_nobody_elses(void **state)
{
    (void)state;
    enum { TAKEN = 6000 };
    static struct taken taken[TAKEN];
    struct ckf_blocks *blocks = ckf_alloc_aligned(sizeof *blocks, CKF_CACHELINE);
    struct ckf_block_run runs[2] = {0};
    assert_non_null(blocks);
    ckf_blocks_init(blocks, &taken_by);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < TAKEN; i++) {
            taken[i].mark = i % 255 + 1;
            take_block(blocks, i % 3 == 2 ? NULL : &runs[i % 3], &taken[i]);
        }
        for (int i = 0; i < TAKEN; i++) {
            struct taken *one = &taken[i];
            assert_is_all(one->block, one->mark, CKF_BLOCK);
            assert_is_all(ckf_block_side(one->block, one->group_bits), one->mark, CKF_BLOCK_SIDE);
            ckf_blocks_give_back(blocks, i % 3 == 2 ? NULL : &runs[i % 3], one->block,
                                 one->group_bits);
        }
    }
    ckf_blocks_destroy(blocks);
    ckf_free(blocks);
}

/* Of many keys, three pages in four hold entries, and of each such page all but a few bytes. */
static void a_new_key_touches_a_line_and_no_side(void **state)
{
    (void)state;
    enum { KEYS = 20000, PAGE = 4096 };
    struct ckf_blocks *blocks = ckf_alloc_aligned(sizeof *blocks, CKF_CACHELINE);
    struct ckf_block_run run = {0};
    uintptr_t last = 0, touched = 0;
    assert_non_null(blocks);
    ckf_blocks_init(blocks, &taken_by);
    for (int i = 0; i < KEYS; i++) {
        struct taken taken;
        assert_true(ckf_blocks_take(blocks, &run, &taken.block, &taken.group_bits));
        uintptr_t page = (uintptr_t)taken.block / PAGE;
        touched += page != last ? PAGE : 0;
        last = page;
    }
    assert_in_range(touched, KEYS * CKF_BLOCK, KEYS * CKF_BLOCK * 11 / 10);
    ckf_blocks_destroy(blocks);
    ckf_free(blocks);
}

/* --- what is given back later --- */

enum { HANDLES_OF_GONE_KEYS = 20000 };

static void leave_handles_of_gone_keys(struct ckf_counter_map *map)
{
    struct ckf_counter **handles = ckf_alloc_array(HANDLES_OF_GONE_KEYS, sizeof *handles);
    assert_non_null(handles);
    for (uint64_t i = 0; i < HANDLES_OF_GONE_KEYS; i++) {
        assert_int_equal(ckf_counter_map_counter(map, &i, sizeof i, &handles[i]), CKF_OK);
        assert_int_equal(ckf_counter_map_remove(map, &i, sizeof i, NULL), CKF_OK);
    }
    for (size_t i = 0; i < HANDLES_OF_GONE_KEYS; i++)
        ckf_counter_release(handles[i]);
    ckf_free(handles);
}

static int remove_last(void *map)
{
    return ckf_counter_map_remove(map, "last", 4, NULL) == CKF_OK ? 0 : 1;
}

/* So what comes by handles cannot outrun what gives it back. */
static void a_removal_waits_where_too_much_is_to_be_given_back(void **state)
{
    (void)state;
    struct ckf_counter_map *map = make(HANDLES_OF_GONE_KEYS); /* a bound: handles are bound anew */
    struct test_thread removing;
    assert_int_equal(ckf_counter_map_add(map, "last", 4, 1), CKF_OK);
    ckf_read_begin(); /* nothing is given back meanwhile */
    leave_handles_of_gone_keys(map);
    thread_start(&removing, remove_last, map);
    await_sleep(&removing);
    ckf_read_end();
    assert_int_equal(thread_join(&removing), 0);
    ckf_counter_map_destroy(map);
}

/* --- lists --- */

static void a_list_says_how_much_room_it_lacks(void **state)
{
    (void)state;
    struct ckf_counter_list list;
    char key[300] = {0};
    assert_true(ckf_counter_list_init(&list, 0));
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 300; i++) {
            key[0] = (char)i;
            ckf_counter_list_offer(&list, NULL, key, i, i, i);
        }
        if (round == 0) {
            assert_false(ckf_counter_list_is_complete(&list));
            assert_true(ckf_counter_list_make_room(&list, 0, 0));
        }
    }
    assert_true(ckf_counter_list_is_complete(&list));
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(list.items[i].length, i);
        assert_int_equal(list.items[i].hash, i);
        if (i > 0)
            assert_int_equal(ckf_counter_listed_key(&list, &list.items[i])[0], (unsigned char)i);
    }
    ckf_counter_list_free(&list);
}

static void a_list_gives_its_largest_first(void **state)
{
    (void)state;
    for (size_t count = 1; count < 40; count++) {
        struct ckf_counter_list list;
        assert_true(ckf_counter_list_init(&list, count));
        for (size_t i = 0; i < count; i++)
            ckf_counter_list_offer(&list, NULL, "", 0, 0, i * 17 % count / 2);
        ckf_counter_list_heapify(&list);
        uint64_t last = UINT64_MAX;
        for (size_t left = count; left > 0;) {
            uint64_t value = ckf_counter_list_take_largest(&list, &left)->value;
            assert_true(value <= last);
            last = value;
        }
        assert_int_equal(last, 0);
        ckf_counter_list_free(&list);
    }
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_one_hash_stay_apart),
        cmocka_unit_test(a_shard_whose_keys_collide_is_keyed_anew),
        cmocka_unit_test(no_count_is_lost_while_a_shard_is_keyed_anew),
        cmocka_unit_test(hashes_that_share_many_bits_are_told_apart),
        cmocka_unit_test(each_bit_of_a_key_changes_half_of_its_hash),
        cmocka_unit_test(keys_that_differ_in_length_alone_have_other_hashes),
        cmocka_unit_test(a_cell_id_that_is_used_again_starts_at_nothing),
        cmocka_unit_test(cells_abound_until_few_ids_are_left),
        cmocka_unit_test(a_cell_id_that_was_taken_in_vain_is_the_next_one),
        cmocka_unit_test(a_cell_id_that_is_given_back_is_the_next_one_of_its_thread),
        cmocka_unit_test(a_forked_child_uses_no_cell_ids_that_threads_kept),
        cmocka_unit_test(a_front_tells_keys_of_one_set_apart),
        cmocka_unit_test(a_front_forgets_all_when_the_tag_moves_on),
        cmocka_unit_test(a_front_grows_until_it_holds_what_is_asked_for),
        cmocka_unit_test(a_front_stays_as_it_is_without_memory),
        cmocka_unit_test(a_front_that_misses_rests),
        cmocka_unit_test(a_front_that_hits_does_not_rest),
        cmocka_unit_test(a_front_rests_longer_each_time_up_to_a_limit),
        cmocka_unit_test(a_front_finds_beside_its_set_what_has_no_place_there),
        cmocka_unit_test(a_front_grows_for_keys_beside_their_sets),
        cmocka_unit_test(blocks_are_zeroed_and_nobody_elses),
        cmocka_unit_test(a_new_key_touches_a_line_and_no_side),
        cmocka_unit_test(a_removal_waits_where_too_much_is_to_be_given_back),
        cmocka_unit_test(a_list_says_how_much_room_it_lacks),
        cmocka_unit_test(a_list_gives_its_largest_first),
    };
    return cmocka_run_group_tests_name("counter_map_private", tests, NULL, NULL);
}
