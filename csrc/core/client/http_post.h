/* A future of one HTTP POST, for services beside the server (a codec server).
** libcurl does all of it, with the TLS and proxy options of the channel that
** the future was made on; nothing is repeated. */
#ifndef TP_HTTP_POST_H
#define TP_HTTP_POST_H

#include "../net/transfer.h"
#include "client.h"

#pragma GCC visibility push(hidden)

typedef struct tp_http_post {
  tp_future future; /* first: a future is a post */
  tp_buffer header_lines; /* "Name: value", each with its NUL */
  /* Set by the maker, before it is submitted: */
  char *url;
  tp_buffer request;
  int64_t timeout;  /* microseconds, for all of it */
  /* With TP_RESULT: */
  int status;       /* of the answer, whatever it is */
  tp_buffer body;
  tp_failure failure; /* with TP_FAILED: there was no answer */
  /* Driving thread: */
  tp_transfer transfer;
  struct curl_slist *headers;
  bool active;
} tp_http_post;

/* The host's thread. NULL: out of memory. */
tp_http_post *tp_http_post_new(tp_client *client);
/* Adds "Name: value". What is wrong with the value, and it was not added; or
** NULL. The status of header_lines tells whether there was memory. */
const char *tp_http_post_header(tp_http_post *post, const char *line,
                                size_t n);
void tp_http_post_submit(tp_http_post *post);

#pragma GCC visibility pop
#endif
