/* lecture.h: a lesson is an idea, its formula, numbers that are computed while one reads, and claims that are checked as they are
 * printed. A lesson is one file with one row:
 *
 *     static fl_status give(fl_lecture *l)
 *     {
 *         fl_lecture_say(l, "What is to be seen.");
 *         fl_lecture_same(l, "this way = that way", one, other, within, "why they may be so far apart");
 *         return l->cli->error->status;
 *     }
 *     const fl_lesson fl_lesson_foo = {"foo", "one line", idea, formula, files, command, question, give};
 *
 * and a line FL_LESSON(foo) in lessons.def. Numbers come from the library, on the network and the clip of the lecture; nothing is
 * written down. What a lesson works out by hand is there to be compared, and nowhere else. */
#ifndef FL_LESSON_H
#define FL_LESSON_H

#include "autograd/fault.h"
#include "io/cli/boxes.h"
#include "io/cli/session.h"

typedef struct fl_made {                 /* a clip that is made here, with its truth */
    fl_input input;
    fl_synth_truth truth;
    fl_boxes boxes;
} fl_made;

typedef struct fl_lecture {
    fl_cli *cli;
    fl_session s;                        /* network, weights, clip, graph */
    const fl_boxes *boxes;               /* where the thing is; NULL: nobody knows */
    const fl_made *made;                 /* NULL: the user brought a clip */
    fl_synth_options how;                /* of made clips */
    bool knows;                          /* the network's classes are those of made clips, and it sees them as they are */
    bool sure;                           /* ... and it is right about this one, with a probability of 0.9 or more */
    const fl_fault *fault;               /* a mistake that was put in, or NULL */
    int best;                            /* the strongest class: what lessons explain */
    double score;                        /* of it, at the clip: the logit, or the probability where there is none */
    fl_json *j;                          /* NULL: text for people */
    int claims, failed;                  /* of all lessons so far */
    const char *first;                   /* that failed */
} fl_lecture;

typedef struct fl_lesson {
    const char *name, *title;
    const char *idea;                    /* two or three sentences */
    const char *formula;                 /* lines as they are to be printed */
    const char *read, *next, *question;  /* files; a command without "footlight"; an exercise */
    fl_status (*give)(fl_lecture *);
} fl_lesson;

#define FL_LESSON(name) extern const fl_lesson fl_lesson_##name;
#include "io/cli/lesson/lessons.def"
#undef FL_LESSON
extern const fl_lesson *const fl_lesson_table[];         /* in the order of lessons.def; ends with NULL */

/* ---- talk.c, claims.c: to people as lines of 96 columns or a little more, or into the object of --json ---- */

void fl_lecture_give(fl_lecture *, const fl_lesson *, int number);
void fl_lecture_say (fl_lecture *, const char *format, ...) __attribute__((format(printf, 2, 3)));     /* prose; is wrapped */
void fl_lecture_show(fl_lecture *, const char *format, ...) __attribute__((format(printf, 2, 3)));     /* a line of a table */

void fl_lesson_wrap (const char *text, int at, int indent);      /* on stdout; the first line begins at column `at` */

/* |one - other| <= within; |one| <= within; one < other. A claim with a NAN fails. Texts last as long as the call. */
void fl_lecture_same (fl_lecture *, const char *what, double one, double other, double within, const char *because);
void fl_lecture_small(fl_lecture *, const char *what, double one, double within, const char *because);
void fl_lecture_less (fl_lecture *, const char *what, double one, double other, const char *because);

/* ---- subject.c: the network and the clip that all lessons look at ---- */

fl_status fl_lecture_open(fl_cli *, fl_lecture *);
fl_status fl_lecture_make(fl_lecture *, uint64_t index, int label, fl_made *);     /* label -1: the clip's own */

/* What the network says about a clip. NAN after an error. */
double fl_lecture_score(fl_lecture *, const real *clip);
double fl_lecture_probability(fl_lecture *, const real *clip, int class_index);

/* A map of the strongest class, in cli->arena. options may be NULL; class, score and seed are filled in. */
fl_status fl_lecture_map(fl_lecture *, const char *method, const real *clip, const fl_explain_options *, fl_map *);

/* The network's own graph, up and down once with all values and signals kept: the score's gradient by the nodes wrt. */
fl_status fl_lecture_walk(fl_lecture *, const fl_id *wrt, int n_wrt);

/* The first convolution on its way whose kernel has more than one tap. NULL: FL_USAGE, there is none. */
const fl_node *fl_lecture_convolution(fl_lecture *);

/* Whether the way of the last walk is made of straight pieces: sums, ReLUs and maxima, and nothing that bends. */
bool fl_lecture_is_straight(const fl_lecture *);

real *fl_lecture_copy(fl_lecture *, const real *from);           /* of a clip, in cli->arena; NULL: memory */
static inline int64_t fl_lecture_voxels(const fl_lecture *l) { return fl_shape_count(l->s.input.shape); }

/* Decimals worth showing; whether this is the build for audits. */
static inline bool fl_lecture_fine(void) { return FL_REAL_EPSILON < 1e-10; }
static inline int fl_lecture_digits(void) { return fl_lecture_fine() ? 12 : 7; }

/* How far apart two orders of a sum of n summands may come out, whose sizes add up to `sizes`. */
static inline double fl_lecture_rounding(int64_t n, double sizes) { return (double)n * FL_REAL_EPSILON * sizes; }

#endif
