package dotgit

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/object"
)

const modules = "modules" // where the repositories of submodules are, gitrepository-layout(5)

// Submodule is what a repository knows of one of its submodules.
type Submodule struct {
	Name string // in .gitmodules
	Path string // in the work tree, with slashes
	URL  address.URL
}

// CheckNames refuses names of submodules that are none of directories, and those
// of which one would be in the repository of another.
func CheckNames(all []Submodule) error {
	fold := func(name string) string { return name }
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		fold = strings.ToLower
	}
	taken := map[string]string{}
	for _, s := range all {
		for part := range strings.SplitSeq(s.Name, "/") {
			if strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f }) || object.CheckName(part) != nil {
				return fmt.Errorf("submodule %q: its name in .gitmodules, %q, is no path below .git/modules: rename it there", s.Path, s.Name)
			}
		}
		taken[fold(s.Name)] = s.Path
	}
	for _, s := range all {
		for above := path.Dir(fold(s.Name)); above != "."; above = path.Dir(above) {
			if other, ok := taken[above]; ok {
				return fmt.Errorf("submodule %q: its repository would be in that of submodule %q, since the name %q begins as that one's: rename one of them in .gitmodules",
					s.Path, other, s.Name)
			}
		}
	}
	return nil
}

// AddSubmodules makes submodules known, whose names have been checked: what git
// submodule init does.
func (g *Repository) AddSubmodules(all []Submodule) error {
	if len(all) == 0 {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(g.Dir, "config"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, s := range all {
		fmt.Fprintf(&text, "[submodule %s]\n\tactive = true\n\turl = %s\n", quoted(s.Name), configValue(origin(s.URL)))
	}
	_, err = f.WriteString(text.String())
	return errors.Join(err, f.Close())
}

// Module begins the repository of a submodule, which is a part of this one.
func (g *Repository) Module(name string) (*Repository, error) {
	dir := filepath.Join(g.Dir, modules)
	for part := range strings.SplitSeq(name, "/") {
		if err := makeDir(dir); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, err
		}
		dir = filepath.Join(dir, part)
	}
	m := &Repository{Dir: dir, Owner: g.Owner, Room: g.Room}
	return m, m.make()
}

// LinkTo is what the file .git of a submodule has in it, and WorktreeOf is the
// way back: of the paths below the work tree of the repository checked out, with
// slashes. The names are those of the submodules from the first on down.
func LinkTo(path string, names []string) string {
	return "gitdir: " + strings.Repeat("../", strings.Count(path, "/")+1) + ".git/" + below(names) + "\n"
}

// WorktreeOf is the way from the repository of a submodule to its files.
func WorktreeOf(path string, names []string) string {
	return strings.Repeat("../", strings.Count(below(names), "/")+2) + path
}

func below(names []string) string {
	return modules + "/" + strings.Join(names, "/"+modules+"/")
}
