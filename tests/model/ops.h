/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations of the model test, one function each, and the table that says
 * how often each of them happens.
 */
#pragma once

#include <vector>

#include "session.h"

namespace esmodel {

struct Operation {
    const char *name;
    unsigned weight;
    bool (*is_possible)(Run &run);
    void (*perform)(Run &run);
};

/** The one table of all operations and their weights, those on journals as they are wanted. */
const std::vector<Operation> &operations(bool with_journal);

/** Performs one operation that is possible now, chosen by weight. */
void run_random_operation(Run &run);

/** A device that is written to: the origin or a view. */
struct Volume {
    OpenDevice &device;
    Image &content;
    unsigned id; /**< for write ids */
};

/* Writing to a volume: ops_io.cc */
void write_once(Run &run, Volume volume);
void write_durable(Run &run, Volume volume);
void write_sequential(Run &run, Volume volume);
void write_batch(Run &run, Volume volume);
void discard(Run &run, Volume volume);
void discard_secure(Run &run, Volume volume);
void clear_to_zero(Run &run, Volume volume);
void flush(Run &run, Volume volume);
void read_random(Run &run);
/** Gives every sector of the origin a defined content, part of it zeros. */
void fill_origin(Run &run);

/* Changing the chain: ops_chain.cc */
void create_snapshot(Run &run);
void create_snapshot_under_load(Run &run);
void remove_oldest(Run &run);
void open_image(Run &run);
void close_image(Run &run);
void create_view(Run &run);
void remove_view(Run &run);
void reload(Run &run);
void reload_under_load(Run &run);
void work_under_load(Run &run);
void detach_and_attach(Run &run);
void add_journal(Run &run);
void remove_journal(Run &run);
void drain_journal(Run &run);
/** `esnap check` on every store of the chain, which must be detached. */
void check_stores(Run &run);

} // namespace esmodel
