// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsing table lines: see es_args.h.
 */
#include "es_args.h"
#include "es_types.h"

static int refuse(struct dm_target *ti, char *why)
{
	ti->error = why;
	return -EINVAL;
}

static int parse_feature(struct dm_target *ti, const char *arg, struct es_origin_args *args)
{
	if (!strcmp(arg, "on_full=invalidate")) {
		args->on_full_error = false;
	} else if (!strcmp(arg, "on_full=error")) {
		args->on_full_error = true;
	} else if (!strcmp(arg, "discard=swallow")) {
		args->discard_copy = false;
	} else if (!strcmp(arg, "discard=copy")) {
		args->discard_copy = true;
	} else if (!strncmp(arg, "queue_timeout=", 14)) {
		if (kstrtouint(arg + 14, 10, &args->queue_timeout) ||
		    args->queue_timeout > ES_MAX_QUEUE_TIMEOUT)
			return refuse(ti, "queue_timeout= wants seconds, 0 (for ever) to 604800");
	} else {
		return refuse(ti, "Unknown feature: want on_full=, queue_timeout=, discard=");
	}
	return 0;
}

static int parse_features(struct dm_target *ti, unsigned int argc, char **argv,
			  struct es_origin_args *args)
{
	unsigned int nr, i;
	int r = 0;

	if (!argc)
		return 0;
	if (kstrtouint(argv[0], 10, &nr) || nr != argc - 1)
		return refuse(ti, "Number of features does not match the features given");
	for (i = 1; !r && i < argc; i++)
		r = parse_feature(ti, argv[i], args);
	return r;
}

int es_args_origin(struct dm_target *ti, unsigned int argc, char **argv,
		   struct es_origin_args *args)
{
	args->queue_timeout = ES_DEFAULT_QUEUE_TIMEOUT;
	if (argc < 4)
		return refuse(ti, "Want: <origin> <chunk size> <journal|-> <#stores> <store>...");
	args->origin = argv[0];
	if (kstrtou32(argv[1], 10, &args->chunk_sectors) ||
	    !es_chunk_size_ok(args->chunk_sectors))
		return refuse(ti, "Chunk size must be a power of two, 8 to 2048 sectors");
	args->journal = strcmp(argv[2], "-") ? argv[2] : NULL;
	if (kstrtou32(argv[3], 10, &args->nr_stores) || args->nr_stores > ES_MAX_STORES)
		return refuse(ti, "Number of stores must be from 0 to 65536");
	if (args->nr_stores > argc - 4)
		return refuse(ti, "Fewer store devices than the number of stores says");
	args->stores = argv + 4;
	return parse_features(ti, argc - 4 - args->nr_stores, argv + 4 + args->nr_stores, args);
}

int es_args_serial(struct dm_target *ti, const char *arg, u32 *serial)
{
	*serial = 0;
	if (arg && (kstrtou32(arg, 10, serial) || !*serial))
		return refuse(ti, "Serial must be a number from 1");
	return 0;
}
