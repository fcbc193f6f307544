/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table instance of esnapshot-org: what its constructor opened and checked.
 */
#ifndef ES_ORIGIN_H
#define ES_ORIGIN_H

#include <linux/device-mapper.h>
#include "es_args.h"
#include "es_chain.h"

/**
 * struct es_origin - the private data of an esnapshot-org target.
 * @ti: the target
 * @chain: what it is, or will be, bound to
 * @origin: the origin's device
 * @args: the table line
 * @devs, @stores: @nr_stores each, oldest first; stores of a live chain are its own objects
 * @jdev, @journal: the journal, if the table names one
 * @leaving: device of a live journal that the table does not name, until that is drained
 * @copied, @trimmed: bitmaps for the chain to take over when it binds; may be NULL after that
 * @successor: the table that took over from this one, without some of its stores, or without
 *	any; only compared
 * @lost_newest: the newest store could not be brought into use; the chain runs without it
 * @lost_journal: the same of the journal
 */
struct es_origin {
	struct dm_target *ti;
	struct es_chain *chain;
	struct dm_dev *origin;
	struct es_origin_args args;
	struct dm_dev **devs;
	struct es_store **stores;
	u32 nr_stores;
	struct dm_dev *jdev;
	struct es_journal *journal;
	struct dm_dev *leaving;
	unsigned long *copied;
	unsigned long *trimmed;
	const struct es_origin *successor;
	bool lost_newest;
	bool lost_journal;
};

#endif /* ES_ORIGIN_H */
