/* nearest.c: the word that was probably meant, for messages about words that do not exist. */
#include "models/nearest.h"

#include "io/cli/cli.h"

#include <string.h>

/* A word that begins as the candidate does (at least three letters) counts as one edit away. */
static int edits_to(const char *word, const char *candidate)
{
    const size_t n = strlen(word);
    return n >= 3 && strncmp(word, candidate, n) == 0 ? 1 : fl_word_distance(word, candidate);
}

/* The dashes that options begin with say nothing about what was meant. */
const char *fl_nearest(const char *word, const char *const *candidate, int count)
{
    const char *best = NULL;
    const size_t dashes = strncmp(word, "--", 2) == 0 ? 2 : 0;
    int fewest = 2 + (int)strlen(word += dashes) / 3;
    for (int i = 0; i < count; i++) {
        const int edits = edits_to(word, candidate[i] + (strncmp(candidate[i], "--", dashes) == 0 ? dashes : 0));
        if (edits >= fewest) continue;
        fewest = edits;
        best = candidate[i];
    }
    return best;
}

fl_status fl_cli_unknown(fl_error *error, const char *what, const char *word, const char *const *candidate, int count,
                         const char *hint)
{
    const char *near = fl_nearest(word, candidate, count);
    if (near)
        return fl_error_set(error, FL_USAGE, "%s '%s' is unknown; did you mean '%s'? (%s)", what, word, near, hint);
    return fl_error_set(error, FL_USAGE, "%s '%s' is unknown; %s", what, word, hint);
}
