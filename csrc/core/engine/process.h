/* What the process as a whole owes its engines: libcurl loaded and started, our
** library pinned while threads run in it, forks counted, and one exit handler
** that lets all threads finish what they have under way. The only mutable
** globals of the core live in process.c, and in libcurl_late.c under a lock of
** process.c. Knows its threads by three functions each.
*/
#ifndef TP_PROCESS_H
#define TP_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/limits.h"

#pragma GCC visibility push(hidden)

/* A thread that the end of the process waits for. Embedded by its owner, who
** sets the functions; they are called with the lock of process.c held. */
typedef struct tp_member {
  /* Nobody is left to tell: finish what is under way. Returns how long that
  ** may take. */
  int64_t (*detach)(struct tp_member *member);
  size_t (*unfinished)(struct tp_member *member); /* how much that still is */
  void (*stop)(struct tp_member *member);         /* end now */
  struct tp_member *next, **link;                 /* under that lock */
} tp_member;

/* Each does its work once; any thread, any number of times. When the library
** is loaded: pins it, counts forks. Before the first thread: the exit handler.
*/
void tp_process_load(void);
void tp_process_start(void);
/* Loads libcurl and starts it, once; before anything of it is called. False,
** with the reason written: the next call tries again. Any thread. */
bool tp_process_libcurl(char reason[TP_REASON]);
/* How often this process has forked since tp_process_load. */
unsigned tp_forks(void);

/* The exit handler waits for members between these two. False: the process
** exits already. */
bool tp_process_join(tp_member *member);
void tp_process_leave(tp_member *member);
/* Leaves, as the last act of its thread, and has the exit handler join the
** thread unless somebody else does. */
void tp_process_ended(tp_member *member, bool joined);

#pragma GCC visibility pop
#endif
