/* base/cacheline.h - how far apart two fields must stand so that their writers do not disturb each
 * other. Intel prefetches lines in pairs and some ARM cores have lines of 128 bytes: hence two.
 */
#ifndef CKF_BASE_CACHELINE_H
#define CKF_BASE_CACHELINE_H

#include <stdalign.h>

#define CKF_CACHELINE         128
#define CKF_CACHELINE_ALIGNED alignas(CKF_CACHELINE)

#endif
