package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// testLease is as short as a loaded machine bears.
const testLease = 8 * time.Second

// overlapping is an action that notes whether one before it lives. Where there is a
// file hold it does not end by itself, and notes who started it.
const overlapping = `cd "$PLACE"
for pid in $(cat pids 2>/dev/null); do grep -q "^State:.[RSD]" /proc/$pid/status 2>/dev/null && echo $pid >> overlaps; done
echo $$ >> pids
echo $KITOPS_SHA >> ran
if rm hold 2>/dev/null; then test -e deaf && trap "" TERM; echo $PPID > holder.new; mv holder.new holder; while :; do sleep 0.1; done; fi
echo $KITOPS_SHA >> done`

// instances are agents on one bucket and one repository.
type instances struct {
	*waiting // what they share
	state    string
	lease    time.Duration
}

func newInstances(t *testing.T) *instances {
	t.Helper()
	server := new(objects.Bucket).S3(t)
	i := &instances{
		&waiting{t: t, dir: t.TempDir(), repo: gittest.New(t)},
		"s3://bucket/team?region=eu-north-1&endpoint=" + server.URL, testLease,
	}
	i.repo.Commit(map[string]string{"file": "one"})
	return i
}

func (i *instances) env() []string {
	return []string{"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK", "KITOPS_TEST_LEASE_TTL=" + i.lease.String()}
}

// members is what kitops members says without an agent on this host, and its exit code.
func (i *instances) members(stdin string, args ...string) (string, int) {
	i.t.Helper()
	cmd := exec.CommandContext(i.t.Context(), "kitops", append([]string{"members", "--control", "off", "--state", i.state}, args...)...)
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=10"), i.env()...)
	cmd.Stdin = strings.NewReader(stdin)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// agent starts one of a name. Those of one place are one after the other on a host.
func (i *instances) agent(name, place string, more ...string) *waiting {
	i.t.Helper()
	w := &waiting{t: i.t, dir: filepath.Join(i.dir, place), repo: i.repo}
	w.env = i.env()
	w.args = append([]string{
		"--url", i.repo.Dir, "--action", overlapping, "--environment", "PLACE=" + i.dir, "--state", i.state, "--instance", name,
	}, more...)
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		i.t.Fatal(err)
	}
	w.start()
	return w
}

// TestInstancesShareABucket has a push run by one of two. That one is killed, or stopped,
// in the middle: the other runs it within two ttl, after all that the first had
// started has ended.
func TestInstancesShareABucket(t *testing.T) {
	scenic(t)
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "stopped": syscall.SIGSTOP, "killed after its guard": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInstances(t)
			i.write("hold", "")
			i.write("deaf", "")
			agents := []*waiting{i.agent("one", "one"), i.agent("two", "two")}
			i.await("one of them runs it", func() bool { return i.exists("holder") })
			holder, _ := strconv.Atoi(strings.TrimSpace(readFile(t, i.path("holder"))))
			if name == "killed after its guard" {
				first := guardOf(holder)
				_ = syscall.Kill(first, syscall.SIGKILL)
				i.await("there is another guard", func() bool { next := guardOf(holder); return next != 0 && next != first })
			}
			if err := syscall.Kill(holder, sig); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			i.await("the other runs it", func() bool { return i.contains("done", "\n") })
			if took := time.Since(began); took > 2*testLease+stall {
				t.Errorf("taken over after %s", took)
			}
			_ = syscall.Kill(holder, syscall.SIGCONT)
			next := i.repo.Commit(map[string]string{"file": "two"})
			i.await("the next revision runs", func() bool { return i.contains("done", next) })
			if runs := strings.Count(readFile(t, i.path("ran")), "\n"); runs != 3 || i.exists("overlaps") {
				t.Errorf("%d runs, want 3; at the same time: %t", runs, i.exists("overlaps"))
			}
			for _, agent := range agents {
				if sig == syscall.SIGSTOP || agent.cmd.Process.Pid != holder {
					agent.stop(1, stopLimit+stall)
				}
			}
		})
	}
}

// guardOf finds the guard among an agent's children, 0 for none.
func guardOf(agent int) int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", agent))
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for child := range strings.FieldsSeq(string(children)) {
			if line, _ := os.ReadFile("/proc/" + child + "/cmdline"); string(line) == actions.GuardName+"\x00" {
				pid, _ := strconv.Atoi(child)
				return pid
			}
		}
	}
	return 0
}

// TestARestartTakesItsLeasesOver does not wait for the end of what its crash left.
func TestARestartTakesItsLeasesOver(t *testing.T) {
	scenic(t)
	t.Parallel()
	i := newInstances(t)
	i.lease = time.Minute
	i.write("hold", "")
	first := i.agent("one", "one")
	i.await("it runs", func() bool { return i.exists("holder") })
	_ = first.cmd.Process.Kill()
	<-first.ended
	began := time.Now()
	again := i.agent("one", "one")
	i.await("the restarted one runs it", func() bool { return i.contains("done", "\n") })
	if took := time.Since(began); took > i.lease {
		t.Errorf("after %s", took)
	}
	if i.exists("overlaps") {
		t.Error("before what its crash left had ended")
	}
	second := i.agent("one", "two") // of the same name, elsewhere
	<-second.ended
	if code := second.cmd.ProcessState.ExitCode(); code != exitLocked {
		t.Errorf("a second one of the name exits with %d", code)
	}
	again.stop(1, stopLimit+stall)
}

// TestMembersOfABucket are listed while they live. A task whose only member was killed has
// nobody, until that one is released.
func TestMembersOfABucket(t *testing.T) {
	t.Parallel()
	i := newInstances(t)
	first := i.agent("one", "one", "--labels", "zone=north")
	second := &waiting{t: t, dir: filepath.Join(i.dir, "two"), repo: i.repo, env: i.env()}
	if err := os.MkdirAll(second.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	second.write("tasks.yaml", "tasks: [{name: only two, git: {url: "+i.repo.Dir+"}, actions: [{run: 'true'}]}]\n")
	second.args = []string{"--config-file", "tasks.yaml", "--state", i.state, "--instance", "two"}
	second.start()
	i.await("both are members", func() bool {
		out, code := i.members("")
		return code == 0 && strings.Contains(out, "zone=north") && strings.Contains(out, "\ntwo ")
	})
	_ = second.cmd.Process.Kill()
	<-second.ended
	i.await("a task has nobody", func() bool {
		out, code := i.members("")
		return code == 1 && strings.Contains(out, "no instance polls only two as it should") && !strings.Contains(out, "\ntwo ")
	})
	if out, code := i.members("n\n", "--release", "two"); code != 1 || !strings.Contains(out, "nothing was released") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := i.members("y\n", "--release", "two"); code != 0 || !strings.Contains(out, "two is released") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := i.members("", "--json"); code != 0 || !strings.Contains(out, `"unpolled": []`) {
		t.Errorf("%d %s", code, out)
	}
	first.stop(1, stopLimit+stall)
	if out, code := i.members(""); code != 1 || !strings.Contains(out, "no instance has given a sign lately") {
		t.Errorf("when all have ended: %d %s", code, out)
	}
}

// TestPollOnceOnABucket has the members of a schedule share the work.
func TestPollOnceOnABucket(t *testing.T) {
	t.Parallel()
	i := newInstances(t)
	for _, name := range []string{"one", "two", "one"} {
		agent := i.agent(name, name, "--poll-once")
		<-agent.ended
		if code := agent.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("%s exits with %d", name, code)
		}
	}
	if runs := strings.Count(readFile(t, i.path("ran")), "\n"); runs != 1 {
		t.Errorf("%d runs, want 1", runs)
	}
}
