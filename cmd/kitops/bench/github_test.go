//go:build linux

package bench_test

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

const (
	fleet        = 1000             // repositories on one installation
	fleetWindow  = 80 * time.Second // more than a round of looks at the stretched interval, 75 s
	fleetCPUGoal = 2.0              // per cent of one core
	fleetRSSGoal = 120.0            // MB
)

// BenchmarkThousandRepositories is one agent with a task on each of 1,000
// repositories of one installation, at an interval of 60 s that GitHub's
// limits stretch to 75 s. Nothing moves: this is what waiting costs.
func BenchmarkThousandRepositories(b *testing.B) {
	w := newWorkbench(b)
	g, args := newFleet(b)
	cmd := exec.Command(w.kitops, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TMPDIR=" + w.dir}
	a := startAgent(b, cmd)
	go func() { // it must not wait for a reader
		for range a.lines {
		}
	}()
	looks := apptest.Filter{Kind: apptest.REST, Path: "/repos/acme/*/commits/heads/main"}
	// What the budget of a minute allows comes at once, the rest in the window.
	if err := g.Await(b.Context(), func() bool { return g.Count(looks) > fleet*3/4 }); err != nil {
		b.Fatal(err)
	}
	begin, before := time.Now(), cpuTime(b, cmd.Process.Pid)
	g.Reset()
	time.Sleep(fleetWindow) // the measurement
	f := fleetFigures{
		requests: g.Requests(apptest.Filter{}), took: time.Since(begin),
		cpu: cpuTime(b, cmd.Process.Pid) - before, rss: peakRSS(b, cmd.Process.Pid),
	}
	a.stop(b)
	f.print(os.Stdout)
	f.report(b)
}

// newFleet makes the repositories, and the flags for an agent that watches
// them and has run all there is: their heads live in memory, without git.
func newFleet(b *testing.B) (*apptest.GitHub, []string) {
	b.Helper()
	g := apptest.New(b, apptest.Options{SecondaryLimits: true, Unchecked: true})
	g.AddOrg("acme")
	app := g.RegisterApp("acme", "Kit Ops", apptest.AppOptions{Permissions: apptest.Permissions{"contents": "read", "statuses": "write"}})
	app.Install("acme", nil)
	tasks, state := "tasks:\n", "version: 1\ntasks:\n"
	for i := range fleet {
		name, sha := fmt.Sprintf("repo%04d", i), fmt.Sprintf("%040x", 0xa000000+i)
		r := g.AddRepository("acme", name, apptest.RepositoryOptions{Private: true, InMemory: true})
		r.SetHead("main", sha)
		tasks += fmt.Sprintf("  - {name: %s, git: {url: %q, branch: main}, actions: [{run: 'true'}]}\n", name, r.CloneURL())
		state += fmt.Sprintf("  %s:\n    patterns: [refs/heads/main]\n    refs:\n      refs/heads/main:\n        applied: %q\n    url: %s\n", name, sha, r.CloneURL())
	}
	dir := ramTB{b}.TempDir()
	file := func(name, content string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	return g, []string{
		"--config-file", file("tasks.yaml", tasks), "--interval", "60s", "--log-format", "json",
		"--github-app-id", app.ClientID, "--github-private-key-file", file("key.pem", string(app.PrivateKey())), "--github-api-url", g.APIURL,
		"--state-file", file("state.yaml", state), "--repo-dir", filepath.Join(dir, "repos"),
	}
}

// fleetFigures are what an agent asked and used in a time.
type fleetFigures struct {
	requests  []apptest.Request
	took, cpu time.Duration
	rss       float64 // MB, at most
}

func (f fleetFigures) perMinute(n float64) float64 { return n / f.took.Minutes() }

// share is in per cent of one core.
func (f fleetFigures) share() float64 { return 100 * f.cpu.Seconds() / f.took.Seconds() }

// kinds counts requests by what they are for, and those that GitHub refused.
func (f fleetFigures) kinds() (kinds map[string]int, refused int) {
	kinds = map[string]int{}
	for _, r := range f.requests {
		kind := "other " + r.Method + " " + r.Path
		switch {
		case r.Kind != apptest.REST:
			kind = "git"
		case strings.HasSuffix(r.Path, "/commits/heads/main") && r.Conditional:
			kind = "conditional look (304 is free of the hourly limit)"
		case strings.HasSuffix(r.Path, "/commits/heads/main"):
			kind = "first look"
		case strings.HasSuffix(r.Path, "/installation"):
			kind = "which installation"
		case strings.HasSuffix(r.Path, "/access_tokens"):
			kind = "token"
		}
		kinds[kind]++
		if r.Status >= 400 {
			refused++
		}
	}
	return kinds, refused
}

func (f fleetFigures) print(out io.Writer) {
	kinds, refused := f.kinds()
	fmt.Fprintf(out, "\n%d repositories on one installation, --interval 60s, nothing moves, %.0f s\n\n", fleet, f.took.Seconds())
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, kind := range slices.SortedFunc(maps.Keys(kinds), func(a, b string) int { return cmp.Compare(kinds[b], kinds[a]) }) {
		fmt.Fprintf(table, "%.1f\t/min\t\t%s\n", f.perMinute(float64(kinds[kind])), kind)
	}
	fmt.Fprintf(table, "%d\t\t\trequests refused (goal: 0)\n", refused)
	fmt.Fprintf(table, "%.2f\ts/min\t\tCPU, %.2f %% of one core (goal: %.0f %%)\n", f.perMinute(f.cpu.Seconds()), f.share(), fleetCPUGoal)
	fmt.Fprintf(table, "%.1f\tMB\t\tRSS at most (goal: %.0f MB)\n", f.rss, fleetRSSGoal)
	_ = table.Flush()
	fmt.Fprintln(out)
}

func (f fleetFigures) report(b *testing.B) {
	b.Helper()
	_, refused := f.kinds()
	b.ReportMetric(0, "ns/op") // of the harness: nobody's business
	b.ReportMetric(f.perMinute(float64(len(f.requests))), "requests/min")
	b.ReportMetric(float64(refused), "refused")
	b.ReportMetric(f.share(), "cpu-%")
	b.ReportMetric(f.rss, "rss-MB")
	if refused > 0 {
		b.Errorf("GitHub refused %d requests", refused)
	}
}

// cpuTime is what a process has used, see proc_pid_stat(5). The kernel counts
// in hundredths of a second there.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat)[strings.LastIndex(string(stat), ")")+1:])
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		b.Fatal(err)
	}
	system, err := strconv.Atoi(fields[12])
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// peakRSS is in MB.
func peakRSS(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) / 1024
}
