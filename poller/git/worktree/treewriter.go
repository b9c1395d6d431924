package worktree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/pack"
	"github.com/bittrance/kitops/poller/git/safedir"
)

const (
	batchFiles = 256  // what a goroutine takes at a time
	batchNames = 1024 // of a directory, that are read at once
)

// TreeWriter fills a directory as planned. Symlinks come last, so that none is
// there while files are written.
type TreeWriter struct {
	FileOptions
	Dir   string
	Plan  *Plan
	made  int              // how many directories there are
	Done  []atomic.Bool    // of each file
	Found []index.FileStat // of each file; nil: nobody asked
	bytes atomic.Int64

	Parked string // directory with the record that the plan was made upon, whose files may be moved; "": none
	Stage  string // directory in which files are made first; "": there is nothing to replace
	stages atomic.Int32
	Dev    int64 // with stage: of dir
}

// NewTreeWriter makes the directories of the plan below dir, which is empty.
func NewTreeWriter(dir string, p *Plan, o FileOptions) (*TreeWriter, error) {
	w := &TreeWriter{FileOptions: o, Dir: dir, Plan: p}
	if err := w.Extend(); err != nil {
		return nil, err
	}
	return w, nil
}

// Extend makes the directories that have come to the plan. Nothing else may be
// under way.
func (w *TreeWriter) Extend() error {
	out, err := w.open()
	if err != nil {
		return err
	}
	defer out.Close()
	for ; w.made < len(w.Plan.Dirs); w.made++ {
		if err := out.Mkdir(int32(w.made)); err != nil {
			return err
		}
	}
	done := make([]atomic.Bool, len(w.Plan.Files))
	for i := range w.Done {
		done[i].Store(w.Done[i].Load())
	}
	w.Done = done
	if w.Stats {
		w.Found = append(w.Found, make([]index.FileStat, len(w.Plan.Files)-len(w.Found))...)
	}
	return nil
}

// write writes one file, unless it is a symlink or was written before. It is
// safe for concurrent use, each goroutine with an out of its own.
func (w *TreeWriter) write(ctx context.Context, out *safedir.Dir, file int, content []byte) error {
	f := w.Plan.Files[file]
	if f.Mode == object.ModeSymlink || w.Done[file].Swap(true) {
		return nil
	}
	if f.Convert != 0 && len(content) > pack.StreamAbove {
		return w.note(out, file, w.writeLarge(ctx, out, f, copyContent(content)))
	}
	if f.Convert != 0 {
		content = f.Convert.Apply(content, f.ID.String())
	}
	if err := w.count(int64(len(content))); err != nil {
		return err
	}
	return w.note(out, file, out.Write(f.file(), content))
}

// count is for bytes that are about to be written.
func (w *TreeWriter) count(size int64) error {
	if err := w.countKept(size); err != nil {
		return err
	}
	return w.Room.TakeFile(size)
}

// countKept is for bytes that are there.
func (w *TreeWriter) countKept(size int64) error {
	if w.bytes.Add(size) > w.Limit {
		return fmt.Errorf("the files of the revision have %w", disk.TooMuch(w.Limit))
	}
	return nil
}

// Finish writes from the store what is missing yet, and counts what is there.
func (w *TreeWriter) Finish(ctx context.Context, s *odb.Store) error {
	if err := w.takeBack(); err != nil {
		return err
	}
	if w.Parked != "" {
		if err := w.moveParked(ctx); err != nil {
			return err
		}
	}
	if err := w.writeAll(ctx, s); err != nil {
		return err
	}
	for i, d := range w.Plan.Dirs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.countNames(int32(i), int(d.entries)); err != nil {
			return err
		}
	}
	return nil
}

func (w *TreeWriter) writeAll(ctx context.Context, s *odb.Store) error {
	if err := w.writeFiles(ctx, s); err != nil {
		return err
	}
	return w.writeSymlinks(ctx, s)
}

func (w *TreeWriter) countNames(dir int32, want int) error {
	path := filepath.Join(w.Dir, filepath.FromSlash(w.Plan.DirPath(dir)))
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	found := 0
	for err == nil { // a directory may have names of hundreds of MB
		var names []string
		names, err = f.Readdirnames(batchNames)
		found += len(names)
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if found != want {
		return fmt.Errorf("%s has %d entries instead of %d", path, found, want)
	}
	return nil
}

// job is a file that is still to be written.
type job struct {
	file int
	at   pack.Place
}

// writeFiles goes through the packs in their order, which is the fastest.
func (w *TreeWriter) writeFiles(ctx context.Context, s *odb.Store) error {
	if err := w.fetchPointed(ctx); err != nil {
		return err
	}
	jobs := make([]job, 0, w.missing())
	for i, f := range w.Plan.Files {
		if f.Mode == object.ModeSymlink || w.Done[i].Load() {
			continue
		}
		at, ok := s.Find(f.ID)
		if !ok {
			return fmt.Errorf("%q: blob %w", w.Plan.FilePath(f), object.Missing(f.ID))
		}
		jobs = append(jobs, job{i, at})
	}
	w.Progress.Plans(len(jobs))
	number := map[*pack.Pack]int{}
	for i, p := range s.Packs {
		number[p] = i
	}
	slices.SortFunc(jobs, func(a, b job) int {
		if a.at.Pack != b.at.Pack {
			return number[a.at.Pack] - number[b.at.Pack]
		}
		return int(a.at.Offset - b.at.Offset)
	})
	open := func() (*fileWriter, func(), error) {
		out, err := w.open()
		if err != nil {
			return nil, nil, err
		}
		return &fileWriter{out, s.Reader()}, out.Close, nil
	}
	return disk.InBatches(ctx, batchFiles, len(jobs), open, func(ctx context.Context, v *fileWriter, i int) error {
		if err := w.writeFrom(ctx, v.out, v.r, jobs[i]); err != nil {
			return fmt.Errorf("%q: %w", w.Plan.FilePath(w.Plan.Files[jobs[i].file]), err)
		}
		return nil
	})
}

// missing is how many files are to be written.
func (w *TreeWriter) missing() (count int) {
	for i, f := range w.Plan.Files {
		if f.Mode != object.ModeSymlink && !w.Done[i].Load() {
			count++
		}
	}
	return count
}

// fileWriter is what a goroutine writes files with.
type fileWriter struct {
	out *safedir.Dir
	r   *odb.Reader
}

func (w *TreeWriter) writeFrom(ctx context.Context, out *safedir.Dir, r *odb.Reader, j job) error {
	f := w.Plan.Files[j.file]
	if f.Convert == convert.LFS {
		return w.writePointed(ctx, out, j.file)
	}
	content, small, err := stored(r, f, j.at)
	if err != nil {
		return err
	}
	if small {
		return w.write(ctx, out, j.file, content)
	}
	w.Done[j.file].Store(true)
	return w.note(out, j.file, w.writeLarge(ctx, out, f, func(to io.Writer) error {
		return r.CopyBlob(ctx, to, j.at, f.ID)
	}))
}

func (w *TreeWriter) writeSymlinks(ctx context.Context, s *odb.Store) error {
	out, err := w.open()
	if err != nil {
		return err
	}
	defer out.Close()
	r := s.Reader()
	for i, f := range w.Plan.Files {
		if f.Mode != object.ModeSymlink || w.Done[i].Load() {
			continue
		}
		if err := w.note(out, i, w.symlink(ctx, out, r, f)); err != nil {
			return fmt.Errorf("%q: %w", w.Plan.FilePath(f), err)
		}
	}
	return nil
}

func (w *TreeWriter) symlink(ctx context.Context, out *safedir.Dir, r *odb.Reader, f PlanFile) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	at, ok := r.Store.Find(f.ID)
	if !ok {
		return fmt.Errorf("blob %w", object.Missing(f.ID))
	}
	target, err := r.Blob(at, f.ID)
	if err != nil {
		return err
	}
	if len(target) > safedir.MaxSymlink {
		return fmt.Errorf("symlink to a name of %d bytes", len(target))
	}
	return out.Symlink(f.file(), string(target))
}
