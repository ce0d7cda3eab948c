/* error.h: how the library reports that the world is wrong, and how it stops when we are.
 *
 * The world is wrong (a file, an option, a shape read from a file, memory): the function returns a status
 * and leaves one message in the fl_error that the caller owns. The library never prints and never exits.
 * The first error wins: later ones are consequences. We are wrong: fl_assert, which stays on in release.
 * A status is also the exit code of the command line. */
#ifndef FL_ERROR_H
#define FL_ERROR_H

typedef enum fl_status {
    FL_OK = 0,
    FL_FAILED = 1,      /* run-time failure: memory, a write that did not go through */
    FL_USAGE = 2,       /* an option or a combination of options that makes no sense */
    FL_UNREADABLE = 3,  /* an input file that cannot be read as what it should be */
    FL_MISFIT = 4,      /* weights that do not fit the architecture */
    FL_CHECK = 5,       /* a check failed: gradient, completeness, conservation */
    FL_LIMIT = 6        /* a limit of memory or time was hit; what was finished is kept */
} fl_status;

#define FL_MESSAGE_SIZE 1024

typedef struct fl_error {
    fl_status status;
    char message[FL_MESSAGE_SIZE];   /* what, where, expected, got, what to do next; one line, no full stop needed */
} fl_error;

/* Records status and message unless an error is already there; returns the status that now stands. err may be NULL. */
fl_status fl_error_set(fl_error *err, fl_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the recorded message (a file name, a node name). Does nothing when there is no error. */
void fl_error_where(fl_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

void fl_error_clear(fl_error *err);

#define fl_assert(condition) \
    ((condition) ? (void)0 : fl_assert_failed(#condition, __FILE__, __LINE__))
_Noreturn void fl_assert_failed(const char *condition, const char *file, int line);

#endif
