/* labels.h: names of classes, by data set, in the order in which networks number them. */
#ifndef FL_LABELS_H
#define FL_LABELS_H

extern const char *const fl_labels_kinetics400[400];
extern const char *const fl_labels_ucf101[101];
extern const char *const fl_labels_ucf101_24[24];
extern const char *const fl_labels_epic_nouns[20];
extern const char *const fl_labels_epic_verbs[20];
extern const char *const fl_labels_sthsth25[25];

typedef struct fl_label_set { const char *name; int count; const char *const *label; const char *doc; } fl_label_set;
extern const fl_label_set fl_label_table[];                   /* the last row has no name */
const fl_label_set *fl_label_set_find(const char *name);      /* NULL when there is none of that name */

#endif
