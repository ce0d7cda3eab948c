/* boxes.h: where the thing really is: a CSV file of boxes, brought into the network's frames.
 *
 *     clip,frame,x0,y0,x1,y1,label        edges in pixels of the clip, x1 and y1 exclusive; frame counts from 0
 *
 * The columns are found by their names; clip and label may be missing. Of a file with several clips the rows count
 * whose clip has the name of the input (without folder and ending). Several boxes in one frame are joined. */
#ifndef FL_BOXES_H
#define FL_BOXES_H

#include "attribution/localise.h"
#include "io/cli/input.h"
#include "io/result.h"

typedef struct fl_boxes {
    fl_box *box;                     /* per frame that the network sees: half open; empty where there is none */
    fl_frame_box *drawn;             /* the same, as pictures want it: both ends inside */
    const char *label;               /* of the first row used, or NULL */
    int frames;                      /* that have one */
} fl_boxes;

/* FL_UNREADABLE: not such a file, or no box for any frame of this clip. FL_USAGE: the input is a tensor. */
fl_status fl_boxes_read(fl_cli *, const char *path, const fl_input *, fl_boxes *);

#endif
