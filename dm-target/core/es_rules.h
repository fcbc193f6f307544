/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which stores make a chain, and which change of a live chain is allowed.
 *
 * Pure rules over superblocks, used by the constructor, by esnap and by the
 * tests.  Stores go from oldest to newest everywhere.
 *
 * Units: sectors.  Invariants: a list that passes es_rules_chain holds every
 * copy that its oldest snapshot needs.
 */
#ifndef ES_RULES_H
#define ES_RULES_H

#include "es_format.h"

/* A uuid as an element of a list. */
struct es_uuid {
	u8 b[ES_UUID_SIZE];
};

ES_BEGIN_DECLS

/**
 * es_rules_member - may this store be in a chain at all?
 * @origin_sectors: size of the origin now
 * @chunk_sectors: chunk size that the table names
 */
enum es_fault es_rules_member(const struct es_sb *sb, u64 origin_sectors, u32 chunk_sectors);

/**
 * es_rules_follows - may @sb follow @older as the next newer store?
 */
enum es_fault es_rules_follows(const struct es_sb *sb, const struct es_sb *older);

/**
 * es_rules_newest - may @sb be the last store of a chain?
 */
enum es_fault es_rules_newest(const struct es_sb *sb);

/**
 * struct es_change - how a live chain changes to a new list.
 * @drop: oldest stores left out
 * @add: one new store at the end
 */
struct es_change {
	u32 drop;
	bool add;
};

/**
 * es_rules_change - may the list @now become the list @next while attached?
 * @now, @next: store uuids, oldest first
 * @added: superblock of the last store of @next; looked at only if it is added
 */
enum es_fault es_rules_change(const struct es_uuid *now, u32 nr_now,
			      const struct es_uuid *next, u32 nr_next,
			      const struct es_sb *added, struct es_change *change);

/* May @view be a view of the snapshot in @base? */
enum es_fault es_rules_view(const struct es_sb *view, const struct es_sb *base);

ES_END_DECLS

#endif /* ES_RULES_H */
