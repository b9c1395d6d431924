package remote

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestNamesThatLeadHere has a server on this host hear nothing from a transport
// for addresses that others chose, be it by a name or by a redirect, unless a
// proxy is asked.
func TestNamesThatLeadHere(t *testing.T) {
	heard := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard++ }))
	defer server.Close()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	d := NewDistantTransport().(*distant)
	d.proxy = func(*http.Request) (*url.URL, error) { return nil, nil } //nolint:nilnil // as http.ProxyFromEnvironment
	client := &http.Client{Transport: d}
	get := func(address string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	for _, host := range []string{"localhost", "127.0.0.1", "127.9.9.9", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		if err := get("http://" + net.JoinHostPort(strings.Trim(host, "[]"), port)); !errors.Is(err, errNear) {
			t.Errorf("%s: %v", host, err)
		}
	}
	d.proxy = func(*http.Request) (*url.URL, error) { return url.Parse(server.URL) }
	d.proxied.Proxy = d.proxy
	if err := get("http://example.com/"); err != nil || heard != 1 {
		t.Errorf("through a proxy on this host: %v, heard %d", err, heard)
	}
	for address, near := range map[string]bool{"169.254.169.254:80": true, "[fe80::1%eth0]:443": true, "[::1]:1": true, "192.0.2.1:443": false, "[2001:db8::1]:443": false} {
		if err := refuseNear("tcp", address, nil); errors.Is(err, errNear) != near {
			t.Errorf("%s: %v", address, err)
		}
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if err := refuseNear("tcp", net.JoinHostPort(a.(*net.IPNet).IP.String(), "443"), nil); !errors.Is(err, errNear) {
			t.Errorf("%s is of this host: %v", a, err)
		}
	}
}
