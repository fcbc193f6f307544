// SPDX-License-Identifier: GPL-2.0-only
//
// esnap.conf: what is right is taken, what is not is refused by file and line.

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "policy/conf.h"
#include "policy/error.h"
#include "support/store_image.h"

using namespace esnap::policy;

namespace {

std::string refusal(const std::string &text) {
    try {
        parse_conf("/etc/x.conf", text);
    } catch (const SettingError &error) {
        return error.what();
    }
    return "no error";
}

} // namespace

TEST_CASE("a configuration file is read", "[policy]") {
    const Conf conf = parse_conf("x", "# comment\n"
                                      "\n"
                                      "autoextend_threshold = 55 # half\n"
                                      "\tautoextend_percent=30\r\n"
                                      "monitoring = 0\n"
                                      "on_full = error\n"
                                      "queue_timeout = 0");

    CHECK(conf.wish == Wish{55, 30, {}});
    CHECK_FALSE(conf.monitoring);
    CHECK(conf.on_full_error);
    CHECK(conf.queue_timeout == 0);
    CHECK(parse_conf("x", "") == Conf{});
    CHECK(parse_conf("x", "\n#a=b\n \n") == Conf{});
    CHECK(parse_conf("x", "autoextend_extents = 4\n").wish == Wish{{}, {}, 4});
    CHECK(
        parse_conf("x", "monitoring=1\non_full=invalidate\nqueue_timeout=604800\n").queue_timeout ==
        604800);
}

TEST_CASE("a configuration that is wrong is refused by line", "[policy]") {
    CHECK(refusal("\n\nthreshold = 3\n") ==
          "read settings /etc/x.conf: line 3: there is no setting 'threshold' (there are "
          "autoextend_threshold, autoextend_percent, autoextend_extents, monitoring, on_full, "
          "queue_timeout)");
    CHECK(refusal("autoextend_threshold = 49") ==
          "read settings /etc/x.conf: line 1: autoextend_threshold: '49' is no threshold in "
          "percent (want a whole number, 50 to 100)");
    CHECK(refusal("monitoring = 1\n#\nmonitoring = 1\n") ==
          "read settings /etc/x.conf: line 3: monitoring is set in line 1 already (remove one of "
          "them)");
    CHECK(refusal("autoextend_percent = 20\nautoextend_extents = 2\n") ==
          "read settings /etc/x.conf: line 2: autoextend_percent and autoextend_extents are both "
          "set (remove one of them)");
    CHECK(refusal("monitoring\n") == "read settings /etc/x.conf: line 1: 'monitoring' is no "
                                     "setting (want KEY = VALUE)");
    CHECK(refusal("on_full = drop") == "read settings /etc/x.conf: line 1: on_full: 'drop' is "
                                       "neither invalidate nor error");
    for (const char *bad :
         {"autoextend_threshold = 101", "autoextend_threshold = -70", "autoextend_threshold = 70%",
          "autoextend_threshold =", "autoextend_threshold = 70 80", "autoextend_percent = 0",
          "autoextend_percent = 1001", "autoextend_percent = 1.5", "autoextend_extents = 0",
          "autoextend_extents = 99999999999999999999", "monitoring = yes", "on_full = ",
          "queue_timeout = 604801", "queue_timeout = 1m", "= 3", "[section]", "Monitoring = 1"})
        CHECK_THAT(refusal(bad), Catch::StartsWith("read settings /etc/x.conf: line 1: "));
}

TEST_CASE("a configuration file that is not there says nothing", "[policy]") {
    const esnap::test::TempDir scratch;
    const std::string file = scratch.path("esnap.conf");

    CHECK(read_conf(file) == Conf{});
    CHECK(read_conf(scratch.path("none/esnap.conf")) == Conf{});
    std::ofstream(file) << "";
    CHECK(read_conf(file) == Conf{});
    std::ofstream(file) << "monitoring = 0\n";
    CHECK_FALSE(read_conf(file).monitoring);
    CHECK_THROWS_AS(read_conf(scratch.path("")), SettingError); // a directory
}

TEST_CASE("the sample configuration is right, and names every setting", "[policy]") {
    std::ifstream file(ESNAP_SOURCE_DIR "/packaging/esnap.conf");
    std::ostringstream text;
    text << file.rdbuf();
    const std::string sample = text.str();

    REQUIRE_FALSE(sample.empty());
    CHECK(parse_conf("sample", sample) == Conf{}); // all commented out
    std::string active;
    std::istringstream lines(sample);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("#") && !line.starts_with("# ") && line.find(" = ") != line.npos)
            active += line.substr(1) + "\n";
    CHECK(active.find("autoextend_extents") != active.npos);
    /* Of the two that exclude each other the sample shows both. */
    const std::size_t extents = active.find("autoextend_extents");
    active.erase(extents, active.find('\n', extents) - extents + 1);
    const Conf conf = parse_conf("sample", active);
    CHECK(conf.wish == Wish{default_threshold, default_percent, {}});
    CHECK(conf.monitoring);
    CHECK_FALSE(conf.on_full_error);
    CHECK(conf.queue_timeout == 60);
}
