package app

import (
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

// maxSilence is how long a connection may say nothing before it is asked whether it still lives, and then how long it has for
// the answer. Twice that is half of what a request may take.
const maxSilence = 5 * time.Second

// transport is how this package and its rooms reach GitHub. Connections may die without a word: routers forget them, hosts
// sleep. Pings (RFC 9113, 6.7) find that out; a request that was caught on such a connection is made once more on a new one.
type transport struct{ *http.Transport }

func newTransport() *transport { return vigilant(maxSilence) }

// vigilant has a limit for everything that may hang but the body, which the timeout of the request covers.
func vigilant(silence time.Duration) *transport {
	dialer := &net.Dialer{Timeout: 2 * silence, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 2 * silence, Interval: silence, Count: 3,
	}}
	return &transport{&http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silence},
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   2 * silence,
		ResponseHeaderTimeout: 2 * silence, // GitHub itself gives up on a request after 10 s
	}}
}

// RoundTrip makes a request. One that failed on a connection which had served others before says nothing about GitHub: it is
// repeated, if its body can be, unless it would make a thing twice.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var reused atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused.Store(info.Reused) }}
	resp, err := t.Transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err == nil || !reused.Load() || req.Context().Err() != nil || makesAnother(req) {
		return resp, err
	}
	again := req.Clone(req.Context())
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			return nil, err
		}
		body, unreadable := req.GetBody()
		if unreadable != nil {
			return nil, err
		}
		again.Body = body
	}
	t.CloseIdleConnections()
	return t.Transport.RoundTrip(again)
}

// makesAnother tells the requests that make one more thing each time, such as a check run: who asks has to look first whether
// it is there. One status or token more does no harm, and the code of a new App is good once.
func makesAnother(req *http.Request) bool {
	path := req.URL.Path
	harmless := strings.Contains(path, "/statuses/") || strings.HasSuffix(path, "/access_tokens") || strings.HasSuffix(path, "/conversions")
	return req.Method == http.MethodPost && !harmless
}
