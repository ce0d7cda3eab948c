/* flow_input.h: optical flow as a network's card (models/card.h) asks for it: the other half of preprocess.h.
 *
 * Frames are made grey, resized as preprocess.h does, and the flow between neighbours (tensor/flow.h) is computed at
 * that size: the one in which the network's flow was made. Then it is cropped at the centre and normalised.
 *
 * Which flows: frame f of a clip of n frames has the flow from f to f + 1, which is its own motion whatever the
 * stride of the sampling is; the last frame, which has no next one, has the flow that leads to it. With a stack of L,
 * frame f has the flows f, f + 1, ... f + L - 1; where the clip ends before that, the stack begins as much earlier,
 * and only a clip of fewer than L flows repeats its last one. A clip of one frame has no flow: FL_USAGE.
 *
 * Flow from a file takes the place of the computation. It is resized to the same size, and since it is in pixels, its
 * values by the same factors. */
#ifndef FL_FLOW_INPUT_H
#define FL_FLOW_INPUT_H

#include "io/flow_file.h"
#include "io/preprocess.h"
#include "tensor/flow.h"

typedef struct fl_flow_job {
    const fl_clip *clip;             /* NULL: there is only the file */
    const fl_flow_file *file;        /* NULL: computed from the clip */
    const fl_flow_params *params;    /* NULL: fl_flow_default */
    fl_flow_told *told;              /* progress of the computation, may be NULL */
    void *user;
} fl_flow_job;

/* frame: count frames of the clip (0 .. frames-1), or flows of the file where there is no clip. Into out: input of
 * shape 1, 2 stack, count, H, W; shown: the clip's frames, or the flow's colours where there is none (of a stack the
 * first); fitting: from the clip's pixels, or where there is none from the file's. The card's source is
 * FL_SOURCE_FLOW. FL_USAGE where clip, file and card do not go together. */
fl_status fl_flow_input(fl_arena *, const fl_card_input *, const fl_flow_job *, const int *frame, int count,
                        fl_network_clip *out);

/* Every flow of the job at the card's resized size, before crop and normalisation: flows, H, W, 2; NULL with the
 * error recorded. fitting says the size (resized_height, resized_width). The card may be of any source. */
real *fl_flow_field(fl_arena *, const fl_card_input *, const fl_flow_job *, int *flows, fl_fitting *);

int fl_flow_stack(const fl_card_input *);        /* the card's numbers with their defaults: 1 */
double fl_flow_bound(const fl_card_input *);     /* 20 */

#endif
