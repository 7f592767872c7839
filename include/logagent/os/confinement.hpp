#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace logagent::os {

/// What a program of ours still needs once it runs; everything else is given up by confine().
///
/// This is the second wall: path_policy decides what is read, and this holds when code that should
/// have asked it does not, since a parser of foreign bytes was taken over.
struct confinement {
    bool read_any_file = false;  // CAP_DAC_READ_SEARCH stays, where the process has it
    bool low_ports = false;      // CAP_NET_BIND_SERVICE too

    /// Files and directories, with all below, that may be read beside those of the system that a
    /// client of TLS and DNS needs. One that is not there stands for its nearest parent that is, so
    /// that it can still come.
    std::vector<std::string> readable;
    /// Directories in which files are made, written and removed; they are readable too.
    std::vector<std::string> writable;
    /// Not empty: why reading cannot be limited; then only writing is.
    std::string reads_everything;
};

/// One wall: whether it stands, and how high.
struct confinement_layer {
    std::string_view name;
    bool active = false;
    std::string detail;  // what is left, or why it does not stand
};

/// Gives up for good what `needed` does not name: for this process, its threads and its children.
/// To be called once, at the start, while there is one thread. A kernel that lacks a layer leaves
/// it out; the result says so, and nothing here is an error.
std::vector<confinement_layer> confine(const confinement& needed);

/// "capabilities (none left), ...; not active: landlock (...)": one line for the log.
std::string describe(const std::vector<confinement_layer>& layers);

/// The directory that a rule or glob lies in, as it can be known before the files exist:
/// "/home/*/logs" is "/home", and what is not there yet is its nearest parent that is.
std::string existing_root(std::string_view rule);

}  // namespace logagent::os
