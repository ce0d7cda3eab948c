/* apng.h: a moving picture as an APNG file: PNG plus three chunks, shown by every browser.
 *
 *     IHDR acTL  fcTL IDAT  fcTL fdAT  fcTL fdAT ...  IEND
 *
 * acTL says how many frames and plays (0: for ever), fcTL how long each one stands; fdAT is IDAT with a running
 * number in front (www.w3.org/TR/png-3). A reader that knows only PNG shows the first frame. */
#ifndef FL_APNG_H
#define FL_APNG_H

#include "io/png_out.h"

typedef struct fl_apng {
    fl_buffer *out;              /* borrowed */
    int width, height, frames, delay_ms;
    int added;
    uint32_t sequence;           /* the running number of fcTL and fdAT */
} fl_apng;

/* Appends the start of a file of so many frames to out. FL_USAGE for no frame or a delay outside 1 .. 65535 ms. */
fl_status fl_apng_begin(fl_apng *, fl_buffer *out, int width, int height, int frames, int delay_ms);

enum { FL_APNG_TOGETHER = 16 };

/* The next frames, at most FL_APNG_TOGETHER, each height x width x 3 bytes. */
fl_status fl_apng_add(fl_apng *, const unsigned char *const *rgb, int count);

/* Every frame must have been added. */
fl_status fl_apng_end(fl_apng *);

#endif
