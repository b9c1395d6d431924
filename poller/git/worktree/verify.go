package worktree

import (
	"context"
	"fmt"

	"github.com/bittrance/kitops/poller/git/safedir"
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
	seen := make(map[safedir.ID]string)
	once := func(name string, info *safedir.Info) error {
		other, twice := seen[info.ID]
		if twice && info.ID != (safedir.ID{}) && (!info.Linked || info.Kind == safedir.Directory) {
			return fmt.Errorf("refused: %q and %q are one file here", other, name)
		}
		seen[info.ID] = name
		return nil
	}
	for _, i := range u.files.of(dir) {
		f := u.Plan.Files[i]
		info, err := v.out.Look(dir, f.Name)
		if err == nil && !f.is(&info) {
			err = errChanging(f.Name)
		}
		if err == nil {
			err = once(f.Name, &info)
		}
		if err != nil {
			return err
		}
		if !u.Kept[i] {
			u.Found[i] = statOf(info.Stat)
		}
	}
	for _, i := range u.inside.of(dir) {
		if i == 0 {
			continue
		}
		name := u.Plan.Dirs[i].name
		info, err := v.out.Look(dir, name)
		if err == nil && info.Kind != safedir.Directory {
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
