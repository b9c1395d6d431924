package lfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// pointers are contents at the borders of what git-lfs takes for a pointer.
func pointers() map[string]string {
	const oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
	const head = "version https://git-lfs.github.com/spec/v1\n"
	good := head + "oid sha256:" + oid + "\nsize 12345\n"
	return map[string]string{
		"good": good, "no line end": strings.TrimSuffix(good, "\n"), "CRLF": strings.ReplaceAll(good, "\n", "\r\n"), "blanks around": "\n\n  " + good + "\n\n", "empty lines": strings.ReplaceAll(good, "\n", "\n\n"),
		"empty": "", "hawser": strings.Replace(good, "git-lfs.github.com", "hawser.github.com", 1), "git-media": "version http://git-media.io/v/2\noid sha256:" + oid + "\nsize 1\n",
		"version 2": strings.Replace(good, "v1", "v2", 1), "no version": strings.TrimPrefix(good, head), "other order": head + "size 1\noid sha256:" + oid + "\n",
		"size 0": head + "oid sha256:" + oid + "\nsize 0\n", "negative": head + "oid sha256:" + oid + "\nsize -1\n", "plus": head + "oid sha256:" + oid + "\nsize +1\n", "huge": head + "oid sha256:" + oid + "\nsize 9223372036854775808\n",
		"hex size": head + "oid sha256:" + oid + "\nsize 0x10\n", "no size": head + "oid sha256:" + oid + "\n", "capitals": strings.Replace(good, oid, strings.ToUpper(oid), 1), "short": strings.Replace(good, oid, oid[1:], 1),
		"sha1": strings.Replace(good, "sha256", "sha1", 1), "no kind": strings.Replace(good, "sha256:", "", 1), "more": good + "more 1\n", "words": good + "and words\n", "extension": head + "ext-0-foo sha256:" + oid + "\noid sha256:" + oid + "\nsize 1\n",
		"bad extension": head + "ext-a-foo sha256:" + oid + "\noid sha256:" + oid + "\nsize 1\n", "twice": good + good, "tab": strings.Replace(good, "size ", "size\t", 1), "two blanks": strings.Replace(good, "size ", "size  ", 1),
		"large": good + strings.Repeat("\n", 1100), "nul": good + "\x00", "text": "this is git-lfs text\n", "bom": "\ufeff" + good, "late extension": good + "ext-1-x y\n",
	}
}

// golden is what git-lfs 3.3.0 says of them; see TestPointersAsGitLFSDoes.
func golden() map[string]bool {
	all := map[string]bool{}
	for _, name := range strings.Split("good, no line end, CRLF, blanks around, empty lines, hawser, git-media, size 0, plus, extension", ", ") {
		all[name] = true
	}
	return all
}

func TestPointers(t *testing.T) {
	known := golden()
	for name, content := range pointers() {
		if _, ok := Parse([]byte(content)); ok != known[name] {
			t.Errorf("%s: a pointer: %v", name, ok)
		}
	}
	p, ok := Parse([]byte(gittest.LFSPointer("content")))
	if !ok || p.Size != 7 || p.OID != "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" || p.Extended {
		t.Errorf("%+v", p)
	}
	if p, _ := Parse([]byte(pointers()["extension"])); !p.Extended {
		t.Errorf("%+v", p)
	}
}

// TestPointersAsGitLFSDoes holds the golden list to git-lfs, where that is installed.
func TestPointersAsGitLFSDoes(t *testing.T) {
	if _, err := exec.LookPath("git-lfs"); err != nil {
		return // .ci/git-servers installs it
	}
	known := golden()
	for name, content := range pointers() {
		if name == "empty" || name == "large" { // which stands for an empty content; of which that command reads 1,024 bytes, and a checkout none
			continue
		}
		file := gittest.Write(t, filepath.Join(t.TempDir(), "file"), content)
		check := exec.CommandContext(t.Context(), "git-lfs", "pointer", "--check", "--file", file)
		check.Env = append(gittest.Environ(), "HOME="+t.TempDir())
		out, err := check.CombinedOutput()
		if (err == nil) != known[name] {
			t.Errorf("%s: git-lfs says %v: %s", name, err, out)
		}
	}
}

func FuzzPointer(f *testing.F) {
	for _, content := range pointers() {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		p, ok := Parse(content)
		if ok && (len(p.OID) != 64 || strings.ContainsAny(p.OID, "/.\\") || p.Size < 0) {
			t.Errorf("%+v", p)
		}
	})
}

func TestMain(m *testing.M) {
	gittest.InMemory()
	os.Exit(m.Run())
}
