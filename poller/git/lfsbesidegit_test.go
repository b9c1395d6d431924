package git

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestLFSBesideGitLFS holds checkouts to what git makes with git-lfs, where that is installed: .ci/git-servers installs it.
func TestLFSBesideGitLFS(t *testing.T) {
	if _, err := exec.LookPath("git-lfs"); err != nil {
		return
	}
	r := gittest.New(t)
	server := &gittest.LFS{Next: gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})}
	s := httptest.NewServer(server)
	t.Cleanup(s.Close)
	random := rand.New(rand.NewPCG(11, 11))
	m := mirrorOf(t, s.URL+"/repo.git")
	pointers := map[string]string{
		"CRLF": strings.ReplaceAll(server.Add("of CRLF\n"), "\n", "\r\n"), "hawser": strings.Replace(server.Add("of hawser\n"), "git-lfs.github.com", "hawser.github.com", 1),
		"blank lines": server.Add("of blank lines\n") + "\n\n", "no end": strings.TrimSpace(server.Add("of no end\n")), "text": "plain\n", "other": "version https://git-lfs.github.com/spec/v2\n",
	}
	for round := range gittest.Rounds(2, 1) {
		files := map[string]string{".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n*.crlf filter=lfs eol=crlf\n/no/*.bin -filter\nplain.bin !filter\n", "plain.bin": server.Add("not fetched")}
		for name, pointer := range pointers {
			files["odd/"+name+".bin"] = pointer
		}
		for i := range 40 {
			content := strings.Repeat(fmt.Sprintf("line %d\n", random.IntN(1000)), random.IntN(3000))
			name := fmt.Sprintf("%s/f%d.%s", gittest.Pick(random, "a", "a/b", "no", "c"), i, gittest.Pick(random, "bin", "bin", "txt", "crlf"))
			if files[name] = server.Add(content); random.IntN(4) == 0 {
				files[name] = content
			}
		}
		sha := r.Commit(files)
		want := filepath.Join(t.TempDir(), "cloned")
		clone := exec.CommandContext(t.Context(), "git", "-c", "filter.lfs.process=git-lfs filter-process", "-c", "filter.lfs.smudge=git-lfs smudge -- %f", "-c", "filter.lfs.required=true",
			"clone", "--quiet", s.URL+"/repo.git", want)
		clone.Env = append(gittest.Environ(), "HOME="+t.TempDir())
		if out, err := clone.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		expected := gittest.Snapshot(t, want)
		maps.DeleteFunc(expected, func(name, _ string) bool { return name == ".git" || strings.HasPrefix(name, ".git/") })
		gittest.MustHave(t, fmt.Sprint("round ", round), withoutGit(t, mustSparse(t, m, sha, Options{LFS: true})), expected)
	}
}
