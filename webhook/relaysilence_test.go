package webhook

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
	hidden "github.com/bittrance/kitops/poller/secret"
)

func TestSilentRelayIsLeft(t *testing.T) {
	var connections atomic.Int32
	events, log := follow(t, func(w http.ResponseWriter, r *http.Request) {
		if connections.Add(1) > 2 {
			say(w, relayed(pushJSON, sign(secret, pushJSON), ""))
		} else {
			say(w, ":\n\n")
		}
		<-r.Context().Done()
	}, func(r *Relay) { r.patience.silence = 20 * time.Millisecond })
	receive(t, "event", events)
	if !strings.Contains(log.String(), "no sign of life") {
		t.Errorf("nobody says why: %s", log)
	}
}

// A network that forgets the connection costs two pings, not the time in which a relay may be silent.
func TestRelayBehindANetworkThatFallsSilent(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want(t, "HTTP", r.ProtoMajor, 2)
		w.Header().Set("Content-Type", "text/event-stream")
		say(w, ":\n\n")
		if connections.Add(1) == 2 {
			say(w, relayed(pushJSON, sign(secret, pushJSON), ""))
		}
		<-r.Context().Done()
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	front := apptest.NewFront(t, server.Listener.Addr().String())
	events, _ := follow(t, func(http.ResponseWriter, *http.Request) {}, func(r *Relay) {
		transport := vigilant(200 * time.Millisecond)
		transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
		t.Cleanup(transport.CloseIdleConnections)
		r.URL, r.Transport = hidden.New("https://"+front.Addr+channel), transport
	})
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for connections.Load() == 0 {
		<-ticker.C
	}
	front.Silence()
	receive(t, "event on the second connection", events)
}
