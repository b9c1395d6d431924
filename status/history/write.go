package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/bittrance/kitops/poller"
)

// apply writes one event.
func (h *History) apply(ctx context.Context, e entry) error {
	if e.Kind == poller.Started {
		h.renew()
	}
	db, err := h.open(ctx)
	if err != nil {
		if e.Kind == poller.Finished || e.Kind == poller.Interrupted {
			h.shrink(e.Run.ID) // who follows its output has all that there will be
		}
		return err
	}
	switch e.Kind {
	case poller.Started:
		err = errors.Join(h.grow(e.Run.ID), db.start(ctx, e.Run, h.member))
	case poller.ActionStarted:
		err = db.act(ctx, e, h.sizeOf(e.Run.ID))
	case poller.Printed:
		err = h.print(e)
	case poller.Finished:
		err = h.finish(ctx, db, e.Run)
	case poller.Interrupted:
		err = errors.Join(h.finish(ctx, db, e.Run), db.note(ctx, e))
	default:
		err = db.note(ctx, e)
	}
	return h.setAside(err)
}

// finish ends a run's row, then its output, and makes room for the next.
func (h *History) finish(ctx context.Context, db *database, run poller.Run) error {
	err := db.finish(ctx, run, h.member, h.conclude(run.ID))
	h.shrink(run.ID) // who follows the output finds the row ended
	if err != nil {
		return err
	}
	return h.prune(ctx, db)
}

// start adds a run.
func (db *database) start(ctx context.Context, r poller.Run, member string) error {
	_, err := db.writer.ExecContext(ctx, `INSERT INTO runs
		(run, task, ref, sha, previous, attempt, started, outcome, action, reason, member)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', '', ?)`,
		r.ID, r.Task, r.Revision.Ref, r.Revision.SHA, r.Previous, r.Attempt, millis(r.Started), poller.Running, member)
	db.totals(1, 0)
	return said("add a run", err)
}

// act adds an action, and ends the one before.
func (db *database) act(ctx context.Context, e entry, offset int64) error {
	at := millis(e.at)
	return db.all(ctx, "add an action",
		statement{`UPDATE actions SET ended = ? WHERE run = ? AND ended = 0`, []any{at, e.Run.ID}},
		statement{`INSERT INTO actions (run, n, name, started, ended, start)
			VALUES (?1, (SELECT count(*) FROM actions WHERE run = ?1), ?2, ?3, 0, ?4)`, []any{e.Run.ID, e.Run.Action, at, offset}},
		statement{`UPDATE runs SET action = ?, signer = ? WHERE run = ?`, []any{e.Run.Action, e.Run.Signer, e.Run.ID}},
	)
}

// finish ends a run, also one that the history does not know: it was off when that began.
func (db *database) finish(ctx context.Context, r poller.Run, member string, printed int64) error {
	if _, err := db.run(ctx, r.ID); errors.Is(err, fs.ErrNotExist) {
		if err := db.start(ctx, r, member); err != nil {
			return err
		}
	}
	ended := millis(r.Finished)
	db.totals(0, printed)
	return db.all(ctx, "end a run",
		statement{
			`UPDATE runs SET ended = ?, took = ?, outcome = ?, action = ?, reason = ?, signer = ?, bytes = bytes + ? WHERE run = ?`,
			[]any{ended, r.Duration().Milliseconds(), r.Outcome.Word(), r.Action, r.Reason, r.Signer, printed, r.ID},
		},
		statement{`UPDATE actions SET ended = ? WHERE run = ? AND ended = 0`, []any{ended, r.ID}},
	)
}

// note adds an event.
func (db *database) note(ctx context.Context, e entry) error {
	_, err := db.writer.ExecContext(ctx, `INSERT INTO events (at, task, ref, sha, run, kind, text) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		millis(e.at), e.Task, e.Run.Revision.Ref, e.Run.Revision.SHA, e.Run.ID, string(e.Kind), textOf(e.Event))
	return said("add an event", err)
}

// maxText bounds what an event says, in bytes.
const maxText = 4096

// textOf is what an event says beside its kind.
func textOf(e poller.Event) string {
	text := e.Reason
	switch {
	case e.Err != nil:
		text = e.Err.Error()
	case e.Count > 1:
		text = fmt.Sprintf("%d of them", e.Count)
	case text == "":
		text = e.Run.Reason
	}
	return text[:min(len(text), maxText)]
}

func said(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
