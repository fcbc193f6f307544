// SPDX-License-Identifier: GPL-2.0-only
#include "bad_cases.h"

#include <fmt/ranges.h>

#include "ops.h"

namespace esmodel {

namespace {

/* A chain with @snapshots snapshots that differ, and a view of the second. */
std::unique_ptr<Chain> build_chain(TestBed &bed, const char *name, const std::string &origin,
                                   unsigned snapshots) {
    auto chain =
        bed.make_chain(name, 0, origin, std::make_shared<Image>(bed.geometry.origin_sectors));
    Run run{bed.session, *chain, {}};

    chain->attach();
    fill_origin(run);
    for (unsigned i = 0; i < snapshots; i++) {
        chain->open_image(chain->add_snapshot(bed.session.rng, DmDevice::Flush::flush));
        write_batch(run, {chain->origin(), chain->content(), 0});
    }
    chain->add_view(bed.session.rng, *chain->snapshots()[1]);
    verify_all(run);
    return chain;
}

DmDevice exact_origin(const char *name, const Store &room, Sector sectors) {
    return DmDevice(name, linear_table(room.number(), {0, sectors}));
}

void fill_with_garbage(Rng &rng, const std::string &path) {
    const BlockFile file(path, BlockFile::Mode::write);
    Buffer data(1 << 20);

    for (std::byte &byte : data.bytes())
        byte = static_cast<std::byte>(rng.next());
    file.write(0, data.bytes());
}

/* The words of an esnapshot-org line, each of which a case may get wrong. */
struct OrgLine {
    std::string origin;
    std::string chunk;
    std::string journal = "-";
    std::string count = ""; /* empty: the right one */
    std::vector<std::string> stores = {};
    std::string tail = "";
};

Table org_table(Sector sectors, const OrgLine &line) {
    const std::string count =
        line.count.empty() ? fmt::format("{}", line.stores.size()) : line.count;
    std::string params = fmt::format("{} {} {} {}", line.origin, line.chunk, line.journal, count);

    for (const std::string &store : line.stores)
        params += " " + store;
    if (!line.tail.empty())
        params += " " + line.tail;
    return {{0, sectors, "esnapshot-org", params}};
}

/* The line that is right for @chain. */
OrgLine right_line(const BadInputBed &on, Chain &chain, const DmDevice &origin) {
    OrgLine line{origin.number(), fmt::format("{}", on.bed.geometry.chunk_sectors)};

    for (const auto &snapshot : chain.snapshots())
        line.stores.push_back(snapshot->store->number());
    return line;
}

/* Collects cases for one chain: each is its right line with something changed. */
class OrgCases {
public:
    OrgCases(const BadInputBed &on, OrgLine right, bool is_reload)
        : sectors_(on.bed.geometry.origin_sectors), right_(std::move(right)),
          is_reload_(is_reload) {}

    template <class Change>
    void add(const std::string &name, const Change &change,
             std::vector<const DmDevice *> culprits = {}) {
        OrgLine line = right_;

        change(line);
        cases_.push_back({(is_reload_ ? "reload: " : "") + name, org_table(sectors_, line),
                          std::move(culprits), is_reload_});
    }

    void add_table(const std::string &name, const Table &table,
                   std::vector<const DmDevice *> culprits = {}) {
        cases_.push_back({name, table, std::move(culprits), is_reload_});
    }

    const OrgLine &right() const { return right_; }
    std::vector<BadCase> take() { return std::move(cases_); }

private:
    Sector sectors_;
    OrgLine right_;
    bool is_reload_;
    std::vector<BadCase> cases_;
};

void add_wrong_devices(const BadInputBed &on, OrgCases &cases) {
    const DmDevice &first = on.dead_store(0);
    const DmDevice &second = on.dead_store(1);
    const DmDevice &third = on.dead_store(2);
    const DmDevice &view = on.dead->views()[0]->store->device();
    const DmDevice &foreign = on.other->snapshots()[1]->store->device();
    const auto replace = [&](const char *name, std::size_t at, const DmDevice &by) {
        cases.add(name, [&](OrgLine &l) { l.stores[at] = by.number(); },
                  {&by, &first, &second, &third});
    };

    replace("random bytes for a store", 1, on.garbage->device());
    replace("a blank device for the newest store", 2, on.blank->device());
    replace("a blank device for the oldest store", 0, on.blank->device());
    replace("a store of another chain", 1, foreign);
    replace("a newest store of another chain", 2, foreign);
    replace("a device smaller than its superblock says", 1, *on.cut);
    replace("a view's store for a store", 1, view);
    replace("the origin for a store", 1, on.dead_origin);
    replace("the oldest store twice", 1, first);
    replace("the newest store twice", 1, third);
    cases.add("the first two swapped", [](OrgLine &l) { std::swap(l.stores[0], l.stores[1]); },
              {&first, &second, &third});
    cases.add("newest first", [](OrgLine &l) { std::swap(l.stores[0], l.stores[2]); },
              {&first, &second, &third});
    cases.add("a missing middle store", [](OrgLine &l) { l.stores.erase(l.stores.begin() + 1); },
              {&first, &second, &third});
    cases.add("a missing newest store", [](OrgLine &l) { l.stores.pop_back(); }, {&first, &second});
    cases.add("one store appended twice", [&](OrgLine &l) { l.stores.push_back(third.number()); },
              {&third});
    cases.add("a journal", [&](OrgLine &l) { l.journal = on.blank->number(); },
              {&on.blank->device()});
    cases.add("no such store", [](OrgLine &l) { l.stores[1] = "999:77"; });
    cases.add("no such origin", [](OrgLine &l) { l.origin = "999:77"; });
}

void add_wrong_words(OrgCases &cases) {
    for (const char *chunk : {"0", "3", "4", "7", "24", "4096", "1099511627776",
                              "18446744073709551616", "-8", "8k", "x"})
        cases.add(fmt::format("chunk {}", chunk), [&](OrgLine &l) { l.chunk = chunk; });
    for (const char *count : {"-1", "2", "4", "4294967299", "1000000000000", "3x", "x"})
        cases.add(fmt::format("{} stores announced, 3 given", count),
                  [&](OrgLine &l) { l.count = count; });
    for (const char *tail :
         {"1 bogus", "1 on_full=maybe", "1 on_full=", "1 on_full", "1 queue_timeout=-1",
          "1 queue_timeout=soon", "1 queue_timeout=99999999999999999999", "1 discard=sometimes",
          "2 on_full=error", "0 on_full=error", "-1", "1000000", "1 on_full=error discard=copy",
          "bogus"})
        cases.add(fmt::format("features '{}'", tail), [&](OrgLine &l) { l.tail = tail; });
    cases.add("no journal word", [](OrgLine &l) { l.journal = ""; });
}

void add_wrong_shapes(const BadInputBed &on, OrgCases &cases) {
    const Sector sectors = on.bed.geometry.origin_sectors;
    const Table right = org_table(sectors, cases.right());
    const std::string &params = right[0].params;
    const Sector block = on.live->origin().file.block_sectors();

    for (const std::string &words :
         {std::string(), cases.right().origin,
          fmt::format("{} {}", cases.right().origin, cases.right().chunk),
          fmt::format("{} {} -", cases.right().origin, cases.right().chunk)})
        cases.add_table(fmt::format("only the words '{}'", words),
                        {{0, sectors, "esnapshot-org", words}});
    cases.add_table("shorter than the origin", {{0, sectors - block, "esnapshot-org", params}});
    cases.add_table("longer than the origin", {{0, sectors + 64, "esnapshot-org", params}});
    cases.add_table("not alone in its table",
                    {{0, 8, "error", ""}, {8, sectors - 8, "esnapshot-org", params}});
}

/* Another chunk than the one the stores were made for. */
void add_wrong_chunk(const BadInputBed &on, OrgCases &cases) {
    const unsigned chunk = on.bed.geometry.chunk_sectors;

    for (const unsigned wrong : {chunk * 2, chunk / 2})
        cases.add(fmt::format("chunk {} for stores of {}", wrong, chunk),
                  [&](OrgLine &l) { l.chunk = fmt::format("{}", wrong); },
                  {&on.dead_store(0), &on.dead_store(1), &on.dead_store(2)});
}

/* The live chain: its own device gets a table that would break it. */
std::vector<BadCase> reload_cases(const BadInputBed &on) {
    OrgCases cases(on, right_line(on, *on.live, on.bed.origin), true);
    const std::vector<const DmDevice *> own{&on.live_store(0), &on.live_store(1),
                                            &on.live_store(2)};
    const auto append = [&](const char *name, const DmDevice &device) {
        cases.add(name, [&](OrgLine &l) { l.stores.push_back(device.number()); },
                  {&device, own[2]});
    };

    cases.add(
        "the middle store left out", [](OrgLine &l) { l.stores.erase(l.stores.begin() + 1); }, own);
    cases.add(
        "the newest store left out", [](OrgLine &l) { l.stores.pop_back(); }, own);
    cases.add(
        "two stores swapped", [](OrgLine &l) { std::swap(l.stores[0], l.stores[1]); }, own);
    cases.add(
        "all stores but the newest twice", [](OrgLine &l) { l.stores[2] = l.stores[1]; }, own);
    cases.add("another chunk", [&](OrgLine &l) { l.chunk = l.chunk == "64" ? "128" : "64"; });
    cases.add("another origin", [&](OrgLine &l) { l.origin = on.other_origin.number(); });
    append("a blank store appended", on.blank->device());
    append("random bytes appended", on.garbage->device());
    append("a store of another chain appended", on.dead_store(2));
    append("the oldest store appended again", on.live_store(0));
    append("the origin appended as a store", on.bed.origin);
    append("a view's store appended", on.live->views()[0]->store->device());
    cases.add("an unknown feature", [](OrgLine &l) { l.tail = "1 bogus"; });
    return cases.take();
}

/* esnapshot, on the live chain's stores and on everything else. */
std::vector<BadCase> image_cases(const BadInputBed &on) {
    const Sector sectors = on.bed.geometry.origin_sectors;
    const DmDevice &view = on.live->views()[0]->store->device();
    const std::string first = on.live_store(0).number();
    std::vector<BadCase> cases;
    const auto add = [&](const std::string &name, const std::string &params, Sector length,
                         std::vector<const DmDevice *> culprits = {}) {
        cases.push_back(
            {"image: " + name, {{0, length, "esnapshot", params}}, std::move(culprits)});
    };

    add("no words", "", sectors);
    add("shorter than the snapshot", first, sectors - 8, {&on.live_store(0)});
    add("longer than the snapshot", first, sectors + 8, {&on.live_store(0)});
    add("unknown serial", first + " 4711", sectors, {&on.live_store(0)});
    add("serial that is no number", first + " x", sectors);
    add("one word too many", first + " 1 1", sectors);
    add("random bytes", on.garbage->number(), sectors, {&on.garbage->device()});
    add("blank device", on.blank->number(), sectors, {&on.blank->device()});
    add("a view's store", view.number(), sectors, {&view});
    add("the origin itself", on.bed.origin.number(), sectors, {&on.bed.origin});
    add("no such device", "999:77", sectors);
    return cases;
}

/* esnapshot-view, against the live chain. */
std::vector<BadCase> view_cases(const BadInputBed &on) {
    const Sector sectors = on.bed.geometry.origin_sectors;
    const DmDevice &view = on.live->views()[0]->store->device();
    const DmDevice &foreign = on.dead->views()[0]->store->device();
    const DmDevice &first = on.live_store(0);
    const DmDevice &second = on.live_store(1);
    const auto words = [&](const DmDevice &store, const DmDevice &snapshot) {
        return fmt::format("{} {} {}", store.number(), on.bed.origin.number(), snapshot.number());
    };
    std::vector<BadCase> cases;
    const auto add = [&](const std::string &name, const std::string &params,
                         std::vector<const DmDevice *> culprits = {}, Sector less = 0) {
        cases.push_back({"view: " + name,
                         {{0, sectors - less, "esnapshot-view", params}},
                         std::move(culprits)});
    };

    add("no words", "");
    add("words missing", fmt::format("{} {}", view.number(), on.bed.origin.number()));
    add("store in use by another view", words(view, second), {&view});
    add("wrong length", words(view, second), {}, 8);
    add("unknown serial", words(view, second) + " 4711");
    add("blank store", words(on.blank->device(), second), {&on.blank->device()});
    add("random bytes", words(on.garbage->device(), second), {&on.garbage->device()});
    add("a chain's store for its own", words(first, second), {&first});
    add("made for another snapshot", words(view, first), {&view, &first});
    add("of another chain", words(foreign, second), {&foreign, &second});
    return cases;
}

} // namespace

BadInputBed::BadInputBed(TestBed &test_bed)
    : bed(test_bed), dead_room(bed.pool.take(bed.session.rng)),
      other_room(bed.pool.take(bed.session.rng)),
      dead_origin(exact_origin("esm-dead-origin", *dead_room, bed.geometry.origin_sectors)),
      other_origin(exact_origin("esm-other-origin", *other_room, bed.geometry.origin_sectors)),
      blank(bed.pool.take(bed.session.rng)), garbage(bed.pool.take(bed.session.rng)),
      dead(build_chain(bed, "esm-dead", dead_origin.path(), 3)),
      other(build_chain(bed, "esm-other", other_origin.path(), 2)),
      live(build_chain(bed, "esm", bed.origin.path(), 3)) {
    dead->detach();
    other->detach();
    fill_with_garbage(bed.session.rng, garbage->path());

    const DmDevice &second = dead_store(1);
    const Sector half = BlockFile(second.path(), BlockFile::Mode::read).sectors() / 16 * 8;

    cut = std::make_unique<DmDevice>("esm-cut", linear_table(second.number(), {0, half}));
}

const DmDevice &BadInputBed::dead_store(unsigned index) const {
    return dead->snapshots()[index]->store->device();
}

const DmDevice &BadInputBed::live_store(unsigned index) const {
    return live->snapshots()[index]->store->device();
}

std::vector<BadCase> all_bad_cases(const BadInputBed &on) {
    OrgCases fresh(on, right_line(on, *on.dead, on.dead_origin), false);

    add_wrong_devices(on, fresh);
    add_wrong_chunk(on, fresh);
    add_wrong_words(fresh);
    add_wrong_shapes(on, fresh);
    fresh.add_table(
        "the live chain's stores in a second device",
        org_table(on.bed.geometry.origin_sectors, right_line(on, *on.live, on.bed.origin)));

    std::vector<BadCase> cases = fresh.take();

    for (auto &&more : {reload_cases(on), image_cases(on), view_cases(on)})
        cases.insert(cases.end(), more.begin(), more.end());
    return cases;
}

} // namespace esmodel
