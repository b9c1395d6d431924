package bucket

import (
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/bittrance/kitops/poller/hosts"
)

// Client reaches stores and the places that credentials come from. Each request has the time of its context; connections that
// die without a word are found out by pings. Redirects are answers, not followed: nothing signed goes elsewhere.
func Client() *http.Client {
	const silence = 5 * time.Second
	dialer := &net.Dialer{Timeout: silence, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * silence, Interval: silence, Count: 3}}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               proxy,
			DialContext:         dialer.DialContext,
			ForceAttemptHTTP2:   true,
			HTTP2:               &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silence},
			MaxIdleConns:        32,
			MaxIdleConnsPerHost: 16, // the racers of a probe
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: silence,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// proxy is none for the services that give credentials to this machine.
func proxy(req *http.Request) (*url.URL, error) {
	if hosts.LinkLocal(req.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(req)
}
