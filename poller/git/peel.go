package git

import (
	"context"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git/local"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

// Tags are the annotated tags that a look has found, by their refs.
type Tags []annotated

// annotated is a tag that is an object of its own.
type annotated struct {
	refs.Revision        // with its commit
	object        string // the tag
}

// Of is the object of an annotated tag that was found at this revision, "" for any other ref.
func (t Tags) Of(rev refs.Revision) string {
	i, there := slices.BinarySearchFunc(t, rev.Ref, func(a annotated, ref string) int { return strings.Compare(a.Ref, ref) })
	if !there || t[i].SHA != rev.SHA {
		return ""
	}
	return t[i].object
}

// Leading are tags as another told of them: where each of those leads to whose object is
// among leads. It also returns the refs of the others.
func Leading(objects []refs.Revision, leads map[string]string) (commits []refs.Revision, tags Tags, unknown []string) {
	for _, r := range objects {
		switch to, known := leads[r.SHA]; {
		case !known:
			unknown = append(unknown, r.Ref)
		case to != "":
			at := refs.Revision{Ref: r.Ref, SHA: to}
			commits, tags = append(commits, at), append(tags, annotated{at, r.SHA})
		}
	}
	slices.SortFunc(tags, func(a, b annotated) int { return strings.Compare(a.Ref, b.Ref) })
	return commits, tags, unknown
}

// Leads are the commits that the tags lead to, by their objects.
func (t Tags) Leads() map[string]string {
	all := make(map[string]string, len(t))
	for _, a := range t {
		all[a.object] = a.SHA
	}
	return all
}

// peel has the tags among the revisions that were found be at the commits that
// they lead to. Tags of something else are left out.
func (m *Mirror) peel(ctx context.Context, ad *remote.Advertisement, found []refs.Revision) ([]refs.Revision, Tags, error) {
	if !slices.ContainsFunc(found, refs.Revision.IsTag) {
		return found, nil, nil
	}
	lead := func(r refs.Revision) string {
		if to, ok := ad.Peeled(r.Ref); ok {
			return to
		}
		return r.SHA
	}
	if m.URL.Local() {
		known, err := m.peelLocal(ctx, found)
		if err != nil {
			return nil, nil, err
		}
		lead = func(r refs.Revision) string { return known[r.SHA] }
	}
	var tags Tags
	commits := make([]refs.Revision, 0, len(found)) // others have the list, too
	for _, r := range found {
		if !r.IsTag() {
			commits = append(commits, r)
			continue
		}
		to := lead(r)
		if to == "" {
			m.warnOnce(ctx, "a tag that leads to no commit is left out", "tag", r.Name())
			continue
		}
		at := refs.Revision{Ref: r.Ref, SHA: to}
		if to != r.SHA {
			tags = append(tags, annotated{at, r.SHA})
		}
		commits = append(commits, at)
	}
	return commits, tags, nil
}

// peelLocal tells where the tags of a repository on this host lead to, "" for no commit.
func (m *Mirror) peelLocal(ctx context.Context, found []refs.Revision) (map[string]string, error) {
	m.peeling.Lock()
	defer m.peeling.Unlock()
	known := make(map[string]string, len(m.leads))
	var unknown []object.ID
	for _, r := range found {
		if !r.IsTag() {
			continue
		}
		if to, ok := m.leads[r.SHA]; ok {
			known[r.SHA] = to
		} else if id, ok := object.ParseID(r.SHA); ok {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		repo, err := local.Open(m.URL.Path)
		if err != nil {
			return nil, err
		}
		led, err := repo.Lead(ctx, unknown)
		if err != nil {
			return nil, err
		}
		for tag, commit := range led {
			known[tag.String()] = ""
			if !commit.IsZero() {
				known[tag.String()] = commit.String()
			}
		}
	}
	m.leads = known
	return known, nil
}
