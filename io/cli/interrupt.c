/* interrupt.c: handlers of signals, and the two flags that they set. */
#include "io/cli/interrupt.h"

#include "io/file.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t reader_left, listening, asked;

/* The reader of a pipe has seen enough (head): no error. Writing goes on into nothing, files are still finished. */
static void on_pipe(int signal_number)
{
    (void)signal_number;
    reader_left = 1;
}

static pthread_t writing;      /* the thread that opens files, see fl_write_begin */

static struct timespec first;  /* when it was asked */

/* timeout(1) sends its signal to the program and then to its group: what comes so soon behind the first is no second wish. */
static bool is_echo(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - first.tv_sec < 1 || (now.tv_sec - first.tv_sec == 1 && now.tv_nsec < first.tv_nsec);
}

/* A signal may reach any thread; only on the writing one no file is just being opened or renamed. */
static void on_interrupt(int signal_number)
{
    if (!pthread_equal(pthread_self(), writing)) {
        pthread_kill(writing, signal_number);
        return;
    }
    if (listening && !asked) {
        clock_gettime(CLOCK_MONOTONIC, &first);
        asked = signal_number;
        return;
    }
    if (asked && is_echo()) return;
    fl_write_abandon();
    _exit(128 + signal_number);
}

static void catch_signal(int signal_number, void (*handler)(int))
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;
    sigemptyset(&a.sa_mask);
    /* what nohup or a shell's & has switched off stays so */
    if (sigaction(signal_number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(signal_number, &a, NULL);
}

void fl_signals_catch(void)
{
    writing = pthread_self();
    catch_signal(SIGPIPE, on_pipe);
    catch_signal(SIGINT, on_interrupt);
    catch_signal(SIGTERM, on_interrupt);
    catch_signal(SIGHUP, on_interrupt);
    catch_signal(SIGXFSZ, SIG_IGN);        /* ulimit -f: the write fails, and says so */
}

bool fl_signals_reader_left(void) { return reader_left; }

void fl_interrupt_listen(bool listen) { listening = listen; }
int fl_interrupt_asked(void) { return asked; }
