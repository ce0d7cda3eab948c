/* error.c: one message, the first one; and the stop that our own bugs deserve. */
#include "tensor/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fl_status fl_error_set(fl_error *err, fl_status status, const char *format, ...)
{
    if (!err) return status;
    if (err->status != FL_OK) return err->status;
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return status;
}

/* As much of text as still fits behind the message. */
static void append(fl_error *err, const char *text)
{
    size_t used = strlen(err->message), n = strlen(text), room = sizeof err->message - 1 - used;
    if (n > room) n = room;
    memcpy(err->message + used, text, n);
    err->message[used + n] = 0;
}

void fl_error_where(fl_error *err, const char *format, ...)
{
    if (!err || err->status == FL_OK) return;
    char old[FL_MESSAGE_SIZE];
    memcpy(old, err->message, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    append(err, ": ");
    append(err, old);
}

void fl_error_clear(fl_error *err)
{
    err->status = FL_OK;
    err->message[0] = 0;
}

void fl_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "footlight: a bug in footlight itself: %s:%d: %s does not hold; please report it\n",
            file, line, condition);
    abort();
}
