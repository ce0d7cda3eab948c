/* labels_sthsth25.c: the 25 templates of Something-Something v2 (Goyal 2017)
 * with most clips (the study's order). */
#include "models/labels.h"

const char *const fl_labels_sthsth25[25] = {
    "Tearing something into two pieces", "Plugging something into something", "Covering something with something",
    "Turning something upside down", "Something falling like a feather or paper",
    "Tearing something just a little bit", "Taking one of many similar things on the table", "Moving something up",
    "Opening something", "Stuffing something into something", "Something falling like a rock",
    "Uncovering something", "Moving something down", "Squeezing something", "Putting something on a surface",
    "Putting something into something", "Putting something similar to other things that are already on the table",
    "Folding something", "Pouring something into something", "Pushing something so that it falls off the table",
    "Showing that something is empty", "Pushing something so that it slightly moves",
    "Moving something and something closer to each other", "Showing something to the camera",
    "Lifting something with something on it",
};
