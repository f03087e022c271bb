/* What this client calls itself, to servers and to the Lua files, which must
** be of the same version.
*/
#ifndef TP_VERSION_H
#define TP_VERSION_H

#define TP_CLIENT_NAME "temporal-lua"
#define TP_VERSION "0.1.0"

#endif
