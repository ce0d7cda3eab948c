/* zip.c: the end record tells where the directory is, the directory tells everything else. */
#include "io/zip.h"
#include "io/crc32.h"
#include "io/inflate.h"
#include "io/map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LOCAL = 30, CENTRAL = 46, END = 22, END64 = 56, LOCATOR = 20, NAME_MOST = 4096 };
enum { ENCRYPTED = 1, SIZES_FOLLOW = 8, PATCHED = 32, STRONG = 64, MASKED = 8192 };     /* bits of the flags */

static uint64_t number(const unsigned char *p, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes - 1; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

static bool is(const unsigned char *p, const char *magic) { return memcmp(p, magic, 4) == 0; }

static fl_status bad(fl_error *err, const char *file, size_t at, const char *what)
{
    return fl_error_set(err, FL_UNREADABLE, "%s: zip, byte %zu: %s", file, at, what);
}

typedef struct directory { uint64_t begin, size, count, end; } directory;     /* end: of what members may fill */

/* Zip64: a locator before the end record points at a longer end record, which must lie right before it. */
static fl_status read_end64(fl_error *err, const char *file, fl_bytes b, size_t end, directory *d)
{
    const size_t locator = end - LOCATOR;
    const unsigned char *p = b.data + locator;
    const uint64_t at = number(p + 8, 8);
    if (number(p + 4, 4) != 0 || number(p + 16, 4) != 1)
        return bad(err, file, locator, "an archive in several parts");
    if (locator < END64 || at != locator - END64 || !is(b.data + at, "PK\6\6"))
        return bad(err, file, locator, "the zip64 end record is not where it should be");
    p = b.data + at;
    if (number(p + 4, 8) != END64 - 12 || number(p + 16, 4) || number(p + 20, 4)
        || number(p + 24, 8) != number(p + 32, 8))
        return bad(err, file, (size_t)at, "the zip64 end record is damaged");
    const directory wide = {number(p + 48, 8), number(p + 40, 8), number(p + 32, 8), at};
    if ((d->begin != 0xffffffff && d->begin != wide.begin) || (d->size != 0xffffffff && d->size != wide.size)
        || (d->count != 0xffff && d->count != wide.count))
        return bad(err, file, end, "the two end records contradict each other");
    *d = wide;
    return FL_OK;
}

static fl_status read_end(fl_error *err, const char *file, fl_bytes b, directory *d)
{
    if (b.size < END || !is(b.data + b.size - END, "PK\5\6"))
        return fl_error_set(err, FL_UNREADABLE, "%s: a zip file whose last %d bytes are no end record: it is cut "
                            "short (get it again), or something follows it", file, END);
    const size_t end = b.size - END;
    const unsigned char *p = b.data + end;
    if (number(p + 4, 2) || number(p + 6, 2) || number(p + 8, 2) != number(p + 10, 2))
        return bad(err, file, end, "an archive in several parts");
    if (number(p + 20, 2)) return bad(err, file, end, "the end record is damaged");
    *d = (directory){number(p + 16, 4), number(p + 12, 4), number(p + 10, 2), end};
    if (end >= LOCATOR && is(b.data + end - LOCATOR, "PK\6\7") && read_end64(err, file, b, end, d) != FL_OK)
        return FL_UNREADABLE;
    if (d->begin > d->end || d->size != d->end - d->begin || d->count > d->size / CENTRAL)
        return bad(err, file, end, "the directory does not fill the place before the end record");
    return FL_OK;
}

/* In the zip64 field (id 1) stand those of size, packed size and offset that are all ones in the record, in this
 * order. */
static bool widen(const unsigned char *extra, size_t left, uint64_t *value[3])
{
    const unsigned char *p = NULL;
    size_t n = 0;
    for (; left >= 4; extra += 4 + n, left -= 4 + n) {
        n = (size_t)number(extra + 2, 2);
        if (n > left - 4) return false;
        if (number(extra, 2) != 1) continue;
        if (p) return false;
        p = extra + 4;
        for (int i = 0; i < 3; i++) {
            if (!value[i] || *value[i] != 0xffffffff) continue;
            if (p + 8 > extra + 4 + n) return false;
            *value[i] = number(p, 8);
            p += 8;
        }
    }
    return true;
}

/* What the local header says must be what the directory says; sizes and checksum may be left for after the data. */
static const char *check_local(const unsigned char *p, const unsigned char *central, const fl_zip_member *m,
                               size_t left)
{
    const size_t name = (size_t)number(p + 26, 2), extra = (size_t)number(p + 28, 2);
    const unsigned flags = (unsigned)number(p + 6, 2), theirs = (unsigned)number(central + 8, 2);
    uint64_t size = number(p + 22, 4), packed = number(p + 18, 4);
    if (!is(p, "PK\3\4")) return "no member begins where the directory says so";
    if (name + extra > left - LOCAL || m->packed.size > left - LOCAL - name - extra)
        return "a member runs into the directory";
    if (name != number(central + 28, 2) || memcmp(p + LOCAL, m->name, name) != 0)
        return "a member has another name than the directory says";
    if (number(p + 8, 2) != number(central + 10, 2) || flags != theirs)
        return "a member has another method or other flags than the directory says";
    if (!widen(p + LOCAL + name, extra, (uint64_t *[3]){&size, &packed, NULL})) return "a zip64 field is damaged";
    const bool later = flags & SIZES_FOLLOW;
    const uint32_t crc = (uint32_t)number(p + 14, 4);
    if ((size != m->size && !(later && size == 0)) || (packed != m->packed.size && !(later && packed == 0))
        || (crc != m->crc && !(later && crc == 0)))
        return "a member has another size or checksum than the directory says";
    return NULL;
}

static const char *check_record(const unsigned char *p, uint64_t size, uint64_t packed)
{
    const unsigned flags = (unsigned)number(p + 8, 2), method = (unsigned)number(p + 10, 2);
    if (flags & (ENCRYPTED | STRONG | MASKED)) return "a member is encrypted; save it without a password";
    if (flags & PATCHED) return "a member is a patch of another file";
    if (method != 0 && method != 8)
        return "a member is packed with a method that is not read here (only stored and deflated)";
    if (method == 0 && size != packed) return "a stored member has two sizes";
    if (method == 8 && size / 1040 > packed) return "a member claims to be larger than deflate can make it";
    if (number(p + 34, 2)) return "an archive in several parts";
    return NULL;
}

/* One record of the directory at byte at; its length through *length. */
static fl_status read_member(fl_arena *a, const char *file, fl_bytes b, const directory *d, size_t at, size_t *length,
                             fl_zip_member *m)
{
    const unsigned char *p = b.data + at;
    const size_t left = (size_t)(d->begin + d->size) - at;
    if (left < CENTRAL || !is(p, "PK\1\2")) return bad(a->error, file, at, "expected a record of the directory");
    const size_t name = (size_t)number(p + 28, 2), extra = (size_t)number(p + 30, 2),
                 note = (size_t)number(p + 32, 2);
    uint64_t size = number(p + 24, 4), packed = number(p + 20, 4), offset = number(p + 42, 4);
    *length = CENTRAL + name + extra + note;
    if (*length > left) return bad(a->error, file, at, "a record runs out of the directory");
    if (name == 0 || name > NAME_MOST || memchr(p + CENTRAL, 0, name))
        return bad(a->error, file, at, "a name is empty, has more than 4096 bytes or a zero byte");
    if (!widen(p + CENTRAL + name, extra, (uint64_t *[3]){&size, &packed, &offset}))
        return bad(a->error, file, at, "a zip64 field is damaged");
    const char *wrong = check_record(p, size, packed);
    if (wrong) return bad(a->error, file, at, wrong);
    if (offset > d->begin || d->begin - offset < LOCAL || packed > d->begin - offset)
        return bad(a->error, file, at, "a member lies outside the file");
    m->name = fl_arena_text(a, "%.*s", (int)name, (const char *)p + CENTRAL);
    if (!m->name) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", file);
    m->deflated = number(p + 10, 2) == 8;
    m->size = size;
    m->crc = (uint32_t)number(p + 16, 4);
    m->offset = (size_t)offset;
    m->packed.size = (size_t)packed;
    wrong = check_local(b.data + offset, p, m, (size_t)(d->begin - offset));
    if (wrong) return bad(a->error, file, (size_t)offset, wrong);
    m->packed.data = b.data + offset + LOCAL + number(b.data + offset + 26, 2) + number(b.data + offset + 28, 2);
    return FL_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const fl_zip_member *)a)->name, ((const fl_zip_member *)b)->name);
}

static int by_place(const void *a, const void *b)
{
    const size_t p = ((const fl_zip_member *)a)->offset, q = ((const fl_zip_member *)b)->offset;
    return (p > q) - (p < q);
}

static fl_status check_places(fl_error *err, const char *file, fl_bytes b, fl_zip *z)
{
    qsort(z->member, (size_t)z->count, sizeof *z->member, by_place);
    for (int i = 1; i < z->count; i++) {
        const fl_zip_member *m = &z->member[i];
        if (b.data + m->offset < m[-1].packed.data + m[-1].packed.size)
            return fl_error_set(err, FL_UNREADABLE, "%s: zip: members '%s' and '%s' overlap", file, m[-1].name,
                                m->name);
    }
    qsort(z->member, (size_t)z->count, sizeof *z->member, by_name);
    for (int i = 1; i < z->count; i++)
        if (by_name(&z->member[i - 1], &z->member[i]) == 0)
            return fl_error_set(err, FL_UNREADABLE, "%s: zip: two members have the name '%s'", file,
                                z->member[i].name);
    if (z->count == 0 || is(b.data, "PK\3\4")) return FL_OK;
    return bad(err, file, 0, "something stands before the first member");
}

fl_status fl_zip_parse(fl_arena *a, fl_bytes b, const char *file, fl_zip *z)
{
    directory d = {0};
    memset(z, 0, sizeof *z);
    if (read_end(a->error, file, b, &d) != FL_OK) return a->error->status;
    size_t at = (size_t)d.begin, length = 0;
    z->member = FL_NEW(a, fl_zip_member, d.count);
    if (!z->member) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", file);
    for (; (uint64_t)z->count < d.count; at += length)
        if (read_member(a, file, b, &d, at, &length, &z->member[z->count++]) != FL_OK) return a->error->status;
    if (at != d.begin + d.size) return bad(a->error, file, at, "the directory has more in it than its records");
    return check_places(a->error, file, b, z);
}

const fl_zip_member *fl_zip_find(const fl_zip *z, const char *member)
{
    const fl_zip_member key = {.name = member};
    return z->count ? bsearch(&key, z->member, (size_t)z->count, sizeof key, by_name) : NULL;
}

/* Writers that were told not to compute checksums leave 0, which nearly no content has: then nothing is compared. */
static bool sum_matches(const fl_zip_member *m, fl_bytes content, bool mapped)
{
    enum { STEP = 1 << 20 };
    uint32_t crc = 0;
    if (m->crc == 0) return true;
    for (size_t at = 0, n; at < content.size; at += n) {
        n = content.size - at < STEP ? content.size - at : STEP;
        crc = fl_crc32_more(crc, content.data + at, n);
        if (mapped) fl_map_forget(content.data + at, n);
    }
    return crc == m->crc;
}

fl_status fl_zip_read(fl_arena *a, const fl_zip_member *m, const char *file, bool mapped, fl_bytes *out)
{
    *out = m->packed;
    if (m->deflated) {
        if (m->size > FL_FILE_CAP)
            return fl_error_set(a->error, FL_UNREADABLE, "%s: zip: member '%s' unpacks to %" PRIu64 " bytes, too "
                                "many", file, m->name,
                                m->size);
        unsigned char *room = FL_NEW(a, unsigned char, m->size);
        if (!room) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", file);
        const fl_inflated r = fl_inflate(m->packed.data, m->packed.size, room, (size_t)m->size);
        if (r.wrong || r.made != m->size || r.used != m->packed.size)
            return fl_error_set(a->error, FL_UNREADABLE, "%s: zip: member '%s': %s", file, m->name,
                                r.wrong ? r.wrong : "its content has another size than the directory says");
        *out = (fl_bytes){room, (size_t)m->size};
    }
    if (sum_matches(m, *out, mapped && !m->deflated)) return FL_OK;
    return fl_error_set(a->error, FL_UNREADABLE, "%s: zip: member '%s': the checksum does not match: the file is "
                        "damaged, get it again",
                        file, m->name);
}
