package git

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// invented is a history that no person would write: each commit is its files
// by path, "MODE CONTENT", and the commits that it comes from.
type invented struct {
	random  *rand.Rand
	files   []map[string]string
	parents [][]int
}

// grow adds a commit to a history.
func (h *invented) grow() {
	n := len(h.files)
	if n == 0 {
		h.files, h.parents = append(h.files, map[string]string{"n0": "100644 first\n"}), append(h.parents, nil)
		return
	}
	from := n - 1
	if h.random.IntN(4) == 0 {
		from = h.random.IntN(n) // a branch, or a push by force
	}
	parents := []int{from}
	for len(parents) < 3 && h.random.IntN(4) == 0 {
		if other := h.random.IntN(n); !slices.Contains(parents, other) {
			parents = append(parents, other)
		}
	}
	files := maps.Clone(h.files[from])
	for _, other := range parents[1:] {
		for name, file := range h.files[other] {
			if h.random.IntN(2) == 0 {
				put(files, name, file)
			}
		}
	}
	for range 1 + h.random.IntN(8) {
		h.change(files)
	}
	h.files, h.parents = append(h.files, files), append(h.parents, parents)
}

func (h *invented) name() string {
	parts := make([]string, 1+h.random.IntN(4))
	for i := range parts {
		parts[i] = fmt.Sprintf([]string{"n%d", "n%d.x", "n%d-"}[h.random.IntN(3)], h.random.IntN(6))
	}
	return strings.Join(parts, "/")
}

func (h *invented) change(files map[string]string) {
	name := h.name()
	existing := ""
	if names := slices.Sorted(maps.Keys(files)); len(names) > 0 {
		existing = names[h.random.IntN(len(names))]
	}
	old := files[existing]
	switch h.random.IntN(9) {
	case 0:
		delete(files, existing)
	case 1:
		remove(files, path.Dir(existing)) // a directory, or nothing
	case 2:
		put(files, name, "120000 "+strings.Repeat("../", h.random.IntN(3))+"target")
	case 3:
		if old != "" { // renamed, perhaps with a change
			delete(files, existing)
			put(files, name, old+[]string{"", "\n"}[h.random.IntN(2)])
		}
	case 4:
		if content, isFile := strings.CutPrefix(old, "100644 "); isFile {
			files[existing] = "100755 " + content
		} else if content, isFile := strings.CutPrefix(old, "100755 "); isFile {
			files[existing] = "100644 " + content
		}
	case 5, 6:
		if strings.HasPrefix(old, "100") {
			files[existing] = old + fmt.Sprintln("more", h.random.IntN(1000))
		}
	case 7:
		noise := make([]byte, h.random.IntN(40_000))
		for i := range noise {
			noise[i] = byte(h.random.Uint32())
		}
		put(files, name, "100644 "+string(noise))
	default:
		line := fmt.Sprintf("line %d\n", h.random.IntN(3))
		put(files, name, "100644 "+strings.Repeat(line, h.random.IntN(400))+fmt.Sprint(h.random.IntN(100)))
	}
}

// put makes room for a file and puts it there.
func put(files map[string]string, name, file string) {
	remove(files, name)
	for at := path.Dir(name); at != "."; at = path.Dir(at) {
		delete(files, at)
	}
	files[name] = file
}

func remove(files map[string]string, name string) {
	maps.DeleteFunc(files, func(other, _ string) bool { return other == name || strings.HasPrefix(other, name+"/") })
}

// write makes the commits in a bare repository and returns their ids.
func (h *invented) write(t *testing.T, r *gittest.Repo) []string {
	t.Helper()
	var stream bytes.Buffer
	for n, files := range h.files {
		fmt.Fprintf(&stream, "commit refs/heads/c%d\nmark :%d\ncommitter k <k@example.com> %d +0000\ndata 1\nc\n", n, n+1, 1767323045+n)
		for i, parent := range h.parents[n] {
			fmt.Fprintf(&stream, "%s :%d\n", []string{"from", "merge", "merge"}[i], parent+1)
		}
		stream.WriteString("deleteall\n")
		for _, name := range slices.Sorted(maps.Keys(files)) {
			mode, content, _ := strings.Cut(files[name], " ")
			fmt.Fprintf(&stream, "M %s inline %s\ndata %d\n%s\n", mode, name, len(content), content)
		}
		stream.WriteString("\n")
	}
	gittest.GitInput(t, r.Dir, stream.String(), "fast-import", "--quiet", "--export-marks="+filepath.Join(r.Dir, "marks"))
	shas := make([]string, len(h.files))
	for line := range strings.Lines(read(t, r.Dir, "marks")) {
		var mark int
		var sha string
		if _, err := fmt.Sscanf(line, ":%d %s", &mark, &sha); err != nil {
			t.Fatal(err)
		}
		shas[mark-1] = sha
	}
	return shas
}

// archived is what git itself makes of a revision.
func archived(t *testing.T, r *gittest.Repo, sha string) map[string]string {
	t.Helper()
	found := map[string]string{".": "directory"}
	archive := tar.NewReader(bytes.NewReader(gittest.RawOutput(t, r.Dir, "", "archive", "--format=tar", sha)))
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		switch name := path.Clean(h.Name); h.Typeflag {
		case tar.TypeDir:
			found[name] = "directory"
		case tar.TypeSymlink:
			found[name] = "-> " + h.Linkname
		case tar.TypeReg:
			content, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			found[name] = fmt.Sprintf("%v %s", h.Mode&0o111 != 0, content)
		}
	}
}

// mustBe compares a checkout with what git makes of the revision.
func mustBe(t *testing.T, r *gittest.Repo, sha, dir string) {
	t.Helper()
	want := gittest.Memo(r, "archive "+sha, func() map[string]string { return archived(t, r, sha) })
	gittest.MustHave(t, sha, gittest.Snapshot(t, dir), want)
}

// repacks are ways in which git packs what it then sends.
func repacks() [][]string {
	return [][]string{
		{"repack", "-adfkq", "--depth=50", "--window=50"},
		{"repack", "-adfkq", "--depth=1", "--window=10"},
		{"repack", "-adFkq", "--depth=4000", "--window=250"},
		{"repack", "-adfkq", "--window=0"},
		{"-c", "repack.useDeltaBaseOffset=false", "repack", "-adfkq"},
		{"-c", "core.compression=0", "repack", "-adFkq"},
		{"-c", "core.compression=9", "repack", "-adFkq"},
		{"-c", "core.bigFileThreshold=2000", "repack", "-adfkq"},
		{"-c", "pack.packSizeLimit=1m", "repack", "-adfkq"},
		{"repack", "-adbq"},
		{"repack", "-dq", "--geometric=2"},
		{"multi-pack-index", "write"},
	}
}

// TestDifferential holds hundreds of revisions against what git makes of them:
// through a mirror that follows them, and through fresh ones.
func TestDifferential(t *testing.T) {
	histories := gittest.Rounds(2, 1)
	for _, way := range []string{"http", "ssh"} {
		for seed := range histories {
			t.Run(fmt.Sprintf("%s %d", way, seed), func(t *testing.T) {
				t.Parallel()
				h := &invented{random: rand.New(rand.NewPCG(uint64(seed), 7))}
				for range 24 {
					h.grow()
				}
				r := gittest.New(t)
				r.Bare("config", "uploadpack.allowAnySHA1InWant", "true")
				follow := ways()[way](t, r)
				for n, sha := range h.write(t, r) {
					if h.random.IntN(4) == 0 {
						r.Bare(repacks()[h.random.IntN(len(repacks()))]...)
					}
					mustBe(t, r, sha, mustCheckout(t, follow, sha))
					if n%6 == 0 {
						mustBe(t, r, sha, mustCheckout(t, ways()[way](t, r), sha))
						mustBe(t, r, sha, mustCheckout(t, ways()["path"](t, r), sha))
					}
				}
				mustBeSound(t, follow)
			})
		}
	}
}
