package git

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
)

const (
	recordExtra   = "KOPS"
	recordVersion = 1
	recordHead    = 1 + 8 + 8 + 4 + 4 // version, device and number of the directory, time
	maxRecord     = 1 << 30           // bytes
)

// record is what a kept directory holds as far as it was written here. It saves
// work and is never believed more than that: without it, or with one of another
// directory, every file is compared by its content.
type record struct {
	plan    *plan // directories have the id of their tree where that is known
	found   []fileStat
	since   fileTime     // what changed then or later may have changed again unseen
	paths   []string     // of each file
	journal []indexEntry // what an update that was cut off may have written, beyond the last that was not

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

// dirID tells a directory from another that came to have its name.
type dirID struct {
	dev int64
	ino uint64
}

func recordPath(dir string) string  { return dir + ".index" }
func journalPath(dir string) string { return dir + ".index.next" }

// loadRecord reads what is known of a directory, which can be nothing.
func loadRecord(dir string, id dirID) *record {
	next := &indexFile{}
	var entries []indexEntry
	_, begun := readRecordFile(journalPath(dir), id, next, func(n int) { entries = make([]indexEntry, 0, n) }, func(e *indexEntry) { entries = append(entries, *e) })
	r := newRecord()
	x := &indexFile{}
	var known bool
	if r.since, known = readRecordFile(recordPath(dir), id, x, r.grow, r.add); !known {
		r = newRecord()
	}
	r.end()
	known = known && r.knowConversions(x.extras)
	if !begun {
		if known {
			r.knowTrees(x.trees)
		}
		return r
	}
	r.journal = entries
	return r.with(entries)
}

// with is the record with what a journal has besides. Trees are not known then.
func (r *record) with(journal []indexEntry) *record {
	whole := newRecord()
	whole.since, whole.journal = r.since, journal
	old := r.plan.recorded(r.found, nil)
	for _, e := range mergeEntries(old.entries, journal) {
		whole.add(&e)
	}
	whole.end()
	return whole
}

// readRecordFile reads a file that saveRecord wrote for a directory. Anything
// else is as if it were not there.
func readRecordFile(path string, id dirID, x *indexFile, grow func(int), visit func(*indexEntry)) (since fileTime, ok bool) {
	text, err := readPrivate(path)
	if err != nil || x.parse(text, grow, visit) != nil {
		return since, false
	}
	for _, extra := range x.extras {
		b := extra.data
		if extra.name != recordExtra || len(b) != recordHead || b[0] != recordVersion {
			continue
		}
		found := dirID{int64(binary.BigEndian.Uint64(b[1:])), binary.BigEndian.Uint64(b[9:])}
		since = fileTime{binary.BigEndian.Uint32(b[17:]), binary.BigEndian.Uint32(b[21:])}
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
		return "", errIndex
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

// saveRecord makes a file for readRecordFile by way of another.
func saveRecord(path, tmp string, x *indexFile, since fileTime, id dirID) error {
	extra := []byte{recordVersion}
	extra = binary.BigEndian.AppendUint64(extra, uint64(id.dev))
	extra = binary.BigEndian.AppendUint64(extra, id.ino)
	extra = binary.BigEndian.AppendUint32(extra, since.sec)
	extra = binary.BigEndian.AppendUint32(extra, since.nsec)
	x.extras = append(x.extras, indexExtra{recordExtra, extra}, indexExtra{recordConversions, conversions(x.entries)})
	if err := os.WriteFile(tmp, encodeIndex(x), 0o600); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, path)
}

// mergeEntries has the entries of both; a path that is in both is as in a.
func mergeEntries(a, b []indexEntry) []indexEntry {
	all := make([]indexEntry, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		order := strings.Compare(a[0].path, b[0].path)
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
func (r *record) knowTrees(trees []indexTree) {
	var walk func(dir int32)
	walk = func(dir int32) {
		t := trees[0]
		trees = trees[1:]
		if dir >= 0 {
			if s := r.spans[dir]; t.entries == int(s.endFile-s.firstFile) && t.entries > 0 {
				r.plan.dirs[dir].id = t.id
			}
		}
		for range t.below {
			below, ok := r.child[dirName{dir, trees[0].name}]
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
func (r *record) trusts(file int32, now fileStat) bool {
	is := r.found[file]
	is.dev, is.uid, is.gid = now.dev, now.uid, now.gid // no part of the content
	return is == now && is.ino != 0 && is.size < 1<<31 && is.ctime.before(r.since)
}
