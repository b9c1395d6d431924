package initfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/initfile"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
)

var stored = app.Stored{AppID: 77, APIURL: "https://api.github.com"}

func reach(found ...app.Found) []app.Reach {
	return []app.Reach{{Account: "acme", Repositories: found}}
}

func TestTasksForRepositories(t *testing.T) {
	first := initfile.Registered{Program: "kitops", Out: t.Output()}
	i, err := first.Write(t.TempDir(), stored, reach(app.Found{Owner: "acme", Name: "shop"}, app.Found{Owner: "lab", Name: "shop"}, app.Found{Owner: "lab", Name: "true"}))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(i.Path)
	if err != nil || string(source) != i.TaskFile {
		t.Fatalf("%v\n%s", err, source)
	}
	s, err := settings.Preview([]string{"KITOPS_GITHUB_APP_ID=77", "KITOPS_GITHUB_PRIVATE_KEY=" + settingstest.AppKey(t)}, i.Path, source)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	if len(s.Tasks) != 1 || !slices.Equal(s.Tasks[0].Repos.Include, []string{"acme/*", "lab/*"}) {
		t.Errorf("%+v\n%s", s.Tasks, source)
	}
}

func TestTaskFileStaysAsItIs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tasks.yaml")
	var out strings.Builder
	first := initfile.Registered{Program: "kitops", Out: &out}
	for range 2 {
		i, err := first.Write(dir, stored, reach(app.Found{Owner: "acme", Name: "shop"}))
		if err != nil || i.Path != path || !strings.Contains(i.Command, path) {
			t.Errorf("%+v %v", i, err)
		}
		settingstest.Write(t, path, "precious")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" || !strings.Contains(out.String(), "stays as it is") {
		t.Errorf("%q %v\n%s", text, err, out.String())
	}
	if i, err := first.Write(dir, stored, reach()); err != nil || i.Command != "" {
		t.Errorf("without repositories there is nothing to run: %+v %v", i, err)
	}
}

func TestShellWords(t *testing.T) {
	for word, want := range map[string]string{"/a/b-c.d": "/a/b-c.d", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$x": "'$x'"} {
		if got := initfile.ShellWord(word); got != want {
			t.Errorf("%s: %s", word, got)
		}
	}
}
