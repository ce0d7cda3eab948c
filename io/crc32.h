/* crc32.h: the checksum of PNG, zip and gzip. */
#ifndef FL_CRC32_H
#define FL_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t fl_crc32(const void *bytes, size_t count);
/* of what crc was of, and of these; 0: nothing yet */
uint32_t fl_crc32_more(uint32_t crc, const void *bytes, size_t count);

#endif
