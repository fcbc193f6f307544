/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Table lines of the three targets, as values:
 *
 *   esnapshot-org  <origin> <chunk> <journal|-> <#stores> <store>... [<#features> <feature>...]
 *   esnapshot      <store> [<serial>]
 *   esnapshot-view <view store> <origin> <snapshot store> [<serial>]
 */
#ifndef ES_ARGS_H
#define ES_ARGS_H

#include <linux/device-mapper.h>

/* Most stores in a table. */
#define ES_MAX_STORES 65536u
#define ES_DEFAULT_QUEUE_TIMEOUT 60u
#define ES_MAX_QUEUE_TIMEOUT (7u * 24 * 3600)

/**
 * struct es_origin_args - an esnapshot-org line
 * @origin: device
 * @chunk_sectors: checked
 * @journal: device; NULL: none
 * @stores: @nr_stores devices, oldest first; points into argv
 * @queue_timeout: seconds
 */
struct es_origin_args {
	const char *origin;
	u32 chunk_sectors;
	const char *journal;
	char **stores;
	u32 nr_stores;
	bool on_full_error;
	bool discard_copy;
	unsigned int queue_timeout;
};

/* Parse a table line; on -EINVAL ti->error says what to mend. */
int es_args_origin(struct dm_target *ti, unsigned int argc, char **argv,
		   struct es_origin_args *args);

/* Parse the optional <serial>; 0 when it was left out. */
int es_args_serial(struct dm_target *ti, const char *arg, u32 *serial);

#endif /* ES_ARGS_H */
