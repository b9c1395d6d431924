package worktree

import (
	"context"
	"fmt"

	"github.com/bittrance/kitops/poller/git/object"
)

// verify looks again at directories in which something was not as it should be:
// all that is planned must be there, and no two names may stand for one file,
// as they can where case means nothing. It learns what files are now.
func (u *Update) verify(ctx context.Context) error {
	var dirs []int32
	for i := range u.Touched {
		if u.Touched[i].Load() {
			dirs = append(dirs, int32(i))
		}
	}
	return u.each(ctx, dirs, u.verifyDir)
}

func (u *Update) verifyDir(_ context.Context, v *visitor, dir int32) error {
	seen := make(map[dirID]string)
	once := func(name string, info *fileInfo) error {
		other, twice := seen[info.id]
		if twice && info.id != (dirID{}) && (!info.linked || info.kind == object.ModeDir) {
			return fmt.Errorf("refused: %q and %q are one file here", other, name)
		}
		seen[info.id] = name
		return nil
	}
	for _, i := range u.files.of(dir) {
		f := u.Plan.Files[i]
		info, err := v.out.look(dir, f.Name)
		if err == nil && !info.is(f) {
			err = errChanging(f.Name)
		}
		if err == nil {
			err = once(f.Name, &info)
		}
		if err != nil {
			return err
		}
		if !u.Kept[i] {
			u.Found[i] = info.stat
		}
	}
	for _, i := range u.inside.of(dir) {
		if i == 0 {
			continue
		}
		name := u.Plan.Dirs[i].name
		info, err := v.out.look(dir, name)
		if err == nil && info.kind != object.ModeDir {
			err = errChanging(name)
		}
		if err == nil {
			err = once(name, &info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func errChanging(name string) error {
	return fmt.Errorf("%q changes while the checkout is made", name)
}
