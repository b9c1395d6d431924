package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
)

const batchFiles = 256 // what a goroutine takes at a time

// treeWriter fills a directory as planned. Symlinks come last, so that none is
// there while files are written.
type treeWriter struct {
	fileOptions
	dir   string
	plan  *plan
	made  int           // how many directories there are
	done  []atomic.Bool // of each file
	found []fileStat    // of each file; nil: nobody asked
	bytes atomic.Int64

	stage  string // directory in which files are made first; "": there is nothing to replace
	stages atomic.Int32
	dev    int64 // with stage: of dir
}

// newTreeWriter makes the directories of the plan below dir, which is empty.
func newTreeWriter(dir string, p *plan, o fileOptions) (*treeWriter, error) {
	w := &treeWriter{fileOptions: o, dir: dir, plan: p}
	if err := w.extend(); err != nil {
		return nil, err
	}
	return w, nil
}

// extend makes the directories that have come to the plan. Nothing else may be
// under way.
func (w *treeWriter) extend() error {
	out, err := w.open()
	if err != nil {
		return err
	}
	defer out.close()
	for ; w.made < len(w.plan.dirs); w.made++ {
		if err := out.mkdir(int32(w.made)); err != nil {
			return err
		}
	}
	done := make([]atomic.Bool, len(w.plan.files))
	for i := range w.done {
		done[i].Store(w.done[i].Load())
	}
	w.done = done
	if w.stats {
		w.found = append(w.found, make([]fileStat, len(w.plan.files)-len(w.found))...)
	}
	return nil
}

// write writes one file, unless it is a symlink or was written before. It is
// safe for concurrent use, each goroutine with an out of its own.
func (w *treeWriter) write(ctx context.Context, out *outDir, file int, content []byte) error {
	f := w.plan.files[file]
	if f.mode == modeSymlink || w.done[file].Swap(true) {
		return nil
	}
	if f.convert != 0 && len(content) > streamAbove {
		return w.note(out, file, w.writeLarge(ctx, out, f, func(to io.Writer) error {
			_, err := io.Copy(to, struct{ io.Reader }{bytes.NewReader(content)}) // in pieces
			return err
		}))
	}
	content = f.convert.apply(content, f.id)
	if err := w.count(int64(len(content))); err != nil {
		return err
	}
	return w.note(out, file, out.write(f, content))
}

// count is for bytes that are about to be written.
func (w *treeWriter) count(size int64) error {
	if err := w.countKept(size); err != nil {
		return err
	}
	return w.room.takeFile(size)
}

// countKept is for bytes that are there.
func (w *treeWriter) countKept(size int64) error {
	if w.bytes.Add(size) > w.limit {
		return fmt.Errorf("the files of the revision have %w", tooMuch(w.limit))
	}
	return nil
}

// finish writes from the store what is missing yet, and counts what is there.
func (w *treeWriter) finish(ctx context.Context, s *store) error {
	if err := w.takeBack(); err != nil {
		return err
	}
	if err := w.writeAll(ctx, s); err != nil {
		return err
	}
	for i, d := range w.plan.dirs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.countNames(int32(i), int(d.entries)); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWriter) writeAll(ctx context.Context, s *store) error {
	if err := w.writeFiles(ctx, s); err != nil {
		return err
	}
	return w.writeSymlinks(ctx, s)
}

func (w *treeWriter) countNames(dir int32, want int) error {
	path := filepath.Join(w.dir, filepath.FromSlash(w.plan.dirPath(dir)))
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err == nil && len(names) != want {
		err = fmt.Errorf("%s has %d entries instead of %d", path, len(names), want)
	}
	return err
}

// job is a file that is still to be written.
type job struct {
	file int
	at   place
}

// writeFiles goes through the packs in their order, which is the fastest.
func (w *treeWriter) writeFiles(ctx context.Context, s *store) error {
	var jobs []job
	for i, f := range w.plan.files {
		if f.mode == modeSymlink || w.done[i].Load() {
			continue
		}
		at, ok := s.find(f.id)
		if !ok {
			return fmt.Errorf("%q: blob %w", w.plan.filePath(f), missing(f.id))
		}
		jobs = append(jobs, job{i, at})
	}
	number := map[*pack]int{}
	for i, p := range s.packs {
		number[p] = i
	}
	slices.SortFunc(jobs, func(a, b job) int {
		if a.at.pack != b.at.pack {
			return number[a.at.pack] - number[b.at.pack]
		}
		return int(a.at.offset - b.at.offset)
	})
	open := func() (*fileWriter, func(), error) {
		out, err := w.open()
		if err != nil {
			return nil, nil, err
		}
		return &fileWriter{out, s.reader()}, out.close, nil
	}
	return inBatches(ctx, batchFiles, len(jobs), open, func(ctx context.Context, v *fileWriter, i int) error {
		if err := w.writeFrom(ctx, v.out, v.r, jobs[i]); err != nil {
			return fmt.Errorf("%q: %w", w.plan.filePath(w.plan.files[jobs[i].file]), err)
		}
		return nil
	})
}

// fileWriter is what a goroutine writes files with.
type fileWriter struct {
	out *outDir
	r   *storeReader
}

func (w *treeWriter) writeFrom(ctx context.Context, out *outDir, r *storeReader, j job) error {
	f := w.plan.files[j.file]
	large, err := r.streamed(j.at)
	if err != nil {
		return asDamage(err, f.id)
	}
	if !large {
		content, err := r.blob(j.at, f.id)
		if err != nil {
			return err
		}
		return w.write(ctx, out, j.file, content)
	}
	return w.writeStored(ctx, out, r, j)
}

func (w *treeWriter) writeSymlinks(ctx context.Context, s *store) error {
	out, err := w.open()
	if err != nil {
		return err
	}
	defer out.close()
	r := s.reader()
	for i, f := range w.plan.files {
		if f.mode != modeSymlink || w.done[i].Load() {
			continue
		}
		if err := w.note(out, i, w.symlink(ctx, out, r, f)); err != nil {
			return fmt.Errorf("%q: %w", w.plan.filePath(f), err)
		}
	}
	return nil
}

func (w *treeWriter) symlink(ctx context.Context, out *outDir, r *storeReader, f planFile) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	at, ok := r.store.find(f.id)
	if !ok {
		return fmt.Errorf("blob %w", missing(f.id))
	}
	target, err := r.blob(at, f.id)
	if err != nil {
		return err
	}
	if len(target) > maxSymlink {
		return fmt.Errorf("symlink to a name of %d bytes", len(target))
	}
	return out.symlink(f, string(target))
}
