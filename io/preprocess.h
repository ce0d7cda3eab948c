/* preprocess.h: from a clip to what the network sees, as its card (models/card.h) says.
 *
 * Frames are picked, resized (bilinear, half-pixel centres, no antialiasing, in real), cropped at the centre, and
 * normalised. What is shown to people are the same resized, cropped frames before normalisation, rounded to 8 bits.
 * */
#ifndef FL_PREPROCESS_H
#define FL_PREPROCESS_H

#include "io/clip.h"
#include "models/card.h"
#include "tensor/tensor.h"

/* Clip pixels to network pixels: x_network = x_clip * scale_x - crop_x, in continuous coordinates: pixel i is [i,
 * i+1]. */
typedef struct fl_fitting {
    int height, width;                       /* of the network's input */
    int resized_height, resized_width;       /* before the crop */
    int crop_y, crop_x;                      /* first row and column that are kept */
    double scale_y, scale_x;
} fl_fitting;

typedef struct fl_network_clip {
    fl_tensor input;                         /* 1, 3, T, H, W channels last */
    const unsigned char *shown;              /* T, H, W, 3: RGB, 8 bits */
    fl_fitting fitting;
} fl_network_clip;

/* How frames of this size get into the card's size. FL_USAGE: the card's numbers make no sense for them. */
fl_status fl_fitting_of(const fl_card_input *, int clip_height, int clip_width, fl_fitting *, fl_error *);

/* index: count frames of the clip (each 0 .. frames-1), as from fl_sample. The result is owned by the arena. */
fl_status fl_preprocess(fl_arena *, const fl_card_input *, const fl_clip *, const int *index, int count,
                        fl_network_clip *);

/* Only what people see of it: T, H, W, 3 bytes; NULL with the error recorded. */
const unsigned char *fl_preprocess_shown(fl_arena *, const fl_card_input *, const fl_clip *, const int *index,
                                         int count);

/* A box (x0, y0, x1, y1: edges in continuous coordinates) of the clip in the network's frame, cut at its borders.
 * False, with an empty box, when nothing of it is inside. */
bool fl_preprocess_box(const fl_fitting *, const double clip[4], double network[4]);

#endif
