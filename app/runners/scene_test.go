package runners_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/runners"
)

// second is what the set counts its pauses in.
const second = 20 * time.Millisecond

// scene is a GitHub with an organization, and a set of runners that are goroutines.
type scene struct {
	*testing.T
	hub     *apptest.GitHub
	app     *app.App
	options runners.Options
	log     *syncBuffer

	listening  *kept[runners.Listening]
	registered *kept[runners.Registered]

	mu       sync.Mutex
	started  []string
	ended    map[string]runners.Conclusion
	refusing error // what Room says
	broken   bool  // runners end at once
	most     int   // together
	now      int
}

type kept[T any] struct {
	mu    sync.Mutex
	value T
	saves int
	fail  error
}

func (k *kept[T]) keeper() runners.Keeper[T] {
	return runners.Keeper[T]{
		Load: func(context.Context) (T, error) { k.mu.Lock(); defer k.mu.Unlock(); return k.value, nil },
		Change: func(_ context.Context, f func(T) T) error {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.fail != nil {
				return k.fail
			}
			k.value = f(k.value)
			k.saves++
			return nil
		},
	}
}

func (k *kept[T]) get() T { k.mu.Lock(); defer k.mu.Unlock(); return k.value }

type syncBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.text.String() }

func newScene(t *testing.T, o apptest.RunnerOptions, enterprise bool) *scene {
	t.Helper()
	if o.LongPoll == 0 {
		o.LongPoll = 200 * time.Millisecond
	}
	if o.Reassign == 0 {
		o.Reassign = 300 * time.Millisecond
	}
	hub := apptest.New(t, apptest.Options{Runners: o, Enterprise: enterprise})
	hub.AddOrg("acme")
	registered := hub.RegisterApp("acme", "kitops", apptest.AppOptions{Permissions: apptest.Permissions{"organization_self_hosted_runners": "write", "contents": "read"}})
	registered.Install("acme", nil)
	a, err := app.New(app.Options{ID: registered.ClientID, Key: app.Key{Literal: newSecret(string(registered.PrivateKey()))}, APIURL: hub.APIURL})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{T: t, hub: hub, app: a, log: &syncBuffer{}, listening: &kept[runners.Listening]{}, registered: &kept[runners.Registered]{}, ended: map[string]runners.Conclusion{}}
	s.options = runners.Options{
		Name: "build", Group: runners.DefaultGroup, Max: 4, Drain: 10 * time.Second, Owner: "host one", Prefix: "kitops-one-boot", UserAgent: "kitops/test",
		Dir: filepath.Join(t.TempDir(), "runners"), Second: second,
		Connect: func(ctx context.Context) (runners.Access, error) {
			address, token, err := a.RunnerService(ctx, app.RunnerScope{Owner: "acme"})
			return runners.Access{URL: address, Token: token}, err
		},
		Room:      func() error { s.mu.Lock(); defer s.mu.Unlock(); return s.refusing },
		Stop:      func(context.Context, runners.Runner) error { return nil },
		Remove:    func(_ context.Context, dir string) error { return os.RemoveAll(dir) },
		Listening: s.listening.keeper(), Registered: s.registered.keeper(),
		Run: s.run, Log: slog.New(slog.NewTextHandler(io.MultiWriter(s.log, t.Output()), nil)),
	}
	return s
}

// start runs a set; what it returns ends it and waits.
func (s *scene) start() (set *runners.Set, stop func()) {
	s.Helper()
	set = runners.New(s.options)
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan struct{})
	go func() { defer close(done); set.Run(ctx) }()
	once := sync.OnceFunc(func() { cancel(); <-done })
	s.Cleanup(once)
	return set, once
}

// waitFor awaits what a change at GitHub brings.
func (s *scene) waitFor(what string, cond func() bool) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for !cond() {
		select {
		case <-ctx.Done():
			s.Fatalf("waited in vain: %s\n%s", what, s.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// scaleSet waits until there is one, with a listener.
func (s *scene) scaleSet() (found *apptest.ScaleSet) {
	s.Helper()
	s.waitFor("a scale set with a listener", func() bool {
		found = s.hub.ScaleSet("acme", "build")
		return found != nil && found.Listener() != ""
	})
	return found
}

// run behaves as GitHub's runner: it waits for its job and works on it.
func (s *scene) run(ctx context.Context, p runners.Process) error {
	s.mu.Lock()
	s.started = append(s.started, p.Name)
	broken := s.broken
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	interrupted := make(chan struct{})
	once := sync.OnceFunc(func() { close(interrupted) })
	p.Started("group of "+p.Name, func() error { once(); return nil })
	var err error
	if broken {
		err = errors.New("exit status 7")
	} else {
		err = work(ctx, s.hub.URL, p.Config.Reveal(), interrupted)
	}
	s.mu.Lock()
	s.now--
	s.mu.Unlock()
	c := p.Conclude(context.WithoutCancel(ctx), err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[p.Name] = c
	return err
}

// work takes one job: "30ms" long, "crash", or "ignore" which takes no notice of an interrupt.
func work(ctx context.Context, hub, config string, interrupted <-chan struct{}) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-interrupted:
			cancel()
		case <-waiting.Done():
		}
	}()
	resp, err := post(waiting, hub+"/_services/pipelines/runner/next", "", strings.NewReader(config))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var job struct{ Take string }
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&job) != nil {
		return errors.New("no job: " + resp.Status)
	}
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		resp, err := post(ctx, hub+"/_services/pipelines/runner/work", config, reader)
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- err
	}()
	if job.Take == "crash" {
		writer.CloseWithError(errors.New("crashed"))
		return errors.Join(errors.New("signal: killed"), <-done)
	}
	result, heard := "succeeded", interrupted
	took, err := time.ParseDuration(job.Take)
	if job.Take == "ignore" {
		took, err, heard = time.Hour, nil, nil
	}
	if err != nil {
		return err
	}
	select {
	case <-time.After(took):
	case <-heard:
		result = "canceled"
	case <-ctx.Done():
		writer.CloseWithError(ctx.Err())
		return errors.Join(context.Cause(ctx), <-done)
	}
	_, _ = writer.Write([]byte(result))
	_ = writer.Close()
	return <-done
}

func post(ctx context.Context, address, token string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return http.DefaultClient.Do(req)
}

func (s *scene) conclusions() (all []runners.Conclusion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.ended {
		all = append(all, c)
	}
	return all
}

func (s *scene) starts() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.started) }

func (s *scene) all(jobs []*apptest.Job, state string) func() bool {
	return func() bool {
		for _, j := range jobs {
			if j.State() != state {
				return false
			}
		}
		return true
	}
}

func queue(set *apptest.ScaleSet, n int, take string) (jobs []*apptest.Job) {
	for i := range n {
		jobs = append(jobs, set.Queue("job "+strconv.Itoa(i+1), take))
	}
	return jobs
}
