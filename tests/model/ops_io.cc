// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations that write to a volume, and the random read.
 */
#include <algorithm>

#include "ops.h"

namespace esmodel {

namespace {

/* Buffers begin anywhere in a page: a device must take bios of any shape. */
std::size_t random_skew(Rng &rng) {
    return rng.percent(50) ? 0 : rng.below(8) * sector_bytes;
}

Range range_of(Run &run, const Volume &volume, Sector max_count = 2048) {
    const Range range = random_range(run.session.rng, volume.content.sectors(),
                                     volume.device.file.block_sectors(), max_count);

    run.session.note("{}+{}", range.first, range.count);
    return range;
}

void write_noted(Run &run, Volume volume, const BlockFile &file, Range range) {
    const WriteId id = run.session.next_id(volume.id);

    write_pattern(file, range, id, random_skew(run.session.rng));
    volume.content.write(range, id);
}

/* Ranges that do not overlap, in random order. */
std::vector<Range> disjoint_ranges(Run &run, const Volume &volume, std::size_t wanted) {
    std::vector<Range> ranges;

    for (std::size_t tries = 0; tries < wanted * 2 && ranges.size() < wanted; tries++) {
        const Range range = random_range(run.session.rng, volume.content.sectors(),
                                         volume.device.file.block_sectors(), 64);
        const bool is_taken = std::any_of(ranges.begin(), ranges.end(),
                                          [&](const Range &r) { return r.overlaps(range); });

        if (!is_taken)
            ranges.push_back(range);
    }
    return ranges;
}

void clear(Run &run, Volume volume, Clear how) {
    const Range range = range_of(run, volume);

    /*
     * A discard that is pending shows what is below, perhaps older than the last write, and what
     * it leaves when it is in place: for the model it must be one thing.
     */
    if (!leaves_zeros(how))
        run.chain.drain();
    if (!volume.device.file.clear(how, range)) {
        run.session.note("{} not supported", name_of(how));
        run.session.unsupported[name_of(how)]++;
        return;
    }
    run.session.note("{}", name_of(how));
    if (leaves_zeros(how))
        volume.content.zero(range);
    else
        volume.content.discard(range);
    if (!leaves_zeros(how))
        run.chain.drain();
    /* Half of the time what a discard left is read at once, else when it comes up. */
    if (run.session.rng.percent(50))
        decide(run.session, volume.device, volume.content);
}

} // namespace

void write_once(Run &run, Volume volume) {
    write_noted(run, volume, volume.device.file, range_of(run, volume));
}

void write_durable(Run &run, Volume volume) {
    const BlockFile durable(volume.device.file.path(), BlockFile::Mode::durable_write);

    write_noted(run, volume, durable, range_of(run, volume, 256));
}

void write_sequential(Run &run, Volume volume) {
    Range range = range_of(run, volume, 128);
    const std::uint64_t pieces = run.session.rng.between(4, 24);

    run.session.note("x {}", pieces);
    for (std::uint64_t i = 0; i < pieces && range.end() <= volume.content.sectors(); i++) {
        write_noted(run, volume, volume.device.file, range);
        range.first += range.count;
    }
}

void write_batch(Run &run, Volume volume) {
    Session &session = run.session;
    const std::vector<Range> ranges = disjoint_ranges(run, volume, session.rng.between(4, 64));
    const unsigned threads = static_cast<unsigned>(session.rng.between(2, 12));
    std::vector<std::function<void()>> jobs;
    std::vector<WriteId> ids;

    session.note("{} ranges, {} threads", ranges.size(), threads);
    for (const Range &range : ranges) {
        const std::size_t skew = random_skew(session.rng);
        const WriteId id = session.next_id(volume.id);

        ids.push_back(id);
        jobs.push_back([&file = volume.device.file, range, id, skew] {
            write_pattern(file, range, id, skew);
        });
    }
    run_parallel(jobs, threads);
    for (std::size_t i = 0; i < ranges.size(); i++)
        volume.content.write(ranges[i], ids[i]);
}

void discard(Run &run, Volume volume) {
    clear(run, volume, Clear::discard);
}

void discard_secure(Run &run, Volume volume) {
    clear(run, volume, Clear::secure_discard);
}

void clear_to_zero(Run &run, Volume volume) {
    static const std::vector<Clear> ways{Clear::zeroout, Clear::punch_hole, Clear::zero_range};

    clear(run, volume, run.session.rng.pick(ways));
}

void flush(Run &, Volume volume) {
    volume.device.file.flush();
}

void read_random(Run &run) {
    Chain &chain = run.chain;
    std::vector<std::pair<OpenDevice *, Image *>> devices{{&chain.origin(), &chain.content()}};

    for (const auto &snapshot : chain.snapshots()) {
        if (snapshot->image)
            devices.emplace_back(snapshot->image.get(), &snapshot->content);
    }
    for (const auto &view : chain.views())
        devices.emplace_back(view->open.get(), view->content.get());

    const auto [device, content] = run.session.rng.pick(devices);
    const Range range =
        random_range(run.session.rng, content->sectors(), device->file.block_sectors());

    run.session.note("{} {}+{}", device->device.name(), range.first, range.count);
    verify_range(run.session, *device, *content, range);
}

void fill_origin(Run &run) {
    Session &session = run.session;
    OpenDevice &device = run.chain.origin();
    Image &content = run.chain.content();
    const Volume volume{device, content, run.chain.setup().index * 64};

    for (Sector at = 0; at < content.sectors(); at += 1024)
        write_noted(run, volume, device.file, {at, std::min<Sector>(1024, content.sectors() - at)});
    for (int i = 0; i < 12; i++) {
        const Range range =
            random_range(session.rng, content.sectors(), device.file.block_sectors());

        if (!device.file.clear(Clear::zeroout, range))
            throw TestFailure("the origin cannot be zeroed");
        content.zero(range);
    }
}

} // namespace esmodel
