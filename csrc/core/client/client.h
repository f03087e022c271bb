/* One client of the host's on a channel. Several may share it: it is closed
** with the last of them. What they have made on it are futures.
*/
#ifndef TP_CLIENT_H
#define TP_CLIENT_H

#include "../engine/future.h"
#include "../rpc/channel.h"

#pragma GCC visibility push(hidden)

typedef struct tp_client {
  tp_channel *channel;
  int references;          /* atomic: userdata and futures */
  size_t unacknowledged;   /* atomic: submissions without an answer */
  struct tp_drain *drains; /* told when there are none; engine's lock */
  bool finished;           /* the host's thread */
} tp_client;

/* Any thread. NULL: out of memory. */
tp_client *tp_client_new(tp_engine *engine, const tp_channel_options *options);
/* Another client on the same channel. */
tp_client *tp_client_share(tp_client *client);
void tp_client_release(tp_client *client);

tp_engine *tp_client_engine(const tp_client *client);
/* What it sends with every call, or NULL. */
const tp_metadata *tp_client_metadata(const tp_client *client);

/* Everybody who still waits for something of the client is told: closed. With
** the last client of the channel that is closed too: what is unacknowledged
** goes on for at most shutdown_timeout. The host's thread. */
void tp_client_finish(tp_client *client);
/* The host holds it no more, finished or not. The host's thread. */
void tp_client_drop(tp_client *client);

/* A submission begins, or does not after all; was acknowledged or has failed.
** Any thread. */
void tp_client_submitted(tp_client *client);
void tp_client_acknowledged(tp_client *client);

/* For a walk over the futures of all clients of the channel: see
** tp_future_next. */
tp_future *tp_client_next(tp_client *client, tp_future *f);

/* A future of the client's, which it holds. */
void tp_client_future(tp_client *client, tp_future *f,
                      const tp_future_class *class);
/* The last act of class->destroy: frees the future itself. */
void tp_client_free_future(tp_future *f);

/* A future that is ready once nothing of the client is unacknowledged. NULL:
** out of memory. */
tp_future *tp_drain_new(tp_client *client);

#pragma GCC visibility pop
#endif
