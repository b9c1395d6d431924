package gitmodules

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// oddConfigs are files that readers of configuration stumble upon.
func oddConfigs() []string {
	return []string{
		"", "\n\n", "# only a comment", "[submodule \"a\"]", "\ufeff[submodule \"a\"]\n path = x\n", "\xef\xbb[submodule \"a\"]\n",
		"[submodule \"a\"]\n\tpath = a\n\turl = u\n",
		"[submodule \"a\"] path = a\n", "[submodule \"a\"][submodule \"b\"] path=x\n", "[submodule \"a\"]path=x[submodule \"b\"]\n",
		"[submodule \"a\"]\r\n\tpath = a\r\n", "[submodule \"a\"]\n path = \"a\r\"\n", "[submodule \"a\"]\n path = a\r", "\r[submodule \"a\"]\r path=x",
		"[SubModule \"A.b\"]\n\tPATH = a\n", "[submodule.A.b]\n\tpath = a\n", "[submodule.A \"B\"]\npath=a\n", "[sub-mod.x \"a\"]\n path = z\n",
		"[submodule \"a\\\"b\\\\c\\d\"]\n path = x\n", "[submodule \"a\\\n\"]\n path = x\n", "[submodule \"a\nb\"]\n path = x\n", "[submodule \"a\\",
		"[submodule \"a]b\"]\npath=x\n", "[submodule \"a\"x]\npath=x\n", "[submodule 'a']\npath=x\n", "[submodule a]\npath=x\n",
		"[submodule\n\"a\"]\npath=x\n", "[submodule \t \"a\"]\n path = x\n", "[submodule \"a\" ]\n path = x\n", "[ submodule \"a\"]\n path = x\n",
		"[submodule \"\"]\n path = x\n", "[submodule]\n path = x\n", "[submodule.]\n path = x\n", "[]\npath=x\n", "[ \"a\"]\npath=x\n", "[.]\npath=x\n", "[. \"a\"]\npath=x\n", "[submodule", "[sub_module]\n", "path = x\n",
		"[submodule \"a\"]\n path = \"x y\" z ; c\n", "[submodule \"a\"]\n path = \"a;b#c\"#d\n", "[submodule \"a\"]\n path=x#y\n", "[submodule \"a\"]\n# c\n;d\nurl=../a=b\n",
		"[submodule \"a\"]\n path = x \\\n  y\n", "[submodule \"a\"]\n path = x\\\r\ny\n", "[submodule \"a\"]\n path = x\\\n", "[submodule \"a\"]\n path = x\\",
		"[submodule \"a\"]\n path = \"x\\\n y\"\n", "[submodule \"a\"]\n path = x ;c \\\n url = y\n", "[submodule \"a\"]\n path = \"x\n\"\n", "[submodule \"a\"]\n path = \"x",
		"[submodule \"a\"]\n path = x\\ty\\nz\\\"q\\\\\\b\n", "[submodule \"a\"]\n path = x\\q\n", "[submodule \"a\"]\n path = x\\\"\n",
		"[submodule \"a\"]\n path = x    y   \n", "[submodule \"a\"]\n path = \" x \"  \n", "[submodule \"a\"]\n path = x  \"\"\n", "[submodule \"a\"]\n path = x \"y\"  z\n",
		"[submodule \"a\"]\n path\n", "[submodule \"a\"]\n path =\n", "[submodule \"a\"]\n path", "[submodule \"a\"]\n path x\n", "[submodule \"a\"]\n path ;x\n", "[submodule \"a\"]\n path\t=\tx\n",
		"[submodule \"a\"]\n path-x1 = x\n", "[submodule \"a\"]\n 1p = 2\n", "[submodule \"a\"]\n pa_th = x\n", "[submodule \"a\"]\n -p = x\n", "[submodule \"a\"]\n\n\n path\n = x\n",
		"[submodule \"a\"]\n path = a\xff\xfeb\n", "[submodule \"\xff\"]\n path = ab\n", "[submodule \"ä\"]\n path = ü\n", "[submodule \"a\"]\n ü = 1\n", "[submodule \"a\"]\n path = 'x'\n",
		"[submodule \"a\"]\n path = x\n[submodule \"a\"]\n path = y\n url = \"\"\n", "[submodule \"a\"]\n update = !touch ran\n", "]\n", "=\n", "\x01",
	}
}

// garble makes a file of pieces that mean something to a reader.
func garble(random *rand.Rand) string {
	pieces := []string{
		"[submodule \"a\"]\n", "[submodule \"b/c\"]\r\n", "[Submodule.x]", "path = a\n", "\tpath = b/c\n", "url = https://h/x\n", "URL=../x", " ", "\n", "\r\n", "\\\n", "\\", "\"", "#", ";", "=",
		"[", "]", "x", "\\t", "\\\"", "\\\\", "update = none\n", "path\n", "-", "\xc3", "..",
	}
	var file strings.Builder
	for range random.IntN(14) {
		file.WriteString(pieces[random.IntN(len(pieces))])
	}
	return file.String()
}

// TestParseConfig reads what the git program reads.
func TestParseConfig(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	files := oddConfigs()
	n := 300
	if testing.Short() {
		n = 20
	}
	for range n {
		files = append(files, garble(random))
	}
	dir := t.TempDir()
	for _, file := range files {
		var found strings.Builder
		err := parseConfig([]byte(file), func(e configEntry) error {
			name, value := e.key, ""
			if e.section != "" {
				name = e.section + "." + e.key
			}
			if e.set {
				value = "\n" + e.value
			}
			_, err := fmt.Fprintf(&found, "%s%s\x00", name, value)
			return err
		})
		gittest.Write(t, filepath.Join(dir, "config"), file)
		git := exec.CommandContext(t.Context(), "git", "config", "--file", "config", "--list", "-z")
		git.Dir, git.Env = dir, gittest.Environ()
		want, gitErr := git.Output()
		switch {
		case (err != nil) != (gitErr != nil):
			t.Errorf("%q: %v, git: %v", file, err, gitErr)
		case err == nil && found.String() != string(want):
			t.Errorf("%q: %q, git: %q", file, found.String(), want)
		}
	}
	if err := parseConfig([]byte("[a]\nb = c\x00d\n"), func(configEntry) error { return nil }); err == nil {
		t.Error("NUL taken")
	}
}
