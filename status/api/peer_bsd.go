//go:build darwin || freebsd

package api

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel who connected (LOCAL_PEERCRED, unix(4)).
func peerOf(conn net.Conn) (Peer, error) {
	var cred *unix.Xucred
	err := control(conn, func(fd int) (err error) {
		cred, err = unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
		return err
	})
	if err != nil {
		return Peer{}, err
	}
	var groups []int
	for _, number := range cred.Groups[:min(max(int(cred.Ngroups), 0), len(cred.Groups))] {
		groups = append(groups, int(number))
	}
	return peer(int(cred.Uid), groups...), nil
}
