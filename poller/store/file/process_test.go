package file_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/file"
)

const (
	roleKey = "STORE_TEST_ROLE"
	pathKey = "STORE_TEST_PATH"
)

// TestMain lets the test binary be the other process.
func TestMain(m *testing.M) {
	role, ok := map[string]func(path string) error{
		"hold":            hold,
		"hold with child": holdWithChild,
		"wait":            func(string) error { return wait() },
		"count":           func(path string) error { return count(path, false) },
		"grow":            func(path string) error { return count(path, true) },
	}[os.Getenv(roleKey)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := role(os.Getenv(pathKey)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// wait ends when the test does.
func wait() error {
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func hold(path string) error {
	lock, err := file.AcquireLock(path)
	if err != nil {
		return err
	}
	return errors.Join(wait(), lock.Release())
}

func holdWithChild(path string) error {
	lock, err := file.AcquireLock(path)
	if err != nil {
		return err
	}
	child := command(context.Background(), "wait", path)
	child.Stdin, child.Stdout = os.Stdin, os.Stdout
	return errors.Join(child.Run(), lock.Release())
}

// count adds one to a document for ever, and prints each number that was saved.
func count(path string, grows bool) error {
	f, err := file.Open(path)
	if err != nil {
		return err
	}
	if grows {
		f.SetLarge(1)
	}
	ctx := context.Background()
	for {
		n, version, err := number(ctx, f)
		if err != nil {
			return err
		}
		if _, err := f.Put(ctx, "count", fmt.Appendf(nil, "x: %d\npadding: %s", n+1, strings.Repeat("x", n%5000)), version); err != nil {
			return err
		}
		fmt.Println(n + 1)
	}
}

func number(ctx context.Context, s store.Store) (n int, version string, err error) {
	keys, err := s.List(ctx, "count")
	if err != nil || len(keys) == 0 {
		return 0, "", err
	}
	doc, err := s.Get(ctx, "count")
	if err != nil {
		return 0, "", err
	}
	_, digits, _ := strings.Cut(string(doc.Data), "\nx: ")
	n, err = strconv.Atoi(strings.TrimSpace(digits))
	return n, doc.Version, err
}

func command(ctx context.Context, role, path string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), roleKey+"="+role, pathKey+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// start returns a process in its role and what it prints, from the second line on.
func start(t *testing.T, role, path string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := command(t.Context(), role, path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	out := bufio.NewReader(stdout)
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatalf("%s does not begin: %v", role, err)
	}
	return cmd, out
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.Process.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestKilledAtRandomMoments: what was acknowledged is there, or the one write that was on its way, and nothing else.
func TestKilledAtRandomMoments(t *testing.T) {
	for _, role := range []string{"count", "grow"} {
		t.Run(role, func(t *testing.T) { killAtRandomMoments(t, role) })
	}
}

func killAtRandomMoments(t *testing.T, role string) {
	t.Helper()
	const kills = 20
	dir := t.TempDir()
	path := filepath.Join(dir, "state.yaml")
	last := 0
	for range kills {
		cmd, out := start(t, role, path)
		last++ // the line that start has read
		time.Sleep(rand.N(20 * time.Millisecond))
		kill(t, cmd)
		for line, err := out.ReadString('\n'); err == nil; line, err = out.ReadString('\n') {
			if last, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
				t.Fatal(err)
			}
		}
		n, _, err := number(t.Context(), open(t, path))
		if err != nil {
			t.Fatalf("after %d was acknowledged: %v", last, err)
		}
		if n != last && n != last+1 {
			t.Fatalf("%d was acknowledged, the file holds %d", last, n)
		}
		last = n
		if got := names(t, dir); len(got) != 1 {
			t.Fatalf("%q are left after opening", got)
		}
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml.lock")
	write(t, path, "pid 1 on "+strings.Repeat("long-gone", 100)) // what a killed owner leaves
	lock, err := file.AcquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	owner := wantLocked(t, path)
	if want := fmt.Sprintf("pid %d on ", os.Getpid()); !strings.HasPrefix(owner, want) || strings.Contains(owner, "gone") {
		t.Errorf("the owner is %q, want %q…", owner, want)
	}
	for range 2 {
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
	}
	if lock, err = file.AcquireLock(path); err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the lock file: %v", err)
	}
}

func TestLockWithoutDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	_, err := file.AcquireLock(filepath.Join(dir, "state.yaml.lock"))
	if err == nil || !strings.Contains(err.Error(), "the directory "+dir+" does not exist") {
		t.Errorf("error %v", err)
	}
}

func TestLockOfAnotherProcess(t *testing.T) {
	for _, role := range []string{"hold", "hold with child"} {
		t.Run(role, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.yaml.lock")
			cmd, _ := start(t, role, path)
			if owner := wantLocked(t, path); !strings.HasPrefix(owner, fmt.Sprintf("pid %d on ", cmd.Process.Pid)) {
				t.Errorf("the owner is %q, want pid %d", owner, cmd.Process.Pid)
			}
			kill(t, cmd) // its child lives on
			lock, err := file.AcquireLock(path)
			if err != nil {
				t.Fatalf("the owner was killed: %v", err)
			}
			if err := lock.Release(); err != nil {
				t.Error(err)
			}
		})
	}
}

func wantLocked(t *testing.T, path string) (owner string) {
	t.Helper()
	_, err := file.AcquireLock(path)
	var locked *file.LockedError
	if !errors.As(err, &locked) || locked.Path != path || !strings.Contains(err.Error(), path) {
		t.Fatalf("error %v, want a LockedError", err)
	}
	return locked.Owner
}
