// SPDX-License-Identifier: GPL-2.0-only
//
// The example that docs/libdm-ext.md shows is the one that is compiled.

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

namespace {

std::string content_of(const std::string &path) {
    std::ifstream file(ESNAP_SOURCE_DIR "/" + path);
    std::ostringstream text;

    text << file.rdbuf();
    return text.str();
}

} // namespace

TEST_CASE("dmext: the example in the documentation is the compiled one", "[dmext]") {
    const std::string docs = content_of("docs/libdm-ext.md");
    const std::string example = content_of("libdm-ext/example/snapshot.cc");
    const std::size_t body = example.find("#include");

    REQUIRE(body != example.npos);
    CHECK(docs.find("```cpp\n" + example.substr(body) + "```\n") != docs.npos);
}
