/* labels_epic.c: EPIC-Kitchens-55 (Damen 2018): the 20 most frequent nouns and verbs, numbered as in the study. */
#include "models/labels.h"

const char *const fl_labels_epic_nouns[20] = {
    "tap", "plate", "knife", "pan", "drawer", "spoon", "fridge", "bowl", "onion", "lid", "cupboard", "glass",
    "sponge", "fork", "spatula", "meat", "bottle", "potato", "cloth", "pot",
};

const char *const fl_labels_epic_verbs[20] = {
    "put", "take", "open", "wash", "close", "cut", "mix", "pour", "move", "turn-on", "remove", "peel", "turn-off",
    "insert", "throw", "turn", "dry", "press", "squeeze", "scoop",
};
