// SPDX-License-Identifier: GPL-2.0-only
//
// Catch2's main, alone in its file: it takes longer to compile than all the tests.

#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
