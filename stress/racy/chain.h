/* stress/racy/chain.h - the textbook hash chain that several racy twins are built from. Nothing in
 * it is synchronized: what a twin does about that is its mistake. */
#ifndef STRESS_RACY_CHAIN_H
#define STRESS_RACY_CHAIN_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_BUCKETS = 8, CHAIN_KEY_SIZE = 16 };

struct chain_node {
    struct chain_node *next;
    uint64_t plain;          /* for twins that count without atomics */
    _Atomic(uint64_t) count; /* for twins whose counting itself is sound */
    char key[CHAIN_KEY_SIZE];
};

static inline unsigned chain_bucket(const char *key)
{
    unsigned hash = 2166136261u;
    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return hash % CHAIN_BUCKETS;
}

static inline struct chain_node *chain_find(struct chain_node *node, const char *key)
{
    while (node != NULL && strcmp(node->key, key) != 0)
        node = node->next;
    return node;
}

static inline struct chain_node *chain_node_init(struct chain_node *node, const char *key)
{
    if (node == NULL)
        abort();
    memset(node, 0, sizeof *node);
    strncpy(node->key, key, sizeof node->key - 1);
    return node;
}

static inline struct chain_node *chain_new(const char *key)
{
    return chain_node_init(malloc(sizeof(struct chain_node)), key);
}

static inline void chain_free(struct chain_node *node)
{
    while (node != NULL) {
        struct chain_node *next = node->next;
        free(node);
        node = next;
    }
}

#endif
