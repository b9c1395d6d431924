package webhook

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// lateListener hands out what it has accepted in the moment in which it is closed.
type lateListener struct {
	net.Listener
	accepted, closing chan struct{}
	once              sync.Once
}

func (l *lateListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		close(l.accepted)
		<-l.closing
	}
	return conn, err
}

func (l *lateListener) Close() error {
	l.once.Do(func() { close(l.closing) })
	return l.Listener.Close()
}

// Who was accepted when the server was told to end has its answer, whether it asks at once or in two halves.
func TestWhoIsLetInAtTheEndIsAnswered(t *testing.T) {
	t.Parallel()
	for name, halves := range map[string]bool{"at once": false, "in two halves": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := Listen(t.Context(), Options{Addr: "127.0.0.1:0", Handle: func(Event) {}, Health: func() []TaskHealth { return nil }, Log: new(logbook).logger()})
			if err != nil {
				t.Fatal(err)
			}
			late := &lateListener{Listener: server.listener.Listener, accepted: make(chan struct{}), closing: make(chan struct{})}
			server.listener.Listener = late
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- server.Run(ctx) }()
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			ask := func(text string) {
				if _, err := conn.Write([]byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			<-late.accepted
			ask("GET /healthz HTTP/1.1\r\n")
			if !halves {
				ask("Host: 127.0.0.1\r\n\r\n")
			}
			cancel()
			if halves {
				<-late.closing
				ask("Host: 127.0.0.1\r\n\r\n")
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			want(t, "status", answer.StatusCode, 200)
			if err := receive(t, "end of the server", ended); err != nil {
				t.Error(err)
			}
		})
	}
}

// Who keeps a connection and asks for nothing holds up nobody.
func TestIdleConnectionsDoNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	server, err := Listen(t.Context(), Options{Addr: "127.0.0.1:0", Handle: func(Event) {}, Health: func() []TaskHealth { return nil }, Log: new(logbook).logger()})
	if err != nil {
		t.Fatal(err)
	}
	server.times.shutdown = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{}}
	answer, err := client.Get("http://" + server.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	cancel()
	if err := receive(t, "end of the server", ended); err != nil {
		t.Error(err)
	}
}
