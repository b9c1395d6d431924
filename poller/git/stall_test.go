package git

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// silent accepts connections and hands them to serve, until the test ends.
func silent(t *testing.T, serve func(net.Conn)) (addr string, reached <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan struct{}, 100)
	var wait sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			wait.Go(func() { serve(conn); accepted <- struct{}{} })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		wait.Wait()
	})
	return listener.Addr().String(), accepted
}

// mustStop cancels a call once the server has it stuck, and waits for its end.
func mustStop(t *testing.T, stuck <-chan struct{}, call func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(gittest.Generous(t))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- call(ctx) }()
	select {
	case <-stuck:
	case err := <-done:
		t.Fatalf("ended by itself: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func stopsBoth(t *testing.T, m *Mirror, stuck <-chan struct{}) {
	t.Helper()
	mustStop(t, stuck, func(ctx context.Context) error {
		_, err := m.Heads(ctx, refs.Patterns{"HEAD"})
		return err
	})
	dir := filepath.Join(t.TempDir(), "workdir")
	mustStop(t, stuck, func(ctx context.Context) error {
		return m.Checkout(ctx, refs.Revision{Ref: "refs/heads/main", SHA: strings.Repeat("1", 40)}, dir, Options{})
	})
	assertClean(t, m, dir)
}

func TestSilentHTTP(t *testing.T) {
	// A connection that got no request yet would be kept for the next one.
	hear := func(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) }
	addr, stuck := silent(t, hear)
	stopsBoth(t, mirrorOf(t, "http://"+addr+"/x"), stuck)
	addr, stuck = silent(t, hear)
	stopsBoth(t, mirrorOf(t, "https://"+addr+"/x"), stuck)
	addr, stuck = silent(t, func(conn net.Conn) {
		hear(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n001e# serv")
	})
	stopsBoth(t, mirrorOf(t, "http://"+addr+"/x"), stuck)
}

// TestSilentSSH hangs in each step of the way to an answer.
func TestSilentSSH(t *testing.T) {
	home := t.TempDir()
	gittest.WriteKey(t, filepath.Join(home, ".ssh", "id_ed25519"))
	hostKey := gittest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	gittest.Write(t, filepath.Join(home, ".ssh", "known_hosts"), "* "+string(ssh.MarshalAuthorizedKey(hostKey.PublicKey())))
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	config.AddHostKey(hostKey)
	for step, serve := range map[string]func(net.Conn){
		"handshake": func(net.Conn) {},
		"banner":    func(conn net.Conn) { _, _ = io.WriteString(conn, "SSH-2.0-silence\r\n") },
		"channel": func(conn net.Conn) {
			_, _, _, _ = ssh.NewServerConn(conn, config)
		},
		"command": func(conn net.Conn) {
			if _, channels, _, err := ssh.NewServerConn(conn, config); err == nil {
				_, _, _ = (<-channels).Accept()
			}
		},
		"answer": func(conn net.Conn) {
			if _, channels, _, err := ssh.NewServerConn(conn, config); err == nil {
				if channel, requests, err := (<-channels).Accept(); err == nil {
					_ = (<-requests).Reply(true, nil)
					_, _ = io.WriteString(channel, "00")
				}
			}
		},
	} {
		t.Run(step, func(t *testing.T) {
			addr, stuck := silent(t, serve)
			m := mirrorOf(t, "ssh://git@"+addr+"/x")
			m.Home = home
			stopsBoth(t, m, stuck)
		})
	}
	t.Run("agent", func(t *testing.T) {
		m := mirrorOf(t, "ssh://git@127.0.0.1/x")
		m.Home, m.SSHAgent = home, filepath.Join(t.TempDir(), "agent")
		listener, err := net.Listen("unix", m.SSHAgent)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := m.Heads(ctx, refs.Patterns{"HEAD"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// TestStalledPack lets the first half of a pack through, and then nothing, or
// the end of the connection.
func TestStalledPack(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": strings.Repeat("incompressible? ", 10_000)})
	target, err := url.Parse(gittest.ServeHTTP(t, filepath.Dir(r.Dir), gittest.HTTPOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	stuck := make(chan struct{}, 1)
	cut := make(chan bool, 1)
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPost {
			proxy.ServeHTTP(w, req)
			return
		}
		whole := httptest.NewRecorder()
		proxy.ServeHTTP(whole, req)
		w.Header().Set("Content-Type", whole.Header().Get("Content-Type"))
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		if <-cut {
			panic(http.ErrAbortHandler)
		}
		stuck <- struct{}{}
		<-req.Context().Done()
	}))
	t.Cleanup(server.Close)
	m := mirrorOf(t, server.URL+"/repo.git")
	cut <- true
	if err := mustFail(t, m, sha); !strings.Contains(err.Error(), "fetch the pack") {
		t.Error(err)
	}
	cut <- false
	dir := filepath.Join(t.TempDir(), "workdir")
	mustStop(t, stuck, func(ctx context.Context) error {
		return m.Checkout(ctx, refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{})
	})
	assertClean(t, m, dir)
	if _, err := os.Lstat(dir); err == nil {
		t.Error("a half checkout appeared")
	}
}

func TestCutSSH(t *testing.T) {
	home := t.TempDir()
	addr, _ := silent(t, func(conn net.Conn) { _ = conn.Close() })
	m := mirrorOf(t, "ssh://git@"+addr+"/x")
	m.Home = home
	headsFail(t, m, "connect to "+addr)
}

func TestCancelledLocal(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m, dir := mirrorOf(t, r.Dir), filepath.Join(t.TempDir(), "workdir")
	if _, err := m.Heads(ctx, refs.Patterns{"HEAD"}); !errors.Is(err, context.Canceled) {
		t.Errorf("heads: %v", err)
	}
	if err := m.Checkout(ctx, refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("checkout: %v", err)
	}
	assertClean(t, m, dir)
}
