/* protobuf.h: the wire format of Protocol Buffers, read field by field from bytes in memory.
 *
 *     message = field*      field = key value      key = number << 3 | wire
 *     wire 0: varint    1: 8 bytes    2: length, bytes    5: 4 bytes           (3 and 4, groups, are refused)
 *
 * A reader is a span. Messages inside messages are spans inside it, so no length can reach beyond its message, and
 * the depth is that of the caller's functions. The first mistake sets the error and ends every loop. */
#ifndef FL_PROTOBUF_H
#define FL_PROTOBUF_H

#include "io/file.h"

typedef struct fl_proto {
    const unsigned char *at, *end;
    const unsigned char *begin;          /* of the file, for messages */
    const char *file;
    fl_error *error;
} fl_proto;

typedef enum fl_wire { FL_WIRE_VARINT = 0, FL_WIRE_64 = 1, FL_WIRE_BYTES = 2, FL_WIRE_32 = 5 } fl_wire;

typedef struct fl_proto_field {
    int number;                          /* 1 .. 2^29 - 1 */
    fl_wire wire;
    uint64_t bits;                       /* of a varint or of fixed bytes */
    fl_bytes bytes;                      /* of a length-delimited one: inside the file, no zero byte follows */
} fl_proto_field;

fl_proto fl_proto_open(fl_bytes, const char *file, fl_error *);
fl_proto fl_proto_inside(const fl_proto *, const fl_proto_field *);     /* the message that a field holds */

/* The next field. False at the end, and after a mistake, with the error set (FL_UNREADABLE). */
bool fl_proto_next(fl_proto *, fl_proto_field *);

/* How many fields of that number are still to come; looks at a copy. -1 after a mistake. */
int64_t fl_proto_count(fl_proto, int number);

/* True where the field has that wire type; else sets the error. */
bool fl_proto_is(const fl_proto *, const fl_proto_field *, fl_wire, const char *what);

/* The next varint of a packed list. False at its end, or after a mistake. */
bool fl_proto_varint(fl_proto *, uint64_t *);

/* A text, copied into the arena with its closing zero. NULL with the error set: not a text, holds a zero byte,
 * memory. */
const char *fl_proto_text(const fl_proto *, const fl_proto_field *, fl_arena *, const char *what);

float  fl_proto_float (const fl_proto_field *);      /* of 4 bytes */

#endif
