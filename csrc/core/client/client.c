/* Clients on channels: see client.h. */
#include "client.h"

#include <stdlib.h>

typedef struct tp_drain {
  tp_future future;      /* first: a future is a drain */
  struct tp_drain *next; /* the client's list */
} tp_drain;

static tp_client *on_channel(tp_client *client, tp_channel *channel) {
  client->channel = channel;
  client->references = 1;
  tp_channel_join(channel);
  return client;
}

/* Its own block first: the channel takes the metadata over. */
tp_client *tp_client_new(tp_engine *engine, const tp_channel_options *o) {
  tp_client *client = calloc(1, sizeof *client);
  tp_channel *channel = client ? tp_channel_new(engine, o) : NULL;
  if (channel) return on_channel(client, channel);
  free(client);
  return NULL;
}

tp_client *tp_client_share(tp_client *client) {
  tp_client *other = calloc(1, sizeof *other);
  if (other == NULL) return NULL;
  tp_channel_hold(client->channel);
  return on_channel(other, client->channel);
}

static void hold(tp_client *client) {
  __atomic_add_fetch(&client->references, 1, __ATOMIC_RELAXED);
}

void tp_client_release(tp_client *client) {
  tp_channel *channel = client->channel;
  if (__atomic_sub_fetch(&client->references, 1, __ATOMIC_ACQ_REL) > 0) return;
  free(client);
  tp_channel_release(channel);
}

tp_engine *tp_client_engine(const tp_client *client) {
  return client->channel->engine;
}

const tp_metadata *tp_client_metadata(const tp_client *client) {
  return client->channel->options.metadata;
}

void tp_client_finish(tp_client *client) {
  tp_future *f = NULL;
  if (client->finished) return;
  client->finished = true;
  while ((f = tp_client_next(client, f)) != NULL)
    if (f->client == client) tp_future_close(f);
  if (tp_channel_leave(client->channel)) tp_channel_close(client->channel);
}

void tp_client_drop(tp_client *client) {
  if (!client->finished) tp_channel_leave(client->channel);
  client->finished = true;
  tp_client_release(client);
}

/* --- futures ---------- */

void tp_client_future(tp_client *client, tp_future *f,
                      const tp_future_class *class) {
  tp_channel *channel = client->channel;
  tp_future_init(f, client, channel->engine, &channel->futures, class);
  if (!f->orphan) hold(client);
}

void tp_client_free_future(tp_future *f) {
  tp_client *client = f->orphan ? NULL : f->client;
  free(f);
  if (client) tp_client_release(client);
}

tp_future *tp_client_next(tp_client *client, tp_future *f) {
  tp_channel *c = client->channel;
  return tp_future_next(c->engine, &c->futures, f);
}

/* --- unacknowledged ---------- */

/* Takes the first out of the list. */
static tp_drain *next_drain(tp_client *client) {
  tp_engine *engine = client->channel->engine;
  tp_drain *drain;
  tp_engine_lock(engine);
  drain = client->drains;
  if (drain) client->drains = drain->next;
  tp_engine_unlock(engine);
  return drain;
}

static void tell_drains(tp_client *client) {
  tp_drain *drain;
  while ((drain = next_drain(client)) != NULL) {
    tp_future_signal(&drain->future, TP_RESULT);
    tp_future_release(&drain->future);
  }
}

void tp_client_submitted(tp_client *client) {
  size_t *all = &client->channel->source.unacknowledged;
  __atomic_add_fetch(all, 1, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&client->unacknowledged, 1, __ATOMIC_SEQ_CST);
}

void tp_client_acknowledged(tp_client *client) {
  size_t *all = &client->channel->source.unacknowledged;
  __atomic_sub_fetch(all, 1, __ATOMIC_SEQ_CST);
  if (__atomic_sub_fetch(&client->unacknowledged, 1, __ATOMIC_SEQ_CST) == 0)
    tell_drains(client);
}

static void drain_command(tp_command *command, unsigned bits) {
  (void)bits;
  tp_future_release((tp_future *)command);
}

tp_future *tp_drain_new(tp_client *client) {
  /* Nothing ends it but the last submission, which ends with the engine. */
  static const tp_future_class class = {
    .kind = TP_DRAIN, .silent = ~0u, .run = drain_command,
    .destroy = tp_client_free_future};
  tp_drain *drain = calloc(1, sizeof *drain);
  tp_engine *engine = client->channel->engine;
  if (drain == NULL) return NULL;
  tp_client_future(client, &drain->future, &class);
  tp_future_hold(&drain->future);
  tp_engine_lock(engine);
  drain->next = client->drains;
  client->drains = drain;
  tp_engine_unlock(engine);
  /* Asked after the future is in place: the last one to end tells it. */
  if (__atomic_load_n(&client->unacknowledged, __ATOMIC_SEQ_CST) == 0)
    tell_drains(client);
  return &drain->future;
}
