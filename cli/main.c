/*
 * kubectl-proget: the kubectl plugin.
 */
#include <stdio.h>

#include "plugin.h"

int main(int argc, char **argv)
{
    return plugin_main(argc, argv, stdout, stderr);
}
