#include "placeholder.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

/* How such texts begin and end; an end of "" is any. */
static const struct {
    const char *start, *end;
} forms[] = {
    {"ENC[", "]"}, /* SOPS */
    {"${", "}"},   /* envsubst, Flux */
    {"{{", "}}"},  /* Helm, Jinja */
    {"#{", "}"},   /* Octopus, tokens of Azure Pipelines */
    {"#{", "}#"},  /* the same, closed on both sides */
    {"<", ">"},    /* the Vault plugin of Argo CD, and what documentation leaves open */
    {"__", "__"},  /* tokens of build servers */
    {"%", "%"},    /* TeamCity, cmd.exe */
    {"ref+", ""},  /* vals */
};
static const char *const followed[] = {"vault:", ">>vault:", "op://"};

/* "$NAME", as the shell and envsubst take it. */
static bool is_shell_variable(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return text[0] == '$' && text[1] != '\0' && strchr(letters, text[1]) && text[1 + strspn(text + 1, rest)] == '\0';
}

static size_t trimmed_length(const char *text)
{
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1])) {
        length--;
    }
    return length;
}

bool placeholder_is(const char *text)
{
    if (!text) {
        return false;
    }
    const char *begin = text + strspn(text, " \t\r\n");
    cleanup_free char *whole = xstrndup(begin, trimmed_length(begin));
    bool is_one = is_shell_variable(whole);
    for (size_t i = 0; i < array_length(forms) && !is_one; i++) {
        is_one = strlen(whole) > strlen(forms[i].start) + strlen(forms[i].end) &&
                 text_starts_with(whole, forms[i].start) && text_ends_with(whole, forms[i].end);
    }
    memory_wipe(whole, strlen(whole)); /* it may be no placeholder at all */
    return is_one;
}

bool placeholder_is_followed_in_container(const char *text)
{
    for (size_t i = 0; text && i < array_length(followed); i++) {
        if (text_starts_with(text, followed[i])) {
            return true;
        }
    }
    return false;
}
