//go:build unix

package credential

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/secret"
)

const (
	clone    = "https://github.com/acme/shop.git"
	question = "protocol=https\nhost=github.com\npath=acme/shop\n"
)

// newBroker numbers its tokens, which live for an hour.
func newBroker() *Broker {
	made := 0
	return &Broker{Clone: clone, Fresh: func(context.Context) (secret.Text, time.Time, error) {
		made++
		return secret.New(fmt.Sprintf("token-%d", made)), time.Now().Add(time.Hour), nil
	}}
}

func asked(t *testing.T, socket, operation, text string) string {
	t.Helper()
	var answer strings.Builder
	if err := Ask(t.Context(), socket, operation, strings.NewReader(text), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.String()
}

func TestGitIsAnsweredForOneRepository(t *testing.T) {
	socket, stop, err := newBroker().Listen(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	const first = "username=x-access-token\npassword=token-1\n"
	for text, want := range map[string]string{
		question: first,
		"protocol=https\nhost=GitHub.com\npath=Acme/shop.git/\n": first,
		"protocol=https\nhost=github.com\npath=acme/other\n":     "",
		"protocol=http\nhost=github.com\npath=acme/shop\n":       "",
		"protocol=https\nhost=example.com\npath=acme/shop\n":     "",
		"nonsense": "",
	} {
		if got := asked(t, socket, "get", text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	asked(t, socket, "store", question)
	asked(t, socket, "erase", question+"password=token-1\n")
	if got := asked(t, socket, "get", question); !strings.Contains(got, "token-2") {
		t.Errorf("after a refusal: %q", got)
	}
	stop()
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestTokenIsMadeAnewBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker()
		for _, step := range []struct {
			after time.Duration
			want  string
		}{{0, "token-1"}, {54 * time.Minute, "token-1"}, {2 * time.Minute, "token-2"}} {
			time.Sleep(step.after)
			if token, err := b.Token(t.Context()); token.Reveal() != step.want || err != nil {
				t.Errorf("after %s: %s, %v", step.after, token, err)
			}
		}
	})
}

// TestConnectionsAreBounded opens many that say nothing: they wait in the
// kernel's queue, where they cost kitops nothing.
func TestConnectionsAreBounded(t *testing.T) {
	socket, stop, err := newBroker().Listen(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	before := runtime.NumGoroutine()
	var silent []net.Conn
	for range 10 * maxConnections {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, conn)
	}
	if served := runtime.NumGoroutine() - before; served > maxConnections {
		t.Errorf("%d connections are served at a time", served)
	}
	for _, conn := range silent {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := asked(t, socket, "get", question); !strings.Contains(got, "token-1") {
		t.Errorf("%q", got)
	}
}

// failing is a listener whose process has no descriptors left for a while.
type failing struct {
	net.Listener
	left int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.left--; f.left >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}

func TestAcceptingGoesOnAfterAnError(t *testing.T) {
	socket := t.TempDir() + "/socket"
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		newBroker().accept(t.Context(), &failing{listener, 3}, os.Geteuid(), &serving)
	})
	if got := asked(t, socket, "get", question); !strings.Contains(got, "token-1") {
		t.Errorf("%q", got)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	serving.Wait()
}
