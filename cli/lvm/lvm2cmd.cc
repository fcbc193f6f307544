// SPDX-License-Identifier: GPL-2.0-only
#include "lvm/lvm2cmd.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <lvm2cmd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "error.h"

namespace esnap {

namespace {

constexpr const char *operation = "run";

/* On the pipe: a letter, the text, a newline. LVM's own lines have none inside. */
constexpr char output_mark = 'o';
constexpr char message_mark = 'm';
constexpr int level_mask = 0x0f;

class FileDescriptor {
public:
    explicit FileDescriptor(int number = -1) : number_(number) {}
    ~FileDescriptor() { close(); }
    FileDescriptor(const FileDescriptor &) = delete;
    FileDescriptor &operator=(const FileDescriptor &) = delete;

    int get() const { return number_; }
    void close() {
        if (number_ >= 0)
            ::close(number_);
        number_ = -1;
    }

private:
    int number_;
};

std::string line_of(const Words &words) {
    std::string line;

    for (const std::string &word : words) {
        if (word.empty() || word.find_first_of("'\"\n\t\\") != std::string::npos)
            throw Error(operation, words.at(0),
                        fmt::format("'{}' cannot be passed on to LVM", word),
                        "quotes, tabs and line ends are not possible");
        const bool has_blank = word.find(' ') != std::string::npos;
        line += fmt::format("{}{}{}{}", line.empty() ? "" : " ", has_blank ? "'" : "", word,
                            has_blank ? "'" : "");
    }
    return line;
}

// --- in the child ---

int child_pipe = -1;

void write_all(const std::string &text) {
    std::size_t done = 0;

    while (done < text.size()) {
        const ssize_t n = ::write(child_pipe, text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            ::_exit(LVM2_PROCESSING_FAILED);
        done += static_cast<std::size_t>(n);
    }
}

/* Reports come line by line on the level of messages for people; so do warnings. */
void pass_on(int level, const char *, int, int, const char *message) {
    const int seriousness = level & level_mask;

    if (seriousness > LVM2_LOG_PRINT)
        return;
    const bool is_output =
        seriousness == LVM2_LOG_PRINT && std::strncmp(message, "WARNING:", 8) != 0;
    write_all(fmt::format("{}{}\n", is_output ? output_mark : message_mark, message));
}

/* LVM's own messages about options go to standard error: they come as lines without a mark. */
[[noreturn]] void run_in_child(const std::string &line, int pipe) {
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);

    child_pipe = pipe;
    if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(pipe, STDERR_FILENO) < 0 ||
        ::dup2(pipe, STDOUT_FILENO) < 0)
        ::_exit(LVM2_INIT_FAILED);
    ::setenv("LC_ALL", "C", 1);
    ::setenv("LVM_SUPPRESS_FD_WARNINGS", "1", 1);
    lvm2_log_fn(pass_on);
    void *handle = lvm2_init();
    if (handle == nullptr)
        ::_exit(LVM2_INIT_FAILED);
    const int code = lvm2_run(handle, line.c_str());
    lvm2_exit(handle);
    std::fflush(nullptr); // lvmconfig prints past the log function
    ::_exit(code);
}

// --- in the parent ---

std::string read_all(int pipe) {
    std::string text;
    std::array<char, 65536> part{};

    for (;;) {
        const ssize_t n = ::read(pipe, part.data(), part.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw Error(operation, "LVM", std::generic_category().message(errno));
        if (n == 0)
            return text;
        text.append(part.data(), static_cast<std::size_t>(n));
    }
}

std::string trimmed(const std::string &line) {
    const std::size_t first = line.find_first_not_of(' ');

    return first == std::string::npos ? std::string{} : line.substr(first);
}

LvmReply sorted(const std::string &text) {
    LvmReply reply;
    std::size_t at = 0;

    while (at < text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        if (line.empty())
            continue;
        if (line[0] == output_mark)
            reply.output += line.substr(1) + '\n';
        else
            reply.messages.push_back(trimmed(line.substr(line[0] == message_mark ? 1 : 0)));
    }
    return reply;
}

int wait_for(pid_t child) {
    int status = 0;

    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            throw Error(operation, "LVM", std::generic_category().message(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : LVM2_PROCESSING_FAILED;
}

} // namespace

LvmReply Lvm2Cmd::run(const Words &words) {
    const std::string line = line_of(words);
    std::array<int, 2> ends{};

    if (::pipe2(ends.data(), O_CLOEXEC) < 0)
        throw Error(operation, words.at(0), std::generic_category().message(errno));
    FileDescriptor from(ends[0]), to(ends[1]);
    const pid_t child = ::fork();
    if (child < 0)
        throw Error(operation, words.at(0), std::generic_category().message(errno));
    if (child == 0)
        run_in_child(line, to.get());
    to.close();
    LvmReply reply = sorted(read_all(from.get()));
    reply.done = wait_for(child) == LVM2_COMMAND_SUCCEEDED;
    return reply;
}

} // namespace esnap
