/* Signals of the process, while somebody asks for them: the first one is noted,
** and has all of them back to what kills, so that the second ends the process.
** Who watches looks now and then: a wait of the host's thread ends early.
*/
#ifndef TP_SIGNALS_H
#define TP_SIGNALS_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

/* Counted: the last release restores what was there before the first catch. The
** host's threads, one at a time. False: no such signal, or none that can be
** caught; errno says why. */
bool tp_signal_catch(int number);
void tp_signal_release(int number);

/* How many have been noted so far. */
unsigned tp_signals_caught(void);

#pragma GCC visibility pop
#endif
