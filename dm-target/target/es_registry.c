// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is there: see es_registry.h; and the events that go to them, es_events.h.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include "es_events.h"
#include "es_journal.h"
#include "es_origin.h"
#include "es_registry.h"

#define DM_MSG_PREFIX "esnapshot"

static DEFINE_MUTEX(chains_mutex);
static DEFINE_SPINLOCK(chains_spin);	/* the list, and the uuids in it */
static LIST_HEAD(chains);

static DEFINE_MUTEX(images_mutex);
static LIST_HEAD(images);

void es_chains_lock(void)
{
	mutex_lock(&chains_mutex);
}

void es_chains_unlock(void)
{
	mutex_unlock(&chains_mutex);
}

/* The chain of the origin @dev, with a reference, or NULL. */
static struct es_chain *find_by_origin(dev_t dev)
{
	struct es_chain *chain, *found = NULL;

	spin_lock(&chains_spin);
	list_for_each_entry(chain, &chains, list) {
		if (chain->origin_dev == dev && kref_get_unless_zero(&chain->ref)) {
			found = chain;
			break;
		}
	}
	spin_unlock(&chains_spin);
	return found;
}

/* Put @chain on the list, unless its origin has got another meanwhile; returns who is there. */
static struct es_chain *add_chain(struct es_chain *chain)
{
	struct es_chain *other;

	es_chains_lock();
	other = find_by_origin(chain->origin_dev);
	if (!other) {
		spin_lock(&chains_spin);
		list_add(&chain->list, &chains);
		spin_unlock(&chains_spin);
	}
	es_chains_unlock();
	if (!other)
		return chain;
	es_chain_destroy(chain);
	return other;
}

struct es_chain *es_chain_get(struct block_device *origin)
{
	struct es_chain *chain = find_by_origin(origin->bd_dev);

	if (chain)
		return chain;
	chain = es_chain_create(origin);
	return chain ? add_chain(chain) : NULL;
}

static void chain_release(struct kref *ref) __releases(&chains_spin)
{
	struct es_chain *chain = container_of(ref, struct es_chain, ref);

	list_del(&chain->list);
	spin_unlock(&chains_spin);
	es_chain_destroy(chain);
}

void es_chain_put(struct es_chain *chain)
{
	if (chain)
		kref_put_lock(&chain->ref, chain_release, &chains_spin);
}

struct es_chain *es_chain_find(const u8 *uuid)
{
	struct es_chain *chain, *found = NULL;

	spin_lock(&chains_spin);
	list_for_each_entry(chain, &chains, list) {
		if (es_uuid_equal(chain->uuid, uuid) && kref_get_unless_zero(&chain->ref)) {
			found = chain;
			break;
		}
	}
	spin_unlock(&chains_spin);
	return found;
}

void es_chain_set_uuid(struct es_chain *chain, const u8 *uuid)
{
	static const u8 none[ES_UUID_SIZE];

	spin_lock(&chains_spin);
	memcpy(chain->uuid, uuid ? uuid : none, ES_UUID_SIZE);
	spin_unlock(&chains_spin);
}

bool es_chain_has_uuid(const struct es_chain *chain, const u8 *uuid)
{
	return es_uuid_equal(chain->uuid, uuid);
}

/* --- who uses what --- */

static bool table_uses(const struct es_origin *table, dev_t dev, const u8 *uuid)
{
	u32 i;

	if (!table)
		return false;
	if (table->leaving && table->leaving->bdev->bd_dev == dev)
		return true;
	if (table->journal && !table->lost_journal &&
	    (table->journal->bdev->bd_dev == dev ||
	     es_uuid_equal(table->journal->sb.journal_uuid, uuid)))
		return true;
	for (i = 0; i + table->lost_newest < table->nr_stores; i++)
		if (table->stores[i]->bdev->bd_dev == dev ||
		    es_uuid_equal(table->stores[i]->sb.store_uuid, uuid))
			return true;
	return false;
}

static bool others_use(const struct es_chain *but, dev_t dev, const u8 *uuid)
{
	struct es_chain *chain;
	bool used = false;

	/* The mutex keeps the tables, the spinlock the list. */
	lockdep_assert_held(&chains_mutex);
	spin_lock(&chains_spin);
	list_for_each_entry(chain, &chains, list)
		used |= chain != but && (table_uses(chain->bound, dev, uuid) ||
					 table_uses(chain->next, dev, uuid));
	spin_unlock(&chains_spin);
	return used;
}

bool es_chains_use(const struct es_chain *but, dev_t dev, const u8 *uuid)
{
	bool used;

	es_chains_lock();
	used = others_use(but, dev, uuid);
	es_chains_unlock();
	return used;
}

/* Whether it is new to @chain, and another has it. */
static bool conflicts(const struct es_chain *chain, const struct block_device *bdev,
		      const u8 *uuid)
{
	return !table_uses(chain->bound, bdev->bd_dev, uuid) &&
	       others_use(chain, bdev->bd_dev, uuid);
}

/* A device of @table that another chain has, or NULL. */
static struct block_device *used_twice(const struct es_chain *chain, const struct es_origin *table)
{
	const struct es_journal *j = table->journal;
	u32 i = 0;

	/* Only the last one may be new in a change. */
	if (chain->bound)
		i = table->nr_stores - min(table->nr_stores, 1u);
	if (j && conflicts(chain, j->bdev, j->sb.journal_uuid))
		return j->bdev;
	for (; i < table->nr_stores; i++)
		if (conflicts(chain, table->stores[i]->bdev, table->stores[i]->sb.store_uuid))
			return table->stores[i]->bdev;
	return NULL;
}

int es_chain_claim(struct es_chain *chain, struct es_origin *table)
{
	struct block_device *twice;

	lockdep_assert_held(&chain->life);
	es_chains_lock();
	twice = used_twice(chain, table);
	if (!twice)
		chain->next = table;
	es_chains_unlock();
	if (!twice)
		return 0;
	DMERR("%pg: %s", twice, es_fault_text(ES_FAULT_TWICE));
	return -EBUSY;
}

struct dm_dev *es_chain_disclaim(struct es_origin *table)
{
	struct dm_dev *dev;

	es_chains_lock();
	dev = table->leaving;
	table->leaving = NULL;
	es_chains_unlock();
	return dev;
}

void es_chain_set_bound(struct es_chain *chain, struct es_origin *table)
{
	lockdep_assert_held(&chain->life);
	es_chains_lock();
	chain->bound = table;
	chain->next = NULL;
	es_chains_unlock();
}

/* --- images --- */

void es_image_register(struct es_image *image)
{
	mutex_lock(&images_mutex);
	list_add(&image->list, &images);
	mutex_unlock(&images_mutex);
}

void es_image_unregister(struct es_image *image)
{
	mutex_lock(&images_mutex);
	list_del(&image->list);
	mutex_unlock(&images_mutex);
}

bool es_images_read(const u8 *uuid)
{
	struct es_image *image;
	bool read = false;

	mutex_lock(&images_mutex);
	list_for_each_entry(image, &images, list)
		read |= es_uuid_equal(image->base->sb.chain_uuid, uuid);
	mutex_unlock(&images_mutex);
	return read;
}

bool es_images_own(const u8 *uuid)
{
	struct es_image *image;
	bool own = false;

	mutex_lock(&images_mutex);
	list_for_each_entry(image, &images, list)
		own |= image->own && es_uuid_equal(image->own->sb.store_uuid, uuid);
	mutex_unlock(&images_mutex);
	return own;
}

/* The store whose state a target stands for. */
static const struct es_store *image_store(const struct es_image *image)
{
	return image->own ? image->own : image->base;
}

void es_events_signal(struct es_store *store)
{
	struct es_image *image;

	mutex_lock(&images_mutex);
	list_for_each_entry(image, &images, list)
		if (es_uuid_equal(image_store(image)->sb.store_uuid, store->sb.store_uuid))
			dm_table_event(image->ti->table);
	mutex_unlock(&images_mutex);
}

/* --- the low-water mark --- */

static bool beyond_low_water(const struct es_store *store, u32 blocks)
{
	return (es_log_used_blocks(&store->log) + blocks) * 100 >=
	       store->sb.device_blocks * READ_ONCE(store->low_percent);
}

bool es_store_low(const struct es_store *store)
{
	return READ_ONCE(store->low) || beyond_low_water(store, 0);
}

void es_events_usage(struct es_store *store, u32 blocks)
{
	u64 mark = store->sb.device_blocks * READ_ONCE(store->low_percent);
	bool low = beyond_low_water(store, blocks);

	if (store->low && mark == store->low_mark)
		return;
	store->low_mark = mark;
	/* Still low beyond a mark that has moved is news. */
	if (!low && !store->low)
		return;
	WRITE_ONCE(store->low, low);
	es_events_signal(store);
}

void es_events_low_water(struct es_store *store, u32 percent)
{
	WRITE_ONCE(store->low_percent, percent);
}

int es_events_message(unsigned int argc, char **argv)
{
	u32 percent;

	if (argc == 1 && !strcasecmp(argv[0], "grown"))
		return 0;
	if (argc != 2 || strcasecmp(argv[0], "low_water")) {
		DMWARN("unknown message %s: want grown or low_water <percent>",
		       argc ? argv[0] : "");
		return -EINVAL;
	}
	if (kstrtou32(argv[1], 10, &percent) || percent < 1 || percent > 100) {
		DMWARN("low_water %s: want a percentage, 1 to 100", argv[1]);
		return -EINVAL;
	}
	return percent;
}
