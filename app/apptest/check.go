package apptest

import (
	"cmp"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// GitHub's limits on check runs. https://docs.github.com/rest/checks/runs
const (
	checkTextMost  = 65535 // bytes, not characters
	checkTitleMost = 255
)

// CheckRun is a check run as GitHub has it.
type CheckRun struct {
	ID, Suite   int64
	Name, SHA   string
	ExternalID  string
	DetailsURL  string
	Status      string
	Conclusion  string
	Output      CheckOutput
	Annotations []CheckAnnotation
	Actions     []CheckAction
	Changes     int // requests that have changed it

	started, completed *time.Time
	app                *App
	made               time.Time
}

// CheckOutput is what a check run shows.
type CheckOutput struct{ Title, Summary, Text string }

// CheckAnnotation is a remark of a check run.
type CheckAnnotation struct {
	Path        string `json:"path"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn int    `json:"start_column"`
	EndColumn   int    `json:"end_column"`
	Level       string `json:"annotation_level"`
	Title       string `json:"title"`
	Message     string `json:"message"`
}

// CheckAction is a button of a check run.
type CheckAction struct{ Label, Description, Identifier string }

// CheckRuns are those of one commit, the oldest first.
func (r *Repository) CheckRuns(sha string) []CheckRun {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	var all []CheckRun
	for _, c := range r.checks {
		if c.SHA == sha {
			one := *c
			one.Annotations = slices.Clone(c.Annotations)
			all = append(all, one)
		}
	}
	return all
}

// checkRequest is the body of both requests.
type checkRequest struct {
	Name        *string    `json:"name"`
	SHA         string     `json:"head_sha"`
	ExternalID  *string    `json:"external_id"`
	DetailsURL  *string    `json:"details_url"`
	Status      string     `json:"status"`
	Conclusion  string     `json:"conclusion"`
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
	Output      *struct {
		Title, Summary, Text string
		Annotations          []CheckAnnotation
	} `json:"output"`
	Actions *[]CheckAction `json:"actions"`
}

func (g *GitHub) postCheckRun(c *call, r *Repository) *answer {
	var wanted checkRequest
	if a := c.decode(&wanted); a != nil {
		return a
	}
	if a := r.refuseCheck(wanted); a != nil {
		return a
	}
	snapshot, err := r.snapshot()
	if err != nil {
		return refuse(http.StatusInternalServerError, err.Error())
	}
	if found, err := snapshot.commit(wanted.SHA); !fullSHA.MatchString(wanted.SHA) || err != nil || found == nil || r.unknown(wanted.SHA) {
		return noCommit(wanted.SHA)
	}
	app := c.who.token.installation.app
	suite := r.suiteOf(app, wanted.SHA)
	suite.again = false
	run := &CheckRun{ID: g.nextID(), Suite: suite.ID, SHA: wanted.SHA, Status: "queued", app: app, made: g.Now()}
	r.checks = append(r.checks, run)
	run.take(wanted, g.Now())
	a := ok(g.describeCheck(r, run))
	a.status = http.StatusCreated
	return a
}

func (g *GitHub) patchCheckRun(c *call, r *Repository) *answer {
	run := r.checkNamed(c)
	if run == nil {
		return notFound()
	}
	if run.app != c.who.token.installation.app {
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	var wanted checkRequest
	if a := c.decode(&wanted); a != nil {
		return a
	}
	if a := r.refuseCheck(wanted); a != nil {
		return a
	}
	if run.Status == "completed" && wanted.Status != "" && wanted.Status != "completed" {
		g.violations = append(g.violations, "a check run was set back from "+run.Conclusion+" to "+wanted.Status)
	}
	run.take(wanted, g.Now())
	return ok(g.describeCheck(r, run))
}

func (run *CheckRun) take(wanted checkRequest, now time.Time) {
	run.Changes++
	run.Name = *cmp.Or(wanted.Name, &run.Name)
	run.ExternalID = *cmp.Or(wanted.ExternalID, &run.ExternalID)
	run.DetailsURL = *cmp.Or(wanted.DetailsURL, &run.DetailsURL)
	run.Status = cmp.Or(wanted.Status, run.Status)
	run.started, run.completed = cmp.Or(wanted.StartedAt, run.started), cmp.Or(wanted.CompletedAt, run.completed)
	if wanted.Conclusion != "" {
		run.Status, run.Conclusion = "completed", wanted.Conclusion
		run.completed = cmp.Or(run.completed, &now)
	}
	if o := wanted.Output; o != nil {
		run.Output = CheckOutput{o.Title, o.Summary, o.Text}
		run.Annotations = append(run.Annotations, o.Annotations...) // to those that there are
	}
	if wanted.Actions != nil {
		run.Actions = *wanted.Actions
	}
}

// refuseCheck is nil for what GitHub takes.
func (r *Repository) refuseCheck(c checkRequest) *answer {
	bad := func(message string) *answer {
		a := invalid("data", message)
		a.body.(fields)["errors"].([]fields)[0]["resource"] = "CheckRun"
		return a
	}
	switch {
	case r.archived:
		return refuse(http.StatusForbidden, "Repository was archived so is read-only.")
	case c.Status == "completed" && c.Conclusion == "":
		return bad("conclusion is required when status is completed")
	case c.Output == nil:
		return nil
	case utf8.RuneCountInString(c.Output.Title) > checkTitleMost:
		return bad("title is too long")
	case len(c.Output.Summary) > checkTextMost, len(c.Output.Text) > checkTextMost:
		return bad("summary or text exceeds a maximum bytesize of 65535")
	case slices.ContainsFunc(c.Output.Annotations, badAnnotation):
		return bad("annotations are invalid")
	}
	return nil
}

func badAnnotation(a CheckAnnotation) bool {
	columns := a.StartColumn != 0 || a.EndColumn != 0
	return a.Path == "" || path.IsAbs(a.Path) || a.Path != path.Clean(a.Path) || strings.HasPrefix(a.Path, "..") || a.Message == "" ||
		a.StartLine < 1 || a.EndLine < a.StartLine || columns && (a.StartLine != a.EndLine || a.EndColumn < a.StartColumn) ||
		len(a.Message) > checkTextMost || len(a.Title) > checkTitleMost
}

func (r *Repository) checkNamed(c *call) *CheckRun {
	id, _ := strconv.ParseInt(c.PathValue("check"), 10, 64)
	return r.check(id)
}

func (r *Repository) check(id int64) *CheckRun {
	for _, run := range r.checks {
		if run.ID == id {
			return run
		}
	}
	return nil
}

func (g *GitHub) getCheckRun(c *call, r *Repository) *answer {
	if run := r.checkNamed(c); run != nil {
		return ok(g.describeCheck(r, run))
	}
	return notFound()
}

func (g *GitHub) listAnnotations(c *call, r *Repository) *answer {
	run := r.checkNamed(c)
	if run == nil {
		return notFound()
	}
	return paged(g, c, run.Annotations, func(page []CheckAnnotation) any {
		return each(page, func(a CheckAnnotation) fields {
			return fields{
				"path": a.Path, "start_line": a.StartLine, "end_line": a.EndLine, "start_column": numberOrNull(a.StartColumn), "end_column": numberOrNull(a.EndColumn),
				"annotation_level": a.Level, "title": orNull(a.Title), "message": a.Message, "raw_details": nil, "blob_href": g.URL + "/" + r.fullName() + "/blob/" + run.SHA + "/" + a.Path,
			}
		})
	})
}

func numberOrNull(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

// listCheckRuns has the newest first; of each name only that one, unless all are asked for.
func (g *GitHub) listCheckRuns(c *call, r *Repository) *answer {
	return read(r, func(s *snapshot) (*answer, error) {
		found, err := s.resolve(c.PathValue("ref"))
		if err != nil || found == nil {
			return noCommit(c.PathValue("ref")), err
		}
		name, everything, by := c.URL.Query().Get("check_name"), c.URL.Query().Get("filter") == "all", c.URL.Query().Get("app_id")
		var all []*CheckRun
		for _, run := range slices.Backward(r.checks) {
			older := slices.ContainsFunc(all, func(n *CheckRun) bool { return n.Name == run.Name && n.app == run.app })
			if run.SHA == found.sha && (name == "" || run.Name == name) && (by == "" || by == strconv.FormatInt(run.app.ID, 10)) && (everything || !older) {
				all = append(all, run)
			}
		}
		return paged(g, c, all, func(page []*CheckRun) any {
			return fields{"total_count": len(all), "check_runs": each(page, func(run *CheckRun) fields { return g.describeCheck(r, run) })}
		}), nil
	})
}
