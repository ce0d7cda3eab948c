/* card.h: what a network expects of a clip. A model states it as data; io/preprocess.h carries it out.
 *
 *     value(c) = (white * pixel / 255 - mean[c]) / std[c]     for an 8-bit pixel of the resized, cropped frame
 *     value(c) = (white * place - mean[c]) / std[c]           for a flow f in pixels per frame of the resized frames:
 *                place = (clamp(f, -bound, bound) + bound) / (2 bound)
 *
 * so that I3D's [-1, 1] is white 1, mean 0.5, std 0.5, and the two-stream networks' 8 bits less 128 are white 255,
 * mean 128, std 1, quantise, stack 10. A network of flow has 2 stack channels.
 *
 * Resizing comes before the crop, which takes the centre: first row floor((resized - height) / 2). */
#ifndef FL_CARD_H
#define FL_CARD_H

#include <stdbool.h>

typedef enum fl_source_kind { FL_SOURCE_RGB, FL_SOURCE_FLOW } fl_source_kind;

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
    double mean[3], std[3];          /* of the network's channels, in its order; std is not 0; of flow: of u and v */
    fl_source_kind source;           /* the frames themselves, or their optical flow */
    struct {                         /* of flow only */
        double bound;                /* pixels per frame that become 0 and 1 (-bound, bound); 0: 20 */
        int stack;                   /* flows in a row as channels u1 v1 u2 v2 ... of each of the T places; 0: 1 */
        bool quantise;               /* to 8 bits, as flow is kept in pictures */
        bool subtract_mean;          /* each flow's own mean first: the camera's motion */
    } flow;
} fl_card_input;

#endif
