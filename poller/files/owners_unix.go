//go:build unix && !linux

package files

import "golang.org/x/sys/unix"

// ownerless tells whether a file's owner says nothing: the file system is one of
// a server or of Windows.
func ownerless(path string) bool {
	var info unix.Statfs_t
	if err := retried(func() error { return unix.Statfs(path, &info) }); err != nil {
		return false
	}
	switch unix.ByteSliceToString(nameOfType(&info)) {
	case "nfs", "smbfs", "msdosfs", "exfat", "ntfs", "fusefs", "webdav":
		return true
	}
	return false
}

func unmappedRoot() uint32 { return 0 }

func nameOfType(info *unix.Statfs_t) []byte {
	name := make([]byte, len(info.Fstypename))
	for i, c := range info.Fstypename {
		name[i] = byte(c) //nolint:unconvert // signed on some systems
	}
	return name
}
