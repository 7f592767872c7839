#include "os/file_system.hpp"

#include <algorithm>
#include <array>

namespace logagent::os {

namespace {

// Numbers from linux/magic.h, fs/*/ of the kernel, and statfs(2).
constexpr std::uint64_t network_magics[] = {
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB2
    0x65735546,  // FUSE, virtiofs
    0x01021997,  // 9p
    0x00C36400,  // Ceph
    0x5346414F,  // OpenAFS
    0x6B414653,  // AFS in the kernel
    0x73757245,  // Coda
    0x564C,      // NCP
    0x0BD00BD0,  // Lustre
    0x47504653,  // GPFS
    0x01161970,  // GFS2
    0x7461636F,  // OCFS2
    0x19830326,  // BeeGFS
    0x786F4256,  // vboxsf
    0x0187,      // autofs: a look may start a mount
};

constexpr std::uint64_t pseudo_magics[] = {
    0x9FA0,      // proc
    0x62656572,  // sysfs
    0x1CD1,      // devpts
    0x64626720,  // debugfs
    0x74726163,  // tracefs
    0x27E0EB,    // cgroup
    0x63677270,  // cgroup2
    0x73636673,  // securityfs
    0xF97CFF8C,  // selinuxfs
    0x43415D53,  // smackfs
    0x5A3C69F0,  // apparmorfs
    0xCAFE4A11,  // bpf
    0x6165676C,  // pstore
    0xDE5E81E4,  // efivarfs
    0x958458F6,  // hugetlbfs
    0x19800202,  // mqueue
    0x42494E4D,  // binfmt_misc
    0x62656570,  // configfs
    0x65735543,  // fusectl
    0x67596969,  // rpc_pipefs
    0x534F434B,  // sockfs
    0x50495045,  // pipefs
    0x09041934,  // anonymous inodes
    0x6E736673,  // nsfs
    0x6E667364,  // nfsd
    0x07655821,  // resctrl
};

constexpr std::string_view hanging_names[] = {
    "nfs",    "nfs4", "cifs", "smb3",  "smbfs",  "9p",     "ceph",     "afs",    "coda", "ncpfs",
    "lustre", "gpfs", "gfs2", "ocfs2", "beegfs", "vboxsf", "virtiofs", "autofs", "fuse", "fuseblk",
};

}  // namespace

file_system_kind classify_file_system(std::uint64_t magic) {
    // f_type is a signed word whose upper half may be a copy of the sign.
    magic &= 0xFFFFFFFF;
    if (std::ranges::find(network_magics, magic) != std::end(network_magics))
        return file_system_kind::network;
    if (std::ranges::find(pseudo_magics, magic) != std::end(pseudo_magics))
        return file_system_kind::pseudo;
    return file_system_kind::local;
}

bool may_hang(std::string_view name) {
    return name.starts_with("fuse.") ||
           std::ranges::find(hanging_names, name) != std::end(hanging_names);
}

}  // namespace logagent::os
