/* Driving an engine: commands are run, timers fire, sources progress, poll(2).
** Whoever holds the role does it, one thread at a time: the I/O thread, or a
** host's thread that waits.
*/
#ifndef TP_DRIVE_H
#define TP_DRIVE_H

#include "engine.h"

#pragma GCC visibility push(hidden)

/* Starts the thread if need be. TP_ESYSTEM: no thread to be had, errno says
** why; TP_EFORK: it would be missing in the processes that are about to be
** forked. */
tp_status tp_engine_start(tp_engine *engine);
/* The host's thread: drives, or sleeps, until a subscription comes true, a
** signal arrives or the time is over. At most 0.1 s. */
void tp_engine_park(tp_engine *engine, int64_t until);
/* Tells the thread to end now and joins it; false: it took longer. */
bool tp_engine_shutdown(tp_engine *engine, int64_t timeout);

#pragma GCC visibility pop
#endif
