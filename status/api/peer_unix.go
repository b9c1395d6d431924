//go:build unix

package api

import (
	"context"
	"errors"
	"net"
	"os/user"
	"strconv"
	"syscall"
)

func listen(ctx context.Context, path string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false) // by then it has another name
	return listener, nil
}

// control calls f with the descriptor of a connection.
func control(conn net.Conn, f func(fd int) error) error {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return errors.ErrUnsupported
	}
	c, err := raw.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) { failed = f(int(fd)) })
	return errors.Join(err, failed)
}

func peer(uid int, groups ...int) Peer {
	p := Peer{UID: uid, Name: strconv.Itoa(uid), Groups: groups}
	if u, err := user.LookupId(p.Name); err == nil {
		p.Name = u.Username
	}
	return p
}
