package git

import (
	"context"
	"fmt"
)

// verify looks again at directories in which something was not as it should be:
// all that is planned must be there, and no two names may stand for one file,
// as they can where case means nothing. It learns what files are now.
func (u *update) verify(ctx context.Context) error {
	var dirs []int32
	for i := range u.touched {
		if u.touched[i].Load() {
			dirs = append(dirs, int32(i))
		}
	}
	return u.each(ctx, dirs, u.verifyDir)
}

func (u *update) verifyDir(_ context.Context, v *visitor, dir int32) error {
	seen := make(map[dirID]string)
	once := func(name string, info *fileInfo) error {
		other, twice := seen[info.id]
		if twice && info.id != (dirID{}) && (!info.linked || info.kind == modeDir) {
			return fmt.Errorf("refused: %q and %q are one file here", other, name)
		}
		seen[info.id] = name
		return nil
	}
	for _, i := range u.files.of(dir) {
		f := u.plan.files[i]
		info, err := v.out.look(dir, f.name)
		if err == nil && !info.is(f) {
			err = errChanging(f.name)
		}
		if err == nil {
			err = once(f.name, &info)
		}
		if err != nil {
			return err
		}
		if !u.kept[i] {
			u.found[i] = info.stat
		}
	}
	for _, i := range u.inside.of(dir) {
		if i == 0 {
			continue
		}
		name := u.plan.dirs[i].name
		info, err := v.out.look(dir, name)
		if err == nil && info.kind != modeDir {
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
