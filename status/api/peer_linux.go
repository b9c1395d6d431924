package api

import (
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel who connected (SO_PEERCRED, unix(7)).
func peerOf(conn net.Conn) (Peer, error) {
	var cred *unix.Ucred
	var groups []int
	err := control(conn, func(fd int) (err error) {
		if cred, err = unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			groups = groupsOf(fd)
		}
		return err
	})
	if err != nil {
		return Peer{}, err
	}
	return peer(int(cred.Uid), append(groups, int(cred.Gid))...), nil
}

// groupsOf asks the kernel for the supplementary groups of who connected (SO_PEERGROUPS, since Linux 4.13), for
// which there is no wrapper. None are known where that fails.
func groupsOf(fd int) []int {
	for room := 32; room <= 1<<16; room *= 8 { // NGROUPS_MAX
		numbers := make([]uint32, room)
		size := uint32(len(numbers) * 4)
		_, _, failed := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&numbers[0])), uintptr(unsafe.Pointer(&size)), 0)
		switch failed {
		case 0:
			var groups []int
			for _, number := range numbers[:min(int(size/4), len(numbers))] {
				groups = append(groups, int(number))
			}
			return groups
		case unix.ERANGE:
		default:
			return nil
		}
	}
	return nil
}
