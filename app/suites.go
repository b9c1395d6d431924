package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// suitesTried is how many repositories are asked for suites that wait.
const suitesTried = 30

// DiagnoseSuites finds check suites of this App that wait for ever: GitHub opens one on every push to every repository where
// the App may write check runs, and where no task watches nobody will ever complete it. Without check runs it says nothing.
func (a *App) DiagnoseSuites(ctx context.Context, watched func(owner, name string) bool) []Check {
	if a.wanted()["checks"] == "" {
		return nil
	}
	s, err := a.self(ctx)
	if err != nil {
		return []Check{failed("App "+a.id+" cannot be asked about", err)}
	}
	found, err := a.Repositories(ctx)
	if err != nil {
		return []Check{failed("not all repositories can be listed", err)}
	}
	var waiting []string
	tried, left := 0, 0
	for _, f := range found {
		switch {
		case watched(f.Owner, f.Name):
		case tried == suitesTried:
			left++
		default:
			tried++
			if r := a.Repository(f.Owner, f.Name); r.suiteWaits(ctx, s.ID, f.DefaultBranch) {
				waiting = append(waiting, r.String())
			}
		}
	}
	beside := ""
	if left > 0 {
		beside = fmt.Sprintf(" (%d more were not tried)", left)
	}
	if len(waiting) == 0 {
		return []Check{{OK, "no check suite of the App waits for ever in a repository without a task" + beside, ""}}
	}
	return []Check{{
		Warn, fmt.Sprintf("check suites of the App wait for ever in %d repositories without a task%s: %s", len(waiting), beside, strings.Join(waiting, ", ")),
		fmt.Sprintf("install the App on selected repositories, or have an admin of each run: gh api -X PATCH repos/%s/check-suites/preferences -F 'auto_trigger_checks[][app_id]=%d' -F 'auto_trigger_checks[][setting]=false'", waiting[0], s.ID),
	}}
}

// suiteWaits tells whether the newest commit of a branch has a suite of the App without any check run.
func (r *Repository) suiteWaits(ctx context.Context, app int64, branch string) bool {
	ref := "heads/" + strings.ReplaceAll(url.PathEscape(branch), "%2F", "/")
	a, err := r.do(ctx, call{
		method: http.MethodGet, path: fmt.Sprintf("%s/commits/%s/check-suites?app_id=%d", r.path(false), ref, app), class: ordinary, needs: permission{"checks", "write"},
	})
	var all struct {
		Suites []CheckSuite `json:"check_suites"`
	}
	if err != nil || a.decode(&all) != nil {
		return false // without commits, or not granted there
	}
	for _, s := range all.Suites {
		if s.App.ID == app && s.Status == "queued" && s.Runs == 0 {
			return true
		}
	}
	return false
}
