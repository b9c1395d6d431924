//go:build unix

package actions_test

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/secret"
)

func TestEnvironment(t *testing.T) {
	t.Parallel()
	agent := []string{
		path, "HOME=/h", "USER=u", "LANG=C", "TZ=UTC", "TMPDIR=/t", "OTHER=o", "EMPTY=", "LOGNAME=u", "KITOPSY=y",
		"KITOPS_GITHUB_PRIVATE_KEY=secret", "NOTIFY_SOCKET=/run/n", "WATCHDOG_PID=1", "WATCHDOG_USEC=1",
		"LISTEN_FDS=1", "LISTEN_PID=1", "CREDENTIALS_DIRECTORY=/run/c", "=C:=odd", "novalue",
	}
	basic := []string{path, "LANG=C", "TZ=UTC", "TMPDIR=/t", "USER=u"}
	own := []string{"HOME=/mine", "KITOPS_SHA=2", "KITOPS_REF=r", "A=b=c\nd"}
	for name, tt := range map[string]struct {
		inherit bool
		want    []string
	}{
		"short":     {false, slices.Concat(basic, own)},
		"inherited": {true, slices.Concat(basic, own, []string{"OTHER=o", "EMPTY=", "LOGNAME=u", "KITOPSY=y"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := actions.Action{
				Entrypoint: "env", Args: []string{"-0"}, InheritEnvironment: tt.inherit,
				Environment: map[string]secret.Text{"HOME": secret.New("/mine"), "A": secret.New("b=c\nd")},
			}
			if runtime.GOOS != "linux" { // no -0
				a.Args, a.Environment["A"] = nil, secret.New("b=c")
			}
			var out buffer
			o := actions.Options{Dir: t.TempDir(), Environ: agent, Vars: []string{"KITOPS_SHA=2", "KITOPS_REF=r"}, Out: &out}
			if err := a.Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			end, want := "\x00", slices.Clone(tt.want)
			if runtime.GOOS != "linux" {
				end, want[slices.Index(want, "A=b=c\nd")] = "\n", "A=b=c"
			}
			want = append(want, "GIT_CEILING_DIRECTORIES="+filepath.Dir(o.Dir))
			got := strings.Split(strings.TrimSuffix(out.String(), end), end)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestEnvironmentRefused(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"KITOPS_RUN_ID": "KITOPS_RUN_ID is set by kitops", "A=B": `"A=B" cannot be the name`, "": `"" cannot be the name`, "A\x00": "cannot be the name",
	} {
		a := sh("exit 0")
		a.Environment = map[string]secret.Text{key: secret.New("x")}
		o := options(t)
		o.Started = func(actions.Group) { t.Error("it started") }
		if err := a.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", key, err)
		}
	}
	a := sh("test $KITOPS_STATE_FILE = x") // for a kitops that the action calls
	a.Environment = map[string]secret.Text{"KITOPS_STATE_FILE": secret.New("x")}
	if err := a.Run(t.Context(), options(t)); err != nil {
		t.Error(err)
	}
}

func TestNoEnvironment(t *testing.T) {
	t.Parallel()
	t.Log("without any variable the agent's own must not slip in")
	var out buffer
	a := actions.Action{Entrypoint: "/usr/bin/env"}
	if err := a.Run(t.Context(), actions.Options{Dir: "/tmp", Out: &out}); err != nil || out.String() != "GIT_CEILING_DIRECTORIES=/\n" {
		t.Errorf("%v, printed %q", err, out.String())
	}
}
