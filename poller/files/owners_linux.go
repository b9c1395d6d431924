package files

import (
	"bytes"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// ownerless tells whether a file's owner says nothing: NFS may put nobody in
// root's place, the others show everything as one user's. The numbers are those
// of statfs(2); 9p is how WSL shows the drives of Windows, FUSE how Docker
// Desktop shows folders of the host.
func ownerless(path string) bool {
	var info unix.Statfs_t
	if err := retried(func() error { return unix.Statfs(path, &info) }); err != nil {
		return false
	}
	const (
		drvfs = 0x53464846
		cifs  = 0xff534d42
		ntfs3 = 0x7366746e
	)
	kinds := []int64{
		unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, cifs,
		unix.MSDOS_SUPER_MAGIC, unix.EXFAT_SUPER_MAGIC, ntfs3,
		unix.V9FS_MAGIC, drvfs, unix.FUSE_SUPER_MAGIC,
	}
	return slices.Contains(kinds, int64(uint32(info.Type)))
}

// unmappedRoot is how the host's root looks from inside a user namespace that
// does not have all users, 0 elsewhere.
func unmappedRoot() uint32 {
	const overflow = 65534 // /proc/sys/kernel/overflowuid, which nobody changes
	users, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return 0
	}
	if fields := bytes.Fields(users); len(fields) == 3 && string(fields[1]) == "0" && string(fields[2]) == "4294967295" {
		return 0
	}
	return overflow
}
