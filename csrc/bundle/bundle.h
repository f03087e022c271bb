/* The Lua modules of this package as bytecode: what tools/bundle.lua makes of
** the folder lua, and bundle.c gives to require.
*/
#ifndef LTP_BUNDLE_H
#define LTP_BUNDLE_H

#include <stddef.h>

typedef struct ltp_bundled {
  const char *name; /* as for require; NULL: the end */
  const unsigned char *code;
  size_t size;
} ltp_bundled;

extern const ltp_bundled ltp_bundle[];
extern const char ltp_bundle_lua[]; /* whose bytecode it is */

#endif
