package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/bittrance/kitops"

var update = flag.Bool("update", false, "write the list of what is linked in anew")

// goList is what go list says, for the platform that most use.
func goList(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	cmd.Dir = "../.."
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	return out
}

// TestWhatIsLinkedIn has every new dependency of the program seen by a person.
func TestWhatIsLinkedIn(t *testing.T) {
	const golden = "testdata/linked.txt"
	lines := strings.Fields(string(goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./cmd/kitops")))
	slices.Sort(lines)
	linked := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(linked), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Fields(string(data))
	for _, name := range lines {
		if !slices.Contains(known, name) {
			t.Errorf("%s is linked in and not in %s", name, golden)
		}
	}
	for _, name := range known {
		if !slices.Contains(lines, name) {
			t.Errorf("%s is in %s and not linked in any more", name, golden)
		}
	}
	if t.Failed() {
		t.Log("if that is what you want: go test ./cmd/kitops -run TestWhatIsLinkedIn -update")
	}
}

// TestImportArrows holds the rooms of the program to poller/doc.go, as the
// linter does, for those who have no linter.
func TestImportArrows(t *testing.T) {
	rooms := map[string][]string{ // nil: nothing but subject rooms
		"app/credential":      {"app"},
		"app/setup":           {"app"},
		"app/runners":         {"app"},
		"poller/store/lease":  {"poller/store"},
		"status/github":       {"app", "poller", "status"},
		"status/history":      {"poller"},
		"status/metrics":      {"poller", "status"},
		"status/api":          {"poller", "status/history"},
		"status/page":         {"app", "poller", "status", "status/api", "status/history"},
		"status/notify":       {"app", "poller", "poller/git", "status", "status/history"},
		"cmd/kitops/yamlfile": nil,
		"cmd/kitops/release":  nil,
		"cmd/kitops/upgrade":  {"cmd/kitops/release"},
		"cmd/kitops/systemd":  {"poller"},
		"cmd/kitops/handover": {"cmd/kitops/settings", "cmd/kitops/systemd", "cmd/kitops/upgrade", "cmd/kitops/wiring", "poller"},
		"cmd/kitops/installed": {
			"actions", "status", "cmd/kitops/build", "cmd/kitops/release", "cmd/kitops/service", "cmd/kitops/settings", "cmd/kitops/upgrade",
		},
		"poller/store/members": {
			"poller/store", "poller/store/bucket", "poller/store/lease",
		},
		"poller/store":          {"poller/store/document"},
		"poller/store/document": nil,
		"poller/store/file":     {"poller/store", "poller/store/document"},
		"poller/store/bucket":   {"poller/store", "poller/store/document"},
		"poller/store/s3":       {"poller/store/bucket"},
		"poller/store/azblob":   {"poller/store/bucket"},
		"cmd/kitops/settings":   {"cmd/kitops/yamlfile", "actions", "app", "poller", "poller/git", "status", "status/api", "status/github", "status/history", "status/metrics", "status/notify", "status/page", "webhook"},
	}
	decoder := json.NewDecoder(bytes.NewReader(goList(t, "-json=ImportPath,Imports", "./...")))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		room := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			if !ours || subject(to) {
				continue
			}
			if may, listed := rooms[room]; listed && !slices.Contains(may, to) {
				t.Errorf("%s imports %s", room, to)
			}
			if strings.HasPrefix(to, "cmd/") && !strings.HasPrefix(room, "cmd/") {
				t.Errorf("%s imports %s: libraries know no program", room, to)
			}
		}
	}
}

// subject tells the rooms that everybody may import.
func subject(room string) bool {
	return strings.HasPrefix(room, "poller/") && !strings.HasPrefix(room, "poller/git") && !strings.HasPrefix(room, "poller/store")
}

// TestEveryRoomSaysWhatItIs holds package comments to one thing each, and files,
// tests too, to a length that a reader keeps in mind.
func TestEveryRoomSaysWhatItIs(t *testing.T) {
	comments := map[string]string{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "../.." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if lines := bytes.Count(source, []byte("\n")); lines > 300 {
			t.Errorf("%s has %d lines", path, lines)
		}
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		comments[filepath.Dir(path)] += about(file.Doc)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(comments) < 10 {
		t.Fatalf("only %d folders", len(comments))
	}
	for dir, comment := range comments {
		sentence, _, _ := strings.Cut(comment, ". ")
		if sentence == "" {
			t.Errorf("%s has no package comment", dir)
		}
		if slices.Contains(strings.Fields(sentence), "and") {
			t.Errorf("%s is two things: %s", dir, sentence)
		}
	}
}

// about is a comment in one line.
func about(doc *ast.CommentGroup) string { return strings.Join(strings.Fields(doc.Text()), " ") }
