#include "http/address.h"

#include <string.h>

#include <apr_network_io.h>
#include <http_core.h>

/* Whether the line's other end is C's client: a proxy's protocol may have named another one. */
static int is_peer(const conn_rec *c)
{
    apr_socket_t *socket = ap_get_conn_socket((conn_rec *)c);
    apr_sockaddr_t *peer;

    return socket && apr_socket_addr_get(&peer, APR_REMOTE, socket) == APR_SUCCESS &&
           apr_sockaddr_equal(peer, c->client_addr);
}

int kz_address_is_direct(const request_rec *r)
{
    static const char *const names[] = {"Via", "Forwarded", "X-Forwarded-For", "X-Real-IP"};
    const conn_rec *line = r->connection->master ? r->connection->master : r->connection;
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++) {
        if (apr_table_get(r->headers_in, names[i]))
            return 0;
    }
    return apr_sockaddr_equal(r->useragent_addr, line->client_addr) && is_peer(line);
}

void kz_address_network(unsigned char network[KZ_ADDRESS_NETWORK], const apr_sockaddr_t *a)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const unsigned char *bytes = a->ipaddr_ptr;

    memset(network, 0, KZ_ADDRESS_NETWORK);
    if (a->ipaddr_len == 4) {
        memcpy(network, mapped, sizeof mapped);
        memcpy(network + sizeof mapped, bytes, 4);
    } else if (a->ipaddr_len == 16) {
        memcpy(network, bytes, memcmp(bytes, mapped, sizeof mapped) == 0 ? 16 : 8);
    }
}
