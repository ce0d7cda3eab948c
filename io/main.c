/* main.c: the program is its command line. */
#include "io/cli/cli.h"
#include "tensor/quiet.h"

int main(int argc, char **argv)
{
    fl_wait_quietly(argv);
    return fl_cli_main(argc, argv);
}
