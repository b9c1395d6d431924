package hosts

import (
	"net"
	"net/netip"
	"strings"
)

// Loopback tells whether a host is this machine whatever a name server says:
// localhost or a loopback address, which may be in brackets. A port is not part
// of a host.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, ok := parse(host)
	return ok && address.IsLoopback()
}

// LoopbackAt is Loopback of an address that may have a port.
func LoopbackAt(address string) bool {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	return Loopback(address)
}

// LinkLocal tells whether a host is an address that is reached on the same link
// only, where clouds have their metadata (169.254.169.254).
func LinkLocal(host string) bool {
	address, ok := parse(host)
	return ok && (address.IsLinkLocalUnicast() || address.IsLinkLocalMulticast())
}

// Near tells whether a host is this machine, or an address that is reached from it
// on the same link only, written out: no name server is asked.
func Near(host string) bool {
	address, ok := parse(host)
	return Loopback(host) || LinkLocal(host) || strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".localhost") || ok && address.IsUnspecified()
}

func parse(host string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host, ok = strings.CutSuffix(inner, "]")
		if !ok {
			return netip.Addr{}, false
		}
	}
	address, err := netip.ParseAddr(host)
	return address.Unmap(), err == nil
}
