/* Every limit of the core, by name. Each is tested at N and N + 1. */
#ifndef TP_LIMITS_H
#define TP_LIMITS_H

#define TP_MAX_DEPTH 100            /* nested messages, groups, JSON */
#define TP_MAX_LENIENT_DEPTH 1000   /* nested JSON that is read leniently */
#define TP_MAX_MESSAGE (128u << 20) /* default ceiling of one message */
#define TP_MAX_DECODED 6000000      /* tables and elements of one message */
#define TP_MAX_HEADERS (64u << 10)  /* response headers of one stream */
#define TP_MAX_EXCERPT 1024         /* of an error page, to find a line in it */
#define TP_MAX_METADATA 128         /* metadata pairs of one call */
#define TP_MAX_METADATA_BYTES (40u << 10) /* of all of them, before base64 */
#define TP_MAX_SESSIONS 16          /* draining connections of a channel */
#define TP_MAX_POLLED (TP_MAX_SESSIONS + 1) /* and the one it dials */
#define TP_MAX_TOKEN (64u << 10)    /* a next_page_token */
#define TP_REASON 256               /* text of a transport failure */
#define TP_MAX_POLLS 1000           /* open result polls of a channel */

#endif
