package git

import (
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// parking are checkouts of which each has what it may of the one before.
type parking struct {
	*Mirror
	o     Options
	above string
	count int

	prepare bool // what there is of the one before is prepared first
	sha     string
	hurry   chan struct{}
}

// next checks a revision out and gives the directory. What was moved stays where it was.
func (p *parking) next(t *testing.T, sha string) string {
	t.Helper()
	last := filepath.Join(p.above, strconv.Itoa(p.count), "workdir")
	p.count++
	dir := filepath.Join(p.above, strconv.Itoa(p.count), "workdir")
	must(t, os.MkdirAll(filepath.Dir(dir), 0o700))
	if _, err := os.Lstat(RecordPath(last)); err == nil {
		must(t, os.Rename(last, ParkedPath(dir)))
		must(t, os.Rename(RecordPath(last), RecordPath(ParkedPath(dir))))
		if p.prepare {
			must(t, p.Prepare(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: p.sha}, dir, p.o, p.hurry))
		}
	}
	p.sha = sha
	if err := p.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, p.o); err != nil {
		t.Fatal(err)
	}
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file is what tells a file from another that has its inode after it.
type file struct {
	inode uint64
	born  unix.StatxTimestamp
}

func inode(t *testing.T, path string) file {
	t.Helper()
	var info unix.Statx_t
	must(t, unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO|unix.STATX_BTIME, &info))
	return file{info.Ino, info.Btime}
}

// age has the record of a directory be made later than all that is in it: a record is as young as the files that were made
// last, and those are not believed.
func age(t *testing.T, dir string) {
	t.Helper()
	since := tick(t, filepath.Dir(dir))
	for tick(t, filepath.Dir(dir)) == since {
	}
	since = tick(t, filepath.Dir(dir))
	text, err := os.ReadFile(RecordPath(dir))
	must(t, err)
	x := &index.File{Format: object.SHA1}
	must(t, x.Parse(string(text), func(int) {}, func(e *index.Entry) { x.Entries = append(x.Entries, *e) }))
	for _, extra := range x.Extras {
		if extra.Name == "KOPS" {
			binary.BigEndian.PutUint32(extra.Data[17:], uint32(since.Sec))
			binary.BigEndian.PutUint32(extra.Data[21:], uint32(since.Nsec))
		}
	}
	must(t, os.WriteFile(RecordPath(dir), index.Encode(x), 0o600))
}

// tick is the time by the clock of a file system.
func tick(t *testing.T, dir string) unix.Timespec {
	t.Helper()
	path := filepath.Join(dir, "clock")
	must(t, os.WriteFile(path, nil, 0o600))
	defer func() { _ = os.Remove(path) }()
	var info unix.Stat_t
	must(t, unix.Lstat(path, &info))
	return info.Ctim
}

func TestUntouchedFilesAreMoved(t *testing.T) {
	for way, reach := range ways() {
		t.Run(way, func(t *testing.T) {
			r := gittest.New(t)
			first := r.Commit(map[string]string{
				"a": "1", "same": "same", "d/same": "same", "run.sh": "#!", "gone/x": "1", "eol": "one\ntwo\n", "d/e/f": "deep",
			})
			p := &parking{Mirror: reach(t, r), o: Options{Park: true}, above: t.TempDir()}
			before := p.next(t, first)
			age(t, before)
			were := times(t, before)
			r.Git("rm", "-q", "-r", "gone")
			second := r.Commit(map[string]string{"a": "2", "new": "2", ".gitattributes": "eol eol=crlf\n"})
			dir := p.next(t, second)
			gittest.MustHave(t, second, exactly(t, dir), exportedExactly(t, r, second))
			for name, is := range times(t, dir) {
				moved := strings.HasPrefix(were[name], strings.Fields(is)[0]+" ")
				if want := name == "same" || name == "d/same" || name == "run.sh" || name == "d/e/f"; moved != want {
					t.Errorf("%s was moved: %t", name, moved)
				}
			}
			age(t, dir)
			converted := inode(t, filepath.Join(dir, "eol"))
			dir = p.next(t, second)
			gittest.MustHave(t, "again", exactly(t, dir), exportedExactly(t, r, second))
			if inode(t, filepath.Join(dir, "eol")) != converted {
				t.Error("a converted file was not moved")
			}
			if left, _ := filepath.Glob(dir + ".*"); !slices.Equal(left, []string{RecordPath(dir), ParkedPath(dir), RecordPath(ParkedPath(dir))}) {
				t.Errorf("beside it: %v", left)
			}
		})
	}
}

// A change right behind the checkout can have the time of the checkout itself: then nothing is believed.
func TestAChangeWithinATickIsSeen(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"victim": "good"})
	want := exportedExactly(t, r, sha)
	p := &parking{Mirror: mirrorOf(t, r.Dir), o: Options{Park: true}, above: t.TempDir()}
	for range rounds(200, 40) {
		dir := p.next(t, sha)
		gittest.MustHave(t, sha, exactly(t, dir), want)
		path := filepath.Join(dir, "victim")
		info, err := os.Stat(path)
		must(t, err)
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteString("EVIL")
		must(t, err)
		must(t, f.Close())
		must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	}
}

// A link may lead where another was, and a submodule is as good as its mirror.
func TestLinksAndSubmodulesAreNotMoved(t *testing.T) {
	f := newForge(t, "super", "a")
	must(t, os.Symlink("plain", filepath.Join(f.repos["super"].Work, "link")))
	f.repos["super"].Commit(map[string]string{"plain": "plain"})
	first := f.linked(t, "super", "sub", "../a.git")
	second := f.repos["super"].Commit(map[string]string{"new": "new"})
	for _, prepare := range []bool{false, true} {
		root, mirrors := f.overHTTP(t)
		p := &parking{Mirror: mirrors.at(root + "/super.git"), o: Options{Park: true, DotGit: prepare, Submodules: mirrors.get}, above: t.TempDir(), prepare: prepare, hurry: make(chan struct{})}
		dir := p.next(t, first)
		age(t, dir)
		were := map[string]file{}
		for _, name := range []string{"plain", "link", "sub/a"} {
			were[name] = inode(t, filepath.Join(dir, name))
		}
		dir = p.next(t, second)
		found := gittest.Snapshot(t, dir)
		maps.DeleteFunc(found, func(path, _ string) bool { return slices.Contains(strings.Split(path, "/"), ".git") })
		gittest.MustHave(t, second, found, f.cloned(t, second))
		for name, was := range were {
			if moved := inode(t, filepath.Join(dir, name)) == was; moved != (name == "plain") {
				t.Errorf("prepared %t: %s was moved: %t", prepare, name, moved)
			}
		}
		if prepare && gittest.Git(t, dir, "status", "--porcelain") != "" {
			t.Errorf("git status: %s", gittest.Git(t, dir, "status", "--porcelain"))
		}
	}
}
