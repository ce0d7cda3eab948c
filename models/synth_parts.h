/* synth_parts.h: the parts that the generator is made of; only models/synth*.c include this.
 *
 * All geometry is computed in double from +, -, *, /, sqrt, floor and tensor/math.h, and rounded to bytes once per
 * layer of paint, so the bits are the same everywhere. */
#ifndef FL_SYNTH_PARTS_H
#define FL_SYNTH_PARTS_H

#include "models/synth.h"
#include "tensor/rng.h"

/* Every part of a clip draws from a stream of its own: what one part draws never shifts another. Distractor k has the
 * stream SYNTH_DISTRACTOR + k. */
enum { SYNTH_LABEL, SYNTH_ACTOR, SYNTH_PATH, SYNTH_BACKGROUND, SYNTH_NOISE, SYNTH_REGION, SYNTH_DISTRACTOR,
       SYNTH_STREAMS = 64 };

static inline fl_rng synth_stream(uint64_t seed, uint64_t index, int part)
{
    return (fl_rng){seed, index * SYNTH_STREAMS + (uint64_t)part, 0};
}
static inline double synth_uniform(fl_rng *draw, double low, double high)        /* in [low, high) */
{
    return low + (high - low) * fl_rng_next_uniform(draw);
}

/* One frame; rgb and mask may be NULL. */
typedef struct synth_canvas { unsigned char *rgb, *mask; int height, width; } synth_canvas;

/* An outline rho(direction) around the origin with maximum 1, a two-colour texture, a soft light and a dark rim. */
enum { SYNTH_SECTORS = 512 };
typedef struct synth_object {
    double rho[SYNTH_SECTORS + 1];       /* over the pseudo-angle, see synth_object.c */
    double steep[SYNTH_SECTORS + 1];     /* cosine between outline normal and radius: radial to true distance */
    double colour[2][3];                 /* 0 .. 255 */
    int texture;
    double nx, ny, offset, rate;         /* of the texture: direction, shift, periods per radius */
    double spot[3][3];                   /* x, y, radius */
    double light_x, light_y;             /* brightness gradient */
} synth_object;

void synth_object_draw(fl_rng *, const double background[3], synth_object *);

/* Paints the object at a pose. For the actor, also writes the mask and widens the box; NULL for a distractor. */
void synth_object_paint(const synth_object *, const fl_synth_pose *, synth_canvas, fl_synth_box *actor_box);

/* A smooth texture on a torus of 96 x 96 units, in 1/256 of a level. */
enum { SYNTH_TORUS = 96 };
typedef struct synth_background {
    uint16_t texel[SYNTH_TORUS][SYNTH_TORUS][3];
    double mean[3];
    double x, y, vx, vy;                 /* units, units per frame */
} synth_background;

void synth_background_draw(fl_rng *, int frames, synth_background *);
void synth_background_paint(const synth_background *, double time, double unit, synth_canvas);

/* Adds the sensor noise of one frame, a standard deviation of two levels. */
void synth_noise(fl_rng, int frame, synth_canvas);

void synth_action(const fl_synth_options *, uint64_t index, int label, unsigned char *rgb, unsigned char *mask,
                  fl_synth_truth *);
void synth_whitebox(const fl_synth_options *, uint64_t index, int label, unsigned char *rgb, unsigned char *mask,
                    fl_synth_truth *);

#endif
