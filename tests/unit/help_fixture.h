/*
 * What the tests of the programs' command lines share: the help as a user reads it.
 */
#ifndef PROGET_TESTS_HELP_FIXTURE_H
#define PROGET_TESTS_HELP_FIXTURE_H

/* Runs `print`, with standard output caught. Owned. */
char *help_caught(void (*print)(void));
/* Fails where an option tells its default or that it may be repeated twice, or where a line is longer than 120. */
void assert_help_says_once(const char *help);

#endif
