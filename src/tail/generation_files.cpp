#include "logagent/tail/generation_files.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "logagent/base/error.hpp"
#include "logagent/tail/fingerprint.hpp"
#include "logagent/tail/line_scan.hpp"
#include "siblings.hpp"

namespace logagent::tail {

namespace {

constexpr auto waiting = os::file::read_mode::blocking;

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

std::string_view without_packing(std::string_view name) {
    for (const std::string_view ending : {".gz", ".zst"})
        if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
    return name;
}

class search {
public:
    search(os::disk& disk, const checkpoint::state& known, const std::string& path, bool trusted)
        : disk_{disk}, known_{known}, path_{path}, trusted_{trusted} {
        directory_ = parent_of(path);
        name_ = path.substr(path.find_last_of('/') + 1);
        for (const auto& [id, record] : known.generations)
            if (record.path == path) own_.push_back(&record);
    }

    generation_listing run() && {
        std::vector<os::disk::entry> entries;
        if (const int error = disk_.list(directory_, entries))
            out_.notes.push_back(directory_ + ": " + base::describe_errno(error));
        std::sort(entries.begin(), entries.end(),
                  [](const auto& left, const auto& right) { return left.name < right.name; });
        for (const auto& entry : entries)
            if (entry.name != name_) consider(entry.name);
        consider(name_);
        keep_one_of_each();
        sort_by_age();
        return std::move(out_);
    }

private:
    void consider(const std::string& name) {
        const std::string path = child_of(directory_, name);
        const bool current = name == name_;
        const bool named = current || is_rotated_name(name_, name);
        os::file_status status;
        if (disk_.status(path, status) != 0) return;
        if (status.kind != os::file_status::type::regular) return;
        if (status.size == 0 && !current) return;
        // Under any other name only what the kernel knows as one of ours.
        const bool inode_known = std::any_of(own_.begin(), own_.end(), [&](const auto* record) {
            return may_be_same_inode(status, record->identity);
        });
        if (!named && !inode_known) return;
        auto opened = disk_.open(path, trusted_);
        if (!opened.file) {
            out_.notes.push_back(opened.failure.text);
            return;
        }
        generation_file found;
        found.path = path;
        found.current = current;
        if (!prepare(found, std::move(opened.file)) || !recognise(found)) return;
        if (!named && !found.known) return;
        out_.files.push_back(std::move(found));
    }

    bool prepare(generation_file& found, std::unique_ptr<os::file> file) {
        int error = file->status(found.status);
        if (error == 0) error = os::detect_compression(*file, waiting, found.packed);
        if (error != 0) return failed(found, error);
        const bool packed_name = without_packing(found.path) != found.path;
        // A log may begin with any bytes; only a name that says so makes it a packed file.
        if (!packed_name || found.current) found.packed = os::compression::none;
        if (packed_name && !found.current && found.packed == os::compression::none) {
            out_.notes.push_back(found.path + ": is neither gzip nor zstd");
            return false;
        }
        if (found.packed == os::compression::none) {
            found.size = found.status.size;
            found.bytes = std::move(file);
        } else {
            found.bytes = std::make_unique<os::compressed_file>(std::move(file), found.packed);
        }
        return true;
    }

    bool failed(const generation_file& found, int error) {
        const char* const text = error == EBADMSG   ? "is damaged"
                                 : error == ENODATA ? "is not complete"
                                                    : nullptr;
        out_.notes.push_back(found.path + ": " + (text ? text : base::describe_errno(error)));
        return false;
    }

    /// Finds the journal's record of the file. False: it cannot be read.
    bool recognise(generation_file& found) {
        const checkpoint::generation_record* best = nullptr;
        std::pair<std::uint32_t, std::int64_t> best_rank;
        for (const auto* record : own_) {
            const look head = check_head(*found.bytes, record->identity, waiting);
            if (head == look::failed) {
                std::array<char, 1> probe;
                const auto got = found.bytes->read({}, probe, 0, waiting);
                return failed(found, got < 0 ? static_cast<int>(-got) : EIO);
            }
            if (head != look::same) continue;
            const bool same_inode = found.packed == os::compression::none &&
                                    may_be_same_inode(found.status, record->identity);
            // The bytes before the position have to be the same too; a copy has nothing else.
            const auto anchors = count_same_anchors(found, *record);
            if (!anchors) continue;
            const bool enough = *anchors > 0 || record->identity.head_size >= head_bytes;
            if (record->identity.head_size == 0 && *anchors == 0 && !same_inode) continue;
            if (!same_inode && (found.current || !enough)) continue;
            // A longer head says more; of equal ones the youngest life is meant.
            const std::pair rank{record->identity.head_size, record->first_seen_ms};
            if (best && rank <= best_rank) continue;
            best = record;
            best_rank = rank;
        }
        if (best) found.id = best->id;
        found.known = best != nullptr;
        return true;
    }

    /// How many positions of that generation fit the file; nothing where one does not.
    std::optional<int> count_same_anchors(const generation_file& found,
                                          const checkpoint::generation_record& record) {
        const checkpoint::state::position_key first{record.id, {}};
        int same = 0;
        for (auto at = known_.positions.lower_bound(first);
             at != known_.positions.end() && at->first.first == record.id; ++at) {
            const auto& anchor = at->second.anchor;
            if (anchor.size == 0) continue;
            if (check_anchor(*found.bytes, anchor, waiting) != look::same) return std::nullopt;
            ++same;
        }
        return same;
    }

    /// By the last write, which renaming keeps, as compressing does by default. Copies lose it, so
    /// what the journal knows takes the order in which it was first seen.
    void sort_by_age() {
        auto& files = out_.files;
        std::stable_sort(files.begin(), files.end(),
                         [](const generation_file& left, const generation_file& right) {
                             if (left.current != right.current) return right.current;
                             return left.status.modified < right.status.modified;
                         });
        std::vector<generation_file> seen;
        for (auto& file : files)
            if (file.known && !file.current) seen.push_back(std::move(file));
        const auto since = [&](const generation_file& file) {
            return known_.generations.at(*file.id).first_seen_ms;
        };
        std::stable_sort(seen.begin(), seen.end(),
                         [&](const generation_file& left, const generation_file& right) {
                             return since(left) < since(right);
                         });
        auto next = seen.begin();
        for (auto& file : files)
            if (!file.bytes) file = std::move(*next++);
    }

    /// While a file is being compressed both it and the packed one exist.
    void keep_one_of_each() {
        const auto better = [](const generation_file& left, const generation_file& right) {
            if (left.current != right.current) return left.current;
            return left.packed == os::compression::none && right.packed != os::compression::none;
        };
        auto& files = out_.files;
        for (std::size_t at = 0; at < files.size(); ++at) {
            if (!files[at].known) continue;
            for (std::size_t other = at + 1; other < files.size();) {
                if (files[other].id != files[at].id) {
                    ++other;
                    continue;
                }
                if (better(files[other], files[at])) std::swap(files[other], files[at]);
                files.erase(files.begin() + static_cast<std::ptrdiff_t>(other));
            }
        }
        // The same for files that nobody knows: by their names.
        std::erase_if(files, [&](const generation_file& one) {
            const auto plain = without_packing(one.path);
            if (one.known || plain == one.path) return false;
            return std::any_of(files.begin(), files.end(),
                               [&](const generation_file& each) { return each.path == plain; });
        });
    }

    os::disk& disk_;
    const checkpoint::state& known_;
    std::string path_;
    bool trusted_;
    std::string directory_;
    std::string name_;
    std::vector<const checkpoint::generation_record*> own_;
    generation_listing out_;
};

/// The whole content, as XXH3-128 over it.
int hash_content(const os::file& file, XXH3_state_t* state, std::uint64_t& size) {
    std::vector<char> buffer(256 * 1024);
    size = 0;
    for (;;) {
        const auto got = read_whole(file, buffer, size);
        if (got < 0) return static_cast<int>(-got);
        if (got == 0) return 0;
        ::XXH3_128bits_update(state, buffer.data(), static_cast<std::size_t>(got));
        size += static_cast<std::uint64_t>(got);
    }
}

}  // namespace

bool is_rotated_name(std::string_view name, std::string_view candidate) {
    candidate = without_packing(candidate);
    const auto is_mark = [](std::string_view mark) {
        return !mark.empty() && (is_digit(mark[0]) || mark == "old" || mark == "prev");
    };
    if (candidate.starts_with(name)) {
        const auto suffix = candidate.substr(name.size());
        if (suffix.empty()) return true;  // name.gz
        return (suffix[0] == '.' || suffix[0] == '-' || suffix[0] == '_') &&
               is_mark(suffix.substr(1));
    }
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    const auto stem = name.substr(0, dot);
    const auto ending = name.substr(dot);
    if (candidate.size() <= stem.size() + ending.size() + 1 || !candidate.starts_with(stem) ||
        !candidate.ends_with(ending))
        return false;
    const auto middle =
        candidate.substr(stem.size(), candidate.size() - stem.size() - ending.size());
    // A number alone would take app-2.log, another log, for a rotated app.log; a date has eight.
    const auto digits = std::count_if(middle.begin(), middle.end(), is_digit);
    const bool marked = middle[0] == '-' || middle[0] == '_' || middle[0] == '.';
    return marked && is_mark(middle.substr(1)) && digits >= 8 &&
           std::all_of(middle.begin(), middle.end(), [](char c) {
               return is_digit(c) || c == '-' || c == '_' || c == '.' || c == 'T';
           });
}

generation_listing find_generations(os::disk& disk, const checkpoint::state& known,
                                    const std::string& path, bool trusted) {
    return search{disk, known, path, trusted}.run();
}

void rest(const generation_file& which) {
    if (which.packed == os::compression::none) return;
    static_cast<const os::compressed_file&>(*which.bytes).release();
}

int measure(generation_file& which) {
    if (which.size) return 0;
    const auto& packed = static_cast<const os::compressed_file&>(*which.bytes);
    constexpr auto all = std::numeric_limits<std::uint64_t>::max();
    const int error = packed.advance(all, all, waiting);
    if (error == 0) which.size = packed.known_size();
    rest(which);
    return error;
}

int derive_id(generation_file& which, const std::string& path) {
    if (which.id) return 0;
    const std::unique_ptr<XXH3_state_t, decltype(&::XXH3_freeState)> state{::XXH3_createState(),
                                                                           &::XXH3_freeState};
    if (!state) return ENOMEM;
    ::XXH3_128bits_reset(state.get());
    const auto add = [&](const void* bytes, std::size_t size) {
        ::XXH3_128bits_update(state.get(), bytes, size);
    };
    const auto add_number = [&](std::uint64_t number) {
        std::array<unsigned char, 8> bytes;
        for (auto& byte : bytes) {
            byte = static_cast<unsigned char>(number);
            number >>= 8;
        }
        add(bytes.data(), bytes.size());
    };
    add(path.data(), path.size() + 1);  // with the zero behind it
    if (which.current) {
        // Its content still grows: the inode stands for it.
        add("current", 8);
        add_number(which.status.inode);
        add_number(which.status.generation);
        add_number(static_cast<std::uint64_t>(which.status.birth_time));
    } else {
        add("content", 8);
        std::uint64_t size = 0;
        const int error = hash_content(*which.bytes, state.get(), size);
        rest(which);
        if (error) return error;
        which.size = size;
        add_number(size);
    }
    XXH128_canonical_t bytes;
    ::XXH128_canonicalFromHash(&bytes, ::XXH3_128bits_digest(state.get()));
    checkpoint::generation_id id;
    std::copy(std::begin(bytes.digest), std::end(bytes.digest), id.bits.begin());
    which.id = id;
    return 0;
}

}  // namespace logagent::tail
