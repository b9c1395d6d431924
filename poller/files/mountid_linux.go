package files

import "golang.org/x/sys/unix"

// mountID tells one mount from another, also bind mounts of one file system
// where the kernel (5.8 and later) numbers them.
type mountID struct {
	device uint64
	mount  uint64
}

func identify(fd int) (id mountID, perm uint32, err error) {
	var info unix.Statx_t
	const wanted = unix.STATX_MODE | unix.STATX_MNT_ID
	err = retried(func() error { return unix.Statx(fd, "", unix.AT_EMPTY_PATH, wanted, &info) })
	if err != nil { // forbidden by an old container's filter
		var old unix.Stat_t
		err = retried(func() error { return unix.Fstat(fd, &old) })
		return mountID{device: old.Dev}, old.Mode, err
	}
	id.device = unix.Mkdev(info.Dev_major, info.Dev_minor)
	if info.Mask&unix.STATX_MNT_ID != 0 {
		id.mount = info.Mnt_id
	}
	return id, uint32(info.Mode), nil
}
