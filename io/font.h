/* font.h: our own small typeface for pictures: printable ASCII, 7 x 11 dots at most, proportional, even digits.
 *
 * A character's dots lie in rows 0 (top of capitals) to 10 (lowest descender); row 7 stands on the base line. Text is
 * UTF-8; a code point that the typeface does not have becomes one question mark. */
#ifndef FL_FONT_H
#define FL_FONT_H

#include "io/canvas.h"

enum { FL_FONT_ASCENT = 8, FL_FONT_HEIGHT = 11, FL_FONT_LINE = 15 };

/* size: 1 or 2 pixels per dot; at 2 the corners of slanted strokes are filled (the Scale2x rule). */
typedef struct fl_face { int size, bold; fl_ink ink; } fl_face;

int fl_font_width(const char *text, fl_face);                       /* in pixels */

/* The text with the top of its capitals at y, beginning at x; returns the x behind it. */
int fl_font_draw(fl_canvas *, int x, int y, const char *text, fl_face);

/* align: -1 begins at x, 0 is centred on x, 1 ends at x. */
void fl_font_place(fl_canvas *, int x, int y, int align, const char *text, fl_face);

/* Copies as much of text as fits into width pixels to out, the last characters as "..." when something was cut. */
void fl_font_fit(char *out, size_t room, const char *text, int width, fl_face);

#endif
