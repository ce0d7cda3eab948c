/* crc32.c: the remainder of the bytes, as a polynomial over bits, by the reflected 0xedb88320.
 *
 * A few bytes go half a byte at a time. Many go eight at a time: table k holds what a byte becomes when k more bytes
 * have followed it, so the eight are looked up at once and added. */
#include "io/crc32.h"

enum { MANY = 1 << 14 };

static uint32_t shift(uint32_t v, int bits)
{
    for (int k = 0; k < bits; k++) v = v & 1 ? 0xedb88320u ^ v >> 1 : v >> 1;
    return v;
}

static uint32_t by_eight(uint32_t crc, const unsigned char *p, size_t groups)
{
    uint32_t table[8][256];
    for (uint32_t i = 0; i < 256; i++) table[0][i] = shift(i, 8);
    for (int k = 1; k < 8; k++)
        for (int i = 0; i < 256; i++) table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
    for (; groups; groups--, p += 8) {
        crc ^= p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        crc = table[7][crc & 255] ^ table[6][crc >> 8 & 255] ^ table[5][crc >> 16 & 255] ^ table[4][crc >> 24]
            ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    return crc;
}

uint32_t fl_crc32_more(uint32_t before, const void *bytes, size_t count)
{
    const unsigned char *p = bytes, *end = p + count;
    uint32_t table[16], crc = ~before;
    for (uint32_t i = 0; i < 16; i++) table[i] = shift(i, 4);
    if (count >= MANY) {
        crc = by_eight(crc, p, count / 8);
        p += count / 8 * 8;
    }
    for (; p < end; p++) {
        crc ^= *p;
        crc = table[crc & 15] ^ crc >> 4;
        crc = table[crc & 15] ^ crc >> 4;
    }
    return ~crc;
}

uint32_t fl_crc32(const void *bytes, size_t count) { return fl_crc32_more(0, bytes, count); }
