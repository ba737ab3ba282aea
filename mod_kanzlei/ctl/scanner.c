#include "ctl/ctl.h"

#include "io/scan/command.h"

static kz_err_t *arguments(kz_ctl_t *ctl)
{
    const char *const *each = kz_scan_command(ctl->portal->conf, ctl->pool);
    json_t *list = json_array();

    json_object_set_new(ctl->result, "arguments", list);
    for (; *each; each++) {
        json_array_append_new(list, json_string(*each));
        kz_ctl__say(ctl, "%s", *each);
    }
    return NULL;
}

static const apr_getopt_option_t options[] = {{NULL, 0, 0, NULL}};

const kz_ctl_command_t kz_ctl__scanner_arguments = {
    "scanner arguments",
    "",
    "Prints the arguments of kanzlei-scand\n\n"
    "As the configuration wants them, one a line: for whoever starts the scanner where httpd does\n"
    "not (KanzleiScannerProgram is empty).\n",
    NULL,
    options,
    arguments};
