package remote

import (
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	pingAfter  = 10 * time.Second // without a word from the other side
	pingAnswer = 5 * time.Second
)

// NewTransport is the http.Transport for mirrors to share: it keeps enough
// connections to one host for many of them, and follows http_proxy,
// https_proxy and no_proxy. A connection whose other side has gone without a
// word (a NAT that forgot it, a machine that slept) is noticed after 15 to 25
// seconds and not used again.
func NewTransport() *http.Transport { return newTransport(pingAfter, pingAnswer, nil) }

func newTransport(ping, answer time.Duration, control func(network, address string, c syscall.RawConn) error) *http.Transport {
	dialer := &net.Dialer{
		Control:         control,
		Timeout:         30 * time.Second,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: ping, Interval: answer, Count: 3},
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: ping, PingTimeout: answer},
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   8, // as many as Gate lets ask one host at a time
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   30 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}
