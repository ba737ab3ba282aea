/* kanzleictl from the inside: the input and the result of a command. */
#ifndef KZ_CTL_CTL_H
#define KZ_CTL_CTL_H

#include <stdio.h>
#include <sys/types.h>

#include <apr_getopt.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>

#include "model/grant.h"

/* Exit codes. */
enum {
    KZ_CTL_FINE = 0,
    KZ_CTL_FAILED = 1, /* it did not work, or problems were found */
    KZ_CTL_USAGE = 2,
};

/* The value of an apr_getopt_option_t: the options need no letters. */
#define KZ_CTL_OPTION 256

typedef struct kz_ctl_t {
    apr_pool_t *pool;
    apr_table_t *options; /* name and value of every option given, "" for those without one */
    const char *word;     /* the word behind the command (a slug), or NULL */
    kz_portal_t *portal;
    json_t *result; /* the document of --json, an object to begin with */
    int code;       /* exit code, when there is no error */
    int root;       /* 1: root can be had again (kz_ctl__begin_root) */
    uid_t user;     /* the effective user then */
} kz_ctl_t;

typedef struct kz_ctl_command_t {
    const char *name;     /* "firm create" */
    const char *synopsis; /* the words behind the command's name */
    const char *help;     /* whole lines */
    const char *word;     /* the name of the word behind the command, NULL: it takes none */
    const apr_getopt_option_t *options; /* its own, ended by zeros */
    kz_err_t *(*run)(kz_ctl_t *ctl);
} kz_ctl_command_t;

extern const kz_ctl_command_t kz_ctl__migrate, kz_ctl__firm_create, kz_ctl__firm_list,
    kz_ctl__staff_create, kz_ctl__account_list, kz_ctl__account_password, kz_ctl__account_unlock,
    kz_ctl__store_initialise, kz_ctl__event_seal, kz_ctl__check, kz_ctl__status,
    kz_ctl__scanner_arguments;

/* The options of every command, ended by zeros. */
extern const apr_getopt_option_t kz_ctl__common[];

/* The command that the words at ARGV name; *WORDS of them. NULL if none. */
const kz_ctl_command_t *kz_ctl__find(int *words, int argc, const char *const *argv);
/* Prints the commands, or one command with its options. */
void kz_ctl__usage(FILE *out);
void kz_ctl__print_help(const kz_ctl_command_t *command);
/* Puts all of it into OBJECT: "commands" and "options" (of every command). */
void kz_ctl__help_json(json_t *object);
/* Prints what may follow the ARGC words at ARGV, which were typed so far, a line each: commands,
 * options, or the values of an option; FILE or DIR alone for the name of one. For completion.bash.
 * Returns an exit code. */
int kz_ctl__print_words(int argc, const char *const *argv);

/* The newest migration that this program knows. */
kz_err_t *kz_ctl__newest(int *number, const kz_ctl_t *ctl);

/* The value of the option NAME, the last one when it was given several times; NULL if it was not.
 */
const char *kz_ctl__option(const kz_ctl_t *ctl, const char *name);
/* The same; an error if it was not given. */
kz_err_t *kz_ctl__need(const char **value, const kz_ctl_t *ctl, const char *name);
/* The owner's connection string: --database or KANZLEI_OWNER_DATABASE. */
kz_err_t *kz_ctl__owner(const char **conninfo, const kz_ctl_t *ctl);
/* When root has called, becomes the user whom KANZLEI_USER names; at once for good, unless
 * KEEP_ROOT. Errors: CONFIG. */
kz_err_t *kz_ctl__become_user(kz_ctl_t *ctl, int keep_root);
/* Around a connection as the database's owner: root, where it was kept. */
kz_err_t *kz_ctl__begin_root(const kz_ctl_t *ctl);
kz_err_t *kz_ctl__end_root(const kz_ctl_t *ctl);
/* Whether the result is one JSON document; then kz_ctl__say() says nothing. */
int kz_ctl__is_json(const kz_ctl_t *ctl);
/* A line for people, on standard output. */
void kz_ctl__say(const kz_ctl_t *ctl, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A line on standard error, in both cases. */
void kz_ctl__warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Puts a value into the result (into OBJECT, when it isn't NULL). TEXT NULL becomes null, TIME 0
 * too. */
void kz_ctl__text(json_t *object, const char *name, const char *text);
void kz_ctl__time(json_t *object, const char *name, apr_time_t time);

/* Puts a firm's public key of its events' seals, and the last seal, into OBJECT. */
kz_err_t *kz_ctl__head(json_t *object, kz_ctl_t *ctl, int firm);

/* A grant for the firm that --firm names. */
kz_err_t *kz_ctl__enter_firm(kz_grant_t **grant, kz_ctl_t *ctl);

#endif
