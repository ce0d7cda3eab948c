/* main.c: the program is its command line. */
#include "io/cli/cli.h"

int main(int argc, char **argv) { return fl_cli_main(argc, argv); }
