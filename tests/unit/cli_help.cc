// SPDX-License-Identifier: GPL-2.0-only
//
// Manual pages and completion: all that is declared is in them, and nothing that roff would take
// for something else. (What groff and bash say of them: tests/help.)

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <boost/program_options/value_semantic.hpp>
#include <catch2/catch.hpp>

#include "command.h"
#include "help/completion.h"
#include "help/declared.h"
#include "help/man.h"
#include "options.h"
#include "support/store_image.h"

using namespace esnap;
using Catch::Contains;

namespace {

std::string page_of(const Command &command) {
    std::ostringstream out;

    print_command_page(command, out);
    return out.str();
}

std::string program_page() {
    std::ostringstream out;

    print_program_page(out);
    return out.str();
}

std::string completion() {
    std::ostringstream out;

    print_completion(out);
    return out.str();
}

/** The part of the completion that is about one command. */
std::string completion_of(const Command &command) {
    const std::string all = completion(), head = "    " + command.name + ")\n";
    const std::size_t begin = all.find(head);

    REQUIRE(begin != std::string::npos);
    return all.substr(begin, all.find("\n        ;;\n", begin) - begin);
}

/** Returns the first line that is no text and no request these pages use; empty: there is none. */
std::string wrong_line(const std::string &page) {
    static const std::regex request(R"(\.(\\".*|TH .*|S[HS] [A-Za-z ]+|TP|PP|nf|fi|RS 4|RE))");
    static const std::regex text(
        R"(([^\\.']|\\([e&-]|\((aq|ga|ha|ti)|f[BIP]))([^\\]|\\([e&-]|\((aq|ga|ha|ti)|f[BIP]))*)");
    std::istringstream lines(page);

    for (std::string line; std::getline(lines, line);)
        if (!std::regex_match(line, line.starts_with('.') ? request : text))
            return line.empty() ? "(an empty line)" : line;
    return {};
}

std::string slurp(const std::string &path) {
    std::ifstream file(path);
    std::ostringstream text;

    text << file.rdbuf();
    return text.str();
}

int run(const std::vector<std::string> &words) {
    std::ostringstream out, err;

    return run_command_line(words, out, err);
}

} // namespace

TEST_CASE("text for roff is text for its reader", "[cli][help]") {
    CHECK(roff("plain words") == "plain words");
    CHECK(roff("-L SIZE") == "\\-L SIZE");
    CHECK(roff("a\\b") == "a\\eb");
    CHECK(roff("it's `so` ~x^2") == "it\\(aqs \\(gaso\\(ga \\(tix\\(ha2");
    CHECK(roff(".PP\n'br\n a.b") == "\\&.PP\n\\&\\(aqbr\n a.b");
    CHECK(wrong_line("a \\fBbold\\fP word\n") == "");
    CHECK(wrong_line(".XX\n") == ".XX");
    CHECK(wrong_line("a \\x\n") == "a \\x");
    CHECK(wrong_line("'br\n") == "'br");
    CHECK(wrong_line("\n") == "(an empty line)");
}

TEST_CASE("an option's declaration, part by part", "[cli][help]") {
    po::options_description options("Options");
    options.add_options()("units,u",
                          po::value<std::string>()->value_name("UNIT")->default_value("h"),
                          "sizes in")("yes", po::bool_switch(), "do not ask")(
        "monitor", po::value<std::string>()->value_name("y|n"), "watch");
    const auto all = declared_options(options);
    REQUIRE(all.size() == 3);
    CHECK(all[0].long_name == "units");
    CHECK(all[0].short_name == "u");
    CHECK(all[0].value == "UNIT");
    CHECK(all[0].fallback == "h");
    CHECK(all[0].help == "sizes in");
    CHECK(all[0].choices.empty());
    CHECK(all[1].short_name.empty());
    CHECK(all[1].value.empty());
    CHECK(all[1].fallback.empty());
    CHECK(all[2].choices == std::vector<std::string>{"y", "n"});
}

TEST_CASE("every command is declared whole", "[cli][help]") {
    for (const Command &command : all_commands()) {
        CAPTURE(command.name);
        CHECK_FALSE(command.examples.empty());
        for (const Example &example : command.examples)
            CHECK_THAT(example.line, Contains(command.name));
        const auto options = declared_options(command.options);
        for (const auto &[name, value] : command.values)
            CHECK(std::ranges::count(options, name, &DeclaredOption::long_name) == 1);
    }
}

TEST_CASE("manual pages have every command, argument, option and example", "[cli][help]") {
    for (const Command &command : all_commands()) {
        const std::string page = page_of(command);
        CAPTURE(command.name);
        CHECK_THAT(page, Contains(roff("esnap-" + command.name) + " \\- " + roff(command.summary)));
        for (const char *section : {"NAME", "SYNOPSIS", "DESCRIPTION", "ARGUMENTS", "OPTIONS",
                                    "EXIT STATUS", "EXAMPLES", "SEE ALSO"})
            CHECK_THAT(page, Contains(std::string(".SH ") + section + "\n"));
        for (const auto &options : {command.options, global_options()})
            for (const auto &option : options.options()) {
                CHECK_THAT(page, Contains("\\fB" + roff("--" + option->long_name()) + "\\fP"));
                CHECK_THAT(page, Contains(roff(option->description())));
            }
        for (const Positional &positional : command.positionals)
            CHECK_THAT(page, Contains("\\fI" + positional.name + "\\fP\n" + roff(positional.help)));
        for (const Example &example : command.examples)
            CHECK_THAT(page, Contains("\n" + roff(example.line) + "\n"));
        CHECK_THAT(program_page(),
                   Contains("\\fB" + command.name + "\\fP\n" + roff(command.summary)));
        CHECK_THAT(program_page(), Contains("\\fB" + roff("esnap-" + command.name) + "\\fP(8)"));
        CHECK(wrong_line(page) == "");
    }
    CHECK(wrong_line(program_page()) == "");
}

TEST_CASE("the completion has every command and option", "[cli][help]") {
    for (const Command &command : all_commands()) {
        const std::string part = completion_of(command);
        CAPTURE(command.name);
        CHECK_THAT(completion(),
                   Contains("_esnap_words lvcreate ") && Contains(" " + command.name));
        for (const auto &options : {command.options, global_options()})
            for (const DeclaredOption &option : declared_options(options)) {
                CHECK_THAT(part, Contains(" --" + option.long_name + " "));
                if (!option.value.empty())
                    CHECK_THAT(part, Contains("        --" + option.long_name));
            }
    }
    CHECK_THAT(completion_of(require_command("lvs")), Contains("_esnap_words json basic"));
    CHECK_THAT(completion_of(require_command("vgchange")), Contains("_esnap_words y n"));
    CHECK_THAT(completion_of(require_command("format")), Contains("--after) _esnap_file"));
}

TEST_CASE("esnap help prints and writes them", "[cli][help]") {
    const test::TempDir dir;
    std::ostringstream out, err;

    CHECK(run_command_line({"help", "--man", "lvs"}, out, err) == 0);
    CHECK(out.str() == page_of(require_command("lvs")));
    out.str("");
    CHECK(run_command_line({"help", "--man"}, out, err) == 0);
    CHECK(out.str() == program_page());
    out.str("");
    CHECK(run_command_line({"help", "--completion"}, out, err) == 0);
    CHECK(out.str() == completion());

    CHECK(run({"help", "--write", dir.path("words")}) == 0);
    for (const Command &command : all_commands())
        CHECK(slurp(dir.path("words/man8/esnap-" + command.name + ".8")) == page_of(command));
    CHECK(slurp(dir.path("words/man8/esnap.8")) == program_page());
    CHECK(slurp(dir.path("words/completions/esnap")) == completion());
}

TEST_CASE("esnap help refuses what makes no sense", "[cli][help]") {
    const test::TempDir dir;
    const std::string file = dir.file("file", 1);

    CHECK(run({"help", "--man", "--completion"}) == 3);
    CHECK(run({"help", "--completion", "lvs"}) == 3);
    CHECK(run({"help", "--write", dir.path("words"), "lvs"}) == 3);
    CHECK(run({"help", "--man", "nothing"}) == 3);
    CHECK(run({"help", "--write", file}) == 5);
}
