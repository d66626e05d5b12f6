/*
 * Texts inside XML 1.0.
 */
#ifndef PROGET_CLI_XML_TEXT_H
#define PROGET_CLI_XML_TEXT_H

#include <stdio.h>

/*
 * Writes a text such that it is right in an attribute's value (in double quotes) and as an element's content. What XML
 * cannot hold (control characters, broken UTF-8, U+FFFE, U+FFFF) and what could steer a terminal becomes '?'; line
 * breaks and tabs stay, as character references.
 */
void xml_write(FILE *target, const char *text);

#endif
