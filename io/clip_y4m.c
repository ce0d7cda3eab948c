/* clip_y4m.c: YUV4MPEG2, the uncompressed video that every tool can pipe.
 *
 *     YUV4MPEG2 W344 H256 F10:1 Ip A0:0 C420jpeg XCOLORRANGE=LIMITED\n
 *     then per frame: FRAME [parameters]\n  Y plane, U plane, V plane
 *
 * Colour: y = (Y - 16) / 219, u = (U - 128) / 224, v likewise (limited range), or Y / 255, (U - 128) / 255 (full);
 *     R = y + 2 (1 - Kr) v,  B = y + 2 (1 - Kb) u,  G = (y - Kr R - Kb B) / Kg,  Kg = 1 - Kr - Kb;
 * BT.601: Kr 0.299, Kb 0.114; BT.709: Kr 0.2126, Kb 0.0722. The header does not name the matrix, so BT.601 is an
 * assumption and is noted. A chroma sample holds for its whole block of pixels. */
#include "io/clip_formats.h"
#include "tensor/par.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_CAP = 1024, LONGEST_SIZE = 9 };

typedef struct header {
    int64_t width, height;
    int across, down;                /* pixels per chroma sample; across 0: no chroma */
    bool alpha, full_range;
} header;

typedef struct colours {
    int y[256], v_r[256], u_g[256], v_g[256], u_b[256];      /* 255 * 2^16 is full */
} colours;

/* The line that begins at byte at, without its end; false when it does not end within LINE_CAP bytes. */
static bool read_line(fl_bytes b, size_t at, char line[LINE_CAP], size_t *next)
{
    size_t left = b.size - at, cap = left < LINE_CAP ? left : LINE_CAP;
    const unsigned char *end = memchr(b.data + at, '\n', cap);
    if (!end) return false;
    size_t n = (size_t)(end - b.data) - at;
    memcpy(line, b.data + at, n);
    line[n] = 0;
    *next = at + n + 1;
    return true;
}

static fl_status read_chroma(const fl_source *s, const char *tag, header *h)
{
    static const struct { const char *tag; int across, down; bool alpha; } known[] = {
        {"420", 2, 2, false}, {"420jpeg", 2, 2, false}, {"420mpeg2", 2, 2, false}, {"420paldv", 2, 2, false},
        {"411", 4, 1, false}, {"422", 2, 1, false}, {"444", 1, 1, false}, {"444alpha", 1, 1, true},
        {"mono", 0, 0, false},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(tag, known[i].tag) != 0) continue;
        h->across = known[i].across;
        h->down = known[i].down;
        h->alpha = known[i].alpha;
        return FL_OK;
    }
    const char *deep = strchr(tag, 'p') ? strchr(tag, 'p') + 1 : strncmp(tag, "mono", 4) == 0 ? tag + 4 : "";
    if (*deep && strspn(deep, "0123456789") == strlen(deep))
        return fl_source_error(s, 0, "Y4M with 8 bits per sample expected, got C%s; make it 8 bits with: "
                               "ffmpeg -i IN -pix_fmt yuv420p OUT.y4m", tag);
    return fl_source_error(s, 0, "Y4M chroma 420, 411, 422, 444, 444alpha or mono expected, got C%s", tag);
}

/* "30000:1001" */
static double read_rate(const char *text)
{
    char *colon;
    double frames = strtod(text, &colon), seconds = *colon == ':' ? strtod(colon + 1, NULL) : 0;
    return frames > 0 && seconds > 0 && isfinite(frames / seconds) ? frames / seconds : 0;
}

static fl_status read_tag(const fl_source *s, const char *tag, header *h, fl_clip *clip)
{
    if ((tag[0] == 'W' || tag[0] == 'H') && strlen(tag) > 1 + LONGEST_SIZE)
        return fl_source_error(s, 0, "at most %d pixels a side expected, got %s", FL_CLIP_SIDE, tag);
    switch (tag[0]) {
    case 'W': h->width = strtol(tag + 1, NULL, 10); break;
    case 'H': h->height = strtol(tag + 1, NULL, 10); break;
    case 'F': clip->fps = read_rate(tag + 1); break;
    case 'C': return read_chroma(s, tag + 1, h);
    case 'I':
        if (tag[1] && !strchr("p?", tag[1]))
            fl_clip_note(clip, "interlaced: fields are taken as they lie in the frame");
        break;
    case 'X':
        if (strcmp(tag, "XCOLORRANGE=FULL") == 0) h->full_range = true;
        break;
    default: break;                                 /* A: pixel aspect; anything else is for others */
    }
    return FL_OK;
}

static fl_status read_header(const fl_source *s, header *h, size_t *next, fl_clip *clip)
{
    char line[LINE_CAP], *rest;
    if (!read_line(s->bytes, 0, line, next))
        return fl_source_error(s, 0, "a Y4M header of at most 1023 bytes expected");
    for (char *tag = strtok_r(line, " ", &rest); tag; tag = strtok_r(NULL, " ", &rest)) {
        fl_status status = read_tag(s, tag, h, clip);
        if (status != FL_OK) return status;
    }
    if (h->width < 1 || h->height < 1)
        return fl_source_error(s, 0, "W and H of at least 1 expected in the Y4M header");
    return FL_OK;
}

static int fixed(double x) { return (int)floor(x * 255 * 65536 + 0.5); }

static void fill_colours(colours *c, bool bt709, bool full)
{
    double kr = bt709 ? 0.2126 : 0.299, kb = bt709 ? 0.0722 : 0.114, kg = 1 - kr - kb;
    for (int i = 0; i < 256; i++) {
        double chroma = (i - 128) / (full ? 255.0 : 224.0);
        c->y[i] = fixed(full ? i / 255.0 : (i - 16) / 219.0);
        c->v_r[i] = fixed(2 * (1 - kr) * chroma);
        c->u_b[i] = fixed(2 * (1 - kb) * chroma);
        c->v_g[i] = fixed(-2 * (1 - kr) * kr / kg * chroma);
        c->u_g[i] = fixed(-2 * (1 - kb) * kb / kg * chroma);
    }
}

static unsigned char to_byte(int x)
{
    return x < 0 ? 0 : x > 255 << 16 ? 255 : (unsigned char)((x + (1 << 15)) >> 16);
}

static void convert(const header *h, const colours *c, const unsigned char *frame, unsigned char *rgb)
{
    int64_t chroma_width = h->across ? (h->width + h->across - 1) / h->across : 0;
    int64_t chroma_size = h->across ? chroma_width * ((h->height + h->down - 1) / h->down) : 0;
    const unsigned char *u = frame + h->width * h->height, *v = u + chroma_size;
    for (int64_t row = 0; row < h->height; row++) {
        for (int64_t x = 0; x < h->width; x++, rgb += 3) {
            int64_t at = h->across ? row / h->down * chroma_width + x / h->across : 0;
            int y = c->y[*frame++], iu = h->across ? u[at] : 128, iv = h->across ? v[at] : 128;
            rgb[0] = to_byte(y + c->v_r[iv]);
            rgb[1] = to_byte(y + c->u_g[iu] + c->v_g[iv]);
            rgb[2] = to_byte(y + c->u_b[iu]);
        }
    }
}

static size_t frame_bytes(const header *h)
{
    int64_t luma = h->width * h->height, chroma = 0;
    if (h->across) chroma = ((h->width + h->across - 1) / h->across) * ((h->height + h->down - 1) / h->down);
    return (size_t)(luma + 2 * chroma + (h->alpha ? luma : 0));
}

/* Walks over the frames; begin[i] is where the planes of frame i lie, when begin is given. */
static fl_status walk(const fl_source *s, const header *h, size_t at, int64_t *count, size_t *begin)
{
    char line[LINE_CAP];
    size_t need = frame_bytes(h);
    for (*count = 0; at < s->bytes.size; ++*count) {
        size_t start = at;
        if (!read_line(s->bytes, at, line, &at) || strncmp(line, "FRAME", 5) != 0 || (line[5] && line[5] != ' '))
            return fl_source_error(s, start, "frame %lld: a line that begins with FRAME expected", (long long)*count);
        if (s->bytes.size - at < need)
            return fl_source_error(s, at, "frame %lld is cut short: %zu bytes expected, got %zu", (long long)*count,
                                   need, s->bytes.size - at);
        if (begin) begin[*count] = at;
        at += need;
    }
    return FL_OK;
}

static bool known_matrix(const char *m) { return !m || strcmp(m, "bt601") == 0 || strcmp(m, "bt709") == 0; }

fl_status fl_clip_y4m(const fl_source *s, const fl_clip_options *o, fl_clip *clip)
{
    header h = {.across = 2, .down = 2};
    colours c;
    size_t first = 0;
    int64_t count;
    if (!known_matrix(o->matrix))
        return fl_error_set(s->arena->error, FL_USAGE, "--matrix is bt601 or bt709, got '%s'", o->matrix);
    if (read_header(s, &h, &first, clip) != FL_OK) return FL_UNREADABLE;
    if (h.width > FL_CLIP_SIDE || h.height > FL_CLIP_SIDE)      /* before sizes are multiplied */
        return fl_source_error(s, 0, "at most %d pixels a side expected, got W%lld H%lld", FL_CLIP_SIDE,
                               (long long)h.width, (long long)h.height);
    if (walk(s, &h, first, &count, NULL) != FL_OK) return FL_UNREADABLE;
    unsigned char *rgb = fl_clip_frames(s, clip, count, h.height, h.width);
    fl_mark mark = fl_arena_mark(s->arena);
    size_t *begin = rgb ? FL_NEW(s->arena, size_t, count) : NULL;
    if (!begin) return fl_source_status(s);
    walk(s, &h, first, &count, begin);
    bool bt709 = o->matrix && strcmp(o->matrix, "bt709") == 0;
    fill_colours(&c, bt709, h.full_range);
    size_t step = (size_t)h.width * (size_t)h.height * 3;
    FL_PARALLEL(t, count, (double)count * (double)step)
        convert(&h, &c, s->bytes.data + begin[t], rgb + (size_t)t * step);
    fl_arena_release(s->arena, mark);
    if (h.across) {
        fl_clip_note(clip, bt709 ? "matrix BT.709 as asked for" : o->matrix ? "matrix BT.601 as asked for"
                     : "matrix BT.601 assumed (Y4M does not say; --matrix bt709 is the other)");
        if (h.full_range) fl_clip_note(clip, "full range");
    }
    if (h.alpha) fl_clip_note(clip, "alpha dropped");
    return FL_OK;
}
