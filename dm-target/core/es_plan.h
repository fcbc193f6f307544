/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decision table of the write path: what happens to a bio on the origin.
 *
 * Units: none.  Invariants: the table is total; the unit test walks it all and
 * docs/overview.md prints it.
 */
#ifndef ES_PLAN_H
#define ES_PLAN_H

#include "es_types.h"

enum es_op {
	ES_OP_READ,
	ES_OP_WRITE,
	ES_OP_ZEROES,	/* WRITE_ZEROES: no hint, the range must read as zeros */
	ES_OP_ERASE,	/* SECURE_ERASE */
	ES_OP_DISCARD,	/* a hint */
	ES_OP_FLUSH,
	ES_OP_NR,
};

enum es_action {
	ES_DO_PASS,	/* straight to the origin */
	ES_DO_COPY,	/* old data first, then to the origin */
	ES_DO_SWALLOW,	/* answer at once, the origin stays as it is */
};

/* What an operation that is passed on does to the "trimmed" bits it covers. */
enum es_trim {
	ES_TRIM_KEEP,
	ES_TRIM_SET,	/* holds nothing any more; whole chunks only */
	ES_TRIM_CLEAR,	/* holds data */
};

/**
 * es_plan - decide what to do with a bio, or a part of it in one state.
 * @op: what it is
 * @needed: the newest snapshot still reads these chunks from the origin
 * @discard_copy: the administrator chose discard=copy
 */
static inline enum es_action es_plan(enum es_op op, bool needed, bool discard_copy)
{
	if (!needed)
		return ES_DO_PASS;
	switch (op) {
	case ES_OP_WRITE:
	case ES_OP_ZEROES:
	case ES_OP_ERASE:
		return ES_DO_COPY;
	case ES_OP_DISCARD:
		return discard_copy ? ES_DO_COPY : ES_DO_SWALLOW;
	default:
		return ES_DO_PASS;
	}
}

static inline enum es_trim es_plan_trim(enum es_op op)
{
	switch (op) {
	case ES_OP_WRITE:
	case ES_OP_ZEROES:
	case ES_OP_ERASE:
		return ES_TRIM_CLEAR;
	case ES_OP_DISCARD:
		return ES_TRIM_SET;
	default:
		return ES_TRIM_KEEP;
	}
}

#endif /* ES_PLAN_H */
