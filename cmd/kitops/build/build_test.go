package build_test

import (
	"bytes"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bittrance/kitops/cmd/kitops/build"
)

func TestWhereItComesFrom(t *testing.T) {
	t.Parallel()
	stamped := &debug.BuildInfo{Main: debug.Module{Version: "v0.0.0-20261128"}, Settings: []debug.BuildSetting{
		{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "3d5cc96"}, {Key: "vcs.time", Value: "2026-11-28T10:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	module := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3", Sum: "h1:x"}}
	docker := fstest.MapFS{".dockerenv": {}}
	for name, c := range map[string]struct {
		build build.Build
		want  []string
	}{
		"make":       {build.Build{Linked: "v1", Info: stamped, Program: "/p/kitops"}, []string{"kitops v1 (go", "commit     3d5cc96 of 2026-11-28T10:00:00Z, with changes that were not committed\n", "program    /p/kitops\n", "installed  by hand\n"}},
		"go build":   {build.Build{Info: stamped}, []string{"kitops v0.0.0-20261128 (go", "program    not known\n", "installed  by hand\n"}},
		"go install": {build.Build{Info: module, Root: docker}, []string{"kitops v1.2.3 (go", "commit     not known", "installed  by go install\n", "to update  go install github.com/bittrance/kitops/cmd/kitops@latest\n"}},
		"docker":     {build.Build{Linked: "v1", Root: docker}, []string{"commit     not known", "installed  by a container image\n", "to update  pull a newer image"}},
		"Homebrew":   {build.Build{Program: "/opt/homebrew/Cellar/kitops/0.1.0/bin/kitops"}, []string{"installed  by Homebrew\nto update  brew upgrade kitops\n"}},
		"Scoop":      {build.Build{Program: `C:/Users/mona/scoop/apps/kitops/current/kitops.exe`}, []string{"installed  by Scoop\nto update  scoop update kitops\n"}},
		"Nix":        {build.Build{Program: "/nix/store/0a-kitops-0.1.0/bin/kitops"}, []string{"installed  by Nix\n"}},
		"mise":       {build.Build{Program: "/home/mona/.local/share/mise/installs/kitops/0.1.0/kitops"}, []string{"installed  by mise\nto update  mise upgrade kitops\n"}},
		"snap":       {build.Build{Program: "/snap/kitops/1/kitops"}, []string{"installed  by snap\n"}},
		"podman":     {build.Build{Linked: "v1", Root: fstest.MapFS{"run/.containerenv": {}}}, []string{"installed  by a container image\n"}},
		"kubernetes": {build.Build{Linked: "v1", Environ: []string{"KUBERNETES_SERVICE_HOST=10.0.0.1"}}, []string{"installed  by a container image\n"}},
	} {
		if c.build.Root == nil {
			c.build.Root = fstest.MapFS{}
		}
		var out bytes.Buffer
		if err := c.build.Write(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, &out)
			}
		}
	}
}
