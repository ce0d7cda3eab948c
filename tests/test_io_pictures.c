/* test_io_pictures.c: PNG and APNG files, colours, type, sheet and film. */
#include "io/apng.h"
#include "io/font.h"
#include "io/png_in.h"
#include "io/sheet.h"
#include "tensor/par.h"
#include "tensor/tensor.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

static fl_error error;
static fl_arena arena;

static void open_arena(void)
{
    fl_error_clear(&error);
    fl_arena_init(&arena, &error);
}

static uint32_t u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The definition, one bit at a time: the remainder of the message by the CRC-32 polynomial. */
static uint32_t slow_crc(const unsigned char *p, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < 8 * n; i++) {
        uint32_t bit = (crc ^ (uint32_t)(p[i / 8] >> (i % 8))) & 1;
        crc = crc >> 1 ^ (bit ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* What a walk over the chunks of a file finds. */
typedef struct walk {
    bool good;                       /* signature, lengths and every CRC */
    int width, height, depth, type;  /* IHDR */
    int idat, actl, fctl, fdat, frames, plays;
    bool in_sequence, ended;
    char order[256];                 /* first letter of every chunk: I a f I f f E ... with D for IDAT, d for fdAT */
} walk;

static walk walk_chunks(const fl_buffer *b)
{
    static const unsigned char signature[8] = {137, 'P', 'N', 'G', 13, 10, 26, 10};
    walk w = {.good = !b->failed && b->size > 8 && memcmp(b->data, signature, 8) == 0, .in_sequence = true};
    uint32_t next = 0;
    size_t at = 8, count = 0;
    while (w.good && at + 12 <= b->size) {
        const unsigned char *c = b->data + at;
        size_t n = u32(c);
        if (n > b->size - at - 12) {
            w.good = false;
            break;
        }
        w.good = u32(c + 8 + n) == slow_crc(c + 4, n + 4);
        bool control = !memcmp(c + 4, "fcTL", 4), more = !memcmp(c + 4, "fdAT", 4);
        if (!memcmp(c + 4, "IHDR", 4)) {
            w.width = (int)u32(c + 8);
            w.height = (int)u32(c + 12);
            w.depth = c[16];
            w.type = c[17];
        }
        if (!memcmp(c + 4, "acTL", 4)) {
            w.actl++;
            w.frames = (int)u32(c + 8);
            w.plays = (int)u32(c + 12);
        }
        if (!memcmp(c + 4, "IEND", 4)) w.ended = at + 12 == b->size;
        if ((control || more) && u32(c + 8) != next++) w.in_sequence = false;
        w.idat += !memcmp(c + 4, "IDAT", 4);
        w.fctl += control;
        w.fdat += more;
        if (count + 1 < sizeof w.order)
            w.order[count++] = (char)(more ? 'd' : !memcmp(c + 4, "IDAT", 4) ? 'D' : c[4]);
        at += n + 12;
    }
    return w;
}

static void noise(unsigned char *p, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        p[i] = (unsigned char)(seed >> 24);
    }
}

TEST(pictures_crc_is_the_polynomial_remainder)
{
    unsigned char bytes[70];
    noise(bytes, sizeof bytes, 7);
    CHECK(fl_crc32("123456789", 9) == 0xcbf43926u);      /* the check value of the CRC catalogue */
    CHECK(fl_crc32("", 0) == 0);
    for (size_t n = 1; n <= sizeof bytes; n++) CHECK(fl_crc32(bytes, n) == slow_crc(bytes, n));
}

TEST(pictures_base64_matches_the_rfc)
{
    static const char *const pair[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
                                          {"\xff\xfe\xfd", "//79"}};
    open_arena();
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        fl_buffer b = fl_buffer_new(&arena);
        fl_buffer_base64(&b, pair[i][0], strlen(pair[i][0]));
        CHECK(b.size == strlen(pair[i][1]) && memcmp(b.data ? b.data : (unsigned char *)"", pair[i][1], b.size) == 0);
    }
    fl_arena_free(&arena);
}

TEST(pictures_numbers_are_plain)
{
    open_arena();
    fl_buffer b = fl_buffer_new(&arena);
    fl_buffer_number(&b, -0.0, 3);
    fl_buffer_number(&b, NAN, 3);
    fl_buffer_number(&b, 1.0 / 3, 3);
    fl_buffer_number(&b, HUGE_VAL, 3);
    CHECK(b.size == 12 && memcmp(b.data, "0n/a0.333n/a", 12) == 0);
    fl_arena_free(&arena);
}

TEST(pictures_png_has_sound_chunks)
{
    static const int size[][2] = {{1, 1}, {1, 7}, {7, 1}, {33, 20}, {200, 131}};
    open_arena();
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        int w = size[i][0], h = size[i][1];
        unsigned char *rgb = FL_NEW(&arena, unsigned char, 3 * (size_t)w * (size_t)h);
        noise(rgb, 3 * (size_t)w * (size_t)h, 3);                       /* incompressible: stored blocks */
        fl_buffer b = fl_buffer_new(&arena), again = fl_buffer_new(&arena);
        CHECK(fl_png_encode(&b, rgb, w, h) == FL_OK);
        CHECK(fl_png_encode(&again, rgb, w, h) == FL_OK);
        walk k = walk_chunks(&b);
        CHECK(k.good && k.ended && k.width == w && k.height == h && k.depth == 8 && k.type == 2 && k.idat == 1);
        CHECK(b.size == again.size && memcmp(b.data, again.data, b.size) == 0);
    }
    fl_arena_free(&arena);
}

typedef struct picture {
    int width, height;
    unsigned char *rgb;
} picture;

/* The pixels of a PNG file, by the reader of this library; rgb NULL when it does not take it. */
static picture decode(const unsigned char *png, size_t size)
{
    fl_bytes bytes = {png, size};
    fl_png head;
    picture p = {0, 0, NULL};
    if (!CHECK_SAY(fl_png_parse(bytes, "test", 0, &head, &error) == FL_OK, "%s", error.message)) return p;
    size_t room = 3 * (size_t)head.width * (size_t)head.height;
    p = (picture){head.width, head.height, FL_NEW(&arena, unsigned char, room)};
    if (!CHECK_SAY(fl_png_decode(&arena, bytes, "test", 0, &head, p.rgb) == FL_OK, "%s", error.message)) p.rgb = NULL;
    return p;
}

TEST(pictures_png_comes_back_as_it_was)
{
    static const int size[][2] = {{1, 1}, {7, 3}, {64, 48}, {301, 200}};
    open_arena();
    for (int kind = 0; kind < 3; kind++)                                 /* noise, one colour, smooth */
        for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
            size_t n = 3 * (size_t)size[i][0] * (size_t)size[i][1];
            unsigned char *rgb = FL_NEW(&arena, unsigned char, n);
            noise(rgb, n, 5);
            for (size_t k = 0; k < n && kind; k++) rgb[k] = kind == 1 ? 200 : (unsigned char)(k / 90 + k % 3 * 40);
            fl_buffer b = fl_buffer_new(&arena);
            CHECK(fl_png_encode(&b, rgb, size[i][0], size[i][1]) == FL_OK);
            picture p = decode(b.data, b.size);
            CHECK(p.width == size[i][0] && p.height == size[i][1] && p.rgb && memcmp(p.rgb, rgb, n) == 0);
        }
    fl_arena_free(&arena);
}

TEST(pictures_made_together_are_the_same_files)
{
    enum { W = 120, H = 90, COUNT = 11 };
    open_arena();
    const unsigned char *rgb[COUNT];
    fl_buffer alone[COUNT], together[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        unsigned char *p = FL_NEW(&arena, unsigned char, W * H * 3);
        noise(p, W * H * 3, i);
        for (int k = 0; k < W * H * 3 && i % 3; k++) p[k] = (unsigned char)(k / 70 * i + (i % 3 == 1 ? p[k] % 4 : 0));
        rgb[i] = p;
        alone[i] = fl_buffer_new(&arena);
        CHECK(fl_png_encode(&alone[i], p, W, H) == FL_OK);
    }
    for (int threads = 1; threads <= 9; threads += 4) {
        fl_threads_set(threads);
        for (int i = 0; i < COUNT; i++) together[i] = fl_buffer_new(&arena);
        CHECK(fl_png_encode_each(together, rgb, COUNT, W, H) == FL_OK);
        for (int i = 0; i < COUNT; i++)
            CHECK(together[i].size == alone[i].size && memcmp(together[i].data, alone[i].data, alone[i].size) == 0);
    }
    fl_threads_set(0);
    fl_arena_free(&arena);
}

TEST(pictures_png_refuses_what_it_cannot_hold)
{
    unsigned char one[3] = {0};
    static const int size[][2] = {{0, 1}, {1, 0}, {-5, 5}, {1 << 20, 1 << 20}, {0x7fffffff, 1}, {1, 0x7fffffff}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        open_arena();
        fl_buffer b = fl_buffer_new(&arena);
        CHECK(fl_png_encode(&b, one, size[i][0], size[i][1]) == FL_USAGE);
        CHECK(b.size == 0 && error.message[0]);
        fl_arena_free(&arena);
    }
}

TEST(pictures_apng_has_the_frames_in_order)
{
    open_arena();
    unsigned char rgb[5 * 4 * 3];
    fl_buffer b = fl_buffer_new(&arena);
    fl_apng film;
    CHECK(fl_apng_begin(&film, &b, 5, 4, 3, 125) == FL_OK);
    for (uint32_t t = 0; t < 3; t++) {
        noise(rgb, sizeof rgb, t);
        const unsigned char *const frame = rgb;
        CHECK(fl_apng_add(&film, &frame, 1) == FL_OK);
    }
    CHECK(fl_apng_end(&film) == FL_OK);
    walk k = walk_chunks(&b);
    CHECK(k.good && k.ended && k.in_sequence && k.width == 5 && k.height == 4);
    CHECK(k.actl == 1 && k.frames == 3 && k.plays == 0 && k.fctl == 3 && k.idat == 1 && k.fdat == 2);
    CHECK(strcmp(k.order, "IafDfdfdI") == 0);
    unsigned char *control = b.data + 8 + 25 + 20 + 8;            /* signature, IHDR, acTL, head of the first fcTL */
    CHECK(u32(control) == 0 && u32(control + 4) == 5 && u32(control + 8) == 4);
    CHECK(control[20] == 0 && control[21] == 125 && control[22] * 256 + control[23] == 1000);
    CHECK(fl_apng_begin(&film, &b, 5, 4, 0, 125) == FL_USAGE);
    fl_error_clear(&error);
    CHECK(fl_apng_begin(&film, &b, 5, 4, 1, 0) == FL_USAGE);
    fl_error_clear(&error);
    CHECK(fl_apng_begin(&film, &b, -5, 4, 1, 125) == FL_USAGE);
    fl_arena_free(&arena);
}

/* Frame number k of a film as a PNG file: its header, its data, the end. */
static fl_buffer frame_of_film(const fl_buffer *film, int k)
{
    fl_buffer png = fl_buffer_new(&arena);
    fl_buffer_add(&png, film->data, 8 + 25);
    int frame = -1;
    for (size_t at = 8; at + 12 <= film->size; at += u32(film->data + at) + 12) {
        const unsigned char *c = film->data + at;
        size_t n = u32(c);
        if (!memcmp(c + 4, "fcTL", 4)) frame++;
        if (frame != k) continue;
        if (!memcmp(c + 4, "IDAT", 4)) fl_png_chunk(&png, "IDAT", c + 8, n);
        if (!memcmp(c + 4, "fdAT", 4)) fl_png_chunk(&png, "IDAT", c + 12, n - 4);
    }
    fl_png_chunk(&png, "IEND", "", 0);
    return png;
}

TEST(pictures_apng_frames_come_back_as_they_were)
{
    unsigned char rgb[4][9 * 7 * 3];
    fl_apng film;
    open_arena();
    fl_buffer b = fl_buffer_new(&arena);
    CHECK(fl_apng_begin(&film, &b, 9, 7, 4, 100) == FL_OK);
    const unsigned char *const frames[] = {rgb[0], rgb[1], rgb[2], rgb[3]};
    for (uint32_t t = 0; t < 4; t++) noise(rgb[t], sizeof rgb[t], t + 1);
    CHECK(fl_apng_add(&film, frames, 1) == FL_OK);
    CHECK(fl_apng_add(&film, frames + 1, 3) == FL_OK);
    CHECK(fl_apng_end(&film) == FL_OK);
    for (int t = 0; t < 4; t++) {
        fl_buffer png = frame_of_film(&b, t);
        picture p = decode(png.data, png.size);
        CHECK(p.width == 9 && p.height == 7 && p.rgb && memcmp(p.rgb, rgb[t], sizeof rgb[t]) == 0);
    }
    fl_arena_free(&arena);
}

static int by_value(const void *a, const void *b)
{
    real x = *(const real *)a, y = *(const real *)b;
    return (x > y) - (x < y);
}

TEST(pictures_percentile_is_that_of_the_sorted_values)
{
    static real v[1001], sorted[1001];
    static const double p[] = {0, 0.1, 25, 50, 66.6, 99, 99.9, 100};
    for (int n = 1; n <= 1001; n += 100)
        for (size_t k = 0; k < sizeof p / sizeof *p; k++) {
            uint32_t seed = (uint32_t)n;
            for (int i = 0; i < n; i++) {
                seed = seed * 1664525u + 1013904223u;
                v[i] = sorted[i] = (seed >> 16) % 3 == 0 ? R(0.0) : (real)(seed >> 24) / 16;      /* many ties */
            }
            qsort(sorted, (size_t)n, sizeof *sorted, by_value);
            double place = p[k] / 100 * (n - 1);
            int low = (int)place, high = low + 1 < n ? low + 1 : low;
            double want = (double)sorted[low] + (place - low) * ((double)sorted[high] - (double)sorted[low]);
            CHECK_NEAR(fl_percentile(v, n, p[k]), want, 0);
        }
}

TEST(pictures_palettes_keep_their_ends_and_their_lightness)
{
    unsigned char t[256][3];
    fl_palette_fill(FL_PALETTE_signed, t);
    CHECK(t[0][2] > t[0][0] + 100 && t[255][0] > t[255][2] + 100);              /* blue below, red above */
    CHECK(t[127][0] > 240 && t[127][1] > 240 && t[128][1] > 240 && t[128][2] > 235);   /* white at 0 */
    fl_palette_fill(FL_PALETTE_heat, t);
    double last = -1;
    for (int i = 0; i < 256; i++) {
        double luma = 0.2126 * t[i][0] + 0.7152 * t[i][1] + 0.0722 * t[i][2];
        CHECK_SAY(luma >= last - 0.8, "lightness of heat falls at %d: %g after %g", i, luma, last);   /* rounding */
        last = luma;
    }
    fl_palette_fill(FL_PALETTE_jet, t);
    CHECK(t[0][0] == 0 && t[0][1] == 0 && t[0][2] == 128 && t[255][0] == 128 && t[255][1] == 0 && t[255][2] == 0);
    CHECK(t[128][1] == 255 && t[128][0] > 100 && t[128][2] > 100);
}

static fl_look look_of(fl_show show, fl_scope scope, double percentile)
{
    fl_look look = fl_look_default();
    look.show = show;
    look.scope = scope;
    look.percentile = percentile;
    return look;
}

TEST(pictures_levels_follow_sign_and_scope)
{
    static const real map[] = {R(-4.0), R(0.0), R(2.0), R(1.0), R(-1.0), R(0.0), R(0.5), R(0.25)};   /* 2 x 4 */
    static const struct { fl_show show; fl_scope scope; double limit[2], level[8]; } want[] = {
        {FL_SHOW_both, FL_SCOPE_clip, {4, 4}, {-1, 0, 0.5, 0.25, -0.25, 0, 0.125, 0.0625}},
        {FL_SHOW_both, FL_SCOPE_frame, {4, 1}, {-1, 0, 0.5, 0.25, -1, 0, 0.5, 0.25}},
        {FL_SHOW_positive, FL_SCOPE_clip, {2, 2}, {0, 0, 1, 0.5, 0, 0, 0.25, 0.125}},
        {FL_SHOW_positive, FL_SCOPE_frame, {2, 0.5}, {0, 0, 1, 0.5, 0, 0, 1, 0.5}},
        {FL_SHOW_negative, FL_SCOPE_clip, {4, 4}, {-1, 0, 0, 0, -0.25, 0, 0, 0}},
        {FL_SHOW_abs, FL_SCOPE_frame, {4, 1}, {1, 0, 0.5, 0.25, 1, 0, 0.5, 0.25}},
    };
    open_arena();
    for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
        fl_scaled s;
        CHECK(fl_scale_map(&s, &arena, map, 2, 4, look_of(want[k].show, want[k].scope, 100)) == FL_OK);
        for (int t = 0; t < 2; t++) CHECK_NEAR(s.limit[t], want[k].limit[t], 0);
        for (int i = 0; i < 8; i++) CHECK_NEAR(fl_scaled_level(&s, i / 4, i % 4), want[k].level[i], 0);
    }
    fl_arena_free(&arena);
}

TEST(pictures_maps_without_difference_have_no_levels)
{
    static const real zero[6], five[6] = {5, 5, 5, 5, 5, 5}, broken[6] = {NAN, 1, -INFINITY, 0, 0, INFINITY};
    static const unsigned char rgb[9] = {200, 10, 10, 0, 0, 0, 255, 255, 255};
    unsigned char out[9];
    fl_scaled s;
    open_arena();
    CHECK(fl_scale_map(&s, &arena, zero, 2, 3, fl_look_default()) == FL_OK && s.flat);
    fl_scaled_overlay(&s, 1, rgb, out);
    CHECK(out[0] == out[1] && out[1] == out[2] && out[3] == 40 && out[6] == 244);     /* grey and nothing else */
    CHECK(fl_scale_map(&s, &arena, five, 2, 3, fl_look_default()) == FL_OK && s.flat);
    CHECK(fl_scaled_level(&s, 0, 0) == 0 && fl_scaled_level(&s, 1, 2) == 0);
    CHECK(fl_scale_map(&s, &arena, broken, 2, 3, fl_look_default()) == FL_OK);
    CHECK(!s.flat && s.not_finite == 3 && s.min == 0 && s.max == 1);
    CHECK(fl_scaled_level(&s, 0, 0) == 0 && fl_scaled_level(&s, 0, 1) == 1 && fl_scaled_level(&s, 0, 2) == 0);
    CHECK(fl_scale_map(&s, &arena, five, 2, 3, look_of(FL_SHOW_both, FL_SCOPE_clip, 101)) == FL_USAGE);
    fl_arena_free(&arena);
}

TEST(pictures_few_points_are_still_seen)
{
    static real map[10000];
    fl_scaled s;
    open_arena();
    map[77] = 3;                                         /* the 99.9th percentile of |map| is 0 */
    CHECK(fl_scale_map(&s, &arena, map, 1, 10000, fl_look_default()) == FL_OK);
    CHECK(s.limit[0] == 3 && fl_scaled_level(&s, 0, 77) == 1);
    fl_arena_free(&arena);
    map[77] = 0;
}

TEST(pictures_full_level_gets_the_end_of_the_palette)
{
    static const real map[] = {R(-1.0), R(1.0), R(0.0)};
    static const unsigned char rgb[9] = {0};
    unsigned char out[9];
    fl_look look = look_of(FL_SHOW_both, FL_SCOPE_clip, 100);
    fl_scaled s;
    open_arena();
    look.opacity = 1;
    CHECK(fl_scale_map(&s, &arena, map, 1, 3, look) == FL_OK);
    fl_scaled_overlay(&s, 0, rgb, out);
    CHECK(memcmp(out, s.table[0], 3) == 0 && memcmp(out + 3, s.table[255], 3) == 0);
    CHECK(out[6] == 40 && out[7] == 40 && out[8] == 40);
    fl_arena_free(&arena);
}

TEST(pictures_type_stays_inside_its_box)
{
    open_arena();
    for (int size = 1; size <= 2; size++)
        for (int c = 33; c < 127; c++) {
            char text[2] = {(char)c, 0};
            fl_face face = {size, 0, {255, 255, 255}};
            int width = fl_font_width(text, face), dots = 0, outside = 0;
            fl_canvas k = fl_canvas_new(&arena, 40, 40, (fl_ink){0, 0, 0});
            fl_font_draw(&k, 8, 8, text, face);
            for (int y = 0; y < 40; y++)
                for (int x = 0; x < 40; x++) {
                    bool set = k.rgb[(y * 40 + x) * 3] != 0;
                    dots += set;
                    outside += set && (x < 8 || x >= 8 + width || y < 8 || y >= 8 + FL_FONT_HEIGHT * size);
                }
            CHECK_SAY(dots > 0 && outside == 0, "%c at size %d: %d dots, %d outside", c, size, dots, outside);
        }
    fl_arena_free(&arena);
}

TEST(pictures_long_text_is_cut_to_its_width)
{
    fl_face face = {1, 0, {0, 0, 0}};
    char out[64];
    static const char text[] = "walking with a d\xc3\xb6g along the riv\xc3\xa8r on a long sunny afternoon in spring";
    for (int width = 30; width < 400; width += 7) {
        fl_font_fit(out, sizeof out, text, width, face);
        CHECK_SAY(fl_font_width(out, face) <= width, "%d pixels: '%s' has %d", width, out, fl_font_width(out, face));
        CHECK(strstr(out, "...") && ((unsigned char)out[strlen(out) - 4] < 0xc0));    /* no half code point */
    }
    fl_font_fit(out, sizeof out, "short", 100, face);
    CHECK(strcmp(out, "short") == 0);
}

typedef struct sample { fl_result result; fl_method_map method; } sample;

/* A clip of noise with a map of noise; needs an open arena. */
static void make_sample(sample *s, int frames, int height, int width, bool zero)
{
    int64_t n = (int64_t)frames * height * width;
    unsigned char *rgb = FL_NEW(&arena, unsigned char, 3 * n);
    real *map = FL_NEW(&arena, real, n);
    noise(rgb, (size_t)(3 * n), 1);
    for (int64_t i = 0; i < n && !zero; i++) map[i] = (real)((int)rgb[i] - 128);
    s->method = (fl_method_map){.name = "gradient", .map = map};
    s->result = (fl_result){.clip = "noise.npy", .model = "tiny", .frames = frames, .height = height, .width = width,
                            .rgb = rgb, .target = 3, .target_probability = 0.5, .target_logit = NAN,
                            .method_count = 1, .look = fl_look_default()};
    s->result.method = &s->method;
}

TEST(pictures_sheet_and_film_of_any_length)
{
    static const int size[][3] = {{1, 64, 64}, {7, 8, 6}, {8, 112, 112}, {17, 24, 20}, {1, 300, 400}, {1, 1, 1}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        sample s;
        open_arena();
        make_sample(&s, size[i][0], size[i][1], size[i][2], i == 0);
        fl_buffer sheet = fl_buffer_new(&arena), film = fl_buffer_new(&arena);
        CHECK(fl_sheet_png(&sheet, &s.result, 0) == FL_OK);
        walk a = walk_chunks(&sheet);
        CHECK(a.good && a.ended && a.width >= 800 && a.width <= 1900);
        if (size[i][2] < 100) {
            CHECK(fl_film_png(&film, &s.result, 0) == FL_OK);
            walk b = walk_chunks(&film);
            CHECK(b.good && b.ended && b.in_sequence && b.frames == size[i][0] && b.fctl == size[i][0]);
        }
        fl_arena_free(&arena);
    }
}

TEST(pictures_small_frames_are_enlarged)
{
    static const int side[] = {24, 32, 48, 64};
    for (size_t i = 0; i < sizeof side / sizeof *side; i++) {
        sample s;
        open_arena();
        make_sample(&s, 8, side[i], side[i], false);
        fl_buffer sheet = fl_buffer_new(&arena);
        CHECK(fl_sheet_png(&sheet, &s.result, 0) == FL_OK);
        walk w = walk_chunks(&sheet);
        CHECK_SAY(w.width >= 1100 && w.width <= 1400, "frames of %d give a sheet of %d", side[i], w.width);
        fl_arena_free(&arena);
    }
}

/* Does the picture hold the small one somewhere, every pixel as zoom x zoom? */
static bool holds(const picture *p, const unsigned char *rgb, int height, int width, int zoom)
{
    for (int y = 0; y + height * zoom <= p->height; y++)
        for (int x = 0; x + width * zoom <= p->width; x++) {
            bool same = true;
            for (int j = 0; j < height * zoom && same; j++)
                for (int i = 0; i < width * zoom && same; i++)
                    same = !memcmp(p->rgb + ((size_t)(y + j) * (size_t)p->width + (size_t)(x + i)) * 3,
                                   rgb + ((size_t)(j / zoom) * (size_t)width + (size_t)(i / zoom)) * 3, 3);
            if (same) return true;
        }
    return false;
}

TEST(pictures_sheet_shows_frames_and_overlays)
{
    enum { FRAMES = 3, HIGH = 6, WIDE = 5, BYTES = HIGH * WIDE * 3 };
    sample s;
    fl_scaled scaled;
    unsigned char overlay[BYTES];
    open_arena();
    make_sample(&s, FRAMES, HIGH, WIDE, false);
    fl_buffer sheet = fl_buffer_new(&arena);
    CHECK(fl_sheet_png(&sheet, &s.result, 0) == FL_OK);
    CHECK(fl_scale_map(&scaled, &arena, s.method.map, FRAMES, HIGH * WIDE, s.result.look) == FL_OK);
    picture p = decode(sheet.data, sheet.size);
    int zoom = 256 / WIDE;                               /* few frames: the cells are 256 wide at most */
    for (int t = 0; t < FRAMES && p.rgb; t++) {
        fl_scaled_overlay(&scaled, t, s.result.rgb + t * BYTES, overlay);
        CHECK(holds(&p, s.result.rgb + t * BYTES, HIGH, WIDE, zoom));
        CHECK(holds(&p, overlay, HIGH, WIDE, zoom));
        overlay[0] ^= 64;
        CHECK(!holds(&p, overlay, HIGH, WIDE, zoom));
    }
    fl_arena_free(&arena);
}

TEST(pictures_same_input_gives_the_same_bytes)
{
    uint64_t hash[2][2];
    for (int k = 0; k < 2; k++) {
        sample s;
        open_arena();
        make_sample(&s, 3, 20, 24, false);
        fl_buffer sheet = fl_buffer_new(&arena), film = fl_buffer_new(&arena);
        CHECK(fl_sheet_png(&sheet, &s.result, 0) == FL_OK && fl_film_png(&film, &s.result, 0) == FL_OK);
        hash[k][0] = fl_hash(sheet.data, sheet.size);
        hash[k][1] = fl_hash(film.data, film.size);
        fl_arena_free(&arena);
    }
    CHECK(hash[0][0] == hash[1][0] && hash[0][1] == hash[1][1]);
}

TEST(pictures_bad_results_are_refused)
{
    sample s;
    open_arena();
    make_sample(&s, 2, 8, 8, false);
    fl_buffer b = fl_buffer_new(&arena);
    s.result.frames = 0;
    CHECK(fl_sheet_png(&b, &s.result, 0) == FL_USAGE && error.message[0]);
    fl_error_clear(&error);
    s.result.frames = 2;
    s.method.map = NULL;
    CHECK(fl_film_png(&b, &s.result, 0) == FL_USAGE && error.message[0]);
    fl_arena_free(&arena);
}

TEST(pictures_survive_every_failed_allocation)
{
    for (int film = 0; film < 2; film++) {
        long k = 1;
        fl_status status = FL_FAILED;
        for (; status != FL_OK && k < 1000; k++) {
            sample s;
            open_arena();
            make_sample(&s, 2, 12, 10, false);
            fl_arena_fail_at(k);
            fl_buffer b = fl_buffer_new(&arena);
            status = film ? fl_film_png(&b, &s.result, 0) : fl_sheet_png(&b, &s.result, 0);
            fl_arena_fail_at(0);
            if (status != FL_OK) CHECK_SAY(status == FL_FAILED && error.status == FL_FAILED, "allocation %ld", k);
            fl_arena_free(&arena);
        }
        CHECK_SAY(k > 6 && k < 1000, "%ld allocations", k);
    }
}
