/* boxes.h: where the thing really is, from a file of boxes or masks, brought into the network's frames.
 *
 *   CSV       clip,frame,x0,y0,x1,y1,label       edges in pixels of the clip, x1 and y1 exclusive; frame counts from 0. Columns are
 *             found by their names; clip and label may be missing
 *   JSON      a list of objects with the same names, or {"boxes": such a list}
 *   UCF101-24 pyannot.pkl: {"Class/CLIP": {"annotations": [{"label", "sf", "ef", "boxes": x,y,w,h per frame}]}}, frames of 320 x 240;
 *             read as data: nothing in it is run
 *   EPIC      CSV with video_id, seg_id, start_frame and bounding_boxes {frame: (y,x,h,w)} or {frame: [(y,x,h,w), ...]} in 1920 x 1080;
 *             a box holds 3 frames to each side, and of all other frames nothing is known
 *   masks     a clip of the same frames that is light where the thing is (PGM, PNG, .npy, a folder: whatever clip.h reads), or a .npy of
 *             T,H,W as the network sees it, not 0 where the thing is
 *
 * Of a file with several clips the entries count whose clip has the name of the input (without folder and ending). */
#ifndef FL_BOXES_H
#define FL_BOXES_H

#include "attribution/localise.h"
#include "io/cli/input.h"
#include "io/result.h"
#include "models/synth.h"

typedef struct fl_boxes {
    fl_truth truth;                  /* of the frames that the network sees; several boxes of a frame stay apart */
    fl_box *box;                     /* per frame: around all of it, half open; empty where there is none */
    fl_frame_box *drawn;             /* the same, as pictures want it: both ends inside */
    const char *label;               /* of the first entry used, or NULL */
    int frames;                      /* that have one */
} fl_boxes;

/* FL_UNREADABLE: not such a file, or nothing in it for any frame of this clip. FL_USAGE: the input is a tensor, and these are no
 * masks of its size. */
fl_status fl_boxes_read(fl_cli *, const char *path, const fl_input *, fl_boxes *);

/* A mask of T,H,W made elsewhere: fills in the rest. */
fl_status fl_boxes_of_mask(fl_arena *, fl_shape clip, const unsigned char *mask, fl_boxes *);

/* The actor's boxes of a synthetic clip (which enters the network as it is); it happens while the actor acts. */
fl_status fl_boxes_of_synth(fl_arena *, const fl_synth_options *, const fl_synth_truth *, fl_boxes *);

/* ---- for the readers (boxes_table.c, boxes_json.c, boxes_ucf.c) ---- */

typedef struct fl_box_reader {
    fl_cli *cli;
    const char *path;
    const fl_input *input;
    fl_boxes *boxes;
    unsigned char *mask;
    bool *known;                     /* NULL until a reader says that it does not know all frames */
} fl_box_reader;

/* boxes_add.c: a box x0,y0,x1,y1 in pixels of the clip, in its frames first .. last. */
void fl_box_add(fl_box_reader *, long long first, long long last, const double edge[4], const char *label);
bool fl_box_is_clip(const fl_box_reader *, const char *name, size_t length);     /* the input's title */

fl_status fl_boxes_parse(fl_box_reader *, fl_bytes);           /* finds out which of these it is */
fl_status fl_boxes_read_table(fl_box_reader *, fl_bytes);
fl_status fl_boxes_read_json(fl_box_reader *, fl_bytes);
fl_status fl_boxes_read_pickle(fl_box_reader *, fl_bytes);

#endif
