package webhook

import (
	"net"
	"net/http"
	"time"
)

// maxSilence is how long a connection may say nothing before it is asked whether it still lives, and then how long it has
// for the answer.
const maxSilence = 5 * time.Second

func newTransport() *http.Transport { return vigilant(maxSilence) }

// vigilant makes what a relay is followed by. The answer never ends, so that only pings tell a connection that died from one
// with nothing to say: of HTTP/2 (RFC 9113, 6.7) and, below it, of TCP.
func vigilant(silence time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: 2 * silence, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 2 * silence, Interval: silence, Count: 3,
	}}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silence},
		MaxIdleConns:        4,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 2 * silence,
	}
}
