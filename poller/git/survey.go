package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"
)

const (
	batchDirs  = 64       // what a goroutine takes at a time
	readBuffer = 64 << 10 // bytes
)

// visitor is what a goroutine looks at directories with.
type visitor struct {
	out    *outDir
	hash   *objectHash
	buffer []byte
}

// each has several goroutines visit directories of the plan, neighbors by one.
func (u *update) each(ctx context.Context, dirs []int32, visit func(context.Context, *visitor, int32) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(writers(), (len(dirs)+batchDirs-1)/batchDirs) {
		group.Go(func() error {
			out, err := u.open()
			if err != nil {
				return err
			}
			defer out.close()
			v := &visitor{out: out, hash: newRepeatedHash()}
			for {
				begin := int(next.Add(batchDirs)) - batchDirs
				if begin >= len(dirs) {
					return nil
				}
				for _, dir := range dirs[begin:min(begin+batchDirs, len(dirs))] {
					if err := ctx.Err(); err != nil {
						return err
					}
					if err := visit(ctx, v, dir); err != nil {
						return fmt.Errorf("%q: %w", u.plan.dirPath(dir), err)
					}
				}
			}
		})
	}
	return group.Wait()
}

// removeStale removes the directories that are no longer planned, as far as
// nothing else is in them.
func (u *update) removeStale(ctx context.Context) error {
	old := u.known.plan
	var out *outDir
	for dir := int32(len(old.dirs)) - 1; dir > 0; dir-- {
		if u.live[dir] {
			continue
		}
		if out == nil {
			var err error
			if out, err = openOutDir(u.dir, old); err != nil {
				return err
			}
			out.dev = u.dev
			defer out.close()
		}
		err := ctx.Err()
		if err == nil {
			err = u.removeStaleDir(out, dir)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", old.dirPath(dir), err)
		}
	}
	return nil
}

func (u *update) removeStaleDir(out *outDir, dir int32) error {
	there, err := out.enter(dir)
	if err != nil || !there {
		return err
	}
	for _, file := range u.stale[dir] {
		if err := out.unlink(dir, u.known.plan.files[file].name); err != nil {
			return err
		}
	}
	return out.rmdir(dir)
}

// survey finds out what is to be written, and takes away what is in the way.
func (u *update) survey(ctx context.Context) error {
	u.inside = u.plan.dirsIn()
	dirs := make([]int32, len(u.plan.dirs))
	for i := range dirs {
		dirs[i] = int32(i)
	}
	return u.each(ctx, dirs, u.look)
}

func (u *update) look(ctx context.Context, v *visitor, dir int32) error {
	there, err := v.out.enter(dir)
	if err != nil {
		return err
	}
	if !there {
		u.touched[dir].Store(true)
		u.touched[u.plan.dirs[dir].parent].Store(true)
		return nil
	}
	u.present[dir] = true
	if was := u.plan.dirs[dir].was; was > 0 {
		for _, file := range u.stale[was-1] {
			if err := v.out.unlink(dir, u.known.plan.files[file].name); err != nil {
				return err
			}
		}
	} else {
		u.touched[u.plan.dirs[dir].parent].Store(true)
	}
	if u.clean {
		if err := u.cleanDir(v.out, dir); err != nil {
			return err
		}
	}
	for _, i := range u.files.of(dir) {
		if err := u.lookAt(ctx, v, i); err != nil {
			return err
		}
	}
	return nil
}

// cleanDir removes what is in a directory of the plan and not of it.
func (u *update) cleanDir(out *outDir, dir int32) error {
	names, err := out.names(dir)
	if err != nil {
		return err
	}
	planned := make(map[string]bool, len(names))
	for _, i := range u.files.of(dir) {
		planned[u.plan.files[i].name] = true
	}
	for _, i := range u.inside.of(dir) {
		planned[u.plan.dirs[i].name] = true
	}
	for _, name := range names {
		if planned[name] || dir == 0 && name == u.keep {
			continue
		}
		if err := out.removeAll(dir, name); err != nil {
			return err
		}
	}
	return nil
}

// lookAt finds out whether a file is as it should be.
func (u *update) lookAt(ctx context.Context, v *visitor, i int32) error {
	f := u.plan.files[i]
	info, err := v.out.look(f.dir, f.name)
	if errors.Is(err, fs.ErrNotExist) {
		u.touched[f.dir].Store(true)
		return nil
	}
	if err != nil {
		return err
	}
	if info.kind == modeDir {
		u.touched[f.dir].Store(true)
		return v.out.removeAll(f.dir, f.name)
	}
	same := info.is(f) && info.belongs(u.owner)
	if was := u.was[i]; was >= 0 && u.known.trusts(was, info.stat) {
		same = same && u.known.plan.files[was].id == f.id
	} else {
		u.touched[f.dir].Store(true)
		same = same && u.sameContent(ctx, v, f, &info)
	}
	if !same {
		u.touched[f.dir].Store(true)
		return ctx.Err()
	}
	u.done[i].Store(true)
	u.kept[i], u.found[i] = true, info.stat
	if info.kind != modeFile {
		return nil
	}
	return u.count(info.size)
}

// sameContent reads a file. What cannot be read is written anew.
func (u *update) sameContent(ctx context.Context, v *visitor, f planFile, info *fileInfo) bool {
	if info.kind == modeSymlink {
		target, err := v.out.readlink(f.dir, f.name)
		if err != nil {
			return false
		}
		id, err := v.hash.of(object{plumbing.BlobObject, []byte(target)})
		return err == nil && id == f.id
	}
	if info.size > u.limit {
		return false
	}
	file, err := v.out.openFile(f.dir, f.name, info)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	if v.buffer == nil {
		v.buffer = make([]byte, readBuffer)
	}
	v.hash.begin(plumbing.BlobObject, info.size)
	counted := &countingWriter{ctx: ctx, w: v.hash}
	if _, err := io.CopyBuffer(counted, struct{ io.Reader }{io.LimitReader(file, info.size+1)}, v.buffer); err != nil {
		return false
	}
	id, err := v.hash.id()
	return err == nil && id == f.id && counted.n == info.size
}

// makeDirs makes the directories that are missing.
func (u *update) makeDirs(ctx context.Context) error {
	out, err := u.open()
	if err != nil {
		return err
	}
	defer out.close()
	for i, d := range u.plan.dirs {
		if u.present[i] {
			continue
		}
		err := ctx.Err()
		if err == nil {
			err = out.unlink(d.parent, d.name)
		}
		if err == nil {
			err = out.mkdir(int32(i))
		}
		if err != nil {
			return fmt.Errorf("%q: %w", u.plan.dirPath(int32(i)), err)
		}
	}
	return nil
}
