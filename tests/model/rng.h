/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers that are the same everywhere for the same seed (the standard
 * distributions are not).
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace esmodel {

class Rng {
public:
    explicit Rng(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t next() { return engine_(); }

    /** 0 .. limit - 1; the limit is not 0. */
    std::uint64_t below(std::uint64_t limit) { return next() % limit; }

    /** low .. high, both included. */
    std::uint64_t between(std::uint64_t low, std::uint64_t high) {
        return low + below(high - low + 1);
    }

    bool percent(unsigned chance) { return below(100) < chance; }

    template <class T>
    T &pick(std::vector<T> &from) {
        return from[below(from.size())];
    }
    template <class T>
    const T &pick(const std::vector<T> &from) {
        return from[below(from.size())];
    }

    template <class T>
    void shuffle(std::vector<T> &items) {
        for (std::size_t i = items.size(); i > 1; i--)
            std::swap(items[i - 1], items[below(i)]);
    }

private:
    std::mt19937_64 engine_;
};

} // namespace esmodel
