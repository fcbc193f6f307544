// SPDX-License-Identifier: GPL-2.0-only
#include "writers.h"

#include <algorithm>

namespace esmodel {

namespace {

/* As many as the block of write numbers that Session::next_writer() gives to a writer. */
constexpr std::size_t max_writes = 8000;
constexpr unsigned max_readers = 4;

/* A random piece of @region for one write, in whole blocks. */
Range piece_of(Rng &rng, Range region, Sector block) {
    const Sector blocks = region.count / block;
    const Sector first = rng.below(blocks);
    const Sector count = rng.between(1, std::min<Sector>(blocks - first, 64));

    return {region.first + first * block, count * block};
}

} // namespace

RegionWriter::RegionWriter(const BlockFile &file, Range region, WriteOrigin ids, std::uint64_t seed)
    : file_(file) {
    log_.region = region;
    thread_ = std::thread([this, seed, ids] { work(seed, ids); });
}

RegionWriter::~RegionWriter() {
    is_stopping_ = true;
    if (thread_.joinable())
        thread_.join();
}

void RegionWriter::work(std::uint64_t seed, WriteOrigin ids) {
    Rng rng(seed);

    try {
        while (!is_stopping_ && log_.writes.size() < max_writes) {
            const Range range = piece_of(rng, log_.region, file_.block_sectors());
            const WriteId id = make_id(ids);

            log_.writes.push_back({range, id});
            issued_++;
            write_pattern(file_, range, id, rng.below(8) * sector_bytes);
            completed_++;
            ids.sub++;
        }
    } catch (...) {
        failure_ = std::current_exception();
    }
}

void RegionWriter::stop() {
    is_stopping_ = true;
    thread_.join();
    if (failure_)
        std::rethrow_exception(failure_);
}

RangeReader::RangeReader(Session &session, const OpenDevice &device, Image &content,
                         std::uint64_t seed) {
    thread_ = std::thread(
        [this, &session, &device, &content, seed] { work(session, device, content, seed); });
}

RangeReader::~RangeReader() {
    is_stopping_ = true;
    if (thread_.joinable())
        thread_.join();
}

void RangeReader::work(Session &session, const OpenDevice &device, Image &content,
                       std::uint64_t seed) {
    Rng rng(seed);
    const Sector block = device.file.block_sectors();

    try {
        while (!is_stopping_)
            verify_range(session, device, content, random_range(rng, content.sectors(), block));
    } catch (...) {
        failure_ = std::current_exception();
    }
}

void RangeReader::stop() {
    is_stopping_ = true;
    thread_.join();
    if (failure_)
        std::rethrow_exception(failure_);
}

Load::Load(Run &run) : run_(run) {
    Session &session = run.session;
    Chain &chain = run.chain;
    const unsigned chain_id = chain.setup().index * 64;

    start_writers(chain.origin(), chain.setup().content, chain_id,
                  static_cast<unsigned>(session.rng.between(2, 6)));
    for (Writer &writer : writers_)
        writer.is_on_origin = true;
    for (const auto &view : chain.views()) {
        if (!view->is_pinned && session.rng.percent(40))
            start_writers(*view->open, view->content, chain_id + view->number % 63 + 1, 1);
    }
    start_readers();
    session.note("{} writers, {} readers", writers_.size(), readers_.size());
}

/* Neighbouring regions, cut at any block. */
void Load::start_writers(const OpenDevice &device, std::shared_ptr<Image> content,
                         unsigned device_id, unsigned count) {
    Rng &rng = run_.session.rng;
    const Sector block = device.file.block_sectors();
    const Sector room = content->sectors() / count;
    Sector at = rng.below(content->sectors() / 2);

    for (unsigned i = 0; i < count; i++) {
        const Sector wanted = rng.between(8, std::min<Sector>(room / 2, 600));
        const Range region{at / block * block, std::max<Sector>(wanted / block, 1) * block};

        if (region.end() > content->sectors())
            break;
        writers_.push_back(
            {std::make_unique<RegionWriter>(device.file, region,
                                            run_.session.next_writer(device_id), rng.next()),
             content, false});
        at = region.end();
    }
}

void Load::start_readers() {
    Rng &rng = run_.session.rng;
    std::vector<Snapshot *> open;

    for (const auto &snapshot : run_.chain.snapshots()) {
        if (snapshot->image)
            open.push_back(snapshot.get());
    }
    rng.shuffle(open);
    for (std::size_t i = 0; i < std::min<std::size_t>(open.size(), max_readers); i++)
        readers_.push_back(std::make_unique<RangeReader>(run_.session, *open[i]->image,
                                                         open[i]->content, rng.next()));
}

SwitchHooks Load::hooks() {
    const auto each = [this](void (RegionWriter::*note)()) {
        for (Writer &writer : writers_)
            (writer.thread.get()->*note)();
    };

    return {[each] { each(&RegionWriter::note_suspend); },
            [each] { each(&RegionWriter::note_resume); }};
}

void Load::wait(unsigned milliseconds) const {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

void Load::finish() {
    for (Writer &writer : writers_) {
        writer.thread->stop();
        for (const LoggedWrite &write : writer.thread->log().writes)
            writer.content->write(write.range, write.id);
    }
    for (auto &reader : readers_)
        reader->stop();
    readers_.clear();
}

void Load::adopt(Snapshot &snapshot) {
    for (const Writer &writer : writers_) {
        if (!writer.is_on_origin)
            continue;

        const WriterLog &log = writer.thread->log();
        Buffer data(log.region.count * sector_bytes);

        snapshot.image->file.read(log.region.first, data.bytes());

        const auto mismatch = adopt_prefix(log, data.bytes(), snapshot.content);

        if (mismatch)
            throw TestFailure(
                fmt::format("{}, made while {} writes of this writer were completed and {} issued,"
                            " region {}+{}:\n  first differing sector: {}\n  expected: {}\n"
                            "  actual:   {}",
                            snapshot.image->device.name(), log.completed_before, log.issued_before,
                            log.region.first, log.region.count, mismatch->sector,
                            mismatch->expected, mismatch->actual));
    }
}

} // namespace esmodel
