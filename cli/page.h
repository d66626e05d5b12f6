/*
 * A page of docs/findings as plain text for a terminal: Markdown as those pages use it (headings, paragraphs, fenced
 * code, tables, lists, links, emphasis).
 */
#ifndef PROGET_CLI_PAGE_H
#define PROGET_CLI_PAGE_H

#include "output_table.h"

/* Paragraphs are wrapped to the style's width; code is printed as it is, for pasting. */
void page_print(const char *markdown, struct table_style style, FILE *target);

#endif
