/* explore/sites.h - what a programmer would call one place of the library's source.
 *
 * Call sites of the object code that the compiler made of one expression (by unrolling, by cloning a
 * function) are one place. The same expression of an inline function of a header, inlined into two
 * callers, is two: each caller relies on it for a reason of its own.
 */
#ifndef CKF_EXPLORE_SITES_H
#define CKF_EXPLORE_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mutation.h"

enum { CKF_EXPLORE_SITE_PCS = 64 };

struct ckf_source_site {
    char where[200];    /* "base/wide_cas.h:37 in channel/ring.c:163" */
    char function[100]; /* "channel/ring.c put_word()": the innermost that is no header's */
    char folder[24];    /* "channel": of the outermost place within the library */
    uint8_t kind, order;
    uintptr_t pcs[CKF_EXPLORE_SITE_PCS];
    size_t pc_count;
};

/* Finds the places of `count` sites; map[i] becomes the number of the place of sites[i], or SIZE_MAX
 * where that is not in the library. Returns the places, in the order of the source; to be freed. NULL
 * without memory, or without addr2line. */
struct ckf_source_site *ckf_explore_source_sites(const struct ckf_explore_site *sites, size_t count,
                                                 size_t *map, size_t *places);

#endif
