// SPDX-License-Identifier: GPL-2.0-only
#include "offline/check_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "offline/journal_check.h"
#include "offline/json.h"

namespace esnap {

namespace {

const char *severity_text(Severity severity) {
    switch (severity) {
    case Severity::note:
        return "note";
    case Severity::unverified:
        return "not verified";
    case Severity::fault:
        break;
    }
    return "fault";
}

std::string finding_text(const Finding &finding) {
    const std::string place =
        finding.offset ? fmt::format(" at byte {}", *finding.offset) : std::string{};
    return fmt::format("{}: {}{}: {}", severity_text(finding.severity), area_text(finding.area),
                       place, finding.cause);
}

std::string verdict_text(const FindingList &findings) {
    const std::size_t faults = findings.count(Severity::fault);
    if (findings.clean())
        return "clean";
    std::string text = faults == 1 ? "1 fault" : fmt::format("{} faults", faults);
    if (findings.count(Severity::unverified) > 0)
        text += ", not verified completely (it was written meanwhile: check it again)";
    return text;
}

std::string store_text(const CheckResult &result) {
    if (!result.superblocks.valid())
        return "no valid store";
    const es_sb &sb = result.superblocks.sb;
    std::string text =
        fmt::format("{} store, serial {}, {}", kind_text(sb.kind), sb.serial, state_text(sb.state));
    if (sb.flags)
        text += fmt::format(" ({})", flags_text(sb.flags));
    if (!result.log_checked)
        return text;
    const StoreFigures &f = result.figures;
    return text + fmt::format("; {} extents, {} chunks, {} payload; {} of {} used", f.extents,
                              f.chunks, bytes_text(f.payload_bytes), bytes_text(f.used_bytes),
                              bytes_text(f.total_bytes));
}

Json finding_json(const Finding &finding) {
    Json json = {{"area", area_text(finding.area)}, {"offset", nullptr}, {"cause", finding.cause}};
    if (finding.offset)
        json["offset"] = *finding.offset;
    return json;
}

Json findings_json(const FindingList &findings, Severity severity) {
    Json list = Json::array();
    for (const Finding &finding : findings.all())
        if (finding.severity == severity)
            list.push_back(finding_json(finding));
    return list;
}

Json store_json(const CheckResult &result) {
    if (!result.superblocks.valid())
        return nullptr;
    const es_sb &sb = result.superblocks.sb;
    Json json = {{"kind", kind_text(sb.kind)},
                 {"serial", sb.serial},
                 {"state", state_text(sb.state)},
                 {"attached", (sb.flags & ES_SB_ATTACHED) != 0},
                 {"suspect", (sb.flags & ES_SB_SUSPECT) != 0},
                 {"journal_uuid", es_uuid_is_null(sb.journal_uuid)
                                      ? Json(nullptr)
                                      : Json(uuid_text(sb.journal_uuid))},
                 {"log", nullptr}};
    const StoreFigures &f = result.figures;
    if (result.log_checked)
        json["log"] = {{"segments", f.segments},     {"records", f.records},
                       {"extents", f.extents},       {"chunks", f.chunks},
                       {"bad_chunks", f.bad_chunks}, {"payload_bytes", f.payload_bytes},
                       {"used_bytes", f.used_bytes}, {"total_bytes", f.total_bytes}};
    return json;
}

std::string journal_text(const JournalCheck &result) {
    if (!result.superblocks.valid())
        return "no valid journal";
    const es_jsb &sb = result.superblocks.sb;
    std::string text = fmt::format("journal, {}{}", journal_state_text(sb.state),
                                   (sb.flags & ES_JSB_ATTACHED) != 0 ? " (attached)" : "");
    if (!result.end)
        return text;
    const JournalEnd &end = *result.end;
    text += fmt::format("; {} records, {} entries; {} needed, {} kept of {}", result.records,
                        result.entries, bytes_text(end.needed_bytes()),
                        bytes_text(end.kept_bytes()), bytes_text(end.total_bytes()));
    if (result.oldest_time)
        text += fmt::format(", from {} on", nanoseconds_text(*result.oldest_time));
    return text;
}

Json journal_json(const JournalCheck &result) {
    if (!result.superblocks.valid())
        return nullptr;
    const es_jsb &sb = result.superblocks.sb;
    Json json = {{"state", journal_state_text(sb.state)},
                 {"attached", (sb.flags & ES_JSB_ATTACHED) != 0},
                 {"log", nullptr}};
    if (result.end)
        json["log"] = {{"records", result.records},
                       {"entries", result.entries},
                       {"needed_bytes", result.end->needed_bytes()},
                       {"kept_bytes", result.end->kept_bytes()},
                       {"total_bytes", result.end->total_bytes()},
                       {"oldest_time", result.oldest_time
                                           ? Json(nanoseconds_text(*result.oldest_time))
                                           : Json(nullptr)}};
    return json;
}

} // namespace

void print_findings(const FindingList &findings, bool with_notes, std::ostream &out) {
    for (const Finding &finding : findings.all())
        if (with_notes || finding.severity != Severity::note)
            out << finding_text(finding) << '\n';
}

void print_check_text(const std::string &device, const CheckResult &result, bool with_notes,
                      std::ostream &out) {
    print_findings(result.findings, with_notes, out);
    out << fmt::format("{}: {}; {}\n", device, verdict_text(result.findings), store_text(result));
}

void print_check_json(const std::string &device, const CheckResult &result, std::ostream &out) {
    const Json json = {{"device", device},
                       {"clean", result.findings.clean()},
                       {"faults", findings_json(result.findings, Severity::fault)},
                       {"unverified", findings_json(result.findings, Severity::unverified)},
                       {"notes", findings_json(result.findings, Severity::note)},
                       {"store", store_json(result)}};
    out << to_text(json, 2) << '\n';
}

void print_journal_check_text(const std::string &device, const JournalCheck &result,
                              bool with_notes, std::ostream &out) {
    print_findings(result.findings, with_notes, out);
    out << fmt::format("{}: {}; {}\n", device, verdict_text(result.findings), journal_text(result));
}

void print_journal_check_json(const std::string &device, const JournalCheck &result,
                              std::ostream &out) {
    const Json json = {{"device", device},
                       {"clean", result.findings.clean()},
                       {"faults", findings_json(result.findings, Severity::fault)},
                       {"unverified", findings_json(result.findings, Severity::unverified)},
                       {"notes", findings_json(result.findings, Severity::note)},
                       {"journal", journal_json(result)}};
    out << to_text(json, 2) << '\n';
}

} // namespace esnap
