/* zip.h: archives: PyTorch checkpoints and .npz files.
 *
 *     members: local header, name, bytes | central directory: one record per member | end record (22 bytes)
 *
 * Readers that follow different headers can be shown different files. Here one directory decides, the central one,
 * and whatever contradicts it is refused: a local header with another name, method or size, members that overlap,
 * a name that stands twice, bytes before the first member or after the end record. */
#ifndef FL_ZIP_H
#define FL_ZIP_H

#include "io/file.h"

typedef struct fl_zip_member {
    const char *name;                /* no zero byte inside */
    size_t offset;                   /* where its local header begins */
    fl_bytes packed;                 /* inside the archive's bytes */
    uint64_t size;                   /* unpacked; of a stored member the size of packed */
    uint32_t crc;
    bool deflated;                   /* else stored */
} fl_zip_member;

typedef struct fl_zip {
    fl_zip_member *member;           /* sorted by name */
    int count;
} fl_zip;

/* Reads and checks the directory and every local header. FL_UNREADABLE with the reason: damaged, cut short,
 * encrypted, in several parts, another method than 0 or 8. Zip64 is read. */
fl_status fl_zip_parse(fl_arena *, fl_bytes, const char *name, fl_zip *);

const fl_zip_member *fl_zip_find(const fl_zip *, const char *member);       /* NULL when there is none */

/* The member's content: in place when stored, unpacked into the arena when deflated. The checksum is compared.
 * mapped: the archive is a mapped file; pages that were only touched for the checksum are given back. */
fl_status fl_zip_read(fl_arena *, const fl_zip_member *, const char *name, bool mapped, fl_bytes *);

#endif
