package apptest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// CheckSuite is what one App has told of a commit, or is expected to.
type CheckSuite struct {
	ID     int64
	SHA    string
	Branch string
	Status string // queued, in_progress, completed

	app   *App
	again bool // somebody wants it to run again, and nothing has come since
	made  time.Time
}

// CheckSuites are those of one commit.
func (r *Repository) CheckSuites(sha string) []CheckSuite {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	var all []CheckSuite
	for _, s := range r.suites {
		if s.SHA == sha {
			one := *s
			one.Status = r.suiteStatus(s)
			all = append(all, one)
		}
	}
	return all
}

// suiteOf is the suite of an App on a commit, made if need be.
func (r *Repository) suiteOf(app *App, sha string) *CheckSuite {
	for _, s := range r.suites {
		if s.app == app && s.SHA == sha {
			return s
		}
	}
	s := &CheckSuite{ID: r.g.nextID(), SHA: sha, app: app, made: r.g.Now()}
	r.suites = append(r.suites, s)
	return s
}

// openSuites is what a push does for each App that may write checks: GitHub expects something of it from then on.
func (r *Repository) openSuites(branch, sha string) {
	for _, i := range r.g.installations {
		if !i.removed && i.covers(r) && i.granted()["checks"] == "write" {
			r.suiteOf(i.app, sha).Branch = branch
		}
	}
}

func (r *Repository) suiteStatus(s *CheckSuite) string {
	newest := r.newest(s)
	has := func(status string) bool {
		return slices.ContainsFunc(newest, func(run *CheckRun) bool { return run.Status == status })
	}
	switch {
	case s.again || len(newest) == 0:
		return "queued"
	case has("in_progress"):
		return "in_progress"
	case has("queued"):
		return "queued"
	}
	return "completed"
}

// newest is the newest check run of each name.
func (r *Repository) newest(s *CheckSuite) []*CheckRun {
	var all []*CheckRun
	for _, run := range slices.Backward(r.checks) {
		if run.Suite == s.ID && !slices.ContainsFunc(all, func(n *CheckRun) bool { return n.Name == run.Name }) {
			all = append(all, run)
		}
	}
	return all
}

func (g *GitHub) getCheckSuite(c *call, r *Repository) *answer {
	id, _ := strconv.ParseInt(c.PathValue("suite"), 10, 64)
	for _, s := range r.suites {
		if s.ID == id {
			return ok(g.describeSuite(r, s))
		}
	}
	return notFound()
}

func (g *GitHub) listCheckSuites(c *call, r *Repository) *answer {
	return read(r, func(s *snapshot) (*answer, error) {
		found, err := s.resolve(c.PathValue("ref"))
		if err != nil || found == nil {
			return noCommit(c.PathValue("ref")), err
		}
		app, _ := strconv.ParseInt(c.URL.Query().Get("app_id"), 10, 64)
		var all []*CheckSuite
		for _, s := range r.suites {
			if s.SHA == found.sha && (app == 0 || s.app.ID == app) {
				all = append(all, s)
			}
		}
		return paged(g, c, all, func(page []*CheckSuite) any {
			return fields{"total_count": len(all), "check_suites": each(page, func(s *CheckSuite) fields { return g.describeSuite(r, s) })}
		}), nil
	})
}

// listSuiteRuns has of each name the newest.
func (g *GitHub) listSuiteRuns(c *call, r *Repository) *answer {
	id, _ := strconv.ParseInt(c.PathValue("suite"), 10, 64)
	i := slices.IndexFunc(r.suites, func(s *CheckSuite) bool { return s.ID == id })
	if i < 0 {
		return notFound()
	}
	all := r.newest(r.suites[i])
	return paged(g, c, all, func(page []*CheckRun) any {
		return fields{"total_count": len(all), "check_runs": each(page, func(run *CheckRun) fields { return g.describeCheck(r, run) })}
	})
}

func moments(t *time.Time) any {
	if t == nil {
		return nil
	}
	return stamp(*t)
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// describeCheck is the description's check-run.
func (g *GitHub) describeCheck(r *Repository, run *CheckRun) fields {
	url := fmt.Sprintf("%s/repos/%s/check-runs/%d", g.APIURL, r.fullName(), run.ID)
	return fields{
		"id": run.ID, "node_id": nodeID("CheckRun", run.ID), "head_sha": run.SHA, "name": run.Name, "external_id": run.ExternalID,
		"url": url, "html_url": fmt.Sprintf("%s/%s/runs/%d", g.URL, r.fullName(), run.ID), "details_url": orNull(run.DetailsURL),
		"status": run.Status, "conclusion": orNull(run.Conclusion), "started_at": moments(run.started), "completed_at": moments(run.completed),
		"check_suite": fields{"id": run.Suite}, "app": g.describeApp(run.app), "pull_requests": []fields{},
		"output": fields{
			"title": orNull(run.Output.Title), "summary": orNull(run.Output.Summary), "text": orNull(run.Output.Text),
			"annotations_count": len(run.Annotations), "annotations_url": url + "/annotations",
		},
	}
}

// describeSuite is the description's check-suite.
func (g *GitHub) describeSuite(r *Repository, s *CheckSuite) fields {
	url := fmt.Sprintf("%s/repos/%s/check-suites/%d", g.APIURL, r.fullName(), s.ID)
	status := r.suiteStatus(s)
	var conclusion any
	if status == "completed" {
		conclusion = "success"
		for _, run := range r.newest(s) {
			if run.Conclusion != "success" {
				conclusion = run.Conclusion
			}
		}
	}
	return fields{
		"id": s.ID, "node_id": nodeID("CheckSuite", s.ID), "head_branch": orNull(s.Branch), "head_sha": s.SHA, "status": status,
		"conclusion": conclusion, "url": url, "before": nil, "after": s.SHA, "created_at": stamp(s.made), "updated_at": stamp(g.Now()),
		"app": g.describeApp(s.app), "repository": g.describeRepository(r), "latest_check_runs_count": len(r.newest(s)),
		"check_runs_url": url + "/check-runs", "pull_requests": []fields{},
		"head_commit": fields{
			"id": s.SHA, "tree_id": s.SHA, "message": "push", "timestamp": stamp(s.made),
			"author": fields{"name": author, "email": authorEmail}, "committer": fields{"name": author, "email": authorEmail},
		},
	}
}

// patchPreferences wants an admin of the repository, which an App rarely is.
func (g *GitHub) patchPreferences(*call, *Repository) *answer {
	return refuse(http.StatusForbidden, "Resource not accessible by integration")
}
