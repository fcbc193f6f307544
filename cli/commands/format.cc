// SPDX-License-Identifier: GPL-2.0-only
//
// esnap format: make a device a store.
#include "command.h"
#include "error.h"
#include "offline/formatter.h"
#include "offline/superblock.h"
#include "options.h"

namespace esnap {

namespace {

constexpr const char *details =
    "Makes STORE_DEV the store of a snapshot (--origin) or of a writable view (--view-of), or\n"
    "the write journal of an origin with snapshots (--journal-for; at least 4 MiB).\n"
    "The device must be blank: its first 64 KiB zero, no signature known to libblkid. --force\n"
    "wipes all signatures instead; what else lies there is not looked at any more.\n"
    "Sizes: a number and a unit b s k m g t p e (s: sectors of 512 bytes, the others powers\n"
    "of 1024); without a unit KiB.";

po::options_description declare() {
    po::options_description options("Options");
    const auto text = [](const char *name) { return po::value<std::string>()->value_name(name); };
    auto add = options.add_options();
    add("origin", text("ORIGIN_DEV"), "format the store of a snapshot of this origin");
    add("after", text("PREVIOUS_STORE"),
        "the snapshot is the next one after the one in this store, so far the newest of its "
        "chain (may be in use); without it the store begins a new chain");
    add("chunksize,c", text("CHUNKSIZE"),
        "unit of copying, a power of two from 4k to 1m; default: that of PREVIOUS_STORE, else 64k");
    add("view-of", text("SNAPSHOT_STORE"),
        "format the store of a view of the snapshot in this store (may be in use)");
    add("journal-for", text("NEWEST_STORE"),
        "format a write journal for the origin of the chain whose newest store this is (may be in "
        "use)");
    add("segment", text("SIZE"), "size of a segment of the log; default: by chunk and device size");
    add("force", po::bool_switch(), "wipe and overwrite what is on the device");
    add_test_option(options);
    return options;
}

void require_only_one_kind(const po::variables_map &arguments) {
    int kinds = 0;
    for (const char *option : {"origin", "view-of", "journal-for"})
        kinds += arguments.count(option) ? 1 : 0;
    if (kinds != 1)
        throw UsageError("give exactly one of --origin, --view-of and --journal-for");
    for (const char *option : {"after", "chunksize"})
        if (arguments.count(option) && !arguments.count("origin"))
            throw UsageError(fmt::format("--{} goes with --origin only", option));
    if (arguments.count("segment") && arguments.count("journal-for"))
        throw UsageError("--segment does not go with --journal-for: a journal has no segments");
}

FormatTarget target_of(const po::variables_map &arguments) {
    return {.store = text_of(arguments, "STORE_DEV"),
            .segment_bytes = size_of(arguments, "segment", Unit::kib),
            .force = arguments["force"].as<bool>(),
            .test = arguments["test"].as<bool>()};
}

const char *done_text(const po::variables_map &arguments) {
    return arguments["test"].as<bool>() ? "would be formatted (--test)" : "formatted";
}

es_sb format(const po::variables_map &arguments) {
    if (arguments.count("view-of"))
        return format_view_store(
            {.target = target_of(arguments), .snapshot_store = text_of(arguments, "view-of")});
    return format_snapshot_store({.target = target_of(arguments),
                                  .origin = text_of(arguments, "origin"),
                                  .after = text_of(arguments, "after"),
                                  .chunk_bytes = size_of(arguments, "chunksize", Unit::kib)});
}

int format_a_journal(const po::variables_map &arguments, const Context &context) {
    const es_jsb sb = format_journal(
        {.target = target_of(arguments), .newest_store = text_of(arguments, "journal-for")});
    context.say("{}: journal {}: {}, for chain {}", text_of(arguments, "STORE_DEV"),
                done_text(arguments), size_text(byte_offset(sb.device_blocks)),
                uuid_text(sb.chain_uuid));
    context.detail("journal uuid {}", uuid_text(sb.journal_uuid));
    return exit_done;
}

int run(const po::variables_map &arguments, const Context &context) {
    require_only_one_kind(arguments);
    if (arguments.count("journal-for"))
        return format_a_journal(arguments, context);
    const es_sb sb = format(arguments);
    const auto chunk_bytes = std::uint64_t{sb.chunk_sectors} << ES_SECTOR_SHIFT;
    context.say("{}: {} store {}: {}, chunks of {}, serial {} of chain {}",
                text_of(arguments, "STORE_DEV"), kind_text(sb.kind), done_text(arguments),
                size_text(byte_offset(sb.device_blocks)), size_text(chunk_bytes), sb.serial,
                uuid_text(sb.chain_uuid));
    context.detail("store uuid {}, origin of {} sectors, segments of {}", uuid_text(sb.store_uuid),
                   sb.origin_sectors, size_text(byte_offset(sb.segment_blocks)));
    return exit_done;
}

} // namespace

Command format_command() {
    return {
        .name = "format",
        .summary = "make a device the store of a snapshot or view, or a journal",
        .details = details,
        .positionals = {{"STORE_DEV", "block device or regular file to be formatted", What::file}},
        .options = declare(),
        .values = {{"origin", {What::file}},
                   {"after", {What::file}},
                   {"view-of", {What::file}},
                   {"journal-for", {What::file}}},
        .examples = {{"esnap format --origin /dev/sdb1 -c 64k /dev/sdc1",
                      "the store of a first snapshot of a disk without LVM"},
                     {"esnap format --origin /dev/sdb1 --after /dev/sdc1 /dev/sdc2",
                      "the store of the next one"},
                     {"esnap format --journal-for /dev/sdc2 /dev/sdd1",
                      "a write journal for the same origin"}},
        .run = run};
}

} // namespace esnap
