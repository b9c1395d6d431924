package worktree

import (
	"context"
	"fmt"
	"slices"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
)

// selects says whether what is in a directory, and is none, is to be there.
func (p *Plan) selects(in filling, e object.TreeEntry) bool {
	switch {
	case in.selected.All:
		return true
	case e.Mode == object.ModeSubmodule:
		return p.selection.Submodule(in.selected, in.path+e.Name)
	}
	return p.selection.File(in.selected, in.path+e.Name)
}

// leaveOut notes that something is not selected. What it says of others counts all the same.
func (p *Plan) leaveOut(in filling, e object.TreeEntry) {
	p.Dirs[in.dir].partial = true
	if e.Mode != object.ModeSubmodule && (e.Name == attributes.FileName || in.dir == 0) {
		p.hidden = append(p.hidden, PlanFile{Dir: in.dir, Mode: e.Mode, Name: e.Name, ID: e.ID})
	}
}

// Partial says that something of the revision is not selected.
func (p *Plan) Partial() bool { return p.Dirs[0].partial }

// Unselected are the directories of the list that are not there.
func (p *Plan) Unselected() []string {
	if p.selection == nil {
		return nil
	}
	return p.selection.Missing()
}

// AtTop finds a file at the top, be it selected or not.
func (p *Plan) AtTop(name string) (PlanFile, bool) {
	for _, files := range [][]PlanFile{p.Files, p.hidden} {
		for _, f := range files {
			if f.Dir == 0 && f.Name == name {
				return f, true
			}
		}
	}
	return PlanFile{}, false
}

// Needs are the blobs that a checkout reads, some of them more than once: those of all files, of the attributes that are
// for them, and of files at the top that have one of the names.
func (p *Plan) Needs(names ...string) []object.ID {
	var all []object.ID
	for _, f := range p.Files {
		if !f.IsLink() {
			all = append(all, f.ID)
		}
	}
	for _, f := range p.hidden {
		if f.Name == attributes.FileName || f.Dir == 0 && slices.Contains(names, f.Name) {
			all = append(all, f.ID)
		}
	}
	return all
}

// SparseIndex is Index of a part of which not all is planned: what is not is there as git has it, as to be skipped.
func (p *Plan) SparseIndex(ctx context.Context, part Part, found []index.FileStat, read func(object.ID) (object.Object, error)) (*index.File, error) {
	b := &sparseIndexer{ctx: ctx, read: read, x: &index.File{Format: part.Tree.Format()}, planned: map[string]index.Entry{}}
	for _, e := range p.Index(part, found).Entries {
		b.planned[e.Path] = e
	}
	_, err := b.add("", "", part.Tree, 0)
	return b.x, err
}

// sparseIndexer goes through all of a tree.
type sparseIndexer struct {
	ctx     context.Context
	read    func(object.ID) (object.Object, error)
	x       *index.File
	planned map[string]index.Entry
}

// add adds the entries of a tree and says how many they are. The path of the directory above has a slash at its end.
func (b *sparseIndexer) add(above, name string, id object.ID, depth int) (count int, err error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if depth > object.MaxDepth {
		return 0, fmt.Errorf("directories nested deeper than %d", object.MaxDepth)
	}
	entries, err := object.ReadTree(id, b.read)
	if err == nil && len(b.x.Entries)+entries.Len > object.MaxEntries {
		err = fmt.Errorf("the revision has more than %d files and directories", object.MaxEntries)
	}
	if err != nil {
		return 0, err
	}
	at := len(b.x.Trees)
	b.x.Trees = append(b.x.Trees, index.Tree{Name: name, ID: id})
	dir := above
	if name != "" {
		dir += name + "/"
	}
	for e := range entries.All() {
		full := dir + e.Name
		if e.Mode == object.ModeDir {
			n, err := b.add(dir, e.Name, e.ID, depth+1)
			if err != nil {
				return 0, err
			}
			b.x.Trees[at].Below++
			count += n
			continue
		}
		entry, planned := b.planned[full]
		if !planned {
			entry = index.Entry{Path: full, Mode: e.Mode, ID: e.ID, Skip: true}
		}
		b.x.Entries = append(b.x.Entries, entry)
		count++
	}
	b.x.Trees[at].Entries = count
	return count, nil
}
