/* The heartbeats of one activity: the newest request is kept, and sent every
** so often by whoever drives the engine, whatever the host's thread does. The
** future is ready once the server wants something of the activity.
*/
#ifndef TP_HEARTBEAT_H
#define TP_HEARTBEAT_H

#include "submission.h"

#pragma GCC visibility push(hidden)

/* What the answers have said. */
#define TP_BEAT_CANCEL 1u /* its cancellation was requested */
#define TP_BEAT_PAUSE 2u
#define TP_BEAT_RESET 4u
#define TP_BEAT_GONE 8u   /* the server knows no such attempt any more */

typedef struct tp_heartbeat {
  tp_submission base;  /* first: a submission is a heartbeat */
  char *path, *namespace;
  int64_t interval;    /* microseconds, from one request to the next */
  unsigned wanted;     /* atomic: TP_BEAT_... */
  /* Engine's lock: */
  tp_buffer newest;    /* a request that has not been sent, or empty */
  bool busy;           /* the driving thread looks at it again by itself */
  bool stopped;
  /* Driving thread: */
  tp_timer timer;      /* until the next one may be sent */
  int64_t next_at;
  int64_t failing_since; /* 0 while all is well */
  bool active;         /* the call is under way */
  bool warned;         /* once for each time that they fail */
} tp_heartbeat;

/* All of it is the host's thread's. NULL: out of memory. Its owner fills path,
** namespace, interval and the call's metadata in. */
tp_heartbeat *tp_heartbeat_new(tp_client *client);
/* The newest request, prefix and message, in exchange for one that was not
** sent. It goes out at once, or when its time has come. False: there is no
** engine to send it. */
bool tp_heartbeat_beat(tp_heartbeat *h, tp_buffer *request);
unsigned tp_heartbeat_wanted(const tp_heartbeat *h);

#pragma GCC visibility pop
#endif
