/* nearest.h: how far two words are apart, to suggest the one that was meant. */
#ifndef FL_NEAREST_H
#define FL_NEAREST_H

/* Levenshtein's distance over the first 63 characters; letters count as equal in either case. */
int fl_word_distance(const char *a, const char *b);

#endif
