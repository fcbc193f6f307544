// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/journal.h"

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "dm-ext/recipes.h"
#include "error.h"
#include "offline/device.h"
#include "offline/formatter.h"
#include "offline/journal.h"
#include "offline/superblock.h"
#include "volumes/live.h"
#include "volumes/stores.h"

namespace esnap {

namespace {

constexpr const char *making = "make a journal for";
constexpr const char *removing = "remove the journal of";
constexpr const char *activating = "activate";

std::string path_of(const Journal &journal) {
    return lvm_path(journal.vg, journal.lv.name);
}

// --- what the superblocks say ---

/*
 * The journal that the newest store names which was ever in use: a store that was being added has
 * the name from its first superblock on, until then it is in the one before.
 */
std::string named_journal(const Chain &chain) {
    for (const Volume &snapshot : std::views::reverse(chain.snapshots)) {
        if (is_unformatted(snapshot))
            continue;
        const OpenedStore store = open_store(snapshot);
        if (store.was_attached())
            return es_uuid_is_null(store.sb.journal_uuid) ? "" : uuid_text(store.sb.journal_uuid);
    }
    return {};
}

/* Throws Error unless @journal's superblock is what its tags say. */
es_jsb require_sound(const Chain &chain, const Journal &journal) {
    const es_jsb sb = load_journal_superblock(Device::open_to_read(journal.node()));
    const auto refuse = [&](const std::string &cause, const char *advice) {
        throw Error(activating, chain.volume_name().text(),
                    fmt::format("journal {}: {}", path_of(journal), cause), advice);
    };

    if (uuid_text(sb.journal_uuid) != journal.journal_uuid)
        refuse(fmt::format("its tag says journal {}, its superblock {}", journal.journal_uuid,
                           uuid_text(sb.journal_uuid)),
               "put back the journal that belongs there: it has writes that the origin lacks");
    if (uuid_text(sb.chain_uuid) != journal.chain_uuid)
        refuse(fmt::format("its tag says chain {}, its superblock {}", journal.chain_uuid,
                           uuid_text(sb.chain_uuid)),
               "put back the journal that belongs there: it has writes that the origin lacks");
    return sb;
}

/* Why a journal that no store names cannot be used; empty: it can, there is nothing in it. */
std::string why_useless(const Chain &chain, const Journal &journal) {
    try {
        const es_jsb sb = require_sound(chain, journal);
        const bool is_given_up = sb.state == ES_JOURNAL_FAILED || (sb.flags & ES_JSB_ATTACHED) != 0;

        return is_given_up ? "it was given up" : "";
    } catch (const std::exception &e) {
        return e.what();
    }
}

// --- steps ---

void forget_journal(System &system, const Journal &journal) {
    run_lvm(system.lvm, "take back", path_of(journal), {"lvremove", "-y", "-f", path_of(journal)});
}

dmext::Step create_lv_step(System &system, const VolumeName &lv, const Words &size,
                           const Words &tags) {
    Words words{"lvcreate", "-y", "-Wn", "-Zn", "-ay", "-K", "-ky", "--setautoactivation", "n"};

    for (const std::string &tag : tags) {
        words.emplace_back("--addtag");
        words.push_back(tag);
    }
    words.insert(words.end(), size.begin(), size.end());
    words.insert(words.end(), {"-n", lv.lv, lv.vg});
    return lvm_step(system, "create", lv, words, {"lvremove", "-y", "-f", lv.text()});
}

dmext::Step format_step(const std::string &node, const std::string &newest, const Uuid &uuid,
                        const std::string &chain) {
    return {"format " + node, [=](dmext::PlanContext &) {
                const es_jsb sb =
                    format_journal({.target = {.store = node, .force = true, .store_uuid = uuid},
                                    .newest_store = newest});

                if (uuid_text(sb.chain_uuid) != chain)
                    throw Error(making, node,
                                fmt::format("the newest store is of chain {}, its tag says {}",
                                            uuid_text(sb.chain_uuid), chain));
            }};
}

dmext::Step complete_step(System &system, const VolumeName &lv) {
    dmext::Step step =
        lvm_step(system, "mark as complete", lv, {"lvchange", "--deltag", tag::pending, lv.text()});

    step.is_final = true;
    return step;
}

/* The table is without it; the store must be, too, before what is in it is thrown away. */
dmext::Step require_drained_step(const Chain &chain) {
    return {fmt::format("see that the journal of {} is empty", chain.volume_name().text()),
            [chain](dmext::PlanContext &) {
                if (named_journal(chain) == chain.journal->journal_uuid)
                    throw Error(removing, chain.volume_name().text(),
                                "the newest store still names it: it may have writes that the "
                                "origin lacks",
                                fmt::format("run esnap vgchange -ay {}", chain.vg));
            }};
}

} // namespace

dmext::Plan create_journal(System &system, const Vg &vg, const Found &found,
                           const NewVolume &wanted) {
    const Chain &chain = found.chain;
    const std::string origin = chain.volume_name().text();

    if (found.volume)
        throw Error(making, found.volume->volume_name().text(), "it is no origin",
                    fmt::format("name the origin: {}", origin));
    if (chain.journal)
        throw Error(making, origin, fmt::format("it has {}", path_of(*chain.journal)),
                    "an origin has one journal");
    if (chain.snapshots.empty())
        throw Error(making, origin, "it has no snapshot", "take one first");
    if (!wanted.name.empty()) {
        require_good_name(wanted.name);
        if (wanted.name != chain.name && is_name_taken(vg, wanted.name))
            throw Error(making, origin, fmt::format("there is a volume {} already", wanted.name));
    }
    require_live_org(system, making, chain);
    const VolumeName lv{vg.name, (wanted.name.empty() ? chain.name : wanted.name) + journal_suffix};
    if (vg.find(lv.lv) != nullptr)
        throw Error(making, origin, fmt::format("there is an LV {} already", lv.lv));
    const Volume &newest = chain.snapshots.back();
    const Uuid uuid = random_uuid();
    const std::string node = node_of(lv.vg, lv.lv);
    dmext::Plan plan(making, origin);

    plan.add(
        create_lv_step(system, lv, wanted.size,
                       {tag::journal_kind, tag::pending, tag::origin + chain.origin.uuid,
                        tag::chain + newest.chain_uuid, tag::journal + uuid_text(uuid.data())}));
    plan.add(format_step(node, newest.store_node(), uuid, newest.chain_uuid));
    plan.append(dmext::add_journal(system.dm, chain.device(), node));
    plan.add(complete_step(system, lv));
    return plan;
}

dmext::Plan remove_journal(System &system, const Chain &chain) {
    if (!chain.journal)
        throw Error(removing, chain.volume_name().text(), "it has none");
    const Journal &journal = *chain.journal;
    const dmext::EsnapshotOrg org = require_live_org(system, removing, chain);
    const VolumeName lv{journal.vg, journal.lv.name};
    dmext::Plan plan(removing, chain.volume_name().text());

    if (!journal.is_being_removed())
        plan.add(lvm_step(system, "mark as being removed", lv,
                          {"lvchange", "--addtag", tag::removing, lv.text()},
                          {"lvchange", "--deltag", tag::removing, lv.text()}));
    if (is_in_table(system, org, journal))
        plan.append(dmext::take_out_journal(system.dm, chain.device()));
    plan.add(require_drained_step(chain));
    dmext::Step remove = lvm_step(system, "remove", lv, {"lvremove", "-y", "-f", lv.text()});
    remove.is_final = true;
    plan.add(std::move(remove));
    return plan;
}

bool is_in_table(System &system, const dmext::EsnapshotOrg &org, const Journal &journal) {
    const dmext::Info info = dmext::Device(system.dm, dm_name(journal.vg, journal.lv.name)).info();

    return info.exists && org.journal == to_string(info.number);
}

std::string choose_journal(System &system, const Chain &chain, const Tell &tell) {
    const std::string named = named_journal(chain);
    const std::string origin = chain.volume_name().text();

    if (!named.empty() && (!chain.journal || chain.journal->journal_uuid != named))
        throw Error(
            activating, origin,
            fmt::format("its newest snapshot has write journal {}, which {}", named,
                        chain.journal ? "is not the one that there is" : "is not in the group"),
            "put it back: it has writes that the origin lacks; nothing was activated");
    if (!chain.journal)
        return {};
    const Journal &journal = *chain.journal;
    if (named.empty() && (journal.is_pending() || journal.is_being_removed())) {
        tell(News::mended,
             fmt::format("{}: what a killed command had left of it is removed", path_of(journal)));
        forget_journal(system, journal);
        return {};
    }
    if (!named.empty()) {
        require_sound(chain, journal);
        return journal.node();
    }
    const std::string useless = why_useless(chain, journal);
    if (useless.empty())
        return journal.node();
    tell(News::missing, fmt::format("{}: {}; {} goes on without a journal: remove it with esnap "
                                    "lvremove",
                                    path_of(journal), useless, origin));
    return {};
}

bool settle_journal(System &system, const Chain &chain, const dmext::EsnapshotOrg &org,
                    const Tell &tell) {
    if (!chain.journal)
        return false;
    const Journal &journal = *chain.journal;
    const VolumeName lv{journal.vg, journal.lv.name};

    if (journal.is_being_removed()) {
        tell(News::mended, fmt::format("{}: its removal had begun and goes on", lv.text()));
        remove_journal(system, chain).run(system.dm);
        return true;
    }
    if (!journal.is_pending())
        return false;
    if (is_in_table(system, org, journal)) {
        run_lvm(system.lvm, "complete", lv.text(),
                {"lvchange", "--deltag", tag::pending, lv.text()});
        tell(News::mended, fmt::format("{}: completed", lv.text()));
    } else {
        tell(News::mended,
             fmt::format("{}: what a killed command had left of it is removed", lv.text()));
        forget_journal(system, journal);
    }
    return true;
}

} // namespace esnap
