#include "os/mount_table.hpp"

#include "os/file_system.hpp"
#include "support/test.hpp"

using namespace logagent::os;

namespace {

const char* const table =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "30 22 0:25 / /proc rw - proc proc rw\n"
    "40 22 0:44 / /mnt/with\\040space rw - nfs4 server:/a rw,hard\n"
    "41 22 0:45 / /data rw,relatime shared:2 master:1 - fuse.sshfs host: rw\n"
    "42 41 254:1 / /data/local rw - xfs /dev/vdb rw\n"
    "43 22 0:46 / /auto rw - autofs systemd-1 rw\n"
    "44 22 254:2 / /auto rw - ext4 /dev/vdc rw\n"
    "broken line\n";

}  // namespace

TEST_CASE("the deepest and latest mount holds a path", "[mount_table]") {
    const auto mounts = mount_table::parse(table);
    REQUIRE(mounts.size() == 7);
    const auto type = [&](const char* path) {
        return mount_table::holding(mounts, path)->file_system;
    };
    CHECK(type("/var/log/a") == "ext4");
    CHECK(type("/mnt/with space/a") == "nfs4");
    CHECK(type("/mnt/with spaces") == "ext4");
    CHECK(type("/data") == "fuse.sshfs");
    CHECK(type("/data/local/x") == "xfs");
    CHECK(type("/database/x") == "ext4");
    CHECK(type("/auto/x") == "ext4");
    CHECK(mount_table::holding({}, "/a") == nullptr);
}

TEST_CASE("network file systems, FUSE and the automounter may hang", "[mount_table]") {
    for (const auto* name :
         {"nfs", "nfs4", "cifs", "fuse.sshfs", "fuse", "9p", "autofs", "virtiofs"})
        CHECK(may_hang(name));
    for (const auto* name : {"ext4", "xfs", "btrfs", "overlay", "tmpfs", "proc", "fusectl", "nfsd"})
        CHECK_FALSE(may_hang(name));
}

TEST_CASE("a file system is known by its number", "[mount_table]") {
    CHECK(classify_file_system(0x6969) == file_system_kind::network);
    CHECK(classify_file_system(0xFF534D42) == file_system_kind::network);
    // CIFS as a sign-extended word
    CHECK(classify_file_system(0xFFFFFFFFFF534D42) == file_system_kind::network);
    CHECK(classify_file_system(0x65735546) == file_system_kind::network);
    CHECK(classify_file_system(0x9FA0) == file_system_kind::pseudo);
    CHECK(classify_file_system(0x62656572) == file_system_kind::pseudo);
    CHECK(classify_file_system(0xEF53) == file_system_kind::local);      // ext4
    CHECK(classify_file_system(0x01021994) == file_system_kind::local);  // tmpfs
    CHECK(classify_file_system(0x794C7630) == file_system_kind::local);  // overlay
}

TEST_CASE("the table of this host is readable and /proc is not a file system that hangs",
          "[mount_table]") {
    mount_table mounts;
    CHECK(mounts.hanging("/proc/version").empty());
}
