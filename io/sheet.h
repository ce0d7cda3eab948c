/* sheet.h: one picture of the whole clip. Frames in rows of eight, the map over them below, the colour bar with its
 * numbers, the importance of each frame, and what was asked. */
#ifndef FL_SHEET_H
#define FL_SHEET_H

#include "io/buffer.h"
#include "io/result.h"

/* Appends a PNG file for one method (0 .. method_count - 1) to out. Frames are enlarged by a whole factor where eight
 * of them stay within 1280 pixels, and reduced by one when they are wider than 256. Scratch memory stays with out's
 * arena. */
fl_status fl_sheet_png(fl_buffer *out, const fl_result *, int method);

/* The same as a film (APNG, for ever): frame and overlay side by side with the moving importance bar. */
fl_status fl_film_png(fl_buffer *out, const fl_result *, int method);

#endif
