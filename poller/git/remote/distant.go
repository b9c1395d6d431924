package remote

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"

	"github.com/bittrance/kitops/poller/hosts"
)

// errNear is an address that leads to this host, or only to what is on its link.
var errNear = errors.New("refused: an address of this host or its link, where services trust whoever comes from here; a submodule there needs leave, list it in submodule_credentials of the task")

// distant goes to addresses that somebody else chose. It connects to no address
// of this host or its link, whatever name leads there and whoever redirects to
// it; what a proxy reaches is for the proxy to decide.
type distant struct {
	direct, proxied *http.Transport
	proxy           func(*http.Request) (*url.URL, error)
}

// NewDistantTransport is what mirrors should share whose addresses come from a
// repository. It is else as [NewTransport].
func NewDistantTransport() http.RoundTripper {
	d := &distant{direct: newTransport(pingAfter, pingAnswer, refuseNear), proxied: NewTransport(), proxy: http.ProxyFromEnvironment}
	d.direct.Proxy = nil
	return d
}

// RoundTrip implements http.RoundTripper.
func (d *distant) RoundTrip(req *http.Request) (*http.Response, error) {
	if through, err := d.proxy(req); err != nil || through != nil {
		return d.proxied.RoundTrip(req)
	}
	return d.direct.RoundTrip(req)
}

// refuseNear looks at an address that a name was resolved to, just before it is
// connected to.
func refuseNear(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if hosts.Near(host) || own(host) {
		return errNear
	}
	return nil
}

// own says whether an address is one of this host's.
func own(host string) bool {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(address.Unmap().AsSlice()) {
			return true
		}
	}
	return false
}
