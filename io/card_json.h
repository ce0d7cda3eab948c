/* card_json.h: the card of a network (models/card.h) as a JSON file, for networks that come from a file.
 *
 *     {"frames": 16, "height": 112, "width": 112, "sampling": "dense", "fit": "short_side", "fit_height": 128,
 *      "white": 1, "bgr": false, "mean": [0.432, 0.395, 0.376], "std": [0.228, 0.221, 0.217],
 *      "labels": ["archery", "bowling"]}
 *
 * Every member may be left out and keeps what it was; one that is not known is an error, so that no misspelt word
 * goes unnoticed. fit: "stretch" or "short_side"; fit_height and fit_width: the size before the crop. labels: a list,
 * or the name of a file with one name per line, beside the card. */
#ifndef FL_CARD_JSON_H
#define FL_CARD_JSON_H

#include "io/file.h"
#include "models/card.h"

typedef struct fl_card_json {
    fl_card_input input;
    const char *const *labels;           /* classes names, or NULL */
    int classes;
    bool has_mean, has_std;              /* the file says so itself */
} fl_card_json;

/* Changes *card where the text says something. name is for messages; labels that are a file are read from its folder.
 * FL_UNREADABLE: no JSON, a member that is not known, a number that cannot be. Texts are the arena's. */
fl_status fl_card_json_parse(fl_arena *, fl_bytes, const char *name, fl_card_json *card);
fl_status fl_card_json_read(fl_arena *, const char *path, fl_card_json *card);

/* The card that belongs to a file: for "dir/net.onnx", dir/net.card.json, else dir/card.json. NULL: neither is there
 * (no error), or memory ran out. */
const char *fl_card_json_find(fl_arena *, const char *path);

#endif
