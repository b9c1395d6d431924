//go:build unix

package bench_test

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// hostile is what a Git server answers that means ill.
type hostile struct {
	title  string
	branch string // that is watched
	refs   func(w io.Writer, tip string)
	pack   func(b *testing.B, first [][]byte) []byte
	tip    func(b *testing.B, first [][]byte) (tip string, pack []byte) // of its own, with its pack
}

const hostilePatience = "60" // seconds

// Kinds of objects, gitformat-pack(5).
const commit, tree, blob, refDelta = 1, 2, 3, 7

// BenchmarkHostile prints what hostile servers cost kitops and git: the largest
// process, and the time on processors. Packs are met as a submodule's, too.
func BenchmarkHostile(b *testing.B) {
	w := newWorkbench(b)
	b.Run("a_byte_of_a_text_of_300_MB", w.largeChange)
	for _, h := range []hostile{
		{title: "3,000,000 empty blobs", pack: func(b *testing.B, first [][]byte) []byte {
			b.Helper()
			return packOf(first, gittest.RawEntry(b, blob, 0, nil, nil), 3_000_000)
		}},
		{title: "520,000 small objects", pack: func(b *testing.B, first [][]byte) []byte {
			b.Helper()
			return distinct(b, first, 520_000)
		}},
		{title: "3,000,000 small objects", pack: func(b *testing.B, first [][]byte) []byte {
			b.Helper()
			return distinct(b, first, 3_000_000)
		}},
		{title: "1,000,000 deltas upon nothing", pack: func(b *testing.B, first [][]byte) []byte {
			b.Helper()
			return packOf(first, gittest.RawEntry(b, refDelta, 4, bytes.Repeat([]byte{7}, 20), []byte{0, 1, 1, 'x'}), 1_000_000)
		}},
		{title: "30 deltas of 520 MB", pack: bombs},
		{title: "a blob of 400 MB", pack: func(b *testing.B, first [][]byte) []byte {
			b.Helper()
			content := make([]byte, 400<<20)
			return packOf(first, gittest.RawEntry(b, blob, int64(len(content)), nil, content), 1)
		}},
		{title: "a tree of 27 MB", tip: func(b *testing.B, first [][]byte) (string, []byte) {
			b.Helper()
			return names(b, first, 100_000, 240)
		}},
		{title: "a tree of 300,000 short names", tip: func(b *testing.B, first [][]byte) (string, []byte) {
			b.Helper()
			return names(b, first, 300_000, 0)
		}},
		{title: "10,000 refs of 65 KB", refs: func(w io.Writer, tip string) {
			for i := range 10_000 {
				pkt(w, fmt.Sprintf("%s refs/heads/%08d%s\n", tip, i, strings.Repeat("a", 65_000)))
			}
		}},
		{title: "300,000 refs, all watched", branch: "**", refs: func(w io.Writer, tip string) {
			for i := range 300_000 {
				pkt(w, fmt.Sprintf("%s refs/heads/%d\n", tip, i))
			}
		}},
	} {
		b.Run(strings.ReplaceAll(h.title, " ", "_"), func(b *testing.B) {
			url, tip := h.serve(b)
			git := []string{"git", "-c", "protocol.version=2", "fetch", "--quiet", "--depth=1", url, "main"}
			if h.refs != nil {
				git = []string{"git", "ls-remote", "--quiet", url}
			}
			h.compare(b, w, "", w.task(b, url, "true", "--poll-once", "--timeout", hostilePatience+"s", "--branch", cmp.Or(h.branch, "main")), git)
			if h.refs != nil {
				return // nobody lists the refs of a submodule
			}
			dir := ramTB{b}.TempDir()
			super := filepath.Join(dir, "super")
			for _, args := range [][]string{
				{"init", "--quiet", "--initial-branch", "main", super},
				{"-C", super, "config", "--file", ".gitmodules", "submodule.s.path", "s"},
				{"-C", super, "config", "--file", ".gitmodules", "submodule.s.url", url},
				{"-C", super, "add", ".gitmodules"},
				{"-C", super, "update-index", "--add", "--cacheinfo", "160000," + tip + ",s"},
				{"-C", super, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "--message", "s"},
			} {
				cmd := exec.Command("git", args...)
				cmd.Env = gittest.Environ()
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("git %s: %v\n%s", args, err, out)
				}
			}
			tasks := filepath.Join(dir, "tasks.yaml")
			text := fmt.Sprintf("tasks: [{name: super, git: {url: %s, branch: main, submodules: true}, actions: [{run: 'true'}]}]\n", super)
			if err := os.WriteFile(tasks, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			h.compare(b, w, ", as a submodule",
				[]string{w.kitops, "--config-file", tasks, "--poll-once", "--timeout", hostilePatience + "s", "--state-file", filepath.Join(dir, "state.yaml"), "--repo-dir", filepath.Join(dir, "repos")},
				[]string{"git", "-c", "protocol.version=2", "clone", "--quiet", "--recurse-submodules", "--shallow-submodules", super, filepath.Join(dir, "clone")})
		})
	}
}

// compare has both sides meet the server, whether they take what it has or not.
func (h hostile) compare(b *testing.B, w *workbench, how string, kitops, git []string) {
	b.Helper()
	work := filepath.Join(ramTB{b}.TempDir(), "work")
	if out, err := exec.Command("git", "init", "--quiet", work).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	meet := func(args []string) sample {
		cmd := w.command(append([]string{"timeout", hostilePatience}, args...)...)
		cmd.Dir = work
		_ = cmd.Run() // refusing is right, too
		return w.took(b)
	}
	k, g := meet(kitops), meet(git)
	printMemory(h.title+how, k, g)
	b.ReportMetric(0, "ns/op")
}

func printMemory(title string, kitops, git sample) {
	fmt.Printf("%-45s kitops %5.0f MB %5.1f s, git %5.0f MB %5.1f s\n", title, rssMB(kitops), kitops.cpu.Seconds(), rssMB(git), git.cpu.Seconds())
}

// serve speaks as much of version 2 of git's protocol as a fetch needs.
func (h hostile) serve(b *testing.B) (url, tip string) {
	b.Helper()
	tip, first := smallest(b)
	var pack []byte
	switch {
	case h.pack != nil:
		pack = h.pack(b, first)
	case h.tip != nil:
		tip, pack = h.tip(b, first)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked, _ := io.ReadAll(r.Body) // what did not come asks for nothing
		switch {
		case r.Method == http.MethodGet:
			rw.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			pkt(rw, "# service=git-upload-pack\n")
			_, _ = io.WriteString(rw, "0000")
			pkt(rw, "version 2\n")
			pkt(rw, "ls-refs\n")
			pkt(rw, "fetch=shallow\n")
		case bytes.Contains(asked, []byte("command=ls-refs")):
			rw.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			pkt(rw, tip+" HEAD symref-target:refs/heads/main\n")
			pkt(rw, tip+" refs/heads/main\n")
			if h.refs != nil {
				h.refs(rw, tip)
			}
		default:
			rw.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			pkt(rw, "packfile\n")
			for rest := pack; len(rest) > 0; {
				n := min(len(rest), 65_000)
				pkt(rw, "\x01"+string(rest[:n]))
				rest = rest[n:]
			}
		}
		_, _ = io.WriteString(rw, "0000")
	}))
	b.Cleanup(server.Close)
	return server.URL + "/hostile.git", tip
}

func pkt(w io.Writer, text string) { _, _ = fmt.Fprintf(w, "%04x%s", len(text)+4, text) }

// smallest is a commit of one file.
func smallest(b *testing.B) (tip string, entries [][]byte) {
	b.Helper()
	add := func(kind int, content string) []byte {
		entries = append(entries, gittest.RawEntry(b, kind, int64(len(content)), nil, []byte(content)))
		return idOf(kind, []byte(content))
	}
	root := add(tree, "100644 f\x00"+string(add(blob, "hello\n")))
	return fmt.Sprintf("%x", add(commit, fmt.Sprintf("tree %x\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n", root))), entries
}

func idOf(kind int, content []byte) []byte {
	name := map[int]string{commit: "commit", tree: "tree", blob: "blob"}[kind]
	id := sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", name, len(content)), content...))
	return id[:]
}

func packOf(first [][]byte, entry []byte, count int) []byte {
	return gittest.RawPack(uint32(len(first)+count), bytes.Join(first, nil), bytes.Repeat(entry, count))
}

// distinct is a pack of blobs that differ, each of nine bytes and not compressed, RFC 1950 and 1951.
func distinct(b *testing.B, first [][]byte, count int) []byte {
	b.Helper()
	entries := bytes.Join(first, nil)
	for i := range count {
		content := fmt.Appendf(nil, "%09d", i)
		entries = append(entries, blob<<4|9, 0x78, 1, 1, 9, 0, 0xf6, 0xff)
		entries = binary.BigEndian.AppendUint32(append(entries, content...), adler32.Checksum(content))
	}
	return gittest.RawPack(uint32(len(first)+count), entries)
}

// names has a tree of many names, of seven bytes and more each, be what is checked out.
func names(b *testing.B, first [][]byte, count, more int) (tip string, pack []byte) {
	b.Helper()
	var names []byte
	for i := range count {
		names = append(fmt.Appendf(names, "100644 %07d%s\x00", i, strings.Repeat("n", more)), idOf(blob, []byte("hello\n"))...)
	}
	text := fmt.Appendf(nil, "tree %x\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n", idOf(tree, names))
	entries := append(first,
		gittest.RawEntry(b, tree, int64(len(names)), nil, names), gittest.RawEntry(b, commit, int64(len(text)), nil, text))
	return fmt.Sprintf("%x", idOf(commit, text)), gittest.RawPack(uint32(len(entries)), bytes.Join(entries, nil))
}

// bombs are 30 deltas of some bytes that make 520 MB each.
func bombs(b *testing.B, first [][]byte) []byte {
	b.Helper()
	content := make([]byte, 16<<20-1)
	id := idOf(blob, content)
	entries := append(first, gittest.RawEntry(b, blob, int64(len(content)), nil, content))
	const copies, count = 31, 30
	for i := range count {
		delta := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(content))), uint64(copies*len(content)+1))
		delta = append(delta, bytes.Repeat([]byte{0x80 | 0x70, 0xff, 0xff, 0xff}, copies)...)
		delta = append(delta, 1, byte(i))
		entries = append(entries, gittest.RawEntry(b, refDelta, int64(len(delta)), id, delta))
	}
	return gittest.RawPack(uint32(len(entries)), entries...)
}
