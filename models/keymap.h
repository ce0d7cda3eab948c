/* keymap.h: from the names in a checkpoint to the names of a network.
 *
 * People's files call the same parameter module.features.0.weight, conv1.weight, conv1.conv.weight. A key map is a list of
 * replacements, applied in order to every name: each once, at the first place where it fits; '^' in front of `from` means the
 * beginning of the name, '#' in it a number, which '#' in `to` puts back. Wrappers' prefixes (module. model. backbone. ...)
 * are tried off as well. The map and the prefix under which most names fit win; of equal ones the first. */
#ifndef FL_KEYMAP_H
#define FL_KEYMAP_H

#include "autograd/graph.h"

typedef struct fl_rename { const char *from, *to; } fl_rename;
typedef struct fl_key_map {
    const char *name, *doc;
    const fl_rename *rename;             /* the last row has no `from` */
} fl_key_map;

extern const fl_key_map fl_keys_own;     /* no replacement */
extern const fl_key_map fl_keys_i3d_hassony2, fl_keys_c3d_sequential, fl_keys_c3d_caffe, fl_keys_resnet50_torchvision,
                        fl_keys_resnet50_shifted, fl_keys_lstm_torch, fl_keys_mmaction_resnet50;

typedef struct fl_match {
    const fl_key_map *map;
    const char *prefix;                  /* what was taken off: "", "module.", "module.model." ... */
    fl_bundle bundle;                    /* the entries that belong to the network, under its names; values as in the file */
    int wanted;                          /* parameters and statistics of the network */
    int matched;                         /* of them in the file, shape and all ... */
    int reshaped;                        /* ... of these as a matrix instead of a kernel, or the reverse: the same values */
    int misfits;                         /* in the file with another shape */
    int missing;
    int unexpected;                      /* in the file, not in the network; without counters like num_batches_tracked */
    const char *first_missing, *first_unexpected, *first_misfit;      /* names, or NULL */
} fl_match;

/* maps: ends with NULL; own names are tried in any case. scope: "" or the beginning of the names of the part of the network that
 * the file is for ("flow."). Names and entries in the arena. FL_FAILED: memory. */
fl_status fl_match_weights(fl_arena *, const fl_graph *, const char *scope, const fl_key_map *const *maps, const fl_bundle *file,
                           fl_match *);

/* One name through one map, as text into to[size]; false when it does not fit in. */
bool fl_key_map_name(const fl_key_map *, const char *name, char *to, size_t size);

#endif
