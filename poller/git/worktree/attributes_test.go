package worktree

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
)

// planned is what a plan makes of a revision of a repository that is at hand.
func planned(tb testing.TB, r *gittest.Repo, sha string, native bool) *Plan {
	tb.Helper()
	s, err := odb.Open(r.Dir, object.SHA1)
	if err != nil {
		tb.Fatal(err)
	}
	defer s.Close()
	read := s.Reader().Read
	id, _ := object.ParseID(sha)
	_, tree, err := object.CommitOf(tb.Context(), id, read)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := makePlan(tb.Context(), tree, read)
	if err == nil {
		err = p.applyAttributesAs(tb.Context(), 0, read, native)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// attributesOf are those of all files that have to do with conversion.
func attributesOf(t *testing.T, r *gittest.Repo, sha string) map[string]string {
	t.Helper()
	s, err := odb.Open(r.Dir, object.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := planned(t, r, sha, true)
	a := &attributesPlan{Plan: p, read: s.Reader().Read, Vocabulary: attributes.NewVocabulary()}
	if err := a.readAll(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range p.Files {
		if f.Mode == object.ModeSymlink {
			continue
		}
		base := len(a.enter(f.Dir))
		path := append(a.path, f.Name...)
		a.match.File(a.files[f.Dir], path, base)
		for i, name := range checked() {
			if got := a.match.Get(i); got.State == attributes.Valued {
				found[string(path)+" "+name] = got.Value
			} else {
				found[string(path)+" "+name] = [...]string{"unspecified", "set", "unset"}[got.State]
			}
		}
	}
	return found
}

func checked() []string {
	return []string{"text", "crlf", "eol", "ident", "filter", "working-tree-encoding"}
}

// attributesByGit are the same by git check-attr.
func attributesByGit(t *testing.T, r *gittest.Repo, sha string) map[string]string {
	t.Helper()
	r.Bare("read-tree", sha)
	names := gittest.RawOutput(t, r.Dir, "", "ls-files", "-z", "--stage")
	var files strings.Builder
	for entry := range strings.SplitSeq(string(names), "\x00") {
		if head, name, ok := strings.Cut(entry, "\t"); ok && !strings.HasPrefix(head, "120000") {
			files.WriteString(name + "\x00")
		}
	}
	said := gittest.RawOutput(t, r.Dir, files.String(), append([]string{"check-attr", "--cached", "-z", "--stdin"}, checked()...)...)
	found := map[string]string{}
	parts := strings.Split(strings.TrimSuffix(string(said), "\x00"), "\x00")
	for i := 0; i+2 < len(parts); i += 3 {
		found[parts[i]+" "+parts[i+1]] = parts[i+2]
	}
	return found
}

// TestAttributesLikeGit compares the attributes of many files with what git
// check-attr says.
func TestAttributesLikeGit(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 3))
		files := map[string]string{}
		var names []string
		for range 120 {
			name := gittest.GambleName(random)
			if slices.ContainsFunc(names, func(other string) bool {
				return strings.HasPrefix(other+"/", name+"/") || strings.HasPrefix(name+"/", other+"/")
			}) {
				continue
			}
			names = append(names, name)
			files[name] = ""
			if dir := filepath.Dir(name); random.IntN(3) == 0 {
				files[filepath.Join(dir, attributes.FileName)] = gittest.Gamble(random)
			}
		}
		files[attributes.FileName] = gittest.Gamble(random)
		if random.IntN(10) == 0 { // the text of a link is read, as all that is in the index
			delete(files, attributes.FileName)
			files[">"+attributes.FileName] = strings.ReplaceAll(gittest.Gamble(random), "\x00", "")
		}
		sha := gittest.AsIs(t, r, "", files)
		found, want := attributesOf(t, r, sha), attributesByGit(t, r, sha)
		if len(found) != len(want) || len(want) < 6 {
			t.Fatalf("seed %d: %d attributes, want %d", seed, len(found), len(want))
		}
		for what, is := range want {
			if found[what] != is {
				t.Errorf("seed %d: %q is %q, want %q", seed, what, found[what], is)
			}
		}
		if t.Failed() {
			for name, content := range files {
				if strings.HasSuffix(name, attributes.FileName) {
					t.Logf("%s:\n%q", name, strings.SplitAfter(content, "\n"))
				}
			}
			return
		}
	}
}
