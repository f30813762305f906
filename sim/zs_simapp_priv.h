/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of the simulator's application: moving data of one connection. */
#ifndef ZS_SIMAPP_PRIV_H
#define ZS_SIMAPP_PRIV_H

#include "zs_simapp.h"

/* Something is wrong with this connection: it is reset. */
void zs_simconn_fail(struct zs_simconn *c, const char *why);

/* Runs c again at t_ns. */
void zs_simconn_later(struct zs_simconn *c, uint64_t t_ns);

/* Reads all that it may read now. */
void zs_simconn_read(struct zs_simconn *c);

/* Writes all that fits; sends FIN when all is written. */
void zs_simconn_write(struct zs_simconn *c);

#endif
