package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// MaxAnnotations is how many of them one request may have. https://docs.github.com/rest/checks/runs#create-a-check-run
const MaxAnnotations = 50

// CheckRun is a check run, in GitHub's words: https://docs.github.com/rest/checks/runs
type CheckRun struct {
	Name        string      `json:"name,omitempty"`
	SHA         string      `json:"head_sha,omitempty"`
	ExternalID  string      `json:"external_id,omitempty"`
	DetailsURL  string      `json:"details_url,omitempty"`
	Status      string      `json:"status,omitempty"`     // queued, in_progress, completed
	Conclusion  string      `json:"conclusion,omitempty"` // of one that is completed
	StartedAt   *time.Time  `json:"started_at,omitempty"`
	CompletedAt *time.Time  `json:"completed_at,omitempty"`
	Output      CheckOutput `json:"output"`
	Actions     []Button    `json:"actions"` // at most 3; none take those away that there were

	// Since is when the run began that this is about, as of Status.
	Since time.Time `json:"-"`
}

// CheckOutput is what people read. Its texts have at most 65,535 bytes.
type CheckOutput struct {
	Title       string       `json:"title"`
	Summary     string       `json:"summary"`
	Text        string       `json:"text,omitempty"`
	Annotations []Annotation `json:"annotations,omitempty"` // at most MaxAnnotations, which come to those of earlier requests
}

// Annotation is a remark on lines of a file.
type Annotation struct {
	Path        string `json:"path"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn int    `json:"start_column,omitempty"` // only where the lines are one
	EndColumn   int    `json:"end_column,omitempty"`
	Level       string `json:"annotation_level"` // notice, warning, failure
	Title       string `json:"title,omitempty"`
	Message     string `json:"message"`
}

// Button is shown with a check run.
type Button struct {
	Label       string `json:"label"`       // at most 20 characters
	Description string `json:"description"` // 40
	Identifier  string `json:"identifier"`  // 20
}

// KnownCheck is a check run that GitHub has.
type KnownCheck struct {
	ID         int64  `json:"id"`
	SHA        string `json:"head_sha"`
	Name       string `json:"name"`
	ExternalID string `json:"external_id"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"` // empty until it is completed
	DetailsURL string `json:"details_url"`

	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`

	Output struct {
		Title   string `json:"title"`
		Summary string `json:"summary"`
		Text    string `json:"text"`
		Count   int    `json:"annotations_count"`
	} `json:"output"`
	Suite struct {
		ID int64 `json:"id"`
	} `json:"check_suite"`
}

// CheckSuite is what an App has told of a commit, or is expected to tell.
type CheckSuite struct {
	ID     int64  `json:"id"`
	SHA    string `json:"head_sha"`
	Status string `json:"status"`
	Runs   int    `json:"latest_check_runs_count"`
	App    struct {
		ID   int64  `json:"id"`
		Slug string `json:"slug"`
	} `json:"app"`
}

// CreateCheck makes a check run, and returns its id. Its errors are those of PostStatus; after any but a *RefusedError it
// may have been made.
func (r *Repository) CreateCheck(ctx context.Context, c CheckRun) (int64, error) {
	if !isSHA(c.SHA) {
		return 0, &RefusedError{errors.New("not a full SHA")}
	}
	a, err := r.do(ctx, call{method: http.MethodPost, path: r.path(false) + "/check-runs", body: c, class: c.class(), needs: permission{"checks", "write"}})
	if err == nil && a.status != http.StatusCreated { // a proxy's page, for example
		err = &DownError{fmt.Errorf("it answered a check run with %d instead of 201", a.status)}
	}
	if err != nil {
		return 0, r.finally(err, c.Since)
	}
	var made KnownCheck
	if err := a.decode(&made); err != nil {
		return 0, err
	}
	if made.ID == 0 {
		return 0, &DownError{errors.New("its answer names no check run")}
	}
	return made.ID, nil
}

// UpdateCheck changes a check run. Its errors are those of PostStatus.
func (r *Repository) UpdateCheck(ctx context.Context, id int64, c CheckRun) error {
	c.SHA = ""
	_, err := r.do(ctx, call{method: http.MethodPatch, path: r.checkPath(id), body: c, class: c.class(), needs: permission{"checks", "write"}})
	return r.finally(err, c.Since)
}

// ProgressCheck shows how far a check run has come, unless there is anything better to ask of GitHub: then it returns ErrBusy.
func (r *Repository) ProgressCheck(ctx context.Context, id int64, output CheckOutput) error {
	body := struct {
		Output CheckOutput `json:"output"`
	}{output}
	_, err := r.do(ctx, call{method: http.MethodPatch, path: r.checkPath(id), body: body, class: progress, needs: permission{"checks", "write"}})
	return err
}

// Check returns a check run as it is. The error is a *RefusedError when there is none.
func (r *Repository) Check(ctx context.Context, id int64, since time.Time) (KnownCheck, error) {
	var one KnownCheck
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.checkPath(id), class: ordinary, needs: permission{"checks", "write"}})
	if err != nil {
		return one, r.finally(err, since)
	}
	return one, a.decode(&one)
}

// Annotations are those of a check run, as many as kitops gives one. The error is a *RefusedError when there is none.
func (r *Repository) Annotations(ctx context.Context, id int64, since time.Time) ([]Annotation, error) {
	var all []Annotation
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.checkPath(id) + "/annotations?per_page=100", class: ordinary, needs: permission{"checks", "write"}})
	if err != nil {
		return nil, r.finally(err, since)
	}
	return all, a.decode(&all)
}

// ChecksOf are the check runs of a suite, of each name the newest. The error is a *RefusedError when there is none.
func (r *Repository) ChecksOf(ctx context.Context, suite int64) ([]KnownCheck, error) {
	var all struct {
		Runs []KnownCheck `json:"check_runs"`
	}
	path := fmt.Sprintf("%s/check-suites/%d/check-runs?filter=latest&per_page=100", r.path(false), suite)
	a, err := r.do(ctx, call{method: http.MethodGet, path: path, class: ordinary, needs: permission{"checks", "write"}})
	if err != nil {
		return nil, r.finally(err, time.Time{})
	}
	return all.Runs, a.decode(&all)
}

// Suite returns a check suite as it is. The error is a *RefusedError when there is none.
func (r *Repository) Suite(ctx context.Context, id int64) (CheckSuite, error) {
	var one CheckSuite
	a, err := r.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("%s/check-suites/%d", r.path(false), id), class: ordinary, needs: permission{"checks", "write"}})
	if err != nil {
		return one, r.finally(err, time.Time{})
	}
	return one, a.decode(&one)
}

func (r *Repository) checkPath(id int64) string {
	return fmt.Sprintf("%s/check-runs/%d", r.path(false), id)
}

func (c CheckRun) class() class {
	if c.Status == "completed" {
		return final
	}
	return pending
}

// WantStatuses has the App ask for the permission to write commit statuses from now on.
func (r *Repository) WantStatuses() { r.app.statuses.Store(true) }

// WantChecks has the App ask for the permission to write check runs from now on.
func (r *Repository) WantChecks() { r.app.checks.Store(true) }

// ChecksAllowed says whether check runs are granted. What is missing is asked for again once an hour, and a warning says so.
func (r *Repository) ChecksAllowed(ctx context.Context, since time.Time) (bool, error) {
	r.WantChecks()
	_, err := withInstallation(ctx, r, func(i *installation, ctx context.Context) (struct{}, error) {
		return struct{}{}, i.require(ctx, "checks", "write", patience)
	})
	if lacks, lacking := errors.AsType[*PermissionError](err); lacking {
		r.app.sayChecksOff(r, lacks)
		return false, nil
	}
	return err == nil, r.finally(err, since)
}

// sayChecksOff says once for an installation that its check runs are commit statuses.
func (a *App) sayChecksOff(r *Repository, lacks *PermissionError) {
	r.mu.Lock()
	i := r.installation
	r.mu.Unlock()
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.plain {
		return
	}
	i.plain = true
	a.log.Warn("commit statuses instead of check runs: the GitHub App lacks a permission", "permission", "checks:write", "account", i.grant.owner(), "remedy", lacks.Remedy)
}
