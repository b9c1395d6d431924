package apptest

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// shaMedia asks for the bare SHA, with the version of the API or without.
var shaMedia = regexp.MustCompile(`application/vnd\.github(\.v3)?\.sha`)

// read answers from the refs of a repository; while there are none GitHub says 409.
func read(r *Repository, f func(*snapshot) (*answer, error)) *answer {
	s, err := r.snapshot()
	if err != nil {
		return refuse(http.StatusInternalServerError, err.Error())
	}
	s.refs = r.before(r.g.options.Lag.Ref, s.refs)
	if len(s.refs) == 0 {
		return refuse(http.StatusConflict, "Git Repository is empty.")
	}
	a, err := f(s)
	if err != nil {
		return refuse(http.StatusInternalServerError, err.Error())
	}
	return a
}

func (g *GitHub) getCommit(c *call, r *Repository) *answer {
	return read(r, func(s *snapshot) (*answer, error) {
		found, err := s.resolve(c.PathValue("ref"))
		if err != nil {
			return nil, err
		}
		if found == nil {
			return noCommit(c.PathValue("ref")), nil
		}
		// Only this ETag is the same for every token.
		if media := shaMedia.FindString(c.Header.Get("Accept")); media != "" {
			return &answer{status: http.StatusOK, body: found.sha, media: media, etag: `"` + found.sha + `"`}, nil
		}
		return ok(g.describeCommit(r, found)), nil
	})
}

func noCommit(ref string) *answer {
	return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+ref)
}

func (g *GitHub) getBranch(c *call, r *Repository) *answer {
	return read(r, func(s *snapshot) (*answer, error) {
		name := c.PathValue("branch")
		sha := s.refs["refs/heads/"+name]
		if sha == "" {
			return refuse(http.StatusNotFound, "Branch not found"), nil
		}
		head, err := s.commit(sha)
		if err != nil || head == nil {
			return notFound(), err
		}
		url := g.APIURL + "/repos/" + r.fullName() + "/branches/" + name
		return ok(fields{
			"name": name, "commit": g.describeCommit(r, head), "protected": r.protected[name] != nil, "protection_url": url + "/protection",
			"_links":     fields{"self": url, "html": g.URL + "/" + r.fullName() + "/tree/" + name},
			"protection": r.protection(name),
		}), nil
	})
}

func (g *GitHub) listBranches(c *call, r *Repository) *answer {
	s, err := r.snapshot()
	if err != nil {
		return refuse(http.StatusInternalServerError, err.Error())
	}
	s.refs = r.before(g.options.Lag.Ref, s.refs)
	var names []string
	for _, ref := range s.names() {
		if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			names = append(names, name)
		}
	}
	return paged(g, c, names, func(page []string) any {
		return each(page, func(name string) fields {
			sha := s.refs["refs/heads/"+name]
			return fields{"name": name, "protected": false, "commit": fields{"sha": sha, "url": g.commitURL(r, sha)}}
		})
	})
}

func (g *GitHub) getRef(c *call, r *Repository) *answer {
	return read(r, func(s *snapshot) (*answer, error) {
		ref := "refs/" + c.PathValue("ref")
		if s.refs[ref] == "" {
			return notFound(), nil
		}
		return ok(g.describeRef(s, ref)), nil
	})
}

// listMatchingRefs answers for all refs that begin so, at once whatever page is asked for; none is an empty list.
func (g *GitHub) listMatchingRefs(c *call, r *Repository) *answer {
	return read(r, func(s *snapshot) (*answer, error) {
		var found []string
		for _, ref := range s.names() {
			if strings.HasPrefix(ref, "refs/"+c.PathValue("ref")) {
				found = append(found, ref)
			}
		}
		if !g.options.PagedRefs {
			return ok(each(found, func(ref string) fields { return g.describeRef(s, ref) })), nil
		}
		return paged(g, c, found, func(page []string) any {
			return each(page, func(ref string) fields { return g.describeRef(s, ref) })
		}), nil
	})
}

func (g *GitHub) describeRef(s *snapshot, ref string) fields {
	url, sha := g.APIURL+"/repos/"+s.repository.fullName()+"/git/", s.refs[ref]
	kind := s.kind(sha)
	return fields{
		"ref": ref, "node_id": nodeID("Ref", s.repository.ID), "url": url + ref,
		"object": fields{"type": kind, "sha": sha, "url": url + kind + "s/" + sha},
	}
}

func (g *GitHub) commitURL(r *Repository, sha string) string {
	return fmt.Sprintf("%s/repos/%s/commits/%s", g.APIURL, r.fullName(), sha)
}

// describeCommit is the description's commit.
func (g *GitHub) describeCommit(r *Repository, c *commit) fields {
	url, html := g.commitURL(r, c.sha), g.URL+"/"+r.fullName()+"/commit/"
	git := g.APIURL + "/repos/" + r.fullName() + "/git"
	who := fields{"name": c.name, "email": c.email, "date": stamp(c.when)}
	return fields{
		"sha": c.sha, "node_id": nodeID("Commit", r.ID), "url": url, "html_url": html + c.sha, "comments_url": url + "/comments",
		"author": r.committer(c.sha), "committer": r.committer(c.sha),
		"parents": each(c.parents, func(sha string) fields {
			return fields{"sha": sha, "url": g.commitURL(r, sha), "html_url": html + sha}
		}),
		"commit": fields{
			"message": c.message, "comment_count": 0, "author": who, "committer": who,
			"url": git + "/commits/" + c.sha, "tree": fields{"sha": c.tree, "url": git + "/trees/" + c.tree},
			"verification": fields{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil},
		},
	}
}
