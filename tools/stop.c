#include "tools/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t wanted;

static void note(int signal) {
    (void)signal;
    wanted = 1;
}

void sv_stop_catch(void) {
    struct sigaction a = { .sa_handler = note, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&a.sa_mask);
    wanted = 0;
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

bool sv_stop_wanted(void) { return wanted; }
