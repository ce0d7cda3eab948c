/* sha256.c: SHA-256 after FIPS 180-4; names of functions and constants as there. */
#include "io/sha256.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void schedule(uint32_t w[64], const unsigned char *p)
{
    for (int t = 0; t < 16; t++, p += 4)
        w[t] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
}

static void compress(uint32_t state[8], const unsigned char *p)
{
    uint32_t w[64];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6],
        h = state[7];
    schedule(w, p);
    for (int t = 0; t < 64; t++) {
        uint32_t t1 = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + w[t];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g; g = f; f = e; e = d + t1;
        d = c; c = b; b = a; a = t1 + t2;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

void fl_sha256_begin(fl_sha256 *s)
{
    static const uint32_t H0[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memset(s, 0, sizeof *s);
    memcpy(s->state, H0, sizeof H0);
}

void fl_sha256_add(fl_sha256 *s, const void *data, size_t size)
{
    const unsigned char *p = data;
    while (size) {
        size_t fill = s->bytes % 64, n = size < 64 - fill ? size : 64 - fill;
        if (n == 64) {
            compress(s->state, p);
        } else {
            memcpy(s->block + fill, p, n);
            if (fill + n == 64) compress(s->state, s->block);
        }
        s->bytes += n;
        p += n;
        size -= n;
    }
}

/* Padding: a one bit, zeros, and the length in bits in the last 8 bytes of a block. */
void fl_sha256_end(fl_sha256 *s, fl_sha256_text hex)
{
    static const unsigned char pad[64] = {0x80};
    unsigned char length[8];
    uint64_t bits = s->bytes * 8;
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)(bits >> (56 - 8 * i));
    size_t fill = s->bytes % 64;
    fl_sha256_add(s, pad, fill < 56 ? 56 - fill : 120 - fill);
    fl_sha256_add(s, length, sizeof length);
    for (int i = 0; i < 8; i++) snprintf(hex + 8 * (size_t)i, 9, "%08x", (unsigned)s->state[i]);
}

void fl_sha256_bytes(const void *data, size_t size, fl_sha256_text hex)
{
    fl_sha256 s;
    fl_sha256_begin(&s);
    fl_sha256_add(&s, data, size);
    fl_sha256_end(&s, hex);
}

fl_status fl_sha256_file(const char *path, fl_sha256_text hex, fl_error *err)
{
    unsigned char buffer[1 << 14];
    fl_sha256 s;
    fl_sha256_begin(&s);
    hex[0] = 0;
    FILE *f = fopen(path, "rb");
    if (!f) return fl_error_set(err, FL_UNREADABLE, "%s: cannot be opened: %s", path, strerror(errno));
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f)) > 0;) fl_sha256_add(&s, buffer, n);
    bool failed = ferror(f) != 0;
    int reason = errno;
    fclose(f);
    if (failed) return fl_error_set(err, FL_UNREADABLE, "%s: cannot be read: %s", path, strerror(reason));
    fl_sha256_end(&s, hex);
    return FL_OK;
}
