/* synth_action.c: the story of an action clip: an actor that moves, turns or grows once, among things that do not.
 *
 * A scene is told in path time tau = 0 .. T-1, always in the direction of the even class of a pair:
 *     m(tau) runs from -1/2 to 1/2 during the span [begin, end) and rests before and after,
 *     left: x = cx - travel m;  up: y = cy - travel m;  clockwise: angle = a + turn m;  grow: radius = r factor^m.
 * The odd class shows the frames in the opposite order, t = T-1-tau, with everything that is in them. */
#include "models/synth_parts.h"
#include "tensor/math.h"

#include <math.h>

enum { LEFT_RIGHT, UP_DOWN, TURN, SIZE };     /* label / 2 */
enum { MAX_DISTRACTORS = 4 };

typedef struct path {
    int pair, axis, begin, end;
    double x, y, angle, radius;               /* in the middle of the path */
    double travel, turn, log_factor;          /* whole way, from begin to end */
    double hold;                              /* m of an actor that does not travel: at one end of the same path */
    double hold_size;                         /* m of the size of an actor that does not grow */
    double ease, shiver;                      /* 0: steady speed, 1: soft start and end; pixels of jitter */
    fl_rng shake;
} path;

/* Every draw is made for every class, so that a scene does not depend on the class. */
static path path_draw(const fl_synth_options *o, uint64_t index, int pair, double unit)
{
    fl_rng draw = synth_stream(o->seed, index, SYNTH_PATH);
    path p = {.pair = pair};
    int shortest = (6 * o->frames + 8) / 16, longest = 12 * o->frames / 16;
    int length = shortest + fl_rng_next_below(&draw, longest - shortest + 1);
    p.begin = fl_rng_next_below(&draw, o->frames - length + 1);
    p.end = p.begin + length;
    p.axis = fl_rng_next_below(&draw, 2);
    p.hold = fl_rng_next_below(&draw, 2) - 0.5;
    p.hold_size = synth_uniform(&draw, 0, 0.3);
    p.angle = synth_uniform(&draw, 0, 2 * FL_PI);
    p.radius = unit * synth_uniform(&draw, 9, 11.5);
    p.travel = unit * synth_uniform(&draw, 16, 25);
    p.turn = synth_uniform(&draw, 70, 160) * FL_PI / 180;
    p.log_factor = fl_log64(synth_uniform(&draw, 1.6, 2.4));
    p.ease = synth_uniform(&draw, 0, 1);
    int steady = fl_rng_next_below(&draw, 2);
    p.shiver = steady ? 0 : unit * synth_uniform(&draw, 0.2, 0.6);
    if (pair == LEFT_RIGHT || pair == UP_DOWN) p.axis = pair;

    /* Anywhere, but always whole in the frame: at worst that takes 11.5 sqrt(2.4) + 25/2 + 0.6 + 0.3 < 32 units. */
    double most = p.radius * fl_exp64(p.log_factor * (pair == SIZE ? 0.5 : p.hold_size)) + p.shiver + 0.3 * unit;
    double room_x = most + (p.axis == LEFT_RIGHT ? 0.5 * p.travel : 0);
    double room_y = most + (p.axis == UP_DOWN ? 0.5 * p.travel : 0);
    p.x = synth_uniform(&draw, room_x, o->width - room_x);
    p.y = synth_uniform(&draw, room_y, o->height - room_y);
    p.shake = draw;
    return p;
}

static fl_synth_pose path_pose(const path *p, int time)
{
    double s = (double)(time - p->begin) / (p->end - 1 - p->begin);
    s = s < 0 ? 0 : s > 1 ? 1 : s;
    double m = s + p->ease * (s * s * (3.0 - 2.0 * s) - s) - 0.5;
    double way = p->travel * (p->pair == LEFT_RIGHT || p->pair == UP_DOWN ? m : p->hold);
    fl_rng shake = p->shake;
    shake.index += 2 * (uint64_t)time;
    fl_synth_pose pose = {p->x, p->y, p->angle, p->radius};
    pose.x += synth_uniform(&shake, -p->shiver, p->shiver);
    pose.y += synth_uniform(&shake, -p->shiver, p->shiver);
    if (p->axis == LEFT_RIGHT) pose.x -= way;
    else pose.y -= way;
    if (p->pair == TURN) pose.angle += p->turn * m;
    pose.radius *= fl_exp64(p->log_factor * (p->pair == SIZE ? m : p->hold_size));
    return pose;
}

/* A thing without meaning: still, shivering (independent frames) or swinging (whole periods per clip): mean zero. */
enum { STILL, SHIVER, SWAY, ROCK, PULSE, MANNERS };

typedef struct distractor {
    synth_object object;
    fl_synth_pose rest;
    int manner, cycles;
    double amount, phase, toward_x, toward_y;
    fl_rng shake;
} distractor;

static void distractor_draw(fl_rng draw, int number, const fl_synth_options *o, double unit,
                            const double background[3], distractor *d)
{
    synth_object_draw(&draw, background, &d->object);
    d->rest.x = o->width * synth_uniform(&draw, 0.06, 0.94);
    d->rest.y = o->height * synth_uniform(&draw, 0.06, 0.94);
    d->rest.angle = synth_uniform(&draw, 0, 2 * FL_PI);
    double size = synth_uniform(&draw, 0, 1);                /* often small, sometimes larger than most actors: */
    d->rest.radius = unit * (5.5 + 9.5 * size * size);       /* in one frame, size does not tell who acts */
    int manner = fl_rng_next_below(&draw, MANNERS), moving = SHIVER + fl_rng_next_below(&draw, MANNERS - 1);
    d->manner = number == 0 ? STILL : number == 1 ? moving : manner;      /* at least one of each sort */
    d->cycles = 2 + fl_rng_next_below(&draw, 3);
    d->phase = synth_uniform(&draw, 0, 1);
    d->amount = synth_uniform(&draw, 0.5, 1);
    double toward = synth_uniform(&draw, 0, 2 * FL_PI);
    d->toward_x = fl_cos64(toward);
    d->toward_y = fl_sin64(toward);
    d->shake = draw;
}

static fl_synth_pose distractor_pose(const distractor *d, int time, int frames, double unit)
{
    fl_synth_pose pose = d->rest;
    fl_rng shake = d->shake;
    shake.index += 3 * (uint64_t)time;
    double swing = d->amount * fl_cos64(2 * FL_PI * (d->phase + (double)(d->cycles * time) / frames));
    if (d->manner == SHIVER) {
        pose.x += unit * d->amount * synth_uniform(&shake, -1.6, 1.6);
        pose.y += unit * d->amount * synth_uniform(&shake, -1.6, 1.6);
        pose.angle += d->amount * synth_uniform(&shake, -0.2, 0.2);
    } else if (d->manner == SWAY) {
        pose.x += unit * 3.0 * swing * d->toward_x;
        pose.y += unit * 3.0 * swing * d->toward_y;
    } else if (d->manner == ROCK) {
        pose.angle += 0.35 * swing;
    } else if (d->manner == PULSE) {
        pose.radius *= 1.0 + 0.12 * swing;
    }
    return pose;
}

void synth_action(const fl_synth_options *o, uint64_t index, int label, unsigned char *rgb, unsigned char *mask,
                  fl_synth_truth *truth)
{
    double unit = (o->height < o->width ? o->height : o->width) / 64.0;
    synth_background background;
    synth_object actor;
    distractor other[MAX_DISTRACTORS];
    fl_rng draw = synth_stream(o->seed, index, SYNTH_BACKGROUND);
    synth_background_draw(&draw, o->frames, &background);
    draw = synth_stream(o->seed, index, SYNTH_ACTOR);
    synth_object_draw(&draw, background.mean, &actor);
    int others = 2 + fl_rng_next_below(&draw, MAX_DISTRACTORS - 1);
    for (int k = 0; k < others; k++)
        distractor_draw(synth_stream(o->seed, index, SYNTH_DISTRACTOR + k), k, o, unit, background.mean, &other[k]);
    path p = path_draw(o, index, label / 2, unit);

    int backwards = label % 2;
    truth->begin = backwards ? o->frames - p.end : p.begin;
    truth->end = backwards ? o->frames - p.begin : p.end;
    int64_t pixels = (int64_t)o->height * o->width;
    for (int time = 0; time < o->frames; time++) {
        int t = backwards ? o->frames - 1 - time : time;
        synth_canvas canvas = {rgb ? rgb + t * pixels * 3 : NULL, mask ? mask + t * pixels : NULL,
                               o->height, o->width};
        if (rgb) {
            synth_background_paint(&background, time, unit, canvas);
            for (int k = 0; k < others; k++) {
                fl_synth_pose pose = distractor_pose(&other[k], time, o->frames, unit);
                synth_object_paint(&other[k].object, &pose, canvas, NULL);
            }
        }
        truth->pose[t] = path_pose(&p, time);
        synth_object_paint(&actor, &truth->pose[t], canvas, &truth->box[t]);
        if (rgb) synth_noise(synth_stream(o->seed, index, SYNTH_NOISE), time, canvas);
    }
}
