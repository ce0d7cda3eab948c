/* font.c: dots to pixels. */
#include "io/font.h"
#include "io/font_glyphs.h"

#include <string.h>

/* The glyph at *text, which moves behind one code point. */
static const fl_glyph *next_glyph(const char **text)
{
    unsigned char c = (unsigned char)*(*text)++;
    while (c >= 0xc0 && ((unsigned char)**text & 0xc0) == 0x80) (*text)++;      /* the rest of a UTF-8 sequence */
    return &fl_glyphs[c >= 32 && c < 127 ? c - 32 : '?' - 32];
}

static int advance(const fl_glyph *g, fl_face face) { return (g->width + 1 + (face.bold != 0)) * face.size; }

int fl_font_width(const char *text, fl_face face)
{
    int width = 0;
    while (*text) width += advance(next_glyph(&text), face);
    return width ? width - face.size : 0;
}

/* Is the dot at column x, row y set? Bold is every dot and its right neighbour. */
static int dot(const fl_glyph *g, int x, int y, int bold)
{
    if (y < 0 || y >= FL_FONT_HEIGHT || x < 0 || x > 7) return 0;
    unsigned row = g->row[y];
    if (bold) row |= row >> 1;
    return (row >> (7 - x)) & 1;
}

/* One of the four pixels of a dot at size 2. dx, dy = -1 or 1 say which. An empty dot gets the pixel where two set
 * neighbours meet in that corner and the opposite ones are empty; a set dot loses it in the mirrored case. */
static int corner(const fl_glyph *g, int x, int y, int dx, int dy, int bold)
{
    int side = dot(g, x + dx, y, bold), above = dot(g, x, y + dy, bold);
    int other_side = dot(g, x - dx, y, bold), below = dot(g, x, y - dy, bold);
    return side == above && side != below && above != other_side ? side : dot(g, x, y, bold);
}

int fl_font_draw(fl_canvas *c, int x, int y, const char *text, fl_face face)
{
    while (*text) {
        const fl_glyph *g = next_glyph(&text);
        for (int j = 0; j < FL_FONT_HEIGHT * face.size; j++)
            for (int i = 0; i < 8 * face.size; i++) {
                int set = face.size == 2 ? corner(g, i / 2, j / 2, i % 2 * 2 - 1, j % 2 * 2 - 1, face.bold)
                                         : dot(g, i / face.size, j / face.size, face.bold);
                if (set) fl_canvas_dot(c, x + i, y + j, face.ink);
            }
        x += advance(g, face);
    }
    return x;
}

void fl_font_place(fl_canvas *c, int x, int y, int align, const char *text, fl_face face)
{
    int width = fl_font_width(text, face);
    fl_font_draw(c, align < 0 ? x : align > 0 ? x - width : x - width / 2, y, text, face);
}

void fl_font_fit(char *out, size_t room, const char *text, int width, fl_face face)
{
    size_t n = strlen(text);
    if (n >= room) n = room - 1;
    memcpy(out, text, n);
    out[n] = 0;
    if (n == strlen(text) && fl_font_width(out, face) <= width) return;
    if (n + 4 > room) n = room - 4;
    do {
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;           /* never inside a code point */
        memcpy(out, text, n);
        memcpy(out + n, "...", 4);
    } while (fl_font_width(out, face) > width && n-- > 0);
}
