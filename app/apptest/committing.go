package apptest

import (
	"io"
	"slices"
	"strings"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// committing makes commits without a work tree and without a process.
type committing struct{ *gogit.Repository }

// commit adds files to the tree of parent, where there is one, and moves ref.
func (c committing) commit(ref, parent, message string, when time.Time, files map[string]string) (string, error) {
	var before plumbing.Hash
	made := object.Commit{Message: message}
	made.Author = object.Signature{Name: author, Email: authorEmail, When: when.UTC()}
	made.Committer = made.Author
	if parent != "" {
		old, err := c.CommitObject(plumbing.NewHash(parent))
		if err != nil {
			return "", err
		}
		before, made.ParentHashes = old.TreeHash, []plumbing.Hash{old.Hash}
	}
	var err error
	if made.TreeHash, err = c.tree(before, files); err != nil {
		return "", err
	}
	hash, err := c.store(made.Encode)
	if err != nil {
		return "", err
	}
	return hash.String(), c.Storer.SetReference(plumbing.NewHashReference(plumbing.ReferenceName(ref), hash))
}

// tree is a tree with these files put into it, or over what is there.
func (c committing) tree(before plumbing.Hash, files map[string]string) (plumbing.Hash, error) {
	made := map[string]object.TreeEntry{}
	if !before.IsZero() {
		old, err := c.TreeObject(before)
		if err != nil {
			return before, err
		}
		for _, e := range old.Entries {
			made[e.Name] = e
		}
	}
	below := map[string]map[string]string{}
	for path, content := range files {
		name, rest, deeper := strings.Cut(path, "/")
		if deeper {
			if below[name] == nil {
				below[name] = map[string]string{}
			}
			below[name][rest] = content
			continue
		}
		entry, err := c.entry(name, content)
		if err != nil {
			return before, err
		}
		made[name] = entry
	}
	for name, files := range below {
		var old plumbing.Hash
		if made[name].Mode == filemode.Dir {
			old = made[name].Hash
		}
		hash, err := c.tree(old, files)
		if err != nil {
			return before, err
		}
		made[name] = object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: hash}
	}
	var tree object.Tree
	for _, e := range made {
		tree.Entries = append(tree.Entries, e)
	}
	slices.SortFunc(tree.Entries, func(a, b object.TreeEntry) int { return strings.Compare(sortedAs(a), sortedAs(b)) })
	return c.store(tree.Encode)
}

// sortedAs is the name by which git sorts an entry.
func sortedAs(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

// entry is a file, or a submodule.
func (c committing) entry(name, content string) (object.TreeEntry, error) {
	if sha, is := strings.CutPrefix(content, Submodule("")); is {
		return object.TreeEntry{Name: name, Mode: filemode.Submodule, Hash: plumbing.NewHash(sha)}, nil
	}
	mode := filemode.Regular
	if strings.HasPrefix(content, "#!") {
		mode = filemode.Executable
	}
	hash, err := c.store(func(o plumbing.EncodedObject) error {
		o.SetType(plumbing.BlobObject)
		w, err := o.Writer()
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		return err
	})
	return object.TreeEntry{Name: name, Mode: mode, Hash: hash}, err
}

// store keeps an object.
func (c committing) store(encode func(plumbing.EncodedObject) error) (plumbing.Hash, error) {
	o := c.Storer.NewEncodedObject()
	if err := encode(o); err != nil {
		return plumbing.ZeroHash, err
	}
	return c.Storer.SetEncodedObject(o)
}
