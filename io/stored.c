/* stored.c: any type, order of bytes, strides: packed row by row a piece at a time, then decoded. */
#include "io/stored.h"
#include "io/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* numbers packed at once; numbers decoded before pages are forgotten */
enum { PIECE = 2048, FAR = 1 << 18 };

/* One number, its bytes turned where the file has the high one first. */
static void copy_number(const unsigned char *from, int bytes, bool turn, unsigned char *to)
{
    for (int k = 0; k < bytes; k++) to[k] = from[turn ? bytes - 1 - k : k];
}

/* Walk the target in order, step through the source with its strides. */
static void gather(const fl_stored *t, int64_t first, int64_t count, unsigned char *to)
{
    const int bytes = fl_scalar_size(t->type);
    int64_t index[FL_MAX_AXES] = {0}, at = 0, rest = first;
    for (int a = t->axes - 1; a >= 0; a--) {
        index[a] = rest % t->size[a];
        rest /= t->size[a];
        at += index[a] * t->stride[a];
    }
    for (int64_t i = 0; i < count; i++, to += bytes) {
        copy_number(t->values + at * bytes, bytes, t->big_endian, to);
        for (int a = t->axes - 1; a >= 0; a--) {
            at += t->stride[a];
            if (++index[a] < t->size[a]) break;
            at -= t->stride[a] * t->size[a];
            index[a] = 0;
        }
    }
}

/* Pages of a row-by-row tensor go as they are passed; those of a strided one, to which it comes back, at the end. At
 * the end all of a tensor's go: the kernel may have mapped more around what was asked for. */
static void forget(const fl_stored *t, int64_t first, int64_t count)
{
    const int64_t bytes = fl_scalar_size(t->type);
    int64_t span = 1;
    if (!t->mapped || count == 0) return;
    for (int a = 0; a < t->axes; a++) span += (t->size[a] - 1) * t->stride[a];
    if (first + count == t->count) fl_map_forget(t->values, (size_t)((t->strided ? span : t->count) * bytes));
    else if (!t->strided) fl_map_forget(t->values + first * bytes, (size_t)(count * bytes));
}

void fl_stored_pack(const fl_stored *t, int64_t first, int64_t count, unsigned char *to)
{
    const int bytes = fl_scalar_size(t->type);
    const unsigned char *from = t->values + first * bytes;
    if (count == 0) return;
    if (t->strided) gather(t, first, count, to);
    else if (!t->big_endian) memcpy(to, from, (size_t)(count * bytes));
    else
        for (int64_t i = 0; i < count; i++) copy_number(from + i * bytes, bytes, true, to + i * bytes);
    forget(t, first, count);
}

static void decode_strided(const fl_stored *t, int64_t first, int64_t count, real *to)
{
    unsigned char packed[PIECE * 8];
    for (int64_t done = 0, n; done < count; done += n) {
        n = count - done < PIECE ? count - done : PIECE;
        fl_stored_pack(t, first + done, n, packed);
        fl_scalar_decode(t->type, packed, false, n, to + done);
    }
}

void fl_stored_decode(const fl_stored *t, int64_t first, int64_t count, real *to)
{
    const int bytes = fl_scalar_size(t->type);
    if (t->strided) {
        decode_strided(t, first, count, to);
        return;
    }
    for (int64_t done = 0, n; done < count; done += n) {
        n = count - done < FAR ? count - done : FAR;
        fl_scalar_decode(t->type, t->values + (first + done) * bytes, t->big_endian, n, to + done);
        forget(t, first + done, n);
    }
}

static void read_entry(const fl_entry *e, int64_t first, int64_t count, real *to)
{
    fl_stored_decode(e->source, first, count, to);
}

fl_status fl_stored_add(fl_bundle *b, const fl_stored *t)
{
    return fl_bundle_add_source(b, t->name, t->axes, t->size, read_entry, t);
}

const char *fl_stored_sizes(const fl_stored *t, fl_sizes_text *to)
{
    size_t n = 0;
    to->text[0] = t->axes ? 0 : '-';
    to->text[1] = 0;
    for (int i = 0; i < t->axes; i++)
        n += (size_t)snprintf(to->text + n, sizeof to->text - n, i ? ",%" PRId64 : "%" PRId64, t->size[i]);
    return to->text;
}
