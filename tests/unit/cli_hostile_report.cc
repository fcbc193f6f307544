// SPDX-License-Identifier: GPL-2.0-only
//
// What LVM says is not trusted: tags are anybody's words, and another version may print something
// else. Whatever it is, it is read or refused with an Error, and every volume that is found in it
// can be listed and planned for. What LVM is told is what was meant.

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "error.h"
#include "lvm/lvm2cmd.h"
#include "lvm/report.h"
#include "support/core_values.h"
#include "support/fake_dm.h"
#include "support/fake_lvm.h"
#include "volumes/chain.h"
#include "volumes/create.h"
#include "volumes/listing.h"
#include "volumes/remove.h"

using namespace esnap;
using namespace esnap::test;

namespace {

using Json = nlohmann::json;

const std::string &pick(Rng &rng, const std::vector<std::string> &from) {
    return from[rng.below(from.size())];
}

std::string hostile_text(Rng &rng) {
    static const std::vector<std::string> texts{
        "",
        "-1",
        "0",
        "18446744073709551615",
        "18446744073709551616",
        "1e9",
        " 1",
        "vg",
        "data_eorig",
        "_eorig",
        "_ecow",
        "[]",
        "[",
        ".",
        "..",
        "../../etc/passwd",
        "$(reboot)",
        "'; reboot; '",
        "a b\nc",
        "-f",
        "--config=x",
        "{}",
        "{0}",
        "%s%n",
        "\u00e9\u0000",
        std::string(5000, 'x'),
        "esnap.kind=origin",
        "esnap.kind=snapshot",
        "esnap.kind=origin,esnap.kind=view,esnap.kind=journal",
        "esnap.kind=snapshot,esnap.origin=,esnap.chain=,esnap.store=,esnap.serial=",
        "esnap.kind=view,esnap.of=esnap.of=",
        "esnap.serial=-1",
        ",,,",
    };
    return pick(rng, texts);
}

/* One of the tags of an LV says something else, is there twice, or not at all. */
std::string changed_tags(Rng &rng, const std::string &tags) {
    const std::size_t at = tags.empty() ? 0 : rng.below(tags.size());
    std::string changed = tags;

    switch (rng.below(5)) {
    case 0:
        return tags + "," + hostile_text(rng);
    case 1:
        return tags + "," + tags;
    case 2:
        return changed.erase(at, 1 + rng.below(20));
    case 3:
        return changed.insert(at, hostile_text(rng));
    default:
        return changed.replace(at, changed.empty() ? 0 : 1, 1, "0aZ=,. -"[rng.below(8)]);
    }
}

void change_field(Rng &rng, Json &field, const std::string &name) {
    static const std::vector<Json> kinds{nullptr, 1, -1, 1.5, true, Json::array(), Json::object()};

    if (name == "lv_tags" && field.is_string() && rng.below(4) != 0)
        field = changed_tags(rng, field.get<std::string>());
    else if (rng.below(4) == 0)
        field = kinds[rng.below(kinds.size())];
    else
        field = hostile_text(rng);
}

void change_row(Rng &rng, Json &rows) {
    if (!rows.is_array() || rows.empty())
        return;
    Json &row = rows[rng.below(rows.size())];
    if (rng.below(8) == 0) {
        const Json copy = row;
        rows.push_back(copy);
        return;
    }
    if (!row.is_object() || row.empty())
        return;
    auto field = row.begin();
    std::advance(field, static_cast<std::ptrdiff_t>(rng.below(row.size())));
    if (rng.below(10) == 0)
        row.erase(field);
    else
        change_field(rng, *field, field.key());
}

std::string hostile_report(Rng &rng) {
    Json report = Json::parse(recorded_report());

    for (std::uint64_t changes = 1 + rng.below(4); changes > 0; --changes)
        for (Json &part : report["report"])
            if (const char *kind = rng.below(6) == 0 ? "vg" : "lv"; part.contains(kind))
                change_row(rng, part[kind]);
    std::string text = report.dump();
    if (rng.below(20) == 0)
        text.resize(rng.below(text.size()));
    if (rng.below(20) == 0)
        text[rng.below(text.size())] = static_cast<char>(rng.below(256));
    return text;
}

/* An Error is an answer; everything else that is thrown fails the test. */
template <typename Question>
void ask(Question &&question) {
    try {
        question();
    } catch (const Error &) {
    } catch (const UsageError &) {
    }
}

void plan_everything(System &system, const Vg &vg) {
    for (const Chain &chain : find_chains(vg)) {
        ask([&] { dissolve(system, chain); });
        ask([&] { create_snapshot(system, vg, chain.name, {"new", {"-L", "8388608b"}, {}}); });
        for (const Volume *volume : chain.volumes()) {
            const auto found = [&] { return find_volume(vg, volume->volume_name()); };
            ask([&] { remove_volume(system, found()); });
            ask([&] { create_view(system, vg, found(), {"new", {"-L", "8388608b"}, {}}); });
        }
    }
}

} // namespace

TEST_CASE("whatever LVM reports is read or refused", "[cli]") {
    const auto seed = GENERATE(range(std::uint64_t{0}, std::uint64_t{40}));
    CAPTURE(seed);
    Rng rng(seed);
    int read = 0;

    for (int round = 0; round < 50; ++round) {
        const std::string report = hostile_report(rng);
        CAPTURE(round, report);
        FakeLvm lvm(report);
        dmext::test::FakeDm dm;
        System system{lvm, dm};

        ask([&] {
            for (const Vg &vg : read_vgs(lvm)) {
                ask([&] { find_orphans(vg); });
                ask([&] {
                    std::vector<Row> rows = list_volumes(system, vg, true);
                    for (const Row &row : rows)
                        for (const esnap::Field &field : all_fields())
                            field.text(row, {});
                    add_policies(system, vg, rows);
                });
                ask([&] { plan_everything(system, vg); });
                ++read;
            }
        });
        for (const std::string &command : lvm.commands()) // plans were made, none was run
            CHECK_THAT(command, Catch::StartsWith("lvmconfig "));
    }
    CHECK(read > 0);
    CHECK(read < 50);
}

TEST_CASE("what LVM could take for another word is not passed on to it", "[cli]") {
    Lvm2Cmd lvm;

    for (const std::string word : {"", "a'b", "a\"b", "a\nlvremove -f vg", "a\tb", "a\\"}) {
        CAPTURE(word);
        CHECK_THROWS_WITH(lvm.run({"lvs", word}), Catch::Contains("cannot be passed on to LVM"));
    }
}
