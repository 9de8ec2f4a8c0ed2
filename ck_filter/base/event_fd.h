/* base/event_fd.h - a file descriptor that others poll and that we make readable.
 *
 * None of these is a cancellation point, and errno is left alone.
 */
#ifndef CKF_BASE_EVENT_FD_H
#define CKF_BASE_EVENT_FD_H

/* A new eventfd, readable from the start; -1 when descriptors or memory have run out. */
int ckf_event_fd_open(void);

void ckf_event_fd_close(int fd);

/* Readable until the next clear. Never waits. */
void ckf_event_fd_set(int fd);

void ckf_event_fd_clear(int fd);

#endif
