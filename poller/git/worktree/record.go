package worktree

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/safedir"
)

const (
	recordExtra   = "KOPS"
	recordVersion = 1
	recordHead    = 1 + 8 + 8 + 4 + 4 // version, device and number of the directory, time
	maxRecord     = 1 << 30           // bytes
)

// Record is what a kept directory holds as far as it was written here. It saves
// work and is never believed more than that: without it, or with one of another
// directory, every file is compared by its content.
type Record struct {
	plan    *Plan // directories have the id of their tree where that is known
	found   []index.FileStat
	since   index.FileTime // what changed then or later may have changed again unseen
	paths   []string       // of each file
	journal []index.Entry  // what an update that was cut off may have written, beyond the last that was not

	child map[dirName]int32
	spans []span // of each directory

	open []openDir // while it is read: directories, from the first down
	last string    // while it is read: the path before
}

// dirName is a directory by what it is in.
type dirName struct {
	parent int32
	name   string
}

// span is what a directory of a record has in it and below: files, and all
// directories up to another.
type span struct{ firstFile, endFile, endDir int32 }

// RecordPath is the file beside a directory that says what is in it.
func RecordPath(dir string) string { return dir + ".index" }

// JournalPath is the file beside a directory that says what is about to be made in it.
func JournalPath(dir string) string { return dir + ".index.next" }

// LoadRecord reads what is known of a directory, which can be nothing. A record
// in another format than that of the revision to come is none.
func LoadRecord(dir string, id safedir.ID, f object.Format) *Record {
	next := &index.File{Format: f}
	var entries []index.Entry
	_, begun := readRecordFile(JournalPath(dir), id, next, func(n int) { entries = make([]index.Entry, 0, n) }, func(e *index.Entry) { entries = append(entries, *e) })
	r := newRecord()
	x := &index.File{Format: f}
	var known bool
	if r.since, known = readRecordFile(RecordPath(dir), id, x, r.grow, r.add); !known {
		r = newRecord()
	}
	r.end()
	known = known && r.knowConversions(x.Extras)
	if !begun {
		if known {
			r.knowTrees(x.Trees)
		}
		return r
	}
	r.journal = entries
	return r.with(entries)
}

// Empty tells whether nothing is known.
func (r *Record) Empty() bool { return len(r.found) == 0 }

// with is the record with what a journal has besides. Trees are not known then.
func (r *Record) with(journal []index.Entry) *Record {
	whole := newRecord()
	whole.since, whole.journal = r.since, journal
	old := r.plan.Recorded(r.found, nil)
	for _, e := range mergeEntries(old.Entries, journal) {
		whole.add(&e)
	}
	whole.end()
	return whole
}

// readRecordFile reads a file that saveRecord wrote for a directory. Anything
// else is as if it were not there.
func readRecordFile(path string, id safedir.ID, x *index.File, grow func(int), visit func(*index.Entry)) (since index.FileTime, ok bool) {
	text, err := readPrivate(path)
	if err != nil || x.Parse(text, grow, visit) != nil {
		return since, false
	}
	for _, extra := range x.Extras {
		b := extra.Data
		if extra.Name != recordExtra || len(b) != recordHead || b[0] != recordVersion {
			continue
		}
		found := safedir.ID{Dev: int64(binary.BigEndian.Uint64(b[1:])), Ino: binary.BigEndian.Uint64(b[9:])}
		since = index.FileTime{Sec: binary.BigEndian.Uint32(b[17:]), Nsec: binary.BigEndian.Uint32(b[21:])}
		ok = found == id
	}
	return since, ok
}

func readPrivate(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRecord {
		return "", index.ErrDamaged
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var text strings.Builder
	text.Grow(int(info.Size()))
	_, err = io.Copy(&text, io.LimitReader(file, info.Size()))
	return text.String(), err
}

// SaveRecord makes a file for readRecordFile by way of another.
func SaveRecord(path, tmp string, x *index.File, since index.FileTime, id safedir.ID) error {
	extra := []byte{recordVersion}
	extra = binary.BigEndian.AppendUint64(extra, uint64(id.Dev))
	extra = binary.BigEndian.AppendUint64(extra, id.Ino)
	extra = binary.BigEndian.AppendUint32(extra, since.Sec)
	extra = binary.BigEndian.AppendUint32(extra, since.Nsec)
	x.Extras = append(x.Extras, index.Extra{Name: recordExtra, Data: extra}, index.Extra{Name: recordConversions, Data: conversions(x.Entries)})
	if err := os.WriteFile(tmp, index.Encode(x), 0o600); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, path)
}

// mergeEntries has the entries of both; a path that is in both is as in a.
func mergeEntries(a, b []index.Entry) []index.Entry {
	all := make([]index.Entry, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		order := strings.Compare(a[0].Path, b[0].Path)
		if order <= 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all = append(all, b[0])
		}
		if order >= 0 {
			b = b[1:]
		}
	}
	return append(append(all, a...), b...)
}

// knowTrees notes the trees that are as many files as they say.
func (r *Record) knowTrees(trees []index.Tree) {
	var walk func(dir int32)
	walk = func(dir int32) {
		t := trees[0]
		trees = trees[1:]
		if dir >= 0 {
			if s := r.spans[dir]; t.Entries == int(s.endFile-s.firstFile) && t.Entries > 0 {
				r.plan.Dirs[dir].ID = t.ID
			}
		}
		for range t.Below {
			below, ok := r.child[dirName{dir, trees[0].Name}]
			if !ok {
				below = -1
			}
			walk(below)
		}
	}
	if len(trees) > 0 {
		walk(0)
	}
}

// trusts says whether a file is as it was when its content was known. Of a
// large one not even the size is sure.
func (r *Record) trusts(file int32, now index.FileStat) bool {
	is := r.found[file]
	is.Dev, is.Uid, is.Gid = now.Dev, now.Uid, now.Gid // no part of the content
	return is == now && is.Ino != 0 && is.Size < 1<<31 && is.Ctime.Before(r.since)
}
