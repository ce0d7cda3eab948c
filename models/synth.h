/* synth.h: synthetic clips with known truth, to train the small networks and to test explanations.
 *
 * FL_SYNTH_ACTION: an actor (random outline, texture and colours) performs one of eight motions during a random
 * span of the clip, on a drifting textured background, among still and jittering objects. Every odd class is the
 * even class before it played backwards, bit for bit: for one seed and index,
 *     clip(move_right)[t] = clip(move_left)[T-1-t],   also up/down, clockwise/counterclockwise, grow/shrink.
 * So no statistic that ignores the order of the frames can tell the two classes of a pair apart. Background,
 * distractors, sensor noise and the actor's looks are drawn without knowing the class; a palette per class exists,
 * but both actor and distractors take any palette. (A frame whose time is known does tell something, as it must in
 * a bounded picture: who is on the left, or small, early on will rather go right, or grow. But a still frame does not
 * say who the actor is: distractors look like actors and come in all sizes.)
 *
 * White-box kinds, where the evidence is known exactly: for one seed and index, clips of different classes are
 * equal bit for bit outside it.
 *   FL_SYNTH_ONE_REGION  frozen noise; one square, at the same place in all frames, has stripes, their direction
 *                        is the class
 *   FL_SYNTH_ONE_FRAME   new noise in every frame; one frame has stripes all over, their direction is the class
 *
 * A clip is a pure function of (options, index), or of (options, index, label): the same bits on every machine,
 * compiler, precision and number of threads. Nothing is allocated; several threads may make clips at once. */
#ifndef FL_SYNTH_H
#define FL_SYNTH_H

#include "tensor/error.h"

#include <stdint.h>

typedef enum fl_synth_kind { FL_SYNTH_ACTION, FL_SYNTH_ONE_REGION, FL_SYNTH_ONE_FRAME, FL_SYNTH_KINDS } fl_synth_kind;

enum {
    FL_SYNTH_CLASSES = 8, FL_SYNTH_PATTERNS = 4,
    FL_SYNTH_MIN_FRAMES = 4, FL_SYNTH_MAX_FRAMES = 128,
    FL_SYNTH_MIN_SIZE = 16, FL_SYNTH_MAX_SIZE = 512
};

extern const char *const fl_synth_label[FL_SYNTH_CLASSES];       /* move_left, move_right, ... shrink */
extern const char *const fl_synth_pattern[FL_SYNTH_PATTERNS];    /* the classes of the white-box kinds */
extern const char *const fl_synth_kind_name[FL_SYNTH_KINDS + 1]; /* action, one_region, one_frame, NULL */

typedef struct fl_synth_options {
    uint64_t seed;
    int frames, height, width;       /* 4..128 frames, 16..512 pixels each way */
    fl_synth_kind kind;
} fl_synth_options;

/* Pixels, half open; all 0: nothing there. */
typedef struct fl_synth_box { int x0, y0, x1, y1; } fl_synth_box;

/* Centre and radius of the outer circle in pixels; angle in radians clockwise, never wrapped. */
typedef struct fl_synth_pose { double x, y, angle, radius; } fl_synth_pose;

typedef struct fl_synth_truth {
    int label;
    int begin, end;                            /* the frames that show the evidence, end exclusive: frame begin still
                                                  has the first pose of the motion, frame end-1 already the last */
    fl_synth_box box[FL_SYNTH_MAX_FRAMES];     /* per frame, tight around the mask: actor, square or striped frame */
    fl_synth_pose pose[FL_SYNTH_MAX_FRAMES];   /* FL_SYNTH_ACTION: the actor, in every frame */
} fl_synth_truth;

/* {seed, 16 frames, 64 x 64, action} */
fl_synth_options fl_synth_default(uint64_t seed);

/* FL_USAGE with a message where frames, height, width or kind are out of range. The functions below assert it. */
fl_status fl_synth_check(const fl_synth_options *, fl_error *);

int fl_synth_classes(fl_synth_kind);                                   /* 8 or 4 */
const char *fl_synth_class_name(fl_synth_kind, int label);

/* The class of clip `index`. With n classes, clips k n .. k n + n-1 have each class once, in random order. */
int fl_synth_label_at(const fl_synth_options *, uint64_t index);

/* Clip `index`. rgb: T,H,W,3 bytes. mask: T,H,W bytes, 255 where at least half of the pixel belongs to the actor (the
 * striped square, the striped frame), else 0. All three belong to the caller; each may be NULL. */
void fl_synth_clip(const fl_synth_options *, uint64_t index,
                   unsigned char *rgb, unsigned char *mask, fl_synth_truth *truth);

/* The same scene with a class of the caller's choice: clips that differ in the class and in nothing else. */
void fl_synth_clip_of(const fl_synth_options *, uint64_t index, int label,
                      unsigned char *rgb, unsigned char *mask, fl_synth_truth *truth);

/* mask: T,H,W bytes, 255 in the boxes of the frames begin..end-1, else 0. For the white-box kinds these voxels carry
 * the evidence, all of them and no other; for actions they are the boxes of the actor while it acts. */
void fl_synth_evidence(const fl_synth_options *, const fl_synth_truth *, unsigned char *mask);

#endif
