package runners_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/runners"
)

const (
	startGoal  = 50 * time.Millisecond // from the assignment of a job to the start of its runner, at the median
	memoryGoal = 3 << 20               // bytes of a listener that has nothing to do
	fewest     = 21                    // jobs that a median is made of
)

// benched is a GitHub with a set that listens, whose runners are started by run.
func benched(b *testing.B, poll time.Duration, run func(*apptest.GitHub, context.Context, runners.Process) error) (*apptest.GitHub, *apptest.ScaleSet) {
	b.Helper()
	hub := apptest.New(b, apptest.Options{Runners: apptest.RunnerOptions{LongPoll: poll}})
	hub.AddOrg("acme")
	registered := hub.RegisterApp("acme", "kitops", apptest.AppOptions{Permissions: apptest.Permissions{"organization_self_hosted_runners": "write"}})
	registered.Install("acme", nil)
	a, err := app.New(app.Options{ID: registered.ClientID, Key: app.Key{Literal: newSecret(string(registered.PrivateKey()))}, APIURL: hub.APIURL})
	if err != nil {
		b.Fatal(err)
	}
	listening, left := &kept[runners.Listening]{}, &kept[runners.Registered]{}
	set := runners.New(runners.Options{
		Name: "build", Group: runners.DefaultGroup, Max: 4, Drain: time.Minute, Owner: "bench", Prefix: "kitops-bench", UserAgent: "kitops/bench",
		Dir: filepath.Join(b.TempDir(), "runners"), Log: slog.New(slog.DiscardHandler),
		Connect: func(ctx context.Context) (runners.Access, error) {
			address, token, err := a.RunnerService(ctx, app.RunnerScope{Owner: "acme"})
			return runners.Access{URL: address, Token: token}, err
		},
		Room: func() error { return nil }, Stop: func(context.Context, runners.Runner) error { return nil },
		Remove: func(_ context.Context, dir string) error { return os.RemoveAll(dir) },
		Run:    func(ctx context.Context, p runners.Process) error { return run(hub, ctx, p) },

		Listening: listening.keeper(), Registered: left.keeper(),
	})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); set.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	await(b, hub, func() bool { found := hub.ScaleSet("acme", "build"); return found != nil && found.Listener() != "" })
	return hub, hub.ScaleSet("acme", "build")
}

func await(b *testing.B, hub *apptest.GitHub, cond func() bool) {
	b.Helper()
	for !cond() {
		if b.Context().Err() != nil {
			b.Fatal("it ended before")
		}
		ctx, cancel := context.WithTimeout(b.Context(), 10*time.Millisecond)
		_ = hub.Await(ctx, cond) // it may be what GitHub does not see
		cancel()
	}
}

// BenchmarkAssignedToStarted is the time from a job's assignment to the start of its runner's process, without a copy.
func BenchmarkAssignedToStarted(b *testing.B) {
	started := make(chan time.Time, 1)
	_, set := benched(b, 0, func(hub *apptest.GitHub, ctx context.Context, p runners.Process) error {
		cmd := exec.CommandContext(ctx, "/bin/true")
		err := cmd.Start()
		started <- time.Now()
		if err == nil {
			err = cmd.Wait()
		}
		if err == nil {
			err = work(ctx, hub.URL, p.Config.Reveal(), nil)
		}
		p.Conclude(context.WithoutCancel(ctx), err)
		return err
	})
	var took []time.Duration
	one := func() {
		begun := time.Now()
		job := set.Queue("job", "1ms")
		took = append(took, (<-started).Sub(begun))
		for job.State() != "succeeded" {
			time.Sleep(time.Millisecond)
		}
	}
	for b.Loop() {
		one()
	}
	for len(took) < fewest {
		one()
	}
	slices.Sort(took)
	median := took[len(took)/2]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(median.Microseconds())/1000, "assigned-to-started-ms")
	if median > startGoal {
		b.Errorf("%s at the median, the goal is %s", median, startGoal)
	}
}

// BenchmarkIdleListener is what a set costs that has nothing to do: requests for each poll, and memory, with that of the
// stand-in for GitHub which answers them.
func BenchmarkIdleListener(b *testing.B) {
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc + stats.StackInuse
	}
	before := heap()
	hub, _ := benched(b, 100*time.Millisecond, func(*apptest.GitHub, context.Context, runners.Process) error { return nil })
	polls := apptest.Filter{Method: "GET", Path: "/_services/pipelines/queue/*"}
	all := hub.Count(apptest.Filter{}) - hub.Count(polls)
	await(b, hub, func() bool { return hub.Count(polls) >= fewest })
	requests, memory := hub.Count(apptest.Filter{})-all, heap()-before
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(requests)/float64(hub.Count(polls)), "requests/poll")
	b.ReportMetric(float64(memory)/(1<<20), "MB")
	if n := hub.Count(polls); requests > n || memory > memoryGoal {
		b.Errorf("%d requests for %d polls, %d bytes; the goal is one each, and %d bytes", requests, n, memory, memoryGoal)
	}
}
