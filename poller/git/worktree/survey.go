package worktree

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/safedir"
)

// visitor is what a goroutine looks at directories with.
type visitor struct {
	out    *safedir.Dir
	hash   *object.Hasher
	buffer []byte
	reader *odb.Reader   // nil: nobody has asked for a blob yet
	read   *bufio.Reader // of a file; nil: likewise
}

// each has several goroutines visit directories of the plan.
func (u *updater) each(ctx context.Context, dirs []int32, visit func(context.Context, *visitor, int32) error) error {
	open := func() (*visitor, func(), error) {
		out, err := u.open()
		if err != nil {
			return nil, nil, err
		}
		return &visitor{out: out, hash: object.NewRepeatedHasher(u.Plan.tree.Format())}, out.Close, nil
	}
	return disk.InBatches(ctx, batchDirs, len(dirs), open, func(ctx context.Context, v *visitor, i int) error {
		if err := visit(ctx, v, dirs[i]); err != nil {
			return fmt.Errorf("%q: %w", u.Plan.DirPath(dirs[i]), err)
		}
		return nil
	})
}

// removeStale removes the directories that are no longer planned, as far as
// nothing else is in them.
func (u *updater) removeStale(ctx context.Context) error {
	old := u.known.plan
	var out *safedir.Dir
	for dir := int32(len(old.Dirs)) - 1; dir > 0; dir-- {
		if u.live[dir] {
			continue
		}
		if out == nil {
			var err error
			if out, err = safedir.Open(u.Dir, old.above); err != nil {
				return err
			}
			out.Dev = u.Dev
			defer out.Close()
		}
		err := ctx.Err()
		if err == nil {
			err = u.removeStaleDir(out, dir)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", old.DirPath(dir), err)
		}
	}
	return nil
}

func (u *updater) removeStaleDir(out *safedir.Dir, dir int32) error {
	there, err := out.Enter(dir)
	if err != nil || !there {
		return err
	}
	old := u.known.plan
	for _, file := range u.stale[dir] {
		if err := out.Unlink(dir, old.Files[file].Name); err != nil {
			return err
		}
	}
	err = out.Rmdir(dir)
	if errors.Is(err, fs.ErrPermission) { // locked is the one above
		if there, err = out.Enter(old.Dirs[dir].parent); err == nil && there {
			err = out.Rmdir(dir)
		}
	}
	return err
}

// survey finds out what is to be written, and takes away what is in the way. It
// looks at what the inspection has left open.
func (u *updater) survey(ctx context.Context) error {
	u.inside = u.Plan.dirsIn()
	var open []int32
	for i := range u.Plan.Dirs {
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
func (u *updater) settle(dir int32) (bool, error) {
	was := u.Plan.Dirs[dir].was - 1
	if was < 0 || !u.inspected.dirs[was] {
		return false, nil
	}
	settled := len(u.stale[was]) == 0
	for _, i := range u.files.of(dir) {
		f, old := u.Plan.Files[i], u.was[i]
		if old < 0 || !u.inspected.files[old] {
			settled = false
			continue
		}
		if before := u.known.plan.Files[old]; before.ID != f.ID || before.Mode != f.Mode || before.Convert != f.Convert {
			settled = false
			continue
		}
		is := u.known.found[old]
		if err := u.keepFile(i, is, int64(is.Size)); err != nil {
			return false, err
		}
	}
	u.present[dir] = settled
	return settled, nil
}

// keepFile leaves a file as it is.
func (u *updater) keepFile(i int32, is index.FileStat, size int64) error {
	u.Done[i].Store(true)
	u.kept[i], u.Found[i] = true, is
	if u.Plan.Files[i].Mode == object.ModeSymlink {
		return nil
	}
	return u.countKept(size)
}

func (u *updater) look(ctx context.Context, v *visitor, dir int32) error {
	there, err := v.out.Enter(dir)
	if err != nil {
		return err
	}
	if !there {
		u.touched[dir].Store(true)
		u.touched[u.Plan.Dirs[dir].parent].Store(true)
		return nil
	}
	u.present[dir] = true
	if was := u.Plan.Dirs[dir].was; was > 0 {
		for _, file := range u.stale[was-1] {
			if err := v.out.Unlink(dir, u.known.plan.Files[file].Name); err != nil {
				return err
			}
		}
	} else {
		u.touched[u.Plan.Dirs[dir].parent].Store(true)
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
func (u *updater) cleanDir(out *safedir.Dir, dir int32) error {
	names, err := out.Names(dir)
	if err != nil {
		return err
	}
	planned := make(map[string]bool, len(names))
	for _, i := range u.files.of(dir) {
		planned[u.Plan.Files[i].Name] = true
	}
	for _, i := range u.inside.of(dir) {
		planned[u.Plan.Dirs[i].name] = true
	}
	for _, name := range names {
		if planned[name] || dir == 0 && name == u.keep {
			continue
		}
		if err := out.RemoveAll(dir, name); err != nil {
			return err
		}
	}
	return nil
}

// lookAt finds out whether a file is as it should be.
func (u *updater) lookAt(ctx context.Context, v *visitor, i int32) error {
	f := u.Plan.Files[i]
	info, err := v.out.Look(f.Dir, f.Name)
	if errors.Is(err, fs.ErrNotExist) {
		u.touched[f.Dir].Store(true)
		return nil
	}
	if err != nil {
		return err
	}
	if info.Kind == safedir.Directory {
		u.touched[f.Dir].Store(true)
		return v.out.RemoveAll(f.Dir, f.Name)
	}
	u.touched[f.Dir].Store(true)
	if !f.is(&info, u.NoModes) || !info.BelongsTo(u.Owner) {
		return nil
	}
	var same bool
	if was := u.was[i]; was >= 0 && u.known.trusts(was, statOf(info.Stat)) {
		before := u.known.plan.Files[was]
		same = before.ID == f.ID && before.Convert == f.Convert
	} else {
		same = u.sameContent(ctx, v, f, &info)
	}
	if !same {
		return ctx.Err()
	}
	return u.keepFile(i, statOf(info.Stat), info.Stat.Size)
}

// sameContent reads a file. What cannot be read is written anew.
func (u *updater) sameContent(ctx context.Context, v *visitor, f PlanFile, info *safedir.Info) bool {
	if info.Kind == safedir.Symlink {
		target, err := v.out.Readlink(f.Dir, f.Name)
		if err != nil {
			return false
		}
		id, err := v.hash.Of(object.Object{Kind: object.KindBlob, Data: []byte(target)})
		return err == nil && id == f.ID
	}
	if info.Stat.Size > u.Limit {
		return false
	}
	file, err := v.out.OpenFile(f.Dir, f.Name, info)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	if f.Convert == convert.LFS {
		return u.Same(f.ID, info.Stat.Size, io.TeeReader(file, &disk.CountingWriter{Ctx: ctx, W: io.Discard}))
	}
	if f.Convert != 0 {
		return u.sameConverted(ctx, v, f, file)
	}
	if v.buffer == nil {
		v.buffer = make([]byte, index.ReadBuffer)
	}
	v.hash.Begin(object.KindBlob, info.Stat.Size)
	counted := &disk.CountingWriter{Ctx: ctx, W: v.hash}
	if _, err := io.CopyBuffer(counted, struct{ io.Reader }{io.LimitReader(file, info.Stat.Size+1)}, v.buffer); err != nil {
		return false
	}
	id, err := v.hash.ID()
	return err == nil && id == f.ID && counted.N == info.Stat.Size
}

// makeDirs makes the directories that are missing.
func (u *updater) makeDirs(ctx context.Context) error {
	out, err := u.open()
	if err != nil {
		return err
	}
	defer out.Close()
	for i, d := range u.Plan.Dirs {
		if u.present[i] {
			continue
		}
		err := ctx.Err()
		if err == nil {
			err = out.Unlink(d.parent, d.name)
		}
		if err == nil {
			err = out.Mkdir(int32(i))
		}
		if err != nil {
			return fmt.Errorf("%q: %w", u.Plan.DirPath(int32(i)), err)
		}
	}
	return nil
}
