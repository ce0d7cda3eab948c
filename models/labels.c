/* labels.c: the list of label sets. */
#include "models/labels.h"

#include <stddef.h>
#include <string.h>

const fl_label_set fl_label_table[] = {
    {"kinetics400", 400, fl_labels_kinetics400, "Kinetics-400 (Kay 2017)"},
    {"ucf101", 101, fl_labels_ucf101, "UCF101 (Soomro 2012)"},
    {"ucf101_24", 24, fl_labels_ucf101_24, "the 24 classes of UCF101 with boxes"},
    {"epic_nouns", 20, fl_labels_epic_nouns, "EPIC-Kitchens-55, the 20 most frequent nouns"},
    {"epic_verbs", 20, fl_labels_epic_verbs, "EPIC-Kitchens-55, the 20 most frequent verbs"},
    {"sthsth25", 25, fl_labels_sthsth25, "Something-Something v2, 25 templates"},
    {NULL, 0, NULL, NULL}};

const fl_label_set *fl_label_set_find(const char *name)
{
    for (const fl_label_set *s = fl_label_table; s->name; s++)
        if (strcmp(s->name, name) == 0) return s;
    return NULL;
}
