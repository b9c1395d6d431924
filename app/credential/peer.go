//go:build linux || darwin || freebsd

package credential

import (
	"errors"
	"net"
)

// peerUID is the user at the other end of a socket, as the kernel has it.
func peerUID(conn *net.UnixConn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var uid int
	var asked error
	err = raw.Control(func(fd uintptr) { uid, asked = socketPeer(int(fd)) })
	if err != nil || asked != nil {
		return 0, errors.Join(err, asked)
	}
	return uid, nil
}
