//go:build linux

package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

const (
	manyMembers  = 10
	manyInterval = 2 * time.Minute // within GitHub's limits, so that none is stretched
	manyPushes   = 40

	manyStoreGoal  = 2.0 // requests a second, of all together
	manyGitHubGoal = 1.1 // of what one agent asks
)

// BenchmarkManyInstances is ten instances that share 1,000 tasks on a bucket in memory: what they ask of it and of GitHub while
// nothing moves, beside one agent with a file, and how long a push waits when two of them are killed at that moment.
func BenchmarkManyInstances(b *testing.B) {
	w := newWorkbench(b)
	g, args := newFleet(b)
	m := &many{b: b, w: w, g: g, bucket: &objects.Bucket{}}
	m.args = append(slices.Clone(args), "--interval", manyInterval.String())
	one := m.start("one", m.args...)
	alone := m.idle()
	one.stop(b)

	at := slices.Index(m.args, "--state-file")
	file := m.args[at+1]
	m.args = append(slices.Delete(m.args, at, at+2), "--state", "s3://bucket/team?region=eu-north-1&endpoint="+m.bucket.S3(b).URL)
	if out, err := m.command("state", "copy", file, m.args[len(m.args)-1]).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var agents []*benchAgent
	for n := range manyMembers {
		name := fmt.Sprintf("m%d", n)
		agents = append(agents, m.start(name, append(slices.Clone(m.args), "--instance", name, "--repo-dir", filepath.Join(w.dir, name))...))
	}
	together := m.idle()
	for _, a := range agents {
		together.rss = max(together.rss, peakRSS(b, a.cmd.Process.Pid))
	}
	waits := m.kill(agents[:2])
	for _, a := range agents[2:] {
		a.stop(b)
	}
	m.print(alone, together, waits)
}

type many struct {
	b      *testing.B
	w      *workbench
	g      *apptest.GitHub
	bucket *objects.Bucket
	args   []string
}

// manyFigures are of a minute in which nothing moves, but store, of a second.
type manyFigures struct{ store, github, rss float64 }

func (m *many) command(args ...string) *exec.Cmd {
	cmd := exec.Command(m.w.kitops, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + m.w.dir, "TMPDIR=" + m.w.dir, "AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK"}
	return cmd
}

func (m *many) start(_ string, args ...string) *benchAgent {
	m.b.Helper()
	a := startAgent(m.b, m.command(args...))
	go func() { // it must not wait for a reader
		for range a.lines {
		}
	}()
	return a
}

func (m *many) asked() (n int) {
	for _, kind := range []string{"Get", "Put", "List", "Remove"} {
		n += m.bucket.Asked(kind)
	}
	return n
}

// idle waits until each task has been polled and who polls what is settled, then measures a round of polls.
func (m *many) idle() manyFigures {
	m.b.Helper()
	looks := apptest.Filter{Kind: apptest.REST, Path: "/repos/acme/*/commits/heads/main"}
	m.g.Reset()
	if err := m.g.Await(m.b.Context(), func() bool { return m.g.Count(looks) >= fleet }); err != nil {
		m.b.Fatal(err)
	}
	const settled = 5 * time.Minute / 3 // more than a lease and a listing
	time.Sleep(settled)
	m.g.Reset()
	before := m.asked()
	time.Sleep(manyInterval) // the measurement
	f := fleetFigures{requests: m.g.Requests(apptest.Filter{}), took: manyInterval}
	kinds, refused := f.kinds()
	m.b.Logf("%v of which %d were refused", kinds, refused)
	return manyFigures{store: float64(m.asked()-before) / manyInterval.Seconds(), github: f.perMinute(float64(len(f.requests)))}
}

// kill pushes to some repositories when it has killed the agents, and returns how long each push waited until its run began.
func (m *many) kill(agents []*benchAgent) (waits []time.Duration) {
	m.b.Helper()
	for _, a := range agents {
		_ = syscall.Kill(-a.cmd.Process.Pid, syscall.SIGKILL)
		_ = a.cmd.Wait()
	}
	pushed, open := time.Now(), map[string]bool{}
	for n := range manyPushes {
		name, sha := fmt.Sprintf("repo%04d", n*fleet/manyPushes), fmt.Sprintf("%040x", 0xb000000+n)
		m.g.Repository("acme", name).SetHead("main", sha)
		open["/repos/acme/"+name+"/statuses/"+sha] = true
	}
	const limit = 10 * time.Minute
	for len(open) > 0 && time.Since(pushed) < limit {
		for _, r := range m.g.Requests(apptest.Filter{Kind: apptest.REST, Method: "POST"}) {
			if open[r.Path] {
				delete(open, r.Path)
				waits = append(waits, time.Since(pushed))
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	if len(open) > 0 {
		m.b.Errorf("%d pushes have not run within %s", len(open), limit)
	}
	slices.Sort(waits)
	return waits
}

func (m *many) print(alone, together manyFigures, waits []time.Duration) {
	m.b.Helper()
	ratio := together.github / alone.github
	out := &strings.Builder{}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%.2f\t/s\t\trequests to the store, altogether (goal: %.0f)\n", together.store, manyStoreGoal)
	fmt.Fprintf(table, "%.0f\t/min\t\trequests to GitHub, %.2f of the %.0f of one agent (goal: %.1f)\n", together.github, ratio, alone.github, manyGitHubGoal)
	fmt.Fprintf(table, "%.1f\tMB\t\tRSS at most, of each\n", together.rss)
	if len(waits) > 0 {
		fmt.Fprintf(table, "%.0f\ts\t\tfrom a push to its run, two of ten killed at that moment: median of %d\n", waits[len(waits)/2].Seconds(), len(waits))
		fmt.Fprintf(table, "%.0f\ts\t\tthe same, the last\n", waits[len(waits)-1].Seconds())
	}
	_ = table.Flush()
	fmt.Printf("\n%d instances, %d tasks, --interval %s, leases of a minute\n\n%s\n", manyMembers, fleet, manyInterval, out)
	m.b.ReportMetric(0, "ns/op") // of the harness: nobody's business
	m.b.ReportMetric(together.store, "store/s")
	m.b.ReportMetric(together.github, "github/min")
	m.b.ReportMetric(together.rss, "rss-MB")
	if together.store > manyStoreGoal || ratio > manyGitHubGoal {
		m.b.Errorf("%.2f requests a second to the store, %.2f of what one agent asks of GitHub", together.store, ratio)
	}
}
