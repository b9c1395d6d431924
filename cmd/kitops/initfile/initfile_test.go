package initfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/initfile"
	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// TestWhatIsSaidIsWhatIsRead has words that YAML would take for something else.
func TestWhatIsSaidIsWhatIsRead(t *testing.T) {
	for _, action := range []string{
		"./deploy.sh", "make test", "true", "null", "1.0", "0x10", "~", "yes", "- x", "*", "&a b", "!x", "a: b", "a #b", "#", "%x", "@x", "'", `"`,
		"it's", "{a}", "[a]", "a\nb\n", "a\tb", "  a ", "über & <b>", "\u0085", "\u2028", "'\n'", `\n`, "? x", "| x", "> x", "x:", "=", "<<",
	} {
		path := filepath.Join(t.TempDir(), "tasks.yaml")
		i := initfile.Init{Path: path, URL: "https://mona:p%23w@git.example.com/a%20b/true.git", Branch: "*", Action: action, Out: t.Output()}
		if err := i.Run(t.Context()); err != nil {
			t.Errorf("%q: %v", action, err)
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := settings.Preview(nil, path, source)
		if err != nil {
			t.Errorf("%q: %v\n%s", action, err, source)
			continue
		}
		task := s.Tasks[0]
		if args := task.Actions[0].Args; args[len(args)-1] != action || task.Name != "true" || task.Refs[0] != "refs/heads/*" || task.URL.Password.Reveal() != "p#w" {
			t.Errorf("%q becomes %q, %q, %q", action, args, task.Name, task.Refs)
		}
	}
}
