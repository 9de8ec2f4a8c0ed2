/* fuzz/fuzz_matcher.c - the input decodes into a ruleset and records; each verdict must be the naive
 * one.
 *
 *     byte 0      how many low bits of each text byte count: small alphabets meet more often; bit 3: the
 *                 back end
 *     then rules  a head (kind, folding, action), a length, the pattern; a length of 0 ends them
 *     then        records: a length, the bytes; at last what is left, and patterns side by side
 */
#include "naive.h"

#include <string.h>

enum { MAX_RULES = 300, MAX_PATTERN = 64, MAX_RECORD = 512 };

struct input {
    const uint8_t *bytes;
    size_t left;
};

static unsigned take(struct input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->bytes++;
}

static size_t take_text(struct input *input, unsigned char *text, size_t len, unsigned mask)
{
    size_t taken = 0;
    for (; taken < len && input->left > 0; taken++)
        text[taken] = (unsigned char)('@' + (take(input) & mask));
    return taken;
}

struct rules {
    struct ckf_rule list[MAX_RULES];
    unsigned char texts[MAX_RULES][MAX_PATTERN];
    size_t count;
};

static void take_rules(struct input *input, struct rules *rules, unsigned mask)
{
    while (rules->count < MAX_RULES) {
        unsigned head = take(input);
        unsigned char *text = rules->texts[rules->count];
        size_t len = take_text(input, text, take(input) % (MAX_PATTERN + 1), mask);
        if (len == 0)
            return;
        rules->list[rules->count] = (struct ckf_rule){
            .id = (uint32_t)(rules->count * 7 % 1009 + 1),
            .match = (enum ckf_match)((head & 8) != 0 ? CKF_MATCH_SUBSTRING : head & 3),
            .action = (enum ckf_action)(head >> 2 & 1),
            .pattern = text,
            .pattern_len = len,
            .fold_ascii_case = (head & 16) != 0};
        rules->count++;
    }
}

static struct ckf_filter *publish(const struct rules *rules, enum ckf_backend backend)
{
    struct ckf_ruleset *ruleset;
    if (ckf_ruleset_create(&ruleset) != CKF_OK)
        finding("no ruleset");
    enum ckf_status status = ckf_ruleset_set_backend(ruleset, backend);
    if (status != CKF_OK && status != CKF_UNSUPPORTED)
        finding("neither there nor missing");
    for (size_t i = 0; i < rules->count; i++)
        if (ckf_ruleset_add(ruleset, &rules->list[i]) != CKF_OK)
            finding("a good rule is refused");
    struct ckf_filter *filter = filter_of(ruleset);
    ckf_ruleset_destroy(ruleset);
    return filter;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rules rules;
    struct input input = {data, size};
    unsigned head = take(&input), mask = (2u << (head & 7)) - 1;
    rules.count = 0;
    take_rules(&input, &rules, mask);
    struct ckf_filter *filter = publish(&rules, (enum ckf_backend)(head >> 3 & 1));
    unsigned char record[MAX_RECORD];
    while (input.left > 1) {
        size_t len = take_text(&input, record, take(&input), mask);
        check_verdict(filter, rules.list, rules.count, record, len);
    }
    size_t len = 0;
    for (size_t i = 0; i < rules.count; i++) {
        const struct ckf_rule *rule = &rules.list[i];
        if (len + rule->pattern_len > MAX_RECORD)
            len = 0;
        memcpy(record + len, rule->pattern, rule->pattern_len);
        len += rule->pattern_len;
        check_verdict(filter, rules.list, rules.count, record, len);
        check_verdict(filter, rules.list, rules.count, record, len - 1);
    }
    ckf_filter_destroy(filter);
    return 0;
}
