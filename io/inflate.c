/* inflate.c: deflate is a sequence of blocks: stored bytes, or literals and (length, distance) copies in Huffman
 * codes.
 *
 * Bits come from the low end of each byte. A code table has one entry for every value of the next `bits` bits, `bits`
 * being the length of its longest code: symbol * 16 + code length, or 0 where no code begins so. */
#include "io/inflate.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST = 15, LITERALS = 288, DISTANCES = 32, END = 256 };

typedef struct stream {
    const unsigned char *in, *end;
    uint64_t hold;                   /* the next bits, the first one lowest */
    int held;                        /* how many of them */
    unsigned char *out;
    size_t made, room;
    const char *wrong;
} stream;

typedef struct table {
    uint16_t entry[1 << LONGEST];
    int bits;
} table;

static bool fail(stream *s, const char *wrong)
{
    if (!s->wrong) s->wrong = wrong;
    return false;
}

static void refill(stream *s)
{
    while (s->held <= 56 && s->in < s->end) {
        s->hold |= (uint64_t)*s->in++ << s->held;
        s->held += 8;
    }
}

/* The next n <= 16 bits as a number; 0 and an error past the end. */
static unsigned take(stream *s, int n)
{
    refill(s);
    if (s->held < n) return fail(s, "the compressed data end too early"), 0;
    unsigned v = (unsigned)(s->hold & (((uint64_t)1 << n) - 1));
    s->hold >>= n;
    s->held -= n;
    return v;
}

/* Canonical codes from their lengths: shorter codes first, among equals the smaller symbol first (RFC 1951, 3.2.2).
 * A set of codes must be complete; a single code of one bit is let pass, as every encoder may write it. */
static bool build(stream *s, table *t, const unsigned char *length, int symbols)
{
    int count[LONGEST + 1] = {0}, next[LONGEST + 2] = {0}, used = 0;
    for (int i = 0; i < symbols; i++) count[length[i]]++;
    count[0] = 0;
    t->bits = 0;
    for (int n = 1; n <= LONGEST; n++) {
        if (count[n]) t->bits = n;
        used += count[n] << (LONGEST - n);
        next[n + 1] = (next[n] + count[n]) << 1;
    }
    if (used > 1 << LONGEST) return fail(s, "a Huffman code has too many codes");
    if (used < 1 << LONGEST && t->bits > 1) return fail(s, "a Huffman code has too few codes");
    memset(t->entry, 0, sizeof *t->entry << t->bits);
    for (int i = 0; i < symbols; i++) {
        int n = length[i], code = n ? next[n]++ : 0, reversed = 0;
        for (int k = 0; k < n; k++) reversed |= (code >> k & 1) << (n - 1 - k);
        for (int k = reversed; n && k < 1 << t->bits; k += 1 << n) t->entry[k] = (uint16_t)(i << 4 | n);
    }
    return true;
}

static int decode(stream *s, const table *t)
{
    refill(s);
    unsigned e = t->entry[s->hold & (((uint64_t)1 << t->bits) - 1)];
    int n = (int)(e & 15);
    if (n == 0 || n > s->held) return fail(s, n ? "the compressed data end too early" : "no such Huffman code"), -1;
    s->hold >>= n;
    s->held -= n;
    return (int)(e >> 4);
}

static bool stored_block(stream *s)
{
    take(s, s->held % 8);                            /* up to the next byte: bytes come whole into hold */
    unsigned n = take(s, 16), inverse = take(s, 16);
    if (s->wrong) return false;
    if ((n ^ inverse) != 0xffff) return fail(s, "the length of a stored block is damaged");
    if (n > s->room - s->made) return fail(s, "more data come out than expected");
    while (n > 0 && s->held > 0) {
        s->out[s->made++] = (unsigned char)take(s, 8);
        n--;
    }
    if (n > (size_t)(s->end - s->in)) return fail(s, "the compressed data end too early");
    if (n) memcpy(s->out + s->made, s->in, n);
    s->in += n;
    s->made += n;
    return true;
}

/* Lengths 3 to 258 and distances 1 to 32768: symbol k stands for base[k] plus so many further bits. */
static bool copy_match(stream *s, int symbol, const table *distances)
{
    static const unsigned short length_base[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43,
                                                 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const unsigned char length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3,
                                                4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const unsigned short distance_base[] = {1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257,
                                                   385,
                                                   513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385,
                                                       24577};
    if (symbol >= (int)sizeof length_bits) return fail(s, "no such length");
    size_t n = length_base[symbol] + take(s, length_bits[symbol]);
    int k = decode(s, distances);
    if (k < 0) return false;
    if (k >= 30) return fail(s, "no such distance");
    size_t distance = distance_base[k] + take(s, k < 4 ? 0 : k / 2 - 1);
    if (s->wrong) return false;
    if (distance > s->made) return fail(s, "a copy from before the start of the data");
    if (n > s->room - s->made) return fail(s, "more data come out than expected");
    for (unsigned char *to = s->out + s->made, *stop = to + n; to < stop; to++) *to = to[-(ptrdiff_t)distance];
    s->made += n;
    return true;
}

static bool coded_block(stream *s, const table *literals, const table *distances)
{
    for (;;) {
        int symbol = decode(s, literals);
        if (symbol < 0) return false;
        if (symbol == END) return true;
        if (symbol > END) {
            if (!copy_match(s, symbol - END - 1, distances)) return false;
        } else {
            if (s->made == s->room) return fail(s, "more data come out than expected");
            s->out[s->made++] = (unsigned char)symbol;
        }
    }
}

static bool fixed_tables(stream *s, table *literals, table *distances)
{
    unsigned char length[LITERALS];
    memset(length, 8, 144);
    memset(length + 144, 9, 112);
    memset(length + 256, 7, 24);
    memset(length + 280, 8, 8);
    if (!build(s, literals, length, LITERALS)) return false;
    memset(length, 5, DISTANCES);
    return build(s, distances, length, DISTANCES);
}

/* The lengths of both codes are themselves run-length and Huffman coded (RFC 1951, 3.2.7). */
static bool dynamic_tables(stream *s, table *literals, table *distances)
{
    static const unsigned char order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    unsigned char length[LITERALS + DISTANCES] = {0};
    int literal_count = (int)take(s, 5) + 257, distance_count = (int)take(s, 5) + 1, code_count = (int)take(s, 4) + 4;
    for (int i = 0; i < code_count; i++) length[order[i]] = (unsigned char)take(s, 3);
    if (s->wrong || !build(s, literals, length, 19)) return false;      /* its table serves for the lengths first */
    memset(length, 0, sizeof length);
    for (int i = 0, total = literal_count + distance_count; i < total;) {
        int symbol = decode(s, literals), repeat = 1, value = symbol;
        if (symbol < 0) return false;
        if (symbol >= 16) {
            if (symbol == 16 && i == 0) return fail(s, "the code lengths begin with a repetition");
            value = symbol == 16 ? length[i - 1] : 0;
            repeat = symbol == 16 ? 3 + (int)take(s, 2) : symbol == 17 ? 3 + (int)take(s, 3) : 11 + (int)take(s, 7);
        }
        if (s->wrong || repeat > total - i) return fail(s, "too many code lengths");
        while (repeat--) length[i++] = (unsigned char)value;
    }
    if (length[END] == 0) return fail(s, "a block has no end");
    return build(s, literals, length, literal_count) && build(s, distances, length + literal_count, distance_count);
}

static bool block(stream *s, table *literals, table *distances)
{
    switch (take(s, 2)) {
    case 0:  return !s->wrong && stored_block(s);
    case 1:  return fixed_tables(s, literals, distances) && coded_block(s, literals, distances);
    case 2:  return dynamic_tables(s, literals, distances) && coded_block(s, literals, distances);
    default: return fail(s, "no such kind of block");
    }
}

fl_inflated fl_inflate(const unsigned char *in, size_t size, unsigned char *out, size_t room)
{
    stream s = {.in = in, .end = in + size, .out = out, .room = room};
    table literals, distances;
    bool last = false;
    while (!last && !s.wrong) {
        last = take(&s, 1);
        if (!block(&s, &literals, &distances)) break;
    }
    return (fl_inflated){s.wrong, (size_t)(s.in - in) - (size_t)s.held / 8, s.made};
}

static uint32_t adler32(const unsigned char *p, size_t n)
{
    uint32_t a = 1, b = 0;
    while (n) {
        size_t step = n < 5552 ? n : 5552;           /* the sums fit into 32 bits for so many bytes */
        n -= step;
        for (; step; step--) b += a += *p++;
        a %= 65521;
        b %= 65521;
    }
    return b << 16 | a;
}

fl_inflated fl_inflate_zlib(const unsigned char *in, size_t size, unsigned char *out, size_t room)
{
    if (size < 2 || (in[0] & 15) != 8 || in[0] >> 4 > 7 || (in[0] << 8 | in[1]) % 31 != 0)
        return (fl_inflated){.wrong = "the zlib header is damaged"};
    if (in[1] & 32) return (fl_inflated){.wrong = "a zlib stream with a preset dictionary"};
    fl_inflated r = fl_inflate(in + 2, size - 2, out, room);
    r.used += 2;
    if (r.wrong) return r;
    if (size - r.used < 4) r.wrong = "the compressed data end too early";
    else if (((uint32_t)in[r.used] << 24 | (uint32_t)in[r.used + 1] << 16 | (uint32_t)in[r.used + 2] << 8
              | in[r.used + 3]) != adler32(out, r.made)) r.wrong = "the checksum does not match";
    else r.used += 4;
    return r;
}
