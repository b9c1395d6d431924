//go:build unix

package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestActionUpgradesItsAgent: the action is not cut off, its outcome is saved
// before the other program takes the place of the first, which goes on in the same
// process, with its locks and its address, and leaves none of them to actions.
func TestActionUpgradesItsAgent(t *testing.T) {
	t.Parallel()
	u := newUpgraded(t)
	address := freePort(t)
	action := `test ! -e "$PLACE/upgraded" || { ls -l /proc/self/fd >"$PLACE/fds"; exit 0; }
touch "$PLACE/upgraded"
"$PLACE/bin/kitops" upgrade --from "$PLACE/release" || exit 1
until grep -q 'installed, and runs after' "$PLACE/log"; do sleep 0.05; done
"$PLACE/bin/kitops" version >"$PLACE/version"
echo the action ends`
	first := u.first
	u.start("--url", u.repo.Dir, "--interval", "100ms", "--listen", address, "--environment", "PLACE="+u.dir, "--action", action)
	u.awaitLog("run started")
	quit := make(chan struct{})
	var failed []error
	var asking sync.WaitGroup
	asking.Go(func() { // all the time
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
		for {
			select {
			case <-quit:
				return
			case <-time.After(2 * time.Millisecond):
			}
			answer, err := client.Get("http://" + address + "/readyz")
			if err != nil {
				failed = append(failed, err)
				continue
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	})
	u.awaitLog("the upgrade is good")
	close(quit)
	asking.Wait()
	if len(failed) > 0 {
		t.Errorf("%d requests were refused or cut off: %v", len(failed), errors.Join(failed...))
	}
	if said := u.kitops(3, "--poll-once", "--url", u.repo.Dir, "--action", "true"); !strings.Contains(said, "pid "+strconv.Itoa(u.cmd.Process.Pid)+" on") {
		t.Errorf("another kitops: %s", said)
	}
	log := u.read("log")
	order := []string{
		"version=\"" + testVersion, "and runs after the runs that go on\" version=" + nextVersion, "the action ends", "outcome=success",
		"kitops goes on as another version", "kitops has stopped", "version=\"" + nextVersion, "the upgrade is good",
	}
	for _, words := range order {
		_, rest, ok := strings.Cut(log, words)
		if !ok {
			t.Fatalf("%q is missing, or too early:\n%s", words, u.read("log"))
		}
		log = rest
	}
	if !strings.Contains(u.read("log"), "after="+lastSegment(u.repo.Dir)+"@"+first[:12]) {
		t.Errorf("what it waits for is not said:\n%s", u.read("log"))
	}
	if !strings.Contains(u.read("state/state.yaml"), first) || strings.Count(u.read("log"), "run started") != 1 {
		t.Errorf("the run is repeated:\n%s", u.read("log"))
	}
	u.repo.Commit(map[string]string{"file": "two"})
	u.await("the next run", func() bool { return strings.Count(u.read("log"), "outcome=success") == 2 })
	if fds := u.read("fds"); strings.Contains(fds, ".lock") || strings.Contains(fds, "socket:") {
		t.Errorf("an action has what is the agent's:\n%s", fds)
	}
	u.end(syscall.SIGTERM)
	if u.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("%s", u.cmd.ProcessState)
	}
}

func lastSegment(path string) string {
	return strings.TrimSuffix(path[strings.LastIndex(path, "/")+1:], ".git")
}

// TestNewProgramThatDies is started by whoever watches it; the fourth time the former one runs.
func TestNewProgramThatDies(t *testing.T) {
	t.Parallel()
	u := newUpgraded(t)
	u.install()
	if line := u.kitops(0, "version"); !strings.Contains(line, nextVersion+" installed, runs after the actions that run now") {
		t.Errorf("version: %s", line)
	}
	for n := 1; n <= 3; n++ {
		u.start("--url", u.path("nowhere"), "--action", "true")
		u.await("the start counts itself", func() bool { return strings.Contains(u.read("state/upgrade.yaml"), "starts: "+strconv.Itoa(n)) })
		u.end(syscall.SIGKILL)
	}
	u.start("--url", u.path("nowhere"), "--action", "true")
	u.rolledBack("3 starts were not good")
}

// TestNewProgramThatPollsInVain is ready, and no poll succeeds.
func TestNewProgramThatPollsInVain(t *testing.T) {
	t.Parallel()
	u := newUpgraded(t)
	u.impatient()
	u.install()
	u.start("--url", u.path("nowhere"), "--action", "true", "--interval", "100ms")
	u.rolledBack("it was not ready with a successful poll within")
	if self := "/proc/" + strconv.Itoa(u.cmd.Process.Pid) + "/exe"; readable() && !u.same(self, u.path("bin/kitops")) {
		t.Error("another process runs")
	}
}

// TestNewProgramThatHangs waits for its task file.
func TestNewProgramThatHangs(t *testing.T) {
	t.Parallel()
	u := newUpgraded(t)
	u.impatient()
	u.install()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	u.stdin = reader
	u.start("--config-file", "/dev/stdin")
	_ = reader.Close()
	defer writer.Close()
	u.await("the former program is back", func() bool {
		return u.same(u.path("bin/kitops"), u.path("bin/kitops.old")) && u.read("state/upgrade.yaml") == ""
	})
	self := "/proc/" + strconv.Itoa(u.cmd.Process.Pid) + "/exe"
	u.await("the former program runs", func() bool { return !readable() || u.same(self, u.path("bin/kitops")) })
	u.end(syscall.SIGKILL) // it waits as well
	u.stdin = nil
	u.start("--url", u.repo.Dir, "--action", "true")
	u.rolledBack("it was not ready with a successful poll within")
}

// TestNewProgramThatRefusesItsSettings ends with 2, which no service manager mends by another start.
func TestNewProgramThatRefusesItsSettings(t *testing.T) {
	t.Parallel()
	u := newUpgraded(t)
	u.install()
	u.start("--url", u.repo.Dir, "--action", "true", "--interval", "never")
	<-u.done
	if u.cmd.ProcessState.ExitCode() != 2 || !u.same(u.path("bin/kitops"), u.path("bin/kitops.old")) || !strings.Contains(u.read("log"), "kitops "+nextVersion+" is rolled back: it ended: --interval") {
		t.Errorf("%s\n%s", u.cmd.ProcessState, u.read("log"))
	}
}

// TestStoppedTrialDoesNotCount, nor does --poll-once that has polled leave one.
func TestStoppedTrialDoesNotCount(t *testing.T) {
	t.Parallel()
	u := newUpgraded(t)
	u.install()
	u.start("--url", u.path("nowhere"), "--action", "true", "--interval", "1h")
	u.awaitLog("kitops is watching")
	u.end(syscall.SIGTERM)
	if got := u.read("state/upgrade.yaml"); !strings.Contains(got, "starts: 0") {
		t.Errorf("upgrade.yaml: %s", got)
	}
	u.kitops(0, "--poll-once", "--url", u.repo.Dir, "--action", "true")
	if got := u.read("state/upgraded.yaml"); !strings.Contains(got, "floor: "+nextVersion) || u.read("state/upgrade.yaml") != "" {
		t.Errorf("%s", got)
	}
}

// TestSecretsInTheEnvironmentAreNotHandedOver: for a moment actions of the same
// user could read them.
func TestSecretsInTheEnvironmentAreNotHandedOver(t *testing.T) {
	t.Parallel()
	u := newUpgraded(t)
	u.environ = append(u.environ, "KITOPS_WEBHOOK_SECRET=secret-for-tests")
	u.start("--url", u.repo.Dir, "--action", "true", "--interval", "100ms", "--listen", "127.0.0.1:0")
	u.awaitLog("outcome=success")
	u.kitops(0, "upgrade", "--from", u.path("release"))
	u.awaitLog("runs after kitops is started again\" version=" + nextVersion + " secrets=KITOPS_WEBHOOK_SECRET")
	if self := "/proc/" + strconv.Itoa(u.cmd.Process.Pid) + "/exe"; readable() && !u.same(self, u.path("bin/kitops.old")) {
		t.Error("another program runs")
	}
}

// TestSecretsInTheEnvironmentAreNotTriedWith: another program, which actions of
// the same user could look at, is asked for its version without them.
func TestSecretsInTheEnvironmentAreNotTriedWith(t *testing.T) {
	t.Parallel()
	u := newUpgraded(t)
	u.environ = append(u.environ, "KITOPS_WEBHOOK_SECRET=secret-for-tests")
	u.start("--url", u.repo.Dir, "--action", "true", "--interval", "100ms", "--listen", "127.0.0.1:0")
	u.awaitLog("outcome=success")
	u.write("bin/new", []byte("#!/bin/sh\necho \"$@\" >>\"$PLACE/tried\"\nenv >>\"$PLACE/tried\"\necho kitops v9.9.9\n"))
	if err := os.Rename(u.path("bin/new"), u.path("bin/kitops")); err != nil {
		t.Fatal(err)
	}
	u.awaitLog("runs after kitops is started again\" version=9.9.9 secrets=KITOPS_WEBHOOK_SECRET")
	if tried := u.read("tried"); !strings.HasPrefix(tried, "version\n") || strings.Contains(tried, "secret-for-tests") {
		t.Errorf("%s", tried)
	}
}
