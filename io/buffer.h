/* buffer.h: bytes that grow, in an arena. Pages, pictures and chunks are built in it.
 *
 * Sticky: after a failed allocation every later call does nothing and the arena's error tells why, so a
 * builder needs one check at its end. Text is plain bytes; the number formats do not follow the locale. */
#ifndef FL_BUFFER_H
#define FL_BUFFER_H

#include "tensor/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fl_buffer {
    fl_arena *arena;         /* borrowed; owns data */
    unsigned char *data;
    size_t size, room;
    bool failed;
} fl_buffer;

fl_buffer fl_buffer_new(fl_arena *borrowed);

/* Makes room for count more bytes; false (and failed) when memory ran out. */
bool fl_buffer_reserve(fl_buffer *, size_t count);

void fl_buffer_add(fl_buffer *, const void *bytes, size_t count);
void fl_buffer_text(fl_buffer *, const char *text);                       /* as it is, without the closing 0 */
void fl_buffer_format(fl_buffer *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fl_buffer_u32(fl_buffer *, uint32_t);                                /* big end first, as PNG writes them */
void fl_buffer_base64(fl_buffer *, const void *bytes, size_t count);      /* RFC 4648, padded */

/* The value with so many significant digits and a point whatever the locale says; "n/a" when it is not finite. */
void fl_buffer_number(fl_buffer *, double value, int digits);

#endif
