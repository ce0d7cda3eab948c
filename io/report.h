/* report.h: one explanation as one page that needs nothing else: no network, no other file, no library.
 *
 * The page holds the frames (PNG), the maps (int16 times one scale per frame: a value is off by at most 1/65534 of
 * the largest |value| of its frame; map.npy has them exactly), and a script that draws them: sign, scale, palette
 * and opacity are chosen in the browser, on the values. Without scripts the frames, the importance of each frame and
 * all texts are still there. Same result, same bytes: no date, no path, nothing random. */
#ifndef FL_REPORT_H
#define FL_REPORT_H

#include "io/buffer.h"
#include "io/result.h"

/* Appends the page to out. All methods of the result are in it. FL_USAGE for a result that cannot be drawn, FL_FAILED
 * for memory. Scratch memory stays with out's arena. */
fl_status fl_report_html(fl_buffer *out, const fl_result *);

#endif
