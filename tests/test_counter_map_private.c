/* tests/test_counter_map_private.c - the index under keys of one hash, which nobody outside can
 * make, and the lists of iterations. */
#include "support.h"

#include <string.h>

#include "base/memory.h"
#include "counter_map/index.h"
#include "counter_map/list.h"

static struct ckf_counter_key key_of(const char *text, uint64_t hash)
{
    return (struct ckf_counter_key){text, strlen(text), hash};
}

static struct ckf_counter_entry *make_entry(const char *text, uint64_t hash)
{
    size_t size = sizeof(struct ckf_counter_entry) + strlen(text);
    struct ckf_counter_entry *entry = ckf_alloc_aligned(size, CKF_COUNTER_ENTRY_ALIGN);
    assert_non_null(entry);
    entry->hash = hash;
    entry->length = (uint32_t)strlen(text);
    memcpy(entry->bytes, text, strlen(text));
    store_release(&entry->state, 0);
    return entry;
}

static struct ckf_counter_entry *find(struct ckf_counter_index *index, const char *text,
                                      uint64_t hash)
{
    struct ckf_counter_key key = key_of(text, hash);
    ckf_read_begin();
    struct ckf_counter_entry *entry = ckf_counter_index_find(index, &key);
    ckf_read_end();
    return entry;
}

static struct ckf_counter_entry *insert(struct ckf_counter_index *index,
                                        struct ckf_counter_entry *entry)
{
    ckf_read_begin();
    struct ckf_counter_entry *there = ckf_counter_index_insert(index, entry);
    ckf_read_end();
    return there;
}

static void unlink_and_free(struct ckf_counter_index *index, struct ckf_counter_entry *entry)
{
    ckf_read_begin();
    ckf_counter_index_unlink(index, entry);
    ckf_counter_index_unlink(index, entry); /* harmless */
    ckf_read_end();
    ckf_wait_for_readers();
    ckf_free(entry);
}

static void count_entry(struct ckf_counter_entry *entry, void *number)
{
    (void)entry;
    ++*(unsigned *)number;
}

static unsigned count_entries(struct ckf_counter_index *index)
{
    unsigned number = 0;
    ckf_read_begin();
    ckf_counter_index_for_each(index, count_entry, &number);
    ckf_read_end();
    return number;
}

static void keys_of_one_hash_stay_apart(void **state)
{
    (void)state;
    enum { KEYS = 26 };
    const uint64_t hashes[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63};
    for (size_t h = 0; h < sizeof hashes / sizeof hashes[0]; h++) {
        struct ckf_counter_index *index = ckf_counter_index_create(0);
        struct ckf_counter_entry *entries[KEYS];
        char name[2] = "a";
        assert_non_null(index);
        for (int i = 0; i < KEYS; i++, name[0]++) {
            assert_null(find(index, name, hashes[h]));
            entries[i] = make_entry(name, hashes[h]);
            assert_ptr_equal(insert(index, entries[i]), entries[i]);
        }
        struct ckf_counter_entry *second = make_entry("c", hashes[h]);
        assert_ptr_equal(insert(index, second), entries[2]);
        ckf_free(second);
        assert_int_equal(count_entries(index), KEYS);
        unlink_and_free(index, entries[3]);
        assert_null(find(index, "d", hashes[h]));
        assert_int_equal(count_entries(index), KEYS - 1);
        entries[3] = make_entry("d", hashes[h]);
        assert_ptr_equal(insert(index, entries[3]), entries[3]);
        name[0] = 'a';
        for (int i = 0; i < KEYS; i++, name[0]++) {
            assert_ptr_equal(find(index, name, hashes[h]), entries[i]);
            unlink_and_free(index, entries[i]);
        }
        assert_int_equal(count_entries(index), 0);
        ckf_counter_index_destroy(index);
    }
}

static void a_list_says_how_much_room_it_lacks(void **state)
{
    (void)state;
    struct ckf_counter_list list;
    char key[300] = {0};
    assert_true(ckf_counter_list_init(&list, 0));
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 300; i++) {
            key[0] = (char)i;
            ckf_counter_list_offer(&list, key, i, i, i);
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
            assert_int_equal(list.bytes[list.items[i].offset], (unsigned char)i);
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
            ckf_counter_list_offer(&list, "", 0, 0, i * 17 % count / 2);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_one_hash_stay_apart),
        cmocka_unit_test(a_list_says_how_much_room_it_lacks),
        cmocka_unit_test(a_list_gives_its_largest_first),
    };
    return cmocka_run_group_tests_name("counter_map_private", tests, NULL, NULL);
}
