package gittest

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// pushLimit is the number of objects from which on git keeps what was pushed as
// a pack (receive.unpackLimit).
const pushLimit = 100

// Push pushes the current branch, by force.
func (r *Repo) Push() {
	r.tb.Helper()
	ref, sha, err := r.branch()
	if err == nil {
		var objects []string
		if objects, err = r.leadsTo(sha); err == nil {
			err = r.pushTip(tip{ref: ref, sha: sha, objects: objects})
		}
	}
	r.orByGit(err, "HEAD")
}

// PushTags pushes all tags, by force.
func (r *Repo) PushTags() {
	r.tb.Helper()
	r.orByGit(r.pushTags(), "refs/tags/*:refs/tags/*")
}

func (r *Repo) push(made tip) {
	r.tb.Helper()
	r.orByGit(r.pushTip(made), "HEAD")
}

// orByGit is git push --force where err says that it is left to git.
func (r *Repo) orByGit(err error, what string) {
	r.tb.Helper()
	if errors.Is(err, errUnusual) {
		r.Git("push", "--quiet", "--force", "origin", what)
	} else if err != nil {
		r.tb.Fatalf("%v", err)
	}
}

// pushTip is git push --force of what grew on a commit that was pushed before.
func (r *Repo) pushTip(made tip) error {
	if err := r.plainBare(made.parent); err != nil {
		return err
	}
	if err := r.send(made.objects); err != nil {
		return err
	}
	if err := r.point(made.ref, made.sha); err != nil {
		return err
	}
	tracked := strings.Replace(made.ref, "refs/heads/", "refs/remotes/origin/", 1)
	if old, err := r.readRef(r.gitDir(), tracked); err == nil && old == made.sha {
		return nil
	}
	return r.move(tracked, made.sha, "update by push", tracked)
}

// send copies objects that the bare repository has not.
func (r *Repo) send(objects []string) error {
	slices.Sort(objects)
	var missing []string
	packs, err := r.bare.packs()
	if err != nil {
		return err
	}
	for _, id := range slices.Compact(objects) {
		if packed, err := hasPacked(packs, id); err != nil {
			return err
		} else if packed || r.bare.loose(id) {
			continue
		}
		if !r.work.loose(id) {
			return errUnusual
		}
		missing = append(missing, id)
	}
	if len(missing) >= pushLimit {
		return errUnusual
	}
	return r.work.copyTo(r.bare, missing)
}

// point moves a ref of the bare repository.
func (r *Repo) point(ref, sha string) error {
	if old, err := r.readRef(r.Dir, ref); err != nil || old != sha {
		if writeRef(r.Dir, ref, sha) != nil {
			return errUnusual // a directory is in the way
		}
	}
	return nil
}

// pushTags is git push --force --tags.
func (r *Repo) pushTags() error {
	for _, dir := range []string{r.Dir, r.gitDir()} {
		if err := r.plain(dir, "packed-refs"); err != nil {
			return err
		}
	}
	tags := map[string]string{}
	var objects []string
	root := filepath.Join(r.gitDir(), "refs", "tags")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(r.gitDir(), path)
		if err != nil {
			return err
		}
		sha, err := r.readRef(r.gitDir(), name)
		if err != nil {
			return err
		}
		more, err := r.leadsTo(sha)
		tags[filepath.ToSlash(name)], objects = sha, append(objects, more...)
		return err
	})
	if err == nil {
		err = r.send(objects)
	}
	for tag, sha := range tags {
		if err == nil {
			err = r.point(tag, sha)
		}
	}
	return err
}

// leadsTo returns an object and all that it leads to, up to what the bare
// repository has.
func (r *Repo) leadsTo(id string) ([]string, error) {
	found, todo := []string{}, []string{id}
	seen := map[string]bool{id: true}
	for len(todo) > 0 {
		id, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if has, err := r.bare.has(id); has || err != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		found = append(found, id)
		next, err := r.work.leads(id)
		if err != nil {
			return nil, err
		}
		for _, id := range next {
			if !seen[id] {
				seen[id] = true
				todo = append(todo, id)
			}
		}
	}
	return found, nil
}
