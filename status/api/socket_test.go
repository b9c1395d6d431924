//go:build unix

package api_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/status/api"
)

// TestMain is also a program that asks the socket in its first argument, as whom it is started.
func TestMain(m *testing.M) {
	if path := os.Getenv("ASK_SOCKET"); path != "" {
		fmt.Print(askSocket(context.Background(), path))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func askSocket(ctx context.Context, path string) string {
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return api.Dial(ctx, path) }}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://kitops/api/v1/runs/r1/cancel", http.NoBody)
	if err != nil {
		return err.Error()
	}
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, " ", string(body), err)
}

func listen(t *testing.T, path string) {
	t.Helper()
	listenFor(t, path, api.NoGroup, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
}

func listenFor(t *testing.T, path string, group int, handler http.Handler, barred ...int) {
	t.Helper()
	socket, err := api.Listen(t.Context(), path, group)
	if err != nil {
		t.Fatal(err)
	}
	for _, uid := range barred {
		socket.Bar(uid)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- socket.Serve(ctx, handler, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestStrangersAreNotAnswered(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.yaml.sock")
	listen(t, path)
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if text := askSocket(t.Context(), path); !strings.HasPrefix(text, "200 hello") {
		t.Errorf("its own user is told %q", text)
	}
	if os.Geteuid() != 0 {
		return // nobody else can be played
	}
	ask := stranger(t, dir, path)
	if text := ask(); !strings.Contains(text, "permission denied") {
		t.Errorf("a stranger gets %q", text)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if text := ask(); !strings.HasPrefix(text, "403 ") || !strings.Contains(text, "only the agent's own user, root") {
		t.Errorf("a stranger who gets through is told %q", text)
	}
}

// TestMembersOfTheGroupAreAnswered has one who is a member by a supplementary group, and one who is of another.
func TestMembersOfTheGroupAreAnswered(t *testing.T) {
	if os.Geteuid() != 0 {
		return // nobody else can be played
	}
	const group = 54321
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	served := &api.API{
		Log:    slog.New(slog.DiscardHandler),
		Cancel: func(_ context.Context, _, by string) (string, error) { return "cancelled by " + by, nil },
	}
	listenFor(t, path, group, served.Handler())
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	ask := stranger(t, dir, path)
	if text := ask(1, 2, group); !strings.HasPrefix(text, "202 ") || !strings.Contains(text, "cancelled by nobody") {
		t.Errorf("a member is told %q", text)
	}
	many := make([]uint32, 0, 600)
	for n := range uint32(599) {
		many = append(many, 100_000+n)
	}
	if text := ask(append(many, group)...); !strings.HasPrefix(text, "202 ") {
		t.Errorf("a member of many groups is told %q", text)
	}
	if text := ask(group + 1); !strings.Contains(text, "permission denied") {
		t.Errorf("another gets %q", text)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if text := ask(group + 1); !strings.HasPrefix(text, "403 ") {
		t.Errorf("another who gets through is told %q", text)
	}
	actions := filepath.Join(dir, "actions")
	listenFor(t, actions, group, served.Handler(), 65534)
	if text := stranger(t, dir, actions)(group); !strings.HasPrefix(text, "403 ") {
		t.Errorf("an action whose user is a member is told %q", text)
	}
	for name, want := range map[string]bool{"": true, "0": true, "54321": false, "no-such-group": false} {
		if _, err := (api.Config{Group: name}).GID(); (err == nil) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// stranger is somebody else, in more groups, who asks a socket below dir.
func stranger(t *testing.T, dir, path string) (ask func(groups ...uint32) string) {
	t.Helper()
	for p := dir; p != "/"; p = filepath.Dir(p) { // let the stranger through
		if info, err := os.Stat(p); err == nil && info.Mode().Perm()&1 == 0 {
			if err := os.Chmod(p, info.Mode().Perm()|0o711); err != nil {
				t.Fatal(err)
			}
		}
	}
	program := filepath.Join(dir, "program")
	if data, err := os.ReadFile(os.Args[0]); err != nil || os.WriteFile(program, data, 0o755) != nil {
		t.Fatal(err)
	}
	return func(groups ...uint32) string {
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Env = append(os.Environ(), "ASK_SOCKET="+path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, Groups: groups}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
}

func TestSocketsTakeTheirPlace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	dead, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	listen(t, path)
	if text := askSocket(t.Context(), path); !strings.HasPrefix(text, "200 hello") {
		t.Error(text)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Listen(t.Context(), file, api.NoGroup); err == nil || !strings.Contains(err.Error(), "is there and is no socket") {
		t.Error(err)
	}
	if runtime.GOOS == "linux" {
		deep := filepath.Join(dir, strings.Repeat("d", 100), strings.Repeat("e", 100))
		if err := os.MkdirAll(deep, 0o700); err != nil {
			t.Fatal(err)
		}
		listen(t, filepath.Join(deep, "s"))
		if text := askSocket(t.Context(), filepath.Join(deep, "s")); !strings.HasPrefix(text, "200 hello") {
			t.Error(text)
		}
	}
}
