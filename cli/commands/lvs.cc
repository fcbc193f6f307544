// SPDX-License-Identifier: GPL-2.0-only
//
// esnap lvs and lvdisplay: list volumes, as LVM prints its own.
#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

#include "command.h"
#include "commands/live.h"
#include "error.h"
#include "options.h"
#include "volumes/listing.h"
#include "volumes/selection.h"

namespace esnap {

namespace {

using Rows = std::vector<Row>;
using Fields = std::vector<const Field *>;
using Json = nlohmann::ordered_json;

const Positional which{"VG[/NAME]", "a group or a volume; default: everything", What::place,
                       Positional::Count::any};

std::string list_details() {
    std::string text =
        "Lists origins, snapshots and views, oldest snapshot first. Fields for -o and "
        "-S:";
    for (const Field &field : all_fields())
        text += fmt::format("\n  {:<14} {}", field.name, field.help);
    return text;
}

std::vector<std::string> field_names() {
    std::vector<std::string> names;

    for (const Field &field : all_fields())
        names.emplace_back(field.name);
    return names;
}

void add_selection(po::options_description &options) {
    auto add = options.add_options();
    add("all,a", po::bool_switch(), "also the LVs beneath, in brackets");
    add("select,S", po::value<std::string>()->value_name("SELECTION"),
        "only what this is true of: FIELD=VALUE, != < <= > >= =~ !~, with && and ||");
    add("units", po::value<std::string>()->value_name("UNIT")->default_value("h"),
        "sizes in b s k m g t p e, or h: what fits");
    add("nosuffix", po::bool_switch(), "sizes without their unit");
}

po::options_description declare_list() {
    po::options_description options("Options");
    auto add = options.add_options();
    add("options,o", po::value<std::string>()->value_name("FIELDS"),
        "fields to print; with a + in front: besides the usual ones");
    add("noheadings", po::bool_switch(), "no line with headings");
    add("reportformat", po::value<std::string>()->value_name("json|basic"), "print JSON");
    add("separator", po::value<std::string>()->value_name("TEXT"), "between fields, not aligned");
    add_selection(options);
    return options;
}

SizeStyle style_from(const po::variables_map &arguments) {
    const std::string unit = text_of(arguments, "units");

    if (unit.size() != 1 || std::string_view("hbskmgtpe").find(unit[0]) == std::string_view::npos)
        throw UsageError(fmt::format("--units {}: want one of h b s k m g t p e", unit));
    return {unit[0], !arguments["nosuffix"].as<bool>()};
}

/* Named volumes must be there; hidden ones go with what they are under. */
Rows pick(Rows rows, const VolumeName &name) {
    Rows picked;

    for (Row &row : rows)
        if (name.lv.empty() || row.name == name.lv ||
            ((row.kind == "hidden" || row.kind == "journal") && row.origin == name.lv))
            picked.push_back(std::move(row));
    if (picked.empty() && !name.lv.empty())
        throw Error("find", name.text(), "there is no such origin, snapshot or view",
                    "lvs lists the volumes of LVM");
    return picked;
}

/* These cost questions to others, so they are asked only for what wants them. */
bool names_policy(const std::string &text) {
    constexpr const char *letters = "abcdefghijklmnopqrstuvwxyz_";
    std::size_t at = 0;

    while ((at = text.find_first_of(letters, at)) != std::string::npos) {
        const std::size_t end = std::min(text.find_first_not_of(letters, at), text.size());
        std::string word = text.substr(at, end - at);
        at = end;
        if (word.starts_with("lv_"))
            word.erase(0, 3);
        for (const char *field : {"monitor", "threshold", "percent", "extents"})
            if (word == field)
                return true;
    }
    return false;
}

struct Listing {
    Rows rows;
    bool is_whole = true;
};

/* Of a chain whose tags contradict each other is told, when it is not another that was asked for.
 */
Listing read_rows(const po::variables_map &arguments, const Context &context, bool wants_policy) {
    const Selection selection(text_of(arguments, "select"));
    const bool hidden = arguments["all"].as<bool>();
    Listing listing;

    with_system([&](System &system) {
        if (wants_policy)
            system.conf = policy::read_conf();
        const auto add = [&](const Vg &vg, const VolumeName &name) {
            if (name.lv.empty())
                listing.is_whole = report_bad(context, read_chains(vg)) && listing.is_whole;
            Rows found = pick(list_volumes(system, vg, hidden), name);
            if (wants_policy)
                add_policies(system, vg, found);
            std::ranges::move(found, std::back_inserter(listing.rows));
        };
        const auto words = words_of(arguments, which.name);
        for (const std::string &word : words) {
            const VolumeName name = parse_name(word);
            add(read_vg(system.lvm, name.vg), name);
        }
        if (words.empty())
            for (const Vg &vg : read_vgs(system.lvm))
                add(vg, {vg.name, {}});
    });
    std::erase_if(listing.rows, [&](const Row &row) { return !selection.selects(row); });
    return listing;
}

void print_json(const Rows &rows, const Fields &fields, const SizeStyle &style, std::ostream &out) {
    Json list = Json::array();

    for (const Row &row : rows) {
        Json object;
        for (const Field *field : fields)
            object[field->name] = field->text(row, style);
        list.push_back(std::move(object));
    }
    out << Json{{"report", Json::array({Json{{"lv", std::move(list)}}})}}.dump(4) << '\n';
}

using Lines = std::vector<std::vector<std::string>>;

Lines lines_of(const Rows &rows, const Fields &fields, const SizeStyle &style, bool headings) {
    Lines lines;

    if (headings && !rows.empty()) {
        lines.emplace_back();
        for (const Field *field : fields)
            lines.back().emplace_back(field->heading);
    }
    for (const Row &row : rows) {
        lines.emplace_back();
        for (const Field *field : fields)
            lines.back().push_back(field->text(row, style));
    }
    return lines;
}

void print_aligned(const Lines &lines, const Fields &fields, std::ostream &out) {
    std::vector<std::size_t> widths(fields.size());

    for (const auto &line : lines)
        for (std::size_t i = 0; i < line.size(); i++)
            widths[i] = std::max(widths[i], line[i].size());
    for (const auto &line : lines) {
        std::string text;
        for (std::size_t i = 0; i < line.size(); i++)
            text += fields[i]->is_right ? fmt::format("{:>{}} ", line[i], widths[i])
                                        : fmt::format("{:<{}} ", line[i], widths[i]);
        text.resize(text.find_last_not_of(' ') + 1);
        out << "  " << text << '\n';
    }
}

void print_separated(const Lines &lines, const std::string &separator, std::ostream &out) {
    for (const auto &line : lines)
        out << "  " << fmt::format("{}", fmt::join(line, separator)) << '\n';
}

int run_list(const po::variables_map &arguments, const Context &context) {
    const Fields fields = choose_fields(text_of(arguments, "options"));
    const SizeStyle style = style_from(arguments);
    const std::string format = text_of(arguments, "reportformat");
    const std::string separator = text_of(arguments, "separator");

    if (!format.empty() && format != "json" && format != "basic")
        throw UsageError(fmt::format("--reportformat {}: want json or basic", format));
    const bool wants_policy =
        names_policy(text_of(arguments, "options") + " " + text_of(arguments, "select"));
    const auto [rows, is_whole] = read_rows(arguments, context, wants_policy);
    const int code = is_whole ? exit_done : exit_failed;
    if (format == "json") {
        print_json(rows, fields, style, context.out);
        return code;
    }
    const Lines lines = lines_of(rows, fields, style, !arguments["noheadings"].as<bool>());
    if (separator.empty())
        print_aligned(lines, fields, context.out);
    else
        print_separated(lines, separator, context.out);
    return code;
}

int run_display(const po::variables_map &arguments, const Context &context) {
    const SizeStyle style = style_from(arguments);

    const auto [rows, is_whole] = read_rows(arguments, context, true);

    for (const Row &row : rows) {
        context.out << fmt::format("  --- {} ---\n", row.kind);
        for (const Field &field : all_fields()) {
            const std::string text = field.text(row, style);
            if (!text.empty())
                context.out << fmt::format("  {:<14} {}\n", field.label, text);
        }
        context.out << '\n';
    }
    return is_whole ? exit_done : exit_failed;
}

} // namespace

Command lvs_command() {
    return {.name = "lvs",
            .summary = "list origins, snapshots and views",
            .details = list_details(),
            .positionals = {which},
            .options = declare_list(),
            .values = {{"options", {What::list, field_names()}}},
            .examples = {{"esnap lvs -a vg", "everything in a group, with the LVs beneath"},
                         {"esnap lvs --noheadings -o lv_name -S 'data_percent>80'",
                          "the names of what is more than 80 % full"}},
            .run = run_list};
}

Command lvdisplay_command() {
    po::options_description options("Options");
    add_selection(options);
    return {.name = "lvdisplay",
            .summary = "say all about origins, snapshots and views",
            .details = "Prints a paragraph for each volume.",
            .positionals = {which},
            .options = options,
            .examples = {{"esnap lvdisplay vg/monday", "all about one snapshot"}},
            .run = run_display};
}

} // namespace esnap
