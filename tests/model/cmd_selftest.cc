// SPDX-License-Identifier: GPL-2.0-only
/*
 * esnap-model selftest: plants wrong data in a plain linear device and sees it
 * found.  Needs no module of ours.
 */
#include "bed.h"
#include "commands.h"

namespace esmodel {

namespace {

constexpr Sector device_sectors = 4096;
/* Where faults are planted; a multiple of any block size. */
constexpr Sector place = 1232;

struct Fault {
    const char *name;
    /* Damages the device; the model is told nothing. */
    void (*plant)(Session &session, const BlockFile &file);
};

void flip_one_byte(Session &, const BlockFile &file) {
    Buffer block(file.block_sectors() * sector_bytes);

    file.read(place, block.bytes());
    block.bytes()[300] ^= std::byte{1};
    file.write(place, block.bytes());
}

void write_other_data(Session &session, const BlockFile &file) {
    write_pattern(file, {place, file.block_sectors()}, session.next_id(5));
}

void copy_from_elsewhere(Session &, const BlockFile &file) {
    Buffer block(file.block_sectors() * sector_bytes);

    file.read(place + 64, block.bytes());
    file.write(place, block.bytes());
}

void write_zeros(Session &, const BlockFile &file) {
    file.clear(Clear::zeroout, {place, file.block_sectors()});
}

constexpr Fault faults[] = {
    {"one flipped bit", flip_one_byte},
    {"data of another write", write_other_data},
    {"data of another sector", copy_from_elsewhere},
    {"zeros for data", write_zeros},
};

/* Verifies and returns what was found, empty if nothing. */
std::string finding(Session &session, const OpenDevice &device, Image &content) {
    try {
        verify_device(session, device, content, 256 << 10);
        return {};
    } catch (const TestFailure &e) {
        return e.what();
    }
}

void require(bool is_right, const std::string &what) {
    if (!is_right)
        throw TestFailure("selftest: " + what);
}

void try_fault(Session &session, const OpenDevice &device, const Fault &fault) {
    Image content(device_sectors);
    const WriteId id = session.next_id(0);

    write_pattern(device.file, {0, device_sectors}, id);
    content.write({0, device_sectors}, id);
    require(finding(session, device, content).empty(), "right data was called wrong");
    fault.plant(session, device.file);

    const std::string found = finding(session, device, content);

    require(found.find(fmt::format("sector: {}\n", place)) != std::string::npos,
            fmt::format("'{}' was not found where it is: {}", fault.name, found));
    fmt::print("found: {}: {}\n", fault.name, found);
}

/* A discarded sector may read as zeros or as before, but only one of them for good. */
void try_changing_discard(Session &session, const OpenDevice &device) {
    Image content(device_sectors);
    const WriteId id = session.next_id(0);
    const Range range{place, 8};

    write_pattern(device.file, {0, device_sectors}, id);
    content.write({0, device_sectors}, id);
    content.discard(range);
    require(finding(session, device, content).empty(), "a kept discarded range was called wrong");
    device.file.clear(Clear::zeroout, range);
    require(!finding(session, device, content).empty(), "a late change was not found");
    content.discard(range);
    require(finding(session, device, content).empty(), "a zeroed discarded range was called wrong");
    fmt::print("found: a discarded range that changed later\n");
}

} // namespace

void command_selftest(const Options &options, Watchdog &watchdog) {
    TestBed bed(options, watchdog, options.seed);
    const OpenDevice device(
        "esm-self", linear_table(device_number(options.origin_disk), {2048, device_sectors}),
        Access::read_write);

    bed.guarded([&] {
        for (const Fault &fault : faults)
            try_fault(bed.session, device, fault);
        try_changing_discard(bed.session, device);
    });
    fmt::print("selftest: every planted fault was found\n");
}

} // namespace esmodel
