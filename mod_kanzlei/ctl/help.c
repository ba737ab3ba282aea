/* Which commands there are, and what can be said of them: for people, for completion.bash, and as
 * JSON for the manual page. */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

static const kz_ctl_command_t *const commands[] = {
    &kz_ctl__migrate,        &kz_ctl__firm_create,      &kz_ctl__firm_list,
    &kz_ctl__staff_create,   &kz_ctl__account_list,     &kz_ctl__account_password,
    &kz_ctl__account_unlock, &kz_ctl__store_initialise, &kz_ctl__event_seal,
    &kz_ctl__check,          &kz_ctl__status,           &kz_ctl__scanner_arguments};
#define COMMANDS ((int)(sizeof commands / sizeof *commands))

const apr_getopt_option_t kz_ctl__common[] = {
    {"config", KZ_CTL_OPTION, 1, "FILE: the configuration (KANZLEI_CONFIG, /etc/kanzleipost.conf)"},
    {"json", KZ_CTL_OPTION, 0, "one JSON document on standard output"},
    {"help", 'h', 0, "says what can be said here"},
    {NULL, 0, 0, NULL},
};

void kz_ctl__usage(FILE *out)
{
    int i;

    fputs("Usage: kanzleictl [--config FILE] [--json] COMMAND [OPTION ...]\n\n", out);
    for (i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-17s %.*s\n", commands[i]->name, (int)strcspn(commands[i]->help, "\n"),
                commands[i]->help);
    fputs("  help [COMMAND]    What can be said here; also COMMAND --help\n\n"
          "Exit codes: 0 fine, 1 failed or problems found, 2 wrong use.\n",
          out);
}

/* What OPTION does; *VALUE: so many bytes of its description name its value. */
static const char *option_text(int *value, const apr_getopt_option_t *option)
{
    const char *colon = option->has_arg ? strstr(option->description, ": ") : NULL;

    *value = colon ? (int)(colon - option->description) : 0;
    return colon ? colon + 2 : option->description;
}

static void print_options(const apr_getopt_option_t *options)
{
    for (; options->name; options++) {
        int value;
        const char *text = option_text(&value, options);

        printf("  --%s%s%.*s\n        %s\n", options->name, value ? " " : "", value,
               options->description, text);
    }
}

void kz_ctl__print_help(const kz_ctl_command_t *command)
{
    printf("Usage: kanzleictl %s%s%s\n\n%s\n", command->name, *command->synopsis ? " " : "",
           command->synopsis, command->help);
    print_options(command->options);
    print_options(kz_ctl__common);
}

const kz_ctl_command_t *kz_ctl__find(int *words, int argc, const char *const *argv)
{
    int i;

    for (i = 0; i < COMMANDS; i++) {
        const char *name = commands[i]->name, *blank = strchr(name, ' ');
        size_t first = blank ? (size_t)(blank - name) : strlen(name);

        if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], name, first) != 0)
            continue;
        if (blank && (argc < 2 || strcmp(argv[1], blank + 1) != 0))
            continue;
        *words = blank ? 2 : 1;
        return commands[i];
    }
    return NULL;
}

/* The option that WORD is, of any command, if it takes a value; else NULL. */
static const apr_getopt_option_t *find_valued(const char *word)
{
    const apr_getopt_option_t *option;
    int i;

    if (strncmp(word, "--", 2) != 0)
        return NULL;
    for (i = -1; i < COMMANDS; i++) {
        for (option = i < 0 ? kz_ctl__common : commands[i]->options; option->name; option++) {
            if (option->has_arg && strcmp(option->name, word + 2) == 0)
                return option;
        }
    }
    return NULL;
}

/* The values of OPTION, one per line; FILE or DIR for the name of one; nothing for any text. */
static void print_values(const apr_getopt_option_t *option)
{
    const char *value = option->description;
    int len;

    option_text(&len, option);
    if (!memchr(value, '|', (size_t)len) && strncmp(value, "FILE:", 5) != 0 &&
        strncmp(value, "DIR:", 4) != 0)
        return;
    for (; len >= 0; len--, value++)
        putchar(len && *value != '|' ? *value : '\n');
}

/* The words of all commands that can follow the first N WORDS of one. */
static void print_commands(int n, const char *const *words)
{
    int i;

    for (i = 0; i < COMMANDS; i++) {
        const char *name = commands[i]->name, *blank = strchr(name, ' ');
        size_t first = blank ? (size_t)(blank - name) : strlen(name);

        if (n == 0)
            printf("%.*s\n", (int)first, name);
        else if (n == 1 && blank && strlen(words[0]) == first &&
                 strncmp(words[0], name, first) == 0)
            puts(blank + 1);
    }
    if (n == 0)
        puts("help");
}

int kz_ctl__print_words(int argc, const char *const *argv)
{
    const kz_ctl_command_t *command;
    const apr_getopt_option_t *option;
    const char *words[2];
    int n = 0, used, i;

    for (i = 0; i < argc; i++) {
        option = find_valued(argv[i]);
        if (option && i == argc - 1) {
            print_values(option);
            return KZ_CTL_FINE;
        }
        if (option)
            i++;
        else if (argv[i][0] != '-' && strcmp(argv[i], "help") != 0 && n < 2)
            words[n++] = argv[i];
    }
    command = kz_ctl__find(&used, n, words);
    if (!command)
        print_commands(n, words);
    for (option = command ? command->options : kz_ctl__common; option->name; option++)
        printf("--%s\n", option->name);
    for (option = command ? kz_ctl__common : NULL; option && option->name; option++)
        printf("--%s\n", option->name);
    return KZ_CTL_FINE;
}

static json_t *options_json(const apr_getopt_option_t *options)
{
    json_t *list = json_array();

    for (; options->name; options++) {
        int value;
        const char *text = option_text(&value, options);
        json_t *option = json_object();

        kz_ctl__text(option, "name", options->name);
        json_object_set_new(option, "value", json_stringn(options->description, (size_t)value));
        kz_ctl__text(option, "text", text);
        json_array_append_new(list, option);
    }
    return list;
}

void kz_ctl__help_json(json_t *object)
{
    json_t *list = json_array();
    int i;

    for (i = 0; i < COMMANDS; i++) {
        json_t *command = json_object();

        kz_ctl__text(command, "name", commands[i]->name);
        kz_ctl__text(command, "synopsis", commands[i]->synopsis);
        kz_ctl__text(command, "help", commands[i]->help);
        json_object_set_new(command, "options", options_json(commands[i]->options));
        json_array_append_new(list, command);
    }
    json_object_set_new(object, "commands", list);
    json_object_set_new(object, "options", options_json(kz_ctl__common));
}
