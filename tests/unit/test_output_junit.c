/*
 * kubectl proget audit -o junit, held against the rules of XML.
 */
#include "audit_fixture.h"

#include "xml_text.h"

struct xml {
    const char *at;
    char open[16][32]; /* names of the open elements */
    size_t depth, elements;
};

static void xml_expect(struct xml *xml, bool is_right, const char *what)
{
    if (!is_right) {
        fail_msg("not well-formed: %s at: %.80s", what, xml->at);
    }
}

/* Character data up to one of `ends`: no bare '<' or '&', nothing that is no character of XML. */
static void xml_text(struct xml *xml, char end)
{
    while (*xml->at && *xml->at != end) {
        unsigned char byte = (unsigned char) *xml->at;
        xml_expect(xml, byte >= 0x20 || byte == '\n', "a control character");
        xml_expect(xml, byte != '<', "a bare <");
        xml_expect(xml, strncmp(xml->at, "\xef\xbf\xbe", 3) != 0 && strncmp(xml->at, "\xef\xbf\xbf", 3) != 0,
                   "no character");
        if (byte == '&') {
            size_t length = strcspn(xml->at, ";") + 1;
            cleanup_free char *entity = xstrndup(xml->at, length);
            xml_expect(xml, is_word_of(entity, "&amp; &lt; &gt; &quot; &apos; &#10; &#9; &#13;"), "an unknown entity");
            xml->at += length;
        } else {
            xml->at++;
        }
    }
}

static void xml_name(struct xml *xml, char name[32])
{
    size_t length = strspn(xml->at, "abcdefghijklmnopqrstuvwxyz-");
    xml_expect(xml, length > 0 && length < 32, "no name");
    memcpy(name, xml->at, length);
    name[length] = '\0';
    xml->at += length;
}

static void xml_start_tag(struct xml *xml)
{
    char name[32], seen[256] = " ";
    xml_expect(xml, xml->depth < 16, "too deep");
    xml_name(xml, xml->open[xml->depth++]);
    xml->elements++;
    while (*xml->at == ' ') {
        xml->at++;
        xml_name(xml, name);
        xml_expect(xml, !is_word_of(name, seen), "an attribute twice");
        (void) strncat(seen, name, sizeof seen - strlen(seen) - 2);
        (void) strncat(seen, " ", 2);
        xml_expect(xml, strncmp(xml->at, "=\"", 2) == 0, "no value");
        xml->at += 2;
        xml_text(xml, '"');
        xml_expect(xml, *xml->at++ == '"', "an open value");
    }
    if (strncmp(xml->at, "/>", 2) == 0) {
        xml->at += 2;
        xml->depth--;
    } else {
        xml_expect(xml, *xml->at++ == '>', "an open tag");
    }
}

/* Returns how many elements there are. */
static size_t assert_well_formed(const char *text)
{
    static const char declaration[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    struct xml xml = {.at = text};
    xml_expect(&xml, text_starts_with(text, declaration), "no declaration");
    xml.at += strlen(declaration);
    do {
        xml_expect(&xml, *xml.at++ == '<', "text outside of elements");
        if (*xml.at == '/') {
            char name[32];
            xml.at++;
            xml_name(&xml, name);
            xml_expect(&xml, xml.depth > 0 && text_equal(name, xml.open[xml.depth - 1]), "another element is open");
            xml.depth--;
            xml_expect(&xml, *xml.at++ == '>', "an open end tag");
        } else {
            xml_start_tag(&xml);
        }
        if (xml.depth > 0) {
            xml_text(&xml, '<');
        }
    } while (xml.depth > 0);
    xml_expect(&xml, text_equal(xml.at, "\n"), "something behind the root");
    return xml.elements;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

static void test_junit(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml", DUMP);
    RUN(&run, "-f", "@", "-o", "junit", "--now", FIXTURE_NOW);
    assert_int_equal(run.status, STATUS_FOUND);
    (void) assert_well_formed(run.output);
    size_t codes;
    (void) catalogue(&codes);
    assert_int_equal(count_of(run.output, "<testcase "), codes);
    size_t failures = count_of(run.output, "<failure "), skipped = count_of(run.output, "<skipped ");
    cleanup_free char *counts =
        xasprintf("tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"", codes, failures, skipped);
    assert_int_equal(count_of(run.output, counts), 2); /* of the whole and of its one suite */
    assert_contains(run.output, "<testsuite name=\"ns/main\" ");
    cleanup_free char *coscheduled =
        xasprintf("<testcase classname=\"ns.main\" name=\"CoScheduled\" file=\"%s/a.yaml\" "
                  "line=\"%d\">\n      <failure type=\"error\" message=\"2 findings: ",
                  run.folder, POD_0_LINE);
    assert_contains(run.output, coscheduled);
    /* One of two is left out: a failure that says so; both are: skipped. */
    assert_contains(run.output, "name=\"EncryptionKeyMissing\" file=");
    assert_contains(run.output, "Left out as asked for: Pod proget-1: comes &lt;later&gt; &amp; &quot;by hand&quot;\n");
    assert_int_equal(skipped, 0);
    RUN(&run, "-f", "@", "-o", "junit", "--no-pod-ignores");
    (void) assert_well_formed(run.output);
    assert_int_equal(count_of(run.output, "Left out"), 0);
    run_end(&run);
}

static void test_junit_skips_what_is_left_out(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml",
               "apiVersion: v1\nkind: Pod\nmetadata: {name: p-0, namespace: ns, labels: {app: p}, annotations: "
               "{ignore.proget-operator.io/QosNotGuaranteed: 'a \"test\"'}}\n"
               "spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n");
    RUN(&run, "-f", "@", "-o", "junit");
    (void) assert_well_formed(run.output);
    assert_contains(run.output, "name=\"QosNotGuaranteed\">\n      <skipped message=\"a &quot;test&quot;\">");
    assert_contains(run.output, " skipped=\"1\"");
    run_end(&run);
}

static void test_junit_tells_what_was_unusable(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml", "kind: Pod\nkind: Pod\n");
    write_file(&run, "b.yaml", DEPLOYMENT("web", ""));
    RUN(&run, "-f", "@", "-f", "@/gone.yaml", "-o", "junit");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    (void) assert_well_formed(run.output);
    assert_contains(run.output, "<testsuite name=\"input\" tests=\"2\" failures=\"0\" errors=\"2\" skipped=\"0\">");
    assert_contains(run.output, "a.yaml:2:1\">\n      <error type=\"unusable\" message=\"");
    assert_contains(run.output, "gone.yaml: No such file or directory\"/>");
    assert_contains(run.output, "name=\"EncryptionKeyMissing\" file=");
    run_end(&run);
}

/* A report is whole whatever the input was: the program that takes it must not stumble. */
static void test_reports_of_nothing(void **state)
{
    (void) state;
    static const struct {
        const char *text, *word;
        int status;
    } cases[] = {
        {NULL, "there is no Kubernetes object in the input", STATUS_UNUSABLE},
        {"kind: [", "did not find expected", STATUS_UNUSABLE},
        {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "found no ProGet", STATUS_DONE},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct run run;
        run_begin(&run);
        if (cases[i].text) {
            write_file(&run, "a.yaml", cases[i].text);
        }
        RUN(&run, "-f", "@", "-o", "junit");
        assert_int_equal(run.status, cases[i].status);
        (void) assert_well_formed(run.output);
        assert_contains(run.output, "<testsuite name=\"input\"");
        assert_contains(run.output, cases[i].word);
        run_end(&run);
    }
}

static void test_hostile_names_stay_texts(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(hostile_names); i++) {
        struct run run;
        run_begin(&run);
        cleanup_free char *text =
            xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s, labels: {app: p}}\n"
                      "spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n",
                      hostile_names[i], hostile_names[i]);
        write_file(&run, "<&\" %\xff.yaml", text);
        RUN(&run, "-f", "@", "-o", "junit");
        assert_true(assert_well_formed(run.output) >= 2);
        assert_null(strchr(run.output, '\033'));
        run_end(&run);
    }
}

static void test_xml_texts(void **state)
{
    (void) state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},
        {"a", "a"},
        {"<&>\"'", "&lt;&amp;&gt;&quot;&apos;"},
        {"a\nb\tc\r", "a&#10;b&#9;c&#13;"},
        {"\x01\x1b[0m\x7f", "??[0m?"},
        {"\xc3\xa4\xf0\x9f\x98\x80", "\xc3\xa4\xf0\x9f\x98\x80"},
        {"\xff\xc3", "??"},
        {"\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd", "??\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        char *text;
        size_t size;
        FILE *target = open_memstream(&text, &size);
        xml_write(target, cases[i].text);
        (void) fclose(target);
        assert_string_equal(text, cases[i].expected);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_junit),
        cmocka_unit_test(test_junit_skips_what_is_left_out),
        cmocka_unit_test(test_junit_tells_what_was_unusable),
        cmocka_unit_test(test_reports_of_nothing),
        cmocka_unit_test(test_hostile_names_stay_texts),
        cmocka_unit_test(test_xml_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
