package api

import (
	"context"
	"errors"
	"net"
)

// listen refuses: Windows does not tell who is at the other end of a Unix socket.
func listen(context.Context, string) (net.Listener, error) { return nil, errors.ErrUnsupported }

func peerOf(net.Conn) (Peer, error) { return Peer{}, errors.ErrUnsupported }
