/* nearest.c: Levenshtein's distance, one row at a time. */
#include "models/nearest.h"

#include <string.h>

static int lower(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; }
static int smaller(int a, int b) { return a < b ? a : b; }

int fl_word_distance(const char *a, const char *b)
{
    enum { MOST = 64 };
    int row[MOST];
    const int na = smaller((int)strlen(a), MOST - 1), nb = smaller((int)strlen(b), MOST - 1);
    for (int j = 0; j <= nb; j++) row[j] = j;
    for (int i = 1; i <= na; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            const int change = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
            diagonal = row[j];
            row[j] = smaller(change, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[nb];
}
