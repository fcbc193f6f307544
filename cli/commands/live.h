// SPDX-License-Identifier: GPL-2.0-only
//
// What the commands on live volumes share: the way into the system, and how a change is made.
#pragma once

#include <functional>
#include <string>

#include "command.h"
#include "lvm/report.h"
#include "volumes/chain.h"
#include "volumes/names.h"
#include "volumes/system.h"

namespace esnap {

using MakePlan = std::function<dmext::Plan(System &, const Vg &)>;

/** Which LVM: the command library, or the one that does not wait for suspended devices. */
enum class LvmKind { library, beside_suspended };

/** Gives @use the real LVM and device-mapper. */
void with_system(const std::function<void(System &)> &use, LvmKind kind = LvmKind::library);

/**
 * Makes one change of @volume, or in its group. Under esnap's lock of the group: what killed
 * commands left unfinished is settled, the group read, the plan made, and run; with @is_test it is
 * only listed, and nothing settled. Throws Error.
 */
void change_group(const Context &context, bool is_test, const VolumeName &volume,
                  const MakePlan &make_plan);

/** Says what is wrong with chains whose tags contradict each other; returns whether there are none.
 */
bool report_bad(const Context &context, const Chains &chains);

/**
 * The settings, or with a warning the defaults: neither boot nor an area that grows must fail for a
 * wrong word in a file.
 */
policy::Conf conf_or_defaults(const Context &context);

/** Runs @plan, or with @is_test only says what it would do. */
void run_plan(const Context &context, bool is_test, System &system, const dmext::Plan &plan);

/** -L and -l: how large a store or volume shall be. */
void add_size_options(po::options_description &options, const char *what);

/**
 * LVM's option and value for what was given with -L or -l; empty if nothing was. With @may_grow,
 * a "+" says by how much. @origin_bytes, if not 0, is what %ORIGIN is of. Throws UsageError.
 */
Words size_words(const po::variables_map &arguments, bool may_grow, std::uint64_t origin_bytes,
                 std::uint64_t extent_bytes);

} // namespace esnap
