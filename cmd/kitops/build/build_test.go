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
		"go install": {build.Build{Info: module, Root: docker}, []string{"kitops v1.2.3 (go", "commit     not known", "installed  go install\n", "to update  go install github.com/bittrance/kitops/cmd/kitops@latest,"}},
		"docker":     {build.Build{Linked: "v1", Root: docker}, []string{"commit     not known", "installed  in a container\n", "to update  replace its image"}},
		"podman":     {build.Build{Linked: "v1", Root: fstest.MapFS{"run/.containerenv": {}}}, []string{"installed  in a container\n"}},
		"kubernetes": {build.Build{Linked: "v1", Environ: []string{"KUBERNETES_SERVICE_HOST=10.0.0.1"}}, []string{"installed  in a container\n"}},
	} {
		if c.build.Root == nil {
			c.build.Root = fstest.MapFS{}
		}
		var out bytes.Buffer
		if err := c.build.Write(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, &out)
			}
		}
	}
}
