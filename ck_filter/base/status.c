/* base/status.c - names of statuses. */
#include <ck_filter/status.h>

const char *ckf_status_name(enum ckf_status status)
{
    switch (status) {
    case CKF_OK:
        return "CKF_OK";
    case CKF_AGAIN:
        return "CKF_AGAIN";
    case CKF_CLOSED:
        return "CKF_CLOSED";
    case CKF_TIMED_OUT:
        return "CKF_TIMED_OUT";
    case CKF_CANCELED:
        return "CKF_CANCELED";
    case CKF_NO_MEMORY:
        return "CKF_NO_MEMORY";
    case CKF_INVALID:
        return "CKF_INVALID";
    case CKF_ALREADY:
        return "CKF_ALREADY";
    case CKF_NOT_FOUND:
        return "CKF_NOT_FOUND";
    case CKF_STALE:
        return "CKF_STALE";
    case CKF_OVERFLOWED:
        return "CKF_OVERFLOWED";
    case CKF_BUSY:
        return "CKF_BUSY";
    case CKF_IO:
        return "CKF_IO";
    case CKF_UNSUPPORTED:
        return "CKF_UNSUPPORTED";
    }
    return "CKF_UNKNOWN";
}
