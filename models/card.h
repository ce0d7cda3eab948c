/* card.h: what a network expects of a clip. A model states it as data; io/preprocess.h carries it out.
 *
 *     value(c) = (white * pixel / 255 - mean[c]) / std[c]     for an 8-bit pixel of the resized, cropped frame
 *
 * Resizing comes before the crop, which takes the centre: first row floor((resized - height) / 2). */
#ifndef FL_CARD_H
#define FL_CARD_H

#include <stdbool.h>

typedef enum fl_fit {
    FL_FIT_STRETCH,        /* to fit_height x fit_width, whatever the clip's shape: the study's rule */
    FL_FIT_SHORT_SIDE      /* the shorter side to fit_height, the other in proportion (rounded down) */
} fl_fit;

typedef struct fl_card_input {
    int frames, height, width;       /* T, H, W of the network's input */
    const char *sampling;            /* which frames, unless told otherwise: a rule of io/sample.h; NULL: long_range_last */
    bool features;                   /* the input is a vector per frame, which no clip of pixels can give */
    fl_fit fit;
    int fit_height, fit_width;       /* size before the crop; 0: height and width, so that nothing is cropped */
    double white;                    /* what a white pixel is before mean and std: 1 or 255 */
    bool bgr;                        /* channel 0 is blue (networks that come from Caffe) */
    double mean[3], std[3];          /* of the network's channels, in its order; std is not 0 */
} fl_card_input;

#endif
