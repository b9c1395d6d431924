package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
)

func listenLoopback(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// TestLivesOnWithoutAReaderOfItsLog: neither the agent nor its actions notice.
func TestLivesOnWithoutAReaderOfItsLog(t *testing.T) {
	t.Parallel()
	w := &waiting{t: t, dir: t.TempDir(), repo: gittest.New(t)}
	w.repo.Commit(map[string]string{"file": "one"})
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w.log = writer
	// The action's own pipe is whole: a shell that ignored SIGPIPE would write on for ever.
	w.task(`while ! test -e "$PLACE/gone"; do sleep 0.05; done; echo more; sh -c "yes | head -n 1" > "$PLACE/pipe"; grep SigIgn /proc/self/status > "$PLACE/ignored"; echo $KITOPS_SHA >> "$PLACE/ran"`)
	w.start()
	_ = writer.Close()
	if _, err := reader.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	w.write("gone", "")
	w.await("the run ends", func() bool { return w.contains("state.yaml", "outcome: success") })
	second := w.repo.Commit(map[string]string{"file": "two"})
	w.await("the next revision runs", func() bool { return w.contains("ran", second) })
	if mask, err := strconv.ParseUint(strings.Fields(readFile(t, w.path("ignored")))[1], 16, 64); err != nil || mask&(1<<(uint(unix.SIGPIPE)-1)) != 0 {
		t.Errorf("actions ignore SIGPIPE: %x %v", mask, err)
	}
	w.stop(1, stopLimit)
	if w.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("%s", w.cmd.ProcessState)
	}
}

// TestCrashesEndBySignal: neither like a mistake in the configuration, which
// nothing restarts, nor with a core, which would hold the key.
func TestCrashesEndBySignal(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGABRT, syscall.SIGQUIT, syscall.SIGSEGV} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			w := &waiting{t: t, dir: t.TempDir(), repo: gittest.New(t)}
			w.repo.Commit(map[string]string{"file": "one"})
			w.task(`ulimit -c > "$PLACE/limit.new"; mv "$PLACE/limit.new" "$PLACE/limit"`)
			w.wrapper = []string{"sh", "-c", `ulimit -c unlimited; exec "$0" "$@"`}
			w.start()
			w.await("the action runs", func() bool { return w.contains("limit", "\n") })
			if got := readFile(t, w.path("limit")); got != "unlimited\n" {
				t.Errorf("actions may write cores of %s", got)
			}
			if err := w.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			<-w.ended
			status, ok := w.cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !ok || !status.Signaled() || status.Signal() != syscall.SIGABRT || status.CoreDump() {
				t.Errorf("%s, want SIGABRT without a core", w.cmd.ProcessState)
			}
			if cores, err := filepath.Glob(w.path("core*")); err != nil || len(cores) > 0 {
				t.Errorf("left %q %v", cores, err)
			}
		})
	}
}

// TestEndsWithItsTerminal: with nothing to read again, an agent that nobody
// sees any more is of no use; with a task file it goes on.
func TestEndsWithItsTerminal(t *testing.T) {
	t.Parallel()
	for name, withFile := range map[string]bool{"url": false, "task file": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &waiting{t: t, dir: t.TempDir(), repo: gittest.New(t)}
			w.repo.Commit(map[string]string{"file": "one"})
			if withFile {
				w.args = append(w.args, "--config-file", w.write("tasks.yaml", `tasks: [{name: shop, git: {url: "`+w.repo.Dir+`"}, actions: [{run: echo $KITOPS_SHA >> "`+w.path("ran")+`"}]}]`))
			} else {
				w.task(`echo $KITOPS_SHA >> "$PLACE/ran"`)
			}
			master, slave := terminalPair(t)
			w.attributes = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
			w.stdin = slave
			var err error
			if w.log, err = os.Create(w.path("log")); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = w.log.Close() })
			hup := make(chan os.Signal, 1)
			signal.Notify(hup, syscall.SIGHUP) // so that it is not ignored, as it is under nohup
			defer signal.Stop(hup)
			w.start()
			_ = slave.Close()
			w.await("the action runs", func() bool { return w.contains("ran", "\n") })
			if !withFile { // as by hand: the terminal is there
				if err := w.cmd.Process.Signal(syscall.SIGHUP); err != nil {
					t.Fatal(err)
				}
				w.await("kitops says that there is nothing to reload", func() bool { return w.contains("log", "nothing to reload") })
			}
			_ = master.Close() // the window is closed
			if withFile {
				w.await("the task file is read again", func() bool { return w.contains("log", "the task file was read again") })
				second := w.repo.Commit(map[string]string{"file": "two"})
				w.await("the next revision runs", func() bool { return w.contains("ran", second) })
				w.stop(1, stopLimit)
				return
			}
			select {
			case <-w.ended:
			case <-time.After(stopLimit + stall):
				t.Fatal("lives on")
			}
			if w.cmd.ProcessState.ExitCode() != 0 || !w.contains("log", "the terminal is gone") {
				t.Errorf("%s\n%s", w.cmd.ProcessState, readFile(t, w.path("log")))
			}
		})
	}
}

// terminalPair opens both sides of a terminal.
func terminalPair(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// TestNobodyReadsTheEnvironment: what others of the same user find of every
// command, however long it takes, in a place where the key may be.
func TestNobodyReadsTheEnvironment(t *testing.T) {
	t.Parallel()
	var own *syscall.SysProcAttr
	if os.Geteuid() == 0 { // root reads everything, so be somebody else
		own = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	program, err := exec.LookPath("kitops")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	listener := listenLoopback(t) // takes connections and says nothing
	t.Cleanup(func() { _ = listener.Close() })
	remote := []string{"--url", "http://" + listener.Addr().String() + "/shop.git", "--action", "true"}
	for command, args := range map[string][]string{
		"run": remote, "doctor": remote,
		"check": {"--config-file", "/dev/stdin"}, // for as long as nothing comes
		"setup": {"--github-api-url", "http://" + listener.Addr().String()},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, up := range []string{filepath.Dir(dir), dir} {
				if err := os.Chmod(up, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(program, append([]string{command}, args...)...)
			cmd.Dir, cmd.SysProcAttr = dir, own
			cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir, "SECRET=of-kitops", "PATH=/nonexistent", "GORACE=atexit_sleep_ms=10"}
			stdin, err := cmd.StdinPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
			look := func(file string) (string, error) {
				cat := exec.Command("cat", fmt.Sprintf("/proc/%d/%s", cmd.Process.Pid, file))
				cat.SysProcAttr = own
				out, err := cat.CombinedOutput()
				return string(out), err
			}
			if !eventually(func() bool { _, err := look("environ"); return err != nil }) {
				t.Fatal("its environment can be read")
			}
			if status, err := look("status"); err != nil || !strings.Contains(status, "State:") || strings.Contains(status, "(zombie)") {
				t.Errorf("it has ended: %s %v", status, err)
			}
			for _, file := range []string{"environ", "maps", "auxv"} {
				if out, err := look(file); err == nil && len(out) > 0 {
					t.Errorf("%s can be read: %q", file, out)
				}
			}
		})
	}
}
