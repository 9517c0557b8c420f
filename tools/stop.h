/* stop.h - SIGINT and SIGTERM as a wish: long work looks at it, saves what it has and ends with exit code SV_STOPPED. */
#ifndef TOOLS_STOP_H
#define TOOLS_STOP_H

#include <stdbool.h>

enum { SV_STOPPED = 130 };

void sv_stop_catch(void);               /* from now on the signals are noted; a second one ends the process as ever */
bool sv_stop_wanted(void);

#endif
