// SPDX-License-Identifier: GPL-2.0-only
#include "model.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

namespace esmodel {

Image::Image(Sector sectors) : ids_(sectors, zero_id), marks_(sectors, 0) {}

void Image::write(Range range, WriteId id) {
    std::fill_n(ids_.begin() + static_cast<std::ptrdiff_t>(range.first), range.count, id);
    std::fill_n(marks_.begin() + static_cast<std::ptrdiff_t>(range.first), range.count, 0);
}

void Image::discard(Range range) {
    for (Sector s = range.first; s < range.end(); s++)
        marks_[s] = undecided | trimmed;
}

Image Image::frozen() const {
    Image copy(*this);

    for (std::uint8_t &marks : copy.marks_)
        marks = marks != 0 ? undecided : 0;
    return copy;
}

std::optional<Mismatch> Image::check(Sector first, ConstBytes data) {
    for (std::size_t at = 0; at < data.size(); at += sector_bytes) {
        const Sector s = first + at / sector_bytes;
        const std::byte *found = data.data() + at;
        const bool open = is_undecided(s);

        if (!matches(found, ids_[s], s)) {
            if (!open || !matches(found, zero_id, s))
                return Mismatch{s, describe_expected(s), describe_sector(found, s)};
            ids_[s] = zero_id;
        }
        if (open)
            marks_[s] &= static_cast<std::uint8_t>(~undecided);
    }
    return std::nullopt;
}

std::vector<Range> Image::undecided_ranges() const {
    std::vector<Range> ranges;

    for (Sector s = 0; s < sectors(); s++) {
        if (!is_undecided(s))
            continue;
        if (!ranges.empty() && ranges.back().end() == s)
            ranges.back().count++;
        else
            ranges.push_back({s, 1});
    }
    return ranges;
}

std::string Image::describe_expected(Sector sector) const {
    const std::string text = describe_id(ids_[sector]);

    return is_undecided(sector) ? text + ", or zeros (discarded)" : text;
}

namespace {

/* How many of the log's writes the region shows: 1 + the newest write seen. */
struct Newest {
    std::size_t count = 0;
    Sector sector = 0;
};

Newest newest_write_seen(const WriterLog &log, ConstBytes data) {
    std::unordered_map<WriteId, std::size_t> position;
    Newest newest;

    for (std::size_t i = 0; i < log.writes.size(); i++)
        position[log.writes[i].id] = i;
    for (std::size_t at = 0; at < data.size(); at += sector_bytes) {
        const auto found = position.find(claimed_id(data.data() + at));

        if (found != position.end() && found->second + 1 > newest.count)
            newest = {found->second + 1, log.region.first + at / sector_bytes};
    }
    return newest;
}

/* The sectors of a torn last write that are there; the others keep what they had. */
void adopt_torn(const WriterLog &log, const LoggedWrite &write, ConstBytes data, Image &snapshot) {
    for (Sector s = write.range.first; s < write.range.end(); s++) {
        const std::byte *found = data.data() + (s - log.region.first) * sector_bytes;

        if (matches(found, write.id, s))
            snapshot.write({s, 1}, write.id);
    }
}

} // namespace

std::optional<Mismatch> adopt_prefix(const WriterLog &log, ConstBytes data, Image &snapshot) {
    const Newest newest = newest_write_seen(log, data);

    if (newest.count > log.issued_before) {
        const std::size_t at = (newest.sector - log.region.first) * sector_bytes;

        return Mismatch{newest.sector,
                        fmt::format("at most write {} of this writer", log.issued_before),
                        fmt::format("its write {}, from after the snapshot: {}", newest.count,
                                    describe_sector(data.data() + at, newest.sector))};
    }

    const bool may_be_torn = newest.count > log.completed_before;
    const std::size_t whole = may_be_torn ? newest.count - 1 : log.completed_before;

    for (std::size_t i = 0; i < whole; i++)
        snapshot.write(log.writes[i].range, log.writes[i].id);
    if (may_be_torn)
        adopt_torn(log, log.writes[newest.count - 1], data, snapshot);
    return snapshot.check(log.region.first, data);
}

} // namespace esmodel
