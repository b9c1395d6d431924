//go:build !linux && !darwin && !freebsd

package credential

import (
	"errors"
	"net"
)

// peerUID cannot be told here, so that nobody is answered.
func peerUID(*net.UnixConn) (int, error) {
	return 0, errors.New("this system does not tell who is at the other end of a socket")
}
