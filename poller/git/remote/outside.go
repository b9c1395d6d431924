package remote

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"

	"github.com/bittrance/kitops/poller/hosts"
)

// errInside is an address that leads to where nobody from outside can get.
var errInside = errors.New("refused: the address of a private network, of this host or its link, which a repository that is elsewhere must not lead to")

// NewOutsideTransport goes to addresses that the server of a repository names, wherever that leads. It connects to no private
// address, and to none of this host or its link, unless the repository itself is there. What a proxy reaches is for the
// proxy to decide.
func NewOutsideTransport(ctx context.Context, repository string) *Outside {
	near, private := within(ctx, repository)
	refuse := func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		switch {
		case err != nil:
			return err
		case near:
		case hosts.Near(host) || own(host), !private && isPrivate(host):
			return errInside
		}
		return nil
	}
	o := &Outside{direct: newTransport(pingAfter, pingAnswer, refuse), proxied: NewTransport(), proxy: http.ProxyFromEnvironment}
	o.direct.Proxy = nil
	return o
}

// Outside is such a transport.
type Outside struct {
	direct, proxied *http.Transport
	proxy           func(*http.Request) (*url.URL, error)
}

// RoundTrip implements http.RoundTripper.
func (o *Outside) RoundTrip(req *http.Request) (*http.Response, error) {
	if through, err := o.proxy(req); err != nil || through != nil {
		return o.proxied.RoundTrip(req)
	}
	return o.direct.RoundTrip(req)
}

// Close gives back what it has open.
func (o *Outside) Close() {
	o.direct.CloseIdleConnections()
	o.proxied.CloseIdleConnections()
}

// within says where a host is: on this one or its link, or in a private network.
func within(ctx context.Context, host string) (near, private bool) {
	near = hosts.Near(host)
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return near, near
	}
	for _, a := range addresses {
		name := a.Unmap().String()
		near = near || hosts.Near(name) || own(name)
		private = private || isPrivate(name)
	}
	return near, near || private
}

// shared is the address space between carriers and their customers, RFC 6598.
var shared = netip.MustParsePrefix("100.64.0.0/10") //nolint:gochecknoglobals // a constant

func isPrivate(host string) bool {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	a = a.Unmap()
	return a.IsPrivate() || shared.Contains(a) || a.IsMulticast() || !a.IsGlobalUnicast()
}
