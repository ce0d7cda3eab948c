/* input.h: what goes into the network: a clip from a file, or a tensor as it is, and where it came from. */
#ifndef FL_CLI_INPUT_H
#define FL_CLI_INPUT_H

#include "io/cli/cli.h"
#include "io/flow_input.h"
#include "models/model.h"

typedef struct fl_input {
    fl_shape shape;                  /* 1,C,T,H,W */
    const real *values;              /* channels last, in network space */
    const unsigned char *rgb;        /* T,H,W,3: the frames as the network sees them */
    const char *source;              /* as the user wrote it */
    const char *title;               /* its last part, without folder and ending: for pages and names of folders */
    const char *format, *note;       /* of the file; what was assumed, "" when nothing */
    fl_sha256_text sha256;           /* of the source's bytes */
    int frames, height, width;       /* of the source; 0 for a tensor */
    double fps;                      /* 0: not known */
    const int *frame;                /* the T frames of the source that were taken; NULL for a tensor */
    int item;                        /* of a tensor with several clips: which one */
    const char *sampling;            /* how the frames were chosen; NULL for a tensor */
    const fl_clip *clip;             /* while the input is made: the frames' source; NULL: flow alone */
    fl_flow_file flow;               /* flow that was read, from CLIP or --flow; flows 0: none was */
    bool moves;                      /* what the network sees is flow */
    const real *second;              /* networks of two inputs: flow for the other one, as their second card says; or NULL */
    fl_shape second_shape;
    fl_fitting fitting;              /* from pixels of the source to the network's; all 0 for a tensor */
    const fl_card_input *card;       /* which said so */
} fl_input;

extern const fl_option_group fl_input_options;       /* --tensor --item, sampling, size of raw frames ... */

/* Reads the clip at path ("-": standard input) for the model, all in cli->arena. */
fl_status fl_input_read(fl_cli *, const fl_model *, const char *path, fl_input *);

/* The same for a clip in memory, of which it takes the given frames; source, title and sampling are the caller's. */
fl_status fl_input_use(fl_cli *, const fl_model *, const fl_clip *, const int *frame, int frames, fl_input *);

/* A clip without a file: the reference formula of that network's name (models/model.h), at the size of its card, or with --frames. */
fl_status fl_input_make(fl_cli *, const fl_model *, fl_input *);

/* T,H,W,3: how a tensor looks: normalisation undone, cut to bytes. NULL: no memory. */
unsigned char *fl_input_shown(fl_cli *, const fl_card_input *, fl_shape, const real *values);

/* Flow of the same frames for a card of flow, read or computed. While the input is made: see() in input.c. */
fl_status fl_input_flow(fl_cli *, const fl_card_input *, const fl_input *, fl_network_clip *);

/* --matrix, --size and --layout, of a command that has them. */
fl_status fl_input_clip_options(fl_cli *, fl_clip_options *);

/* "input": {...} */
void fl_input_write(fl_json *, const fl_input *);

#endif
