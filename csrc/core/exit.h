/* What the process as a whole owes its engines: libcurl's global start, the
** library pinned while threads run in it, forks counted, and one exit handler
** that lets all engines finish what is unacknowledged. The only mutable
** globals of the core live in exit.c.
*/
#ifndef TP_EXIT_H
#define TP_EXIT_H

#include "engine.h"

#pragma GCC visibility push(hidden)

/* Each does its work once; any thread, any number of times. When the library
** is loaded: pins it, counts forks. Before the first thread: libcurl, the exit
** handler. */
void tp_process_load(void);
void tp_process_start(void);
/* How often this process has forked since tp_process_load. */
unsigned tp_forks(void);

/* The exit handler waits for engines between these two. False: the process
** exits already. */
bool tp_exit_register(tp_engine *engine);
void tp_exit_forget(tp_engine *engine);
/* Forgets it, as the last act of its thread, and has the exit handler join the
** thread unless somebody else does. */
void tp_exit_ended(tp_engine *engine, bool joined);

#pragma GCC visibility pop
#endif
