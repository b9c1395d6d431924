//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app/apptest"
)

// newRunnersScene is a GitHub whose organization acme has its jobs run by this program, in the place of GitHub's runner.
func newRunnersScene(t *testing.T, o apptest.Options) *scene {
	t.Helper()
	if o.Runners.LongPoll == 0 {
		o.Runners.LongPoll = time.Second
	}
	if o.Runners.Reassign == 0 {
		o.Runners.Reassign = time.Second
	}
	s := newPromptScene(t, o)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "organization_self_hosted_runners": "write", "administration": "write"})
	for name, content := range map[string]string{"runner/bin/tool": "clean\n", "runner/.credentials": "of another runner\n", "runner/_work/old": "old\n", "marks/begin": ""} {
		if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		s.write(name, content)
	}
	return s
}

// runners are the flags for a task file that has nothing but runners.
func (s *scene) runners(more string) []string {
	program, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	return s.tasks(fmt.Sprintf(`
runners:
  - name: build
    url: $GITHUB/acme
    user: same
    workdir: runner
    entrypoint: %s
    environment: {TEST_MARKS: "$PLACE/marks", TEST_RUNNER: "$GITHUB/_services/pipelines/runner/"}
%s`, program, more))
}

// listening waits for the scale set and a listener.
func (s *scene) listening() (set *apptest.ScaleSet) {
	s.t.Helper()
	s.await("a listener", func() bool {
		set = s.ScaleSet("acme", "build")
		return set != nil && set.Listener() != ""
	})
	return set
}

func ended(jobs []*apptest.Job, state string) func() bool {
	return func() bool {
		for _, j := range jobs {
			if j.State() != state {
				return false
			}
		}
		return true
	}
}

func queued(set *apptest.ScaleSet, n int, take string) (jobs []*apptest.Job) {
	for i := range n {
		jobs = append(jobs, set.Queue(fmt.Sprintf("job %d", i+1), take))
	}
	return jobs
}

// TestRunners: jobs run from a task file without tasks, each in a fresh copy, with a home and a temporary directory that no
// other has had, also at the same time; their configuration is nowhere but in their environment; status, runs and logs tell of
// them; SIGTERM leaves nothing registered.
func TestRunners(t *testing.T) {
	s := newRunnersScene(t, apptest.Options{})
	agent := s.start(append(s.runners("    max: 3\n    min: 1\n    limits: {nice: 5}\n"), "--metrics", "127.0.0.1:0")...)
	set := s.listening()
	jobs := queued(set, 5, "home dirty nice until-together")
	s.await("three run at once", ended(jobs[:3], "running"))
	secret := regexp.MustCompile(`jit[0-9a-f]{100}`)
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		if text, err := os.ReadFile(line); err == nil && secret.Match(text) {
			t.Errorf("%s shows a configuration: %q", line, text)
		}
	}
	s.write("marks/together", "")
	s.await("all succeed", ended(jobs, "succeeded"))
	if out := s.ends(0, "status", "--state-file", s.path("state.yaml")); !strings.Contains(out, "of at most 3 runners") {
		t.Errorf("status says %s", out)
	}
	if !eventually(func() bool {
		return strings.Count(s.ends(0, "runs", "build", "--state-file", s.path("state.yaml")), "success") == len(jobs)
	}) {
		t.Errorf("runs says %s", s.ends(0, "runs", "build", "--state-file", s.path("state.yaml")))
	}
	s.await("the metrics of all jobs", func() bool {
		told := agent.metrics()
		return strings.Contains(told, `kitops_runner_jobs_total{set="build",result="succeeded"} 5`) && strings.Contains(told, "kitops_runner_job_wait_seconds_count 5") &&
			strings.Contains(told, `kitops_runners{set="build",state="idle"}`)
	})
	out := s.ends(0, "logs", "build", "--state-file", s.path("state.yaml"))
	if !strings.Contains(out, "Connected to GitHub") {
		t.Errorf("logs says %s", out)
	}
	agent.stop()
	if left := set.Registrations(); len(left) > 0 || set.Used() > 1 || set.Listener() != "" {
		t.Errorf("still registered: %v, %d processes of one configuration, listener %q", left, set.Used(), set.Listener())
	}
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if secret.Match(text) {
			t.Errorf("%s holds a configuration", path)
		}
		if strings.Contains(path, "/clones/runners/") {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if s.read("runner/bin/tool") != "clean\n" {
		t.Error("a job has changed the runner program of the next one")
	}
}

// TestRunnersDrain: SIGTERM waits for a job, and has systemd wait, too.
func TestRunnersDrain(t *testing.T) {
	s := newRunnersScene(t, apptest.Options{})
	socket := s.path("notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = systemd.Close() }()
	s.env = append(s.env, "NOTIFY_SOCKET="+socket)
	agent := s.start(s.runners("    drain: 1m\n")...)
	set := s.listening()
	job := set.Queue("long", "4s")
	s.await("it runs", func() bool { return job.State() == "running" })
	agent.stop()
	if job.State() != "succeeded" {
		t.Errorf("the job is %s\n%s", job.State(), s.story())
	}
	if left := set.Registrations(); len(left) > 0 {
		t.Errorf("still registered: %v", left)
	}
	var told bytes.Buffer
	buffer := make([]byte, 4096)
	_ = systemd.SetReadDeadline(time.Now().Add(time.Second))
	for {
		n, err := systemd.Read(buffer)
		if err != nil {
			break
		}
		told.Write(append(buffer[:n:n], '\n'))
	}
	if !strings.Contains(told.String(), "EXTEND_TIMEOUT_USEC=") {
		t.Errorf("systemd was told %q", &told)
	}
}

// TestRunnersUnderAnImpatientSystemd: where a stop is cut off before the jobs have ended, a start says so.
func TestRunnersUnderAnImpatientSystemd(t *testing.T) {
	s := newRunnersScene(t, apptest.Options{})
	for text, want := range map[string]bool{"SYSTEMD_EXEC_PID=$$": true, "SYSTEMD_EXEC_PID=1": false, "SYSTEMD_EXEC_PID=$$ NOTIFY_SOCKET=" + s.path("none"): false} {
		cmd := s.command(append(append(s.runners("    drain: 10m\n"), s.memory()...), "--poll-once")...)
		cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", text + ` exec kitops "$@"`, "sh"}, cmd.Args[1:]...)
		out, err := cmd.CombinedOutput()
		if told := strings.Contains(string(out), "systemd may end kitops before the jobs"); err != nil || told != want {
			t.Errorf("%s: %v, %t\n%s", text, err, told, out)
		}
	}
}

// TestRunnersNeedRoom: none is started on a disk that is fuller than it may be, and status says why.
func TestRunnersNeedRoom(t *testing.T) {
	s := newRunnersScene(t, apptest.Options{})
	flags := s.runners("    min_free: 1000TB\n")
	agent := s.start(flags...)
	set := s.listening()
	job := set.Queue("waiting", "1ms")
	agent.says("no new runner is started.*less than min_free", 1)
	if out := s.ends(0, "status", "build", "--state-file", s.path("state.yaml")); !strings.Contains(out, "less than min_free 1000TB") {
		t.Errorf("status says %s", out)
	}
	if job.State() != "queued" {
		t.Errorf("the job is %s", job.State())
	}
	s.write("tasks.yaml", strings.Replace(s.read("tasks.yaml"), "1000TB", "1MB", 1))
	_ = agent.cmd.Process.Signal(syscall.SIGHUP)
	s.await("then it is done", func() bool { return job.State() == "succeeded" })
	agent.stop()
}

// TestRunnersInterrupted: after drain a job is cancelled, and one that takes no notice is ended with all that it started. What
// they wrote to _diag is kept, without their configuration.
func TestRunnersInterrupted(t *testing.T) {
	s := newRunnersScene(t, apptest.Options{Runners: apptest.RunnerOptions{Reassign: time.Hour}})
	agent := s.start(s.runners("    max: 2\n    drain: 200ms\n")...)
	set := s.listening()
	heeds, deaf := set.Queue("heeds", "diag 1h"), set.Queue("deaf", "diag fork deaf 1h")
	s.await("they run", func() bool { return heeds.State() == "running" && deaf.State() == "running" })
	agent.stop()
	if heeds.State() != "canceled" || deaf.State() != "running" {
		t.Errorf("the jobs are %s and %s", heeds.State(), deaf.State())
	}
	if out := s.ends(0, "runs", "build", "--state-file", s.path("state.yaml")); strings.Contains(out, "success") {
		t.Errorf("a job that was cut off is a success: %s", out)
	}
	if out := s.ends(0, "logs", "build", "--state-file", s.path("state.yaml")); !strings.Contains(out, "_diag/Runner.log ends:\nit went wrong with ***\n") {
		t.Errorf("logs says %s", out)
	}
}

// TestRunnersOfTheDead: what a killed kitops left running is ended by the next start, and its registrations go.
func TestRunnersOfTheDead(t *testing.T) {
	s := newRunnersScene(t, apptest.Options{Runners: apptest.RunnerOptions{Reassign: 100 * time.Millisecond}})
	flags := s.runners("    max: 2\n")
	agent := s.start(flags...)
	set := s.listening()
	job := set.Queue("long", "fork 1h")
	s.await("it runs", func() bool { return job.State() == "running" })
	agent.kill()
	agent = s.start(flags...)
	s.await("another runner has the job", func() bool { _, started := job.Counts(); return started == 2 })
	s.await("the former registration is gone", func() bool { return len(set.Registrations()) == 1 })
	if n := s.count("cannot listen for jobs"); n > 0 {
		t.Errorf("it took its own session for another's\n%s", s.story())
	}
	_ = agent.cmd.Process.Signal(os.Interrupt)
	time.Sleep(100 * time.Millisecond) // two signals at once are one
	_ = agent.cmd.Process.Signal(os.Interrupt)
	<-agent.done
}

// TestRunnersRefused: a public repository is refused unless it is accepted, a missing permission is named, the own user
// is refused unless it is accepted, and so are limits that cannot be set.
func TestRunnersRefused(t *testing.T) {
	s := newRunnersScene(t, apptest.Options{Runners: apptest.RunnerOptions{Public: "Default"}})
	s.AddRepository("acme", "open", apptest.RepositoryOptions{})
	flags := s.runners("    public: accept\n")
	file := s.read("tasks.yaml")
	public := strings.Replace(strings.Replace(file, s.URL+"/acme\n", s.URL+"/acme/open\n", 1), "    public: accept\n", "", 1)
	s.write("tasks.yaml", public)
	agent := s.start(flags...)
	agent.says("acme/open is public", 1)
	agent.stop()
	s.write("tasks.yaml", file)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read"})
	agent = s.start(flags...)
	agent.says("does not grant organization_self_hosted_runners:write", 1)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "organization_self_hosted_runners": "write"})
	s.await("it listens once that is granted", func() bool { set := s.ScaleSet("acme", "build"); return set != nil && set.Listener() != "" })
	agent.stop()
	if s.count("public repositories may use the runner group") > 0 {
		t.Error("what was accepted is warned of")
	}
	s.write("tasks.yaml", strings.Replace(file, "    public: accept\n", "", 1))
	agent = s.start(flags...)
	agent.says("public repositories may use the runner group.*group=Default", 1)
	agent.stop()
	if out := s.ends(1, append([]string{"doctor"}, flags...)...); !strings.Contains(out, "warn  runners build: public repositories may use the runner group Default") {
		t.Errorf("doctor says %s", out)
	}
	limits := actions.Limits{Memory: 1 << 30}
	if actions.Supports(limits) != nil {
		s.write("tasks.yaml", file+"    limits: {memory: 1G}\n")
		if out := s.ends(2, flags...); !strings.Contains(out, "runners build: limits: memory cannot be set") {
			t.Errorf("it says %s", out)
		}
	}
	s.write("tasks.yaml", strings.Replace(file, "    user: same\n", "", 1))
	if out := s.ends(2, append([]string{"check"}, flags...)...); !strings.Contains(out, "user: same") {
		t.Errorf("check says %s", out)
	}
}
