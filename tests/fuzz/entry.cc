// SPDX-License-Identifier: GPL-2.0-only
//
// libFuzzer's entry; ESNAP_FUZZ_TARGET names the function of fuzz.h that is fuzzed.

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    esnap::test::ESNAP_FUZZ_TARGET(data, size);
    return 0;
}
