// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chain rules: see es_rules.h for units and invariants.
 */
#include "es_rules.h"

enum es_fault es_rules_member(const struct es_sb *sb, u64 origin_sectors, u32 chunk_sectors)
{
	if (sb->kind != ES_KIND_SNAPSHOT)
		return ES_FAULT_KIND;
	if (sb->state == ES_STATE_INVALID)
		return ES_FAULT_INVALID;
	if (sb->state == ES_STATE_REMOVED)
		return ES_FAULT_REMOVED;
	if (sb->chunk_sectors != chunk_sectors)
		return ES_FAULT_CHUNK_DIFFERS;
	if (sb->origin_sectors > origin_sectors)
		return ES_FAULT_ORIGIN_SHRANK;
	return ES_OK;
}

enum es_fault es_rules_follows(const struct es_sb *sb, const struct es_sb *older)
{
	if (es_uuid_equal(sb->store_uuid, older->store_uuid))
		return ES_FAULT_TWICE;
	if (!es_uuid_equal(sb->chain_uuid, older->chain_uuid))
		return ES_FAULT_OTHER_CHAIN;
	if (!es_uuid_equal(sb->link_uuid, older->store_uuid) || sb->serial <= older->serial)
		return ES_FAULT_ORDER;
	if (!es_uuid_is_null(older->next_uuid) && !es_uuid_equal(older->next_uuid, sb->store_uuid))
		return ES_FAULT_ORDER;
	/* It came into use, and was taken back: the older one went on taking the copies. */
	if (sb->epoch && es_uuid_is_null(older->next_uuid))
		return ES_FAULT_NOT_FRESH;
	if (sb->origin_sectors < older->origin_sectors)
		return ES_FAULT_ORIGIN_SHRANK;
	return ES_OK;
}

enum es_fault es_rules_newest(const struct es_sb *sb)
{
	if (!es_uuid_is_null(sb->next_uuid) || sb->state == ES_STATE_SEALED)
		return ES_FAULT_NOT_NEWEST;
	return ES_OK;
}

enum es_fault es_rules_change(const struct es_uuid *now, u32 nr_now,
			      const struct es_uuid *next, u32 nr_next,
			      const struct es_sb *added, struct es_change *change)
{
	u32 drop = 0, i;

	/* The first store that stays tells how many old ones go. */
	while (drop < nr_now && (!nr_next || !es_uuid_equal(now[drop].b, next[0].b)))
		drop++;
	if (drop == nr_now && nr_now && nr_next &&
	    !(nr_next == 1 && es_uuid_equal(added->link_uuid, now[nr_now - 1].b)))
		return ES_FAULT_ORDER;
	for (i = 0; drop + i < nr_now; i++) {
		if (i < nr_next && es_uuid_equal(now[drop + i].b, next[i].b))
			continue;
		return ES_FAULT_NOT_OLDEST;
	}
	if (nr_next > i + 1)
		return ES_FAULT_ADD_MANY;
	change->drop = drop;
	change->add = nr_next == i + 1;
	if (change->add && (added->epoch || !es_uuid_is_null(added->next_uuid)))
		return ES_FAULT_NOT_FRESH;
	return ES_OK;
}

enum es_fault es_rules_view(const struct es_sb *view, const struct es_sb *base)
{
	if (view->kind != ES_KIND_VIEW || base->kind != ES_KIND_SNAPSHOT)
		return ES_FAULT_KIND;
	if (view->state == ES_STATE_INVALID)
		return ES_FAULT_INVALID;
	if (view->state != ES_STATE_ACTIVE)
		return ES_FAULT_STATE;
	if (!es_uuid_equal(view->chain_uuid, base->chain_uuid))
		return ES_FAULT_OTHER_CHAIN;
	if (!es_uuid_equal(view->link_uuid, base->store_uuid) || view->serial != base->serial)
		return ES_FAULT_UUID;
	if (view->chunk_sectors != base->chunk_sectors)
		return ES_FAULT_CHUNK_DIFFERS;
	if (view->origin_sectors != base->origin_sectors)
		return ES_FAULT_ORIGIN_SIZE;
	return ES_OK;
}
