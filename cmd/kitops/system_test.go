//go:build linux

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestSystemdIsTold is systemd's side of sd_notify(3).
func TestSystemdIsTold(t *testing.T) {
	t.Parallel()
	repo, dir := gittest.New(t), t.TempDir()
	repo.Commit(nil)
	tasks := filepath.Join(dir, "tasks.yaml")
	file := `tasks: [{name: x, git: {url: "` + repo.Dir + `"}, actions: [{run: "env > ` + dir + `/seen; exec sleep 1000", inherit_environment: true}]}]`
	if err := os.WriteFile(tasks, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })

	cmd := exec.Command("kitops", "--config-file", tasks, "--state-file", filepath.Join(dir, "state.yaml"))
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=100000", "TMPDIR="+dir, "GORACE=atexit_sleep_ms=10")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })

	expect := func(want string) {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		for buffer := make([]byte, 4096); ; {
			n, err := conn.Read(buffer)
			if err != nil {
				t.Fatalf("no %s: %v", want, err)
			}
			if strings.HasPrefix(string(buffer[:n]), want) {
				return
			}
		}
	}
	expect("READY=1")
	expect("WATCHDOG=1")
	expect("WATCHDOG=1")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	expect("RELOADING=1\nMONOTONIC_USEC=")
	expect("READY=1")
	seen := filepath.Join(dir, "seen")
	if !eventually(func() bool { data, _ := os.ReadFile(seen); return strings.Contains(string(data), "KITOPS_RUN_ID=") }) {
		t.Fatal("the action never runs")
	}
	if data, err := os.ReadFile(seen); err != nil || strings.Contains(string(data), "NOTIFY_SOCKET") || strings.Contains(string(data), "WATCHDOG") {
		t.Errorf("what systemd gave to kitops is passed on: %v\n%s", err, data)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	expect("STOPPING=1")
	if err := <-ended; err != nil {
		t.Errorf("kitops: %v", err)
	}
}

// TestWaitingCostsNothing: a running action and a silent server keep nobody busy.
func TestWaitingCostsNothing(t *testing.T) {
	t.Parallel()
	repo, dir := gittest.New(t), t.TempDir()
	repo.Commit(nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	tasks := filepath.Join(dir, "tasks.yaml")
	file := `tasks: [{name: acts, git: {url: "` + repo.Dir + `"}, actions: [{run: sleep 3}]},
		{name: hangs, timeout: 3s, git: {url: "http://` + listener.Addr().String() + `/x"}, actions: [{run: exit}]}]`
	if err := os.WriteFile(tasks, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("kitops", "--config-file", tasks, "--state-file", filepath.Join(dir, "state.yaml"), "--poll-once")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "GORACE=atexit_sleep_ms=10")
	cmd.Stderr = t.Output()
	if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("want exit code 1 for the server that says nothing: %v", err)
	}
	if used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); used > 1500*time.Millisecond {
		t.Errorf("3 s of waiting took %s of a processor", used)
	}
}
