/*
 * Which database a connection string names, so that two of them can be compared. Pure.
 */
#ifndef PROGET_CHECKS_CONNECTION_STRING_H
#define PROGET_CHECKS_CONNECTION_STRING_H

#include <stdbool.h>

/*
 * Equal texts are one database: server, port and name, whatever the order, the spelling of the keys ("Data Source",
 * "Server"), the user, or the pool's size. Where it names no server or no database: all its settings, in order; where
 * it is no list of settings at all: itself, without the white space around it.
 *
 * What comes back is as secret as what goes in: owned, to be wiped, never to be shown.
 */
char *connection_string_database(const char *text, bool is_postgres);

#endif
