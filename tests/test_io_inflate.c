/* test_io_inflate.c: streams of another encoder (zlib) in all three kinds of blocks; damaged ones; limits of the
 * output. */
#include "io/inflate.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

static const unsigned char dynamic[] = {
    0x78, 0xda, 0x75, 0x51, 0x4b, 0x12, 0xc2, 0x20, 0x0c, 0xbd, 0x0a, 0xe3, 0x5d, 0xbc, 0x85, 0x1b, 0xa6, 0x52,
    0xa6, 0x63, 0x4b, 0x18, 0x8a, 0xe3, 0xb8, 0xf1, 0x1a, 0xae, 0x3d, 0x98, 0x77, 0x51, 0x42, 0x12, 0x4a, 0xa3,
    0x0b, 0xf2, 0xcf, 0xcb, 0x4b, 0xf0, 0xc9, 0x9e, 0x27, 0x17, 0xb2, 0xf1, 0x6c, 0x0c, 0xf3, 0x14, 0xcd, 0x6a,
    0xe7, 0xaf, 0x33, 0xdc, 0x7f, 0x18, 0xc1, 0xe5, 0x1b, 0xa4, 0x4b, 0x0b, 0x2c, 0x36, 0xb6, 0xee, 0xec, 0xc2,
    0x0a, 0xc9, 0x40, 0x09, 0x1e, 0x8a, 0x40, 0x38, 0x40, 0xf9, 0x86, 0x17, 0x6a, 0xaf, 0x66, 0x32, 0x26, 0xc0,
    0x13, 0x24, 0x08, 0x0f, 0xac, 0xe6, 0xdc, 0x98, 0xec, 0xe2, 0x8c, 0x40, 0x72, 0x58, 0xca, 0xff, 0x33, 0x25,
    0x4e, 0x11, 0xfb, 0x1a, 0x4c, 0x79, 0x4c, 0x17, 0xf6, 0x0b, 0x28, 0x10, 0xd6, 0x3b, 0x10, 0x55, 0x77, 0xd5,
    0xdb, 0xd5, 0xed, 0xeb, 0x21, 0x36, 0x93, 0x34, 0xf3, 0x0a, 0x7b, 0x24, 0x0a, 0xa4, 0xd4, 0xa2, 0xea, 0x6a,
    0xdd, 0x07, 0x88, 0x21, 0x97, 0x22, 0x9c, 0x46, 0xa7, 0xff, 0xea, 0x3a, 0xb4, 0x4a, 0x61, 0x72, 0x82, 0x4d,
    0x8e, 0x00, 0x3a, 0x07, 0xd3, 0xdd, 0x01, 0x7a, 0xba, 0x1f, 0x2a, 0xef, 0xe4, 0x91,
};
static const unsigned char fixed[] = {
    0x78, 0x01, 0x4b, 0x2f, 0x4a, 0x4c, 0xc9, 0x4c, 0xcd, 0x2b, 0x51, 0x48, 0x87, 0x31, 0x92, 0x73, 0x32, 0x0b,
    0x14, 0x8a, 0x13, 0x73, 0x80, 0x9c, 0xe4, 0x4a, 0x2c, 0x8c, 0xbc, 0xd4, 0x92, 0xf2, 0xfc, 0xa2, 0x6c, 0x84,
    0x40, 0x6e, 0x62, 0x01, 0x42, 0x77, 0x49, 0x6a, 0x5e, 0x71, 0x7e, 0x91, 0x42, 0x3e, 0x48, 0x50, 0x09, 0x44,
    0x80, 0x8d, 0xcb, 0x07, 0x93, 0x77, 0xf3, 0x17, 0x82, 0x69, 0x90, 0x62, 0x00, 0xd4, 0x6a, 0x2d, 0xd5,
};
static const unsigned char run[] = {     /* 100000 times the byte 7, zeros between the two halves here */
    0x78, 0xda, 0xed, 0xc1, 0x21, 0x01, 0x00, 0x00, 0x00, 0xc3, 0x20, 0xb9, 0xfe, 0x8d, 0x5f, 0xe3, 0x02, 0x28,
    [114] = 0xe0, 0xd5, 0x00, 0xbf, 0xc6, 0xae, 0xf7,
};

/* What `dynamic` (600 bytes) and `fixed` (its first 120) were made of. */
static void expected(unsigned char *to, size_t size)
{
    static const char *const words[] = {"frame ", "clip ", "network ", "saliency ", "map ", "tensor ", "gradient ",
                                        "o"};
    uint32_t s = 1;
    for (size_t n = 0; n < size;) {
        s = (s * 1103515245u + 12345u) & 0x7fffffff;
        for (const char *w = words[(s >> 16) % 8]; *w && n < size; w++) to[n++] = (unsigned char)*w;
        if ((s >> 20) % 7 == 0 && n < size) to[n++] = (unsigned char)(s >> 8);
    }
}

TEST(io_inflate_reads_what_zlib_wrote)
{
    unsigned char want[600], got[600];
    expected(want, sizeof want);
    fl_inflated r = fl_inflate_zlib(dynamic, sizeof dynamic, got, sizeof got);
    CHECK_SAY(!r.wrong && r.made == 600 && r.used == sizeof dynamic, "%s", r.wrong ? r.wrong : "sizes");
    CHECK(memcmp(want, got, 600) == 0);
    r = fl_inflate_zlib(fixed, sizeof fixed, got, sizeof got);
    CHECK_SAY(!r.wrong && r.made == 120 && r.used == sizeof fixed, "%s", r.wrong ? r.wrong : "sizes");
    CHECK(memcmp(want, got, 120) == 0);
    r = fl_inflate(dynamic + 2, sizeof dynamic - 2, got, sizeof got);
    CHECK(!r.wrong && r.made == 600 && r.used == sizeof dynamic - 6);        /* the checksum does not belong to it */
}

TEST(io_inflate_copies_that_overlap_themselves)
{
    static unsigned char got[100000];
    fl_inflated r = fl_inflate_zlib(run, sizeof run, got, sizeof got);
    CHECK_SAY(!r.wrong && r.made == sizeof got, "%s", r.wrong ? r.wrong : "size");
    int others = 0;
    for (size_t i = 0; i < sizeof got; i++) others += got[i] != 7;
    CHECK(others == 0);
}

/* Stored blocks: 3 bytes, then 0 bytes, then 2, the last. */
TEST(io_inflate_stored_blocks)
{
    const unsigned char in[] = {0, 3, 0, 0xfc, 0xff, 'a', 'b', 'c', 0, 0, 0, 0xff, 0xff, 1, 2, 0, 0xfd, 0xff, 'd',
                                'e', 'x'};
    unsigned char got[6] = "......";
    fl_inflated r = fl_inflate(in, sizeof in, got, 5);
    CHECK(!r.wrong && r.made == 5 && r.used == sizeof in - 1 && memcmp(got, "abcde.", 6) == 0);
    r = fl_inflate(in, sizeof in, got, 4);
    CHECK(r.wrong && strstr(r.wrong, "more data"));
}

TEST(io_inflate_refuses_damage)
{
    static const struct { const char *in; size_t size; const char *says; } bad[] = {
        {"", 0, "too early"}, {"\x07", 1, "kind of block"}, {"\x01\x03\x00\xfc\xfe", 5, "stored block"},
        {"\x01\x03\x00\xfc\xff""ab", 7, "too early"},
        {"\x63\x00\x42", 3, "before the start"},            /* fixed: a literal 0, then a copy from 2 back */
    };
    unsigned char out[1000], want[600];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fl_inflated r = fl_inflate((const unsigned char *)bad[i].in, bad[i].size, out, sizeof out);
        CHECK_SAY(r.wrong && strstr(r.wrong, bad[i].says), "%zu: %s", i, r.wrong ? r.wrong : "accepted");
    }
    for (size_t n = 0; n < sizeof dynamic; n++) CHECK(fl_inflate_zlib(dynamic, n, out, 600).wrong != NULL);
    CHECK(fl_inflate_zlib(dynamic, sizeof dynamic, out, 599).wrong != NULL);
    /* a flipped bit is noticed, or lies in the padding and changes nothing; nothing is touched beyond the room
     * given */
    int accepted = 0, touched = 0;
    expected(want, sizeof want);
    for (size_t bit = 0; bit < 8 * sizeof dynamic; bit++) {
        unsigned char flipped[sizeof dynamic];
        memcpy(flipped, dynamic, sizeof dynamic);
        flipped[bit / 8] ^= (unsigned char)(1 << bit % 8);
        memset(out, 0xaa, sizeof out);
        fl_inflated r = fl_inflate_zlib(flipped, sizeof flipped, out, 600);
        accepted += !r.wrong && (r.made != 600 || memcmp(out, want, 600) != 0);
        for (size_t i = 600; i < sizeof out; i++) touched += out[i] != 0xaa;
    }
    CHECK_SAY(accepted == 0 && touched == 0, "%d accepted, %d bytes touched", accepted, touched);
}
