package worktree

import (
	"context"
	"fmt"

	"github.com/bittrance/kitops/poller/git/safedir"
)

// verify looks again at directories in which something was not as it should be:
// all that is planned must be there, and no two names may stand for one file,
// as they can where case means nothing. It learns what files are now.
func (u *updater) verify(ctx context.Context) error {
	var dirs []int32
	for i := range u.touched {
		if u.touched[i].Load() {
			dirs = append(dirs, int32(i))
		}
	}
	return u.each(ctx, dirs, u.verifyDir)
}

func (u *updater) verifyDir(_ context.Context, v *visitor, dir int32) error {
	seen := oneEach{}
	for _, i := range u.files.of(dir) {
		f := u.Plan.Files[i]
		info, err := v.out.Look(dir, f.Name)
		if err == nil && !f.is(&info, u.NoModes) {
			err = errChanging(f.Name)
		}
		if err == nil {
			err = seen.add(f.Name, &info)
		}
		if err != nil {
			return err
		}
		if !u.kept[i] {
			u.Found[i] = statOf(info.Stat)
		}
	}
	for _, i := range u.inside.of(dir) {
		if i == 0 { // the top is in no directory
			continue
		}
		if err := verifyInside(v, dir, u.Plan.Dirs[i].name, seen); err != nil {
			return err
		}
	}
	return nil
}

func verifyInside(v *visitor, dir int32, name string, seen oneEach) error {
	info, err := v.out.Look(dir, name)
	if err != nil {
		return err
	}
	if info.Kind != safedir.Directory {
		return errChanging(name)
	}
	return seen.add(name, &info)
}

// oneEach are the names that files and directories have in one directory.
type oneEach map[safedir.ID]string

// add refuses a second name of what has one: but for hard links, names that
// differ stand for one file only where case means nothing.
func (o oneEach) add(name string, info *safedir.Info) error {
	other, twice := o[info.ID]
	if twice && info.ID != (safedir.ID{}) && (!info.Linked || info.Kind == safedir.Directory) {
		return fmt.Errorf("refused: %q and %q are one file here", other, name)
	}
	o[info.ID] = name
	return nil
}

func errChanging(name string) error {
	return fmt.Errorf("%q changes while the checkout is made", name)
}
