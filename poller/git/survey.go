package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/go-git/go-git/v5/plumbing"
)

const readBuffer = 64 << 10 // bytes

// visitor is what a goroutine looks at directories with.
type visitor struct {
	out    *outDir
	hash   *objectHash
	buffer []byte
}

// each has several goroutines visit directories of the plan.
func (u *update) each(ctx context.Context, dirs []int32, visit func(context.Context, *visitor, int32) error) error {
	open := func() (*visitor, func(), error) {
		out, err := u.open()
		if err != nil {
			return nil, nil, err
		}
		return &visitor{out: out, hash: newRepeatedHash()}, out.close, nil
	}
	return inBatches(ctx, batchDirs, len(dirs), open, func(ctx context.Context, v *visitor, i int) error {
		if err := visit(ctx, v, dirs[i]); err != nil {
			return fmt.Errorf("%q: %w", u.plan.dirPath(dirs[i]), err)
		}
		return nil
	})
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
	old := u.known.plan
	for _, file := range u.stale[dir] {
		if err := out.unlink(dir, old.files[file].name); err != nil {
			return err
		}
	}
	err = out.rmdir(dir)
	if errors.Is(err, fs.ErrPermission) { // locked is the one above
		if there, err = out.enter(old.dirs[dir].parent); err == nil && there {
			err = out.rmdir(dir)
		}
	}
	return err
}

// survey finds out what is to be written, and takes away what is in the way. It
// looks at what the inspection has left open.
func (u *update) survey(ctx context.Context) error {
	u.inside = u.plan.dirsIn()
	var open []int32
	for i := range u.plan.dirs {
		settled, err := u.settle(int32(i))
		if err != nil {
			return err
		}
		if !settled || u.clean {
			open = append(open, int32(i))
		}
	}
	return u.each(ctx, open, u.look)
}

// settle keeps the files of a directory that are known to be as planned, and
// says whether all is.
func (u *update) settle(dir int32) (bool, error) {
	was := u.plan.dirs[dir].was - 1
	if was < 0 || !u.inspected.dirs[was] {
		return false, nil
	}
	settled := len(u.stale[was]) == 0
	for _, i := range u.files.of(dir) {
		f, old := u.plan.files[i], u.was[i]
		if old < 0 || !u.inspected.files[old] {
			settled = false
			continue
		}
		if before := u.known.plan.files[old]; before.id != f.id || before.mode != f.mode || before.convert != f.convert {
			settled = false
			continue
		}
		is := u.known.found[old]
		if err := u.keepFile(i, is, int64(is.size)); err != nil {
			return false, err
		}
	}
	u.present[dir] = settled
	return settled, nil
}

// keepFile leaves a file as it is.
func (u *update) keepFile(i int32, is fileStat, size int64) error {
	u.done[i].Store(true)
	u.kept[i], u.found[i] = true, is
	if u.plan.files[i].mode == modeSymlink {
		return nil
	}
	return u.countKept(size)
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
		if u.kept[i] {
			continue
		}
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
	u.touched[f.dir].Store(true)
	if !info.is(f) || !info.belongs(u.owner) {
		return nil
	}
	same := false
	if was := u.was[i]; was >= 0 && u.known.trusts(was, info.stat) {
		before := u.known.plan.files[was]
		same = before.id == f.id && before.convert == f.convert
	} else if f.convert == 0 { // what was converted has another content than its blob
		same = u.sameContent(ctx, v, f, &info)
	}
	if !same {
		return ctx.Err()
	}
	return u.keepFile(i, info.stat, info.size)
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
