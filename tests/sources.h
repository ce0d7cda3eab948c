/* sources.h: reading the project's own sources, from the root of the repository. */
#ifndef FL_TEST_SOURCES_H
#define FL_TEST_SOURCES_H

#include <stdbool.h>

enum { SOURCE_ROOMS = 6 };
extern const char *const source_room[SOURCE_ROOMS];      /* from the ground up */

/* Every .c, .h and .def under the folder; visit may write into the text, which ends with a zero. Returns how many there were. */
int source_each(const char *folder, void (*visit)(const char *path, char *text));

/* Comments become blanks; so do strings when asked for. Line breaks stay, escapes and quotes are understood. */
void source_blank(char *text, bool strings_too);
bool source_in_name(int c);                              /* a letter, a digit or _ */

#endif
