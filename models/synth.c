/* synth.c: the public face of the generator: names, checks, the class of a clip, evidence. See synth.h. */
#include "models/synth_parts.h"

#include <stddef.h>
#include <string.h>

const char *const fl_synth_label[FL_SYNTH_CLASSES] = {
    "move_left", "move_right", "move_up", "move_down",
    "rotate_clockwise", "rotate_counterclockwise", "grow", "shrink"};
const char *const fl_synth_pattern[FL_SYNTH_PATTERNS] = {
    "stripes_horizontal", "stripes_vertical", "stripes_falling", "stripes_rising"};
const char *const fl_synth_kind_name[FL_SYNTH_KINDS + 1] = {"action", "one_region", "one_frame", NULL};

fl_synth_options fl_synth_default(uint64_t seed)
{
    return (fl_synth_options){seed, 16, 64, 64, FL_SYNTH_ACTION};
}

fl_status fl_synth_check(const fl_synth_options *o, fl_error *err)
{
    if (o->frames < FL_SYNTH_MIN_FRAMES || o->frames > FL_SYNTH_MAX_FRAMES)
        return fl_error_set(err, FL_USAGE, "synthetic clip: %d frames, possible are %d to %d", o->frames,
                            FL_SYNTH_MIN_FRAMES, FL_SYNTH_MAX_FRAMES);
    if (o->height < FL_SYNTH_MIN_SIZE || o->height > FL_SYNTH_MAX_SIZE || o->width < FL_SYNTH_MIN_SIZE ||
        o->width > FL_SYNTH_MAX_SIZE)
        return fl_error_set(err, FL_USAGE, "synthetic clip: height %d and width %d, possible are %d to %d",
                            o->height, o->width, FL_SYNTH_MIN_SIZE, FL_SYNTH_MAX_SIZE);
    if ((int)o->kind < 0 || o->kind >= FL_SYNTH_KINDS)
        return fl_error_set(err, FL_USAGE, "synthetic clip: unknown kind %d; there are action, one_region, one_frame",
                            (int)o->kind);
    return FL_OK;
}

int fl_synth_classes(fl_synth_kind kind) { return kind == FL_SYNTH_ACTION ? FL_SYNTH_CLASSES : FL_SYNTH_PATTERNS; }

const char *fl_synth_class_name(fl_synth_kind kind, int label)
{
    fl_assert(label >= 0 && label < fl_synth_classes(kind));
    return kind == FL_SYNTH_ACTION ? fl_synth_label[label] : fl_synth_pattern[label];
}

int fl_synth_label_at(const fl_synth_options *o, uint64_t index)
{
    int order[FL_SYNTH_CLASSES], n = fl_synth_classes(o->kind);
    fl_rng draw = synth_stream(o->seed, index / (uint64_t)n, SYNTH_LABEL);
    for (int i = 0; i < n; i++) order[i] = i;
    fl_rng_shuffle(order, n, &draw);
    return order[index % (uint64_t)n];
}

void fl_synth_clip(const fl_synth_options *o, uint64_t index,
                   unsigned char *rgb, unsigned char *mask, fl_synth_truth *truth)
{
    fl_synth_clip_of(o, index, fl_synth_label_at(o, index), rgb, mask, truth);
}

void fl_synth_clip_of(const fl_synth_options *o, uint64_t index, int label,
                      unsigned char *rgb, unsigned char *mask, fl_synth_truth *truth)
{
    fl_synth_truth unwanted;
    fl_assert(fl_synth_check(o, NULL) == FL_OK);
    fl_assert(label >= 0 && label < fl_synth_classes(o->kind));
    if (!truth) truth = &unwanted;
    memset(truth, 0, sizeof *truth);
    truth->label = label;
    if (mask) memset(mask, 0, (size_t)o->frames * (size_t)o->height * (size_t)o->width);
    if (o->kind == FL_SYNTH_ACTION) synth_action(o, index, label, rgb, mask, truth);
    else synth_whitebox(o, index, label, rgb, mask, truth);
}

void fl_synth_evidence(const fl_synth_options *o, const fl_synth_truth *truth, unsigned char *mask)
{
    size_t pixels = (size_t)o->height * (size_t)o->width;
    memset(mask, 0, (size_t)o->frames * pixels);
    for (int t = truth->begin; t < truth->end; t++) {
        fl_synth_box b = truth->box[t];
        for (int y = b.y0; y < b.y1; y++)
            memset(mask + (size_t)t * pixels + (size_t)y * (size_t)o->width + b.x0, 255, (size_t)(b.x1 - b.x0));
    }
}
