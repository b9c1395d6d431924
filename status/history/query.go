package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/bittrance/kitops/poller"
)

// Filter says which runs to list. The zero Filter is all of them.
type Filter struct {
	Task, Ref, Outcome string
	Before             string                 // only runs that began before this one
	Limit              int                    // at most so many; 0: DefaultLimit
	Visible            func(task string) bool // nil: every task
}

// DefaultLimit is how many runs a list has where nothing else is asked for.
const DefaultLimit = 50

// maxLimit bounds what one list may ask for.
const maxLimit = 1000

// selectRuns also reads what an earlier kitops has left, whose runs have no signer.
const selectRuns = `SELECT run, task, ref, sha, previous, attempt, started, ended, took, outcome, action, reason, member, bytes, removed, signer
	FROM runs NATURAL LEFT JOIN (SELECT '' AS signer) WHERE `

// Runs lists runs, the newest first. Next is the run to list from with Before
// when there are more, "" when there are none.
func (h *History) Runs(ctx context.Context, f Filter) (runs []Run, next string, err error) {
	db, err := h.open(ctx)
	if err != nil {
		return nil, "", err
	}
	limit := min(f.Limit, maxLimit)
	if limit <= 0 {
		limit = DefaultLimit
	}
	where, args := []string{"true"}, []any{}
	for column, value := range map[string]string{"task": f.Task, "ref": f.Ref, "outcome": f.Outcome} {
		if value != "" {
			where, args = append(where, column+" = ?"), append(args, value)
		}
	}
	if f.Before != "" {
		if _, err := db.run(ctx, f.Before); err != nil {
			return nil, "", err
		}
		where, args = append(where, "seq < (SELECT seq FROM runs WHERE run = ?)"), append(args, f.Before)
	}
	rows, err := db.reader.QueryContext(ctx, selectRuns+strings.Join(where, " AND ")+` ORDER BY seq DESC`, args...)
	if err != nil {
		return nil, "", said("list runs", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		run, err := db.scan(rows)
		if err != nil {
			return nil, "", said("list runs", err)
		}
		if f.Visible != nil && !f.Visible(run.Task) {
			continue
		}
		if len(runs) == limit {
			return runs, runs[limit-1].ID, nil
		}
		runs = append(runs, run)
	}
	return runs, "", said("list runs", rows.Err())
}

// Run is one run. The error is fs.ErrNotExist when the history does not know it.
func (h *History) Run(ctx context.Context, id string) (Run, error) {
	db, err := h.open(ctx)
	if err != nil {
		return Run{}, err
	}
	return db.run(ctx, id)
}

// unknownError says that there is no such run, or not any more.
type unknownError struct{ run string }

func (e unknownError) Error() string { return fmt.Sprintf("no run %q in the history", e.run) }

// Is makes it fs.ErrNotExist.
func (e unknownError) Is(target error) bool { return target == fs.ErrNotExist }

func (db *database) run(ctx context.Context, id string) (Run, error) {
	run, err := db.scan(db.reader.QueryRowContext(ctx, selectRuns+`run = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, unknownError{id}
	}
	return run, said("read a run", err)
}

// Actions lists what a run has done, in order.
func (h *History) Actions(ctx context.Context, id string) ([]Action, error) {
	db, err := h.open(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := db.reader.QueryContext(ctx, `SELECT name, started, ended, start FROM actions WHERE run = ? ORDER BY n`, id)
	if err != nil {
		return nil, said("list actions", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Action
	for rows.Next() {
		var a Action
		var started, ended int64
		if err := rows.Scan(&a.Name, &started, &ended, &a.Offset); err != nil {
			return nil, said("list actions", err)
		}
		a.Started, a.Ended = moment(started), moment(ended)
		all = append(all, a)
	}
	return all, said("list actions", rows.Err())
}

// Events lists what happened beside the runs of a task, the newest first.
func (h *History) Events(ctx context.Context, task string, limit int) ([]Event, error) {
	db, err := h.open(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := db.reader.QueryContext(ctx, `SELECT at, task, ref, sha, run, kind, text FROM events WHERE task = ? ORDER BY seq DESC LIMIT ?`, task, min(limit, maxLimit))
	if err != nil {
		return nil, said("list events", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Event
	for rows.Next() {
		var e Event
		var at int64
		if err := rows.Scan(&at, &e.Task, &e.Ref, &e.SHA, &e.Run, &e.Kind, &e.Text); err != nil {
			return nil, said("list events", err)
		}
		e.At = moment(at)
		all = append(all, e)
	}
	return all, said("list events", rows.Err())
}

// ErrRunning is the error of what has to wait for the end of a run.
var ErrRunning = errors.New("it goes on")

// Remove removes what a run printed. Its row stays, and says who did it. The
// error is fs.ErrNotExist for a run that the history does not know.
func (h *History) Remove(ctx context.Context, id, by string) error {
	db, err := h.open(ctx)
	if err != nil {
		return err
	}
	run, err := db.run(ctx, id)
	if err != nil {
		return err
	}
	if run.Outcome == poller.Running {
		return fmt.Errorf("run %s: %w: its output can be removed when it has ended", id, ErrRunning)
	}
	if err := db.removeOutput(run.ID); err != nil {
		return err
	}
	db.totals(0, -run.Bytes)
	_, err = db.writer.ExecContext(ctx, `UPDATE runs SET removed = ?, bytes = 0 WHERE run = ?`, by, run.ID)
	return said("remove what a run printed", err)
}

func (db *database) scan(row interface{ Scan(...any) error }) (Run, error) {
	var r Run
	var started, ended, took int64
	err := row.Scan(&r.ID, &r.Task, &r.Ref, &r.SHA, &r.Previous, &r.Attempt, &started, &ended, &took, &r.Outcome,
		&r.Action, &r.Reason, &r.Member, &r.Bytes, &r.Removed, &r.Signer)
	if db.left && r.Outcome == poller.Running {
		r.Outcome, r.Reason, ended = string(poller.Error), cutOff, started
	}
	r.Started, r.Ended, r.Took = moment(started), moment(ended), float64(took)/1000
	return r, err
}
