package doctor

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// TestRunnerVersion: a runner that is behind is told of, by a file that it comes with; an Enterprise Server takes older ones.
func TestRunnerVersion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	deps := `{"targets": {".NETCoreApp,Version=v8.0/linux-x64": {"Runner.Common/1.0.0": {}, "Runner.Listener/2.330.0": {"dependencies": {}}}}}`
	if err := os.WriteFile(filepath.Join(dir, "bin", "Runner.Listener.deps.json"), []byte(deps), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ url, dir, latest, want string }{
		"behind":            {"https://github.com/acme", dir, "v2.335.1", "warn  build: the runner's version is 2.330.0, the latest is 2.335.1"},
		"latest":            {"https://acme.ghe.com/shop", dir, "v2.330.0", "ok    build: the runner's version 2.330.0 is the latest"},
		"no answer":         {"https://github.com/acme", dir, "", "warn  build: it is not known whether the runner's version 2.330.0 is the latest"},
		"Enterprise Server": {"https://github.acme.com/acme", dir, "v2.335.1", ""},
		"another program":   {"https://github.com/acme", t.TempDir(), "v2.335.1", ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c.latest == "" || r.URL.Path != "/releases/latest" {
				http.NotFound(w, r)
				return
			}
			http.Redirect(w, r, "/releases/tag/"+c.latest, http.StatusFound)
		}))
		var out strings.Builder
		d := &Doctor{Out: &out, RunnerReleases: server.URL + "/releases"}
		d.runnerVersion(t.Context(), "build: ", settings.RunnerSet{URL: c.url, Workdir: c.dir})
		server.Close()
		if (c.want == "") != (out.Len() == 0) || !strings.HasPrefix(out.String(), c.want) || d.failed {
			t.Errorf("%s: %s", name, &out)
		}
	}
}
