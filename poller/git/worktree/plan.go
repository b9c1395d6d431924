package worktree

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/safedir"
	"github.com/bittrance/kitops/poller/git/sparse"
)

// Plan is what a checkout will hold. Directories come before what is in them.
type Plan struct {
	tree  object.ID
	empty object.ID // object.EmptyTree
	Dirs  []PlanDir // the first is the checkout itself
	Files []PlanFile
	known *Record // whose trees need not be read; nil: none

	attributes []int32                     // the files that are .gitattributes
	hidden     []PlanFile                  // files that are not selected and say something of others
	selection  *sparse.Selection           // nil: all is selected
	Left       map[attributes.Left][]int32 // the files that git would do more with
}

// PlanDir is one directory of a plan.
type PlanDir struct {
	parent  int32
	entries int32 // names in it
	name    string
	depth   int
	Mode    object.Mode // modeDir or modeSubmodule
	ID      object.ID   // of its tree, or of the submodule's commit
	was     int32       // its number in the record, the first is 1; 0: not in it
	partial bool        // something of its tree is not selected
}

// PlanFile is one file of a plan.
type PlanFile struct {
	Dir  int32
	Mode object.Mode // never modeDir or modeSubmodule
	Name string
	ID   object.ID

	Convert convert.Conversion // 0 until the attributes are known
}

// makePlan walks all trees below a tree. read gives a tree by its name.
func makePlan(ctx context.Context, tree object.ID, read func(object.ID) (object.Object, error)) (*Plan, error) {
	return MakePlanFrom(ctx, nil, tree, read)
}

// MakePlanFrom walks the trees that are not as in a record, which may be nil.
func MakePlanFrom(ctx context.Context, known *Record, tree object.ID, read func(object.ID) (object.Object, error)) (*Plan, error) {
	return MakeSparsePlan(ctx, known, nil, tree, read)
}

// MakeSparsePlan is MakePlanFrom for what a list selects, and for all where that is nil.
func MakeSparsePlan(ctx context.Context, known *Record, list *sparse.List, tree object.ID, read func(object.ID) (object.Object, error)) (*Plan, error) {
	p := &Plan{tree: tree, empty: object.EmptyTree(tree.Format()), Dirs: []PlanDir{{Mode: object.ModeDir, ID: tree, was: 1}}, known: known}
	if known != nil {
		p.Dirs, p.Files = slices.Grow(p.Dirs, len(known.plan.Dirs)), make([]PlanFile, 0, len(known.plan.Files)+64)
	}
	top := sparse.Dir{All: true}
	if list != nil {
		p.selection = list.Select()
		top = p.selection.Top()
	}
	err := p.fill(ctx, filling{0, top, ""}, tree, read)
	if err == nil && p.selection != nil {
		err = p.selection.Err()
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// manyEntries is how many names a directory has whose files get their memory at once.
const manyEntries = 1 << 12

// Fill puts a tree below a directory of the plan.
func (p *Plan) Fill(ctx context.Context, dir int32, id object.ID, read func(object.ID) (object.Object, error)) error {
	return p.fill(ctx, filling{dir, sparse.Dir{All: true}, ""}, id, read)
}

// filling is a directory while it is filled.
type filling struct {
	dir      int32
	selected sparse.Dir
	path     string // with a slash at the end; "" at the top, and where nobody asks for it
}

func (p *Plan) fill(ctx context.Context, d filling, id object.ID, read func(object.ID) (object.Object, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.Dirs[d.dir].depth > object.MaxDepth {
		return fmt.Errorf("directories nested deeper than %d", object.MaxDepth)
	}
	if d.selected.All && p.copyKnown(d.dir, id) {
		return p.checkSize(0)
	}
	entries, err := object.ReadTree(id, read)
	if err == nil {
		err = p.checkSize(entries.Len)
	}
	if err != nil {
		return err
	}
	if entries.Len > manyEntries {
		p.Files = slices.Grow(p.Files, entries.Len)
	}
	for e := range entries.All() {
		switch {
		case e.Mode == object.ModeDir && e.ID == p.empty:
		case e.Mode == object.ModeDir:
			err = p.enter(ctx, d, e, read)
		case !p.selects(d, e):
			p.leaveOut(d, e)
		case e.Mode == object.ModeSubmodule:
			p.addDir(d.dir, e)
		default:
			if e.Name == attributes.FileName {
				p.attributes = append(p.attributes, int32(len(p.Files)))
			}
			p.Files = append(p.Files, PlanFile{Dir: d.dir, Mode: e.Mode, Name: e.Name, ID: e.ID})
			p.Dirs[d.dir].entries++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) addDir(parent int32, e object.TreeEntry) int32 {
	above := &p.Dirs[parent]
	above.entries++
	p.Dirs = append(p.Dirs, PlanDir{parent: parent, name: e.Name, depth: above.depth + 1, Mode: e.Mode, ID: e.ID, was: p.known.lookup(above.was, e.Name)})
	return int32(len(p.Dirs) - 1)
}

// enter adds a directory with what is in it. One of which nothing is selected is none.
func (p *Plan) enter(ctx context.Context, in filling, e object.TreeEntry, read func(object.ID) (object.Object, error)) error {
	d := filling{selected: in.selected}
	if !in.selected.All {
		path := in.path + e.Name
		d.selected, d.path = p.selection.Dir(in.selected, path), path+"/"
	}
	if d.selected.None {
		p.Dirs[in.dir].partial = true
		return nil
	}
	d.dir = p.addDir(in.dir, e)
	hidden := len(p.hidden)
	if err := p.fill(ctx, d, e.ID, read); err != nil || d.selected.All {
		return err
	}
	filled := p.Dirs[d.dir]
	p.Dirs[in.dir].partial = p.Dirs[in.dir].partial || filled.partial
	if filled.entries == 0 {
		p.Dirs, p.hidden = p.Dirs[:d.dir], p.hidden[:hidden]
		p.Dirs[in.dir].entries--
	}
	return nil
}

func (p *Plan) checkSize(more int) error {
	if len(p.Dirs)+len(p.Files)+more > object.MaxEntries {
		return fmt.Errorf("the revision has more than %d files and directories", object.MaxEntries)
	}
	return nil
}

// DirPath is a directory's path below the checkout, with slashes.
func (p *Plan) DirPath(dir int32) string {
	if dir == 0 {
		return "."
	}
	return path.Join(p.DirPath(p.Dirs[dir].parent), p.Dirs[dir].name)
}

// FilePath is the path of a file in the directory, with slashes.
func (p *Plan) FilePath(f PlanFile) string { return path.Join(p.DirPath(f.Dir), f.Name) }

// above is the plan as a tree of directories.
func (p *Plan) above(dir int32) (parent int32, name string) {
	return p.Dirs[dir].parent, p.Dirs[dir].name
}

func (f PlanFile) file() safedir.File { return safedir.File{Dir: f.Dir, Name: f.Name, Perm: f.perm()} }

// is says whether a file has the kind and, but on a file system without modes,
// the permissions that are planned.
func (f PlanFile) is(i *safedir.Info, noModes bool) bool {
	if f.Mode == object.ModeSymlink {
		return i.Kind == safedir.Symlink
	}
	return i.Kind == safedir.Regular && (i.Perm == f.perm() || noModes)
}

// statOf is what an index keeps of a file.
func statOf(s safedir.Stat) index.FileStat {
	return index.FileStat{
		Ctime: index.FileTime(s.Ctime), Mtime: index.FileTime(s.Mtime),
		Dev: s.Dev, Ino: s.Ino, Uid: s.UID, Gid: s.GID, Size: index.StatSize(s.Size),
	}
}

func (f PlanFile) perm() uint32 {
	if f.Mode == object.ModeRun {
		return 0o755
	}
	return 0o644
}
