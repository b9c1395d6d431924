package settings

import (
	"bytes"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
	"github.com/bittrance/kitops/poller/git"
)

func loadWith(t *testing.T, environ []string, args ...string) (Settings, []string, error) {
	t.Helper()
	all := NewOptions()
	flags := pflag.NewFlagSet("kitops", pflag.ContinueOnError)
	all.Register(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return all.Load(environ)
}

func mustLoad(t *testing.T, environ []string, args ...string) Settings {
	t.Helper()
	s, _, err := loadWith(t, environ, args...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryFlagHasAVariable(t *testing.T) {
	all := NewOptions()
	fields, keys := map[string]bool{}, map[string]bool{}
	var help bytes.Buffer
	all.WriteHelp(&help, "run")
	for _, o := range all {
		if o.key == "" || keys[o.key] || fields[o.field] {
			t.Errorf("%s: the variable and the name of the field must be unique", o.field)
		}
		keys[o.key], fields[o.field] = true, true
		if o.Tag.Get("flag") == "-" {
			if !strings.Contains(help.String(), o.Variable()) {
				t.Errorf("no usage names %s", o.Variable())
			}
			continue
		}
		if o.Tag.Get("usage") == "" || o.kind != reflect.Bool && o.Tag.Get("value") == "" {
			t.Errorf("%s has no usage or value", o.key)
		}
		if !slices.ContainsFunc(strings.Split(help.String(), "\n"), func(line string) bool {
			return strings.Contains(line, "--"+o.Flag()+" ") && strings.HasSuffix(line, " "+o.Variable())
		}) {
			t.Errorf("help does not show --%s with %s", o.Flag(), o.Variable())
		}
	}
	for _, flag := range []string{
		"url", "branch", "action", "environment", "config-file", "interval", "timeout", "poll-once", "state-file", "repo-dir",
		"action-user", "github-app-id", "github-private-key-file", "github-status-context", "instance", "github-api-url", "listen",
		"webhook-secret-file", "webhook-relay", "deliveries-interval", "max-parallel", "log-format", "log-level", "ssh-key-file",
	} {
		if !keys[strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))] {
			t.Errorf("no flag --%s", flag)
		}
	}
}

func TestHelpShowsNothingThatIsSet(t *testing.T) {
	all := NewOptions()
	flags := pflag.NewFlagSet("kitops", pflag.ContinueOnError)
	all.Register(flags)
	if err := flags.Parse([]string{"--url", "hunter2", "--webhook-relay", "hunter2", "--environment", "A=hunter2"}); err != nil {
		t.Fatal(err)
	}
	_, _, _ = all.Load([]string{"KITOPS_GITHUB_PRIVATE_KEY=hunter2", "KITOPS_INSTANCE=hunter2"})
	var help bytes.Buffer
	all.WriteHelp(&help, "run")
	if shown := help.String() + flags.FlagUsages(); strings.Contains(shown, "hunter2") || !strings.Contains(shown, "(default: 1m)") {
		t.Error(shown)
	}
}

func TestDefaults(t *testing.T) {
	s := mustLoad(t, nil, "--url", "https://example.com/acme/shop.git", "--action", "make deploy")
	if s.Poller.Interval != time.Minute || s.Poller.Timeout != time.Hour || s.Poller.MaxParallel != runtime.NumCPU() || s.Poller.StateFile != "./state.yaml" ||
		s.Poller.RepoDir != "" || s.Poller.PollOnce || s.IntervalSet || s.Status.LogFormat != "" || s.Status.LogLevel != "info" {
		t.Errorf("%+v", s)
	}
	task := s.Tasks[0]
	if task.Name != "shop" || !slices.Equal(task.Refs, git.Patterns{"HEAD"}) || task.Interval != time.Minute || task.Digest == "" ||
		task.Actions[0].Name != "action" || !slices.Equal(task.Actions[0].Args, []string{"-c", "make deploy"}) {
		t.Errorf("%+v", task)
	}
}

func TestFlagsWinOverVariablesAndTasksOverBoth(t *testing.T) {
	environ := []string{"KITOPS_INTERVAL=10s", "KITOPS_TIMEOUT=20s", "KITOPS_LOG_LEVEL=debug", "KITOPS_POLL_ONCE=true", "KITOPS_MAX_PARALLEL=3"}
	path := settingstest.At(t, settingstest.File("", "", "")+strings.NewReplacer("tasks:\n", "", "shop", "other").Replace(settingstest.File("", "interval: 30s", "")))
	s := mustLoad(t, environ, "--config-file", path, "--interval", "15s", "--poll-once=false")
	if s.Poller.Interval != 15*time.Second || s.Poller.Timeout != 20*time.Second || s.Status.LogLevel != "debug" || s.Poller.PollOnce || s.Poller.MaxParallel != 3 || !s.IntervalSet {
		t.Errorf("%+v", s)
	}
	if s.Tasks[0].Interval != 15*time.Second || s.Tasks[1].Interval != 30*time.Second || s.Tasks[1].Timeout != 20*time.Second {
		t.Errorf("%+v", s.Tasks)
	}
}

func TestOnceOnly(t *testing.T) {
	if s := mustLoad(t, nil, "--url=x", "--action=y", "--once-only"); !s.Poller.PollOnce {
		t.Error("--once-only is not --poll-once")
	}
}

func TestLoadAgainReadsTheTaskFileAnew(t *testing.T) {
	path := settingstest.At(t, settingstest.File("", "", ""))
	all := NewOptions()
	flags := pflag.NewFlagSet("kitops", pflag.ContinueOnError)
	all.Register(flags)
	if err := flags.Parse([]string{"--config-file", path, "--interval=5s"}); err != nil {
		t.Fatal(err)
	}
	first, _, err := all.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	settingstest.Write(t, path, "tasks: broken\n")
	if _, _, err := all.Load(nil); err == nil {
		t.Error("a broken file loads")
	}
	settingstest.Write(t, path, "\n"+settingstest.File("", "", "")+strings.NewReplacer("tasks:\n", "", "shop", "other").Replace(settingstest.File("", "", "")))
	again, _, err := all.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Tasks) != 2 || again.Tasks[0].Digest != first.Tasks[0].Digest || again.Tasks[1].Interval != 5*time.Second {
		t.Errorf("%+v", again.Tasks)
	}
}
