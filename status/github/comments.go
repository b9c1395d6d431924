package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
)

// maxComment is what GitHub takes, in characters.
const maxComment = 65_536

// Comments keeps a comment with what runs have written below each pull request of their commits.
type Comments struct {
	// Find returns the repository that a report is for, nil when there is no App for it any more.
	Find func(poller.Report) *app.Repository
	Log  *slog.Logger

	ungranted sync.Map // tasks for which it was said that comments are not granted
}

// comment is what is remembered of the one below a pull request, in the state.
type comment struct {
	ID  int64  `json:"id"`
	Sum string `json:"sum"` // a digest of what it says
}

// Report is the poller.Reporter of comments. It is safe for concurrent use.
func (c *Comments) Report(ctx context.Context, r poller.Report) error {
	log := c.Log.With("task", r.Run.Task, "sha", r.Run.Revision.SHA, "run", r.Run.ID)
	name, text, ok := r.Comment()
	repository := c.Find(r)
	if repository == nil || !ok {
		log.Warn("no comment: there is no GitHub App for this repository any more")
		return nil
	}
	known := map[string]comment{}
	if r.Note != nil && *r.Note != "" {
		_ = json.Unmarshal([]byte(*r.Note), &known) // else they are looked for
	}
	pulls, err := pullsOf(ctx, repository, r)
	told := map[string]comment{}
	for _, pull := range pulls {
		key := strconv.Itoa(pull)
		if err == nil {
			told[key], err = tellPull(ctx, repository, pull, known[key], name, app.Redact(text))
		}
		if err != nil && told[key].ID == 0 && known[key].ID != 0 {
			told[key] = known[key]
		}
	}
	if data, failed := json.Marshal(told); failed == nil && r.Note != nil && len(pulls) > 0 {
		*r.Note = string(data)
	}
	return c.judge(err, r, log)
}

// judge lets go of a report that GitHub will never take.
func (c *Comments) judge(err error, r poller.Report, log *slog.Logger) error {
	var refused *app.RefusedError
	var ungranted *app.PermissionError
	switch {
	case errors.As(err, &ungranted):
		if _, said := c.ungranted.LoadOrStore(r.Run.Task, true); !said {
			log.Warn("no comments: the GitHub App lacks a permission", "permission", "pull_requests:write", "remedy", ungranted.Remedy)
		}
		return nil
	case errors.As(err, &refused):
		log.Warn("GitHub refused the comment", "err", refused.Unwrap())
		return nil
	}
	return err
}

// pullsOf are the pull requests that a run was about.
func pullsOf(ctx context.Context, r *app.Repository, of poller.Report) ([]int, error) {
	if rest, is := strings.CutPrefix(of.Run.Revision.Ref, "refs/pull/"); is {
		number, _, _ := strings.Cut(rest, "/")
		if n, err := strconv.Atoi(number); err == nil {
			return []int{n}, nil
		}
	}
	return r.PullsOf(ctx, of.Run.Revision.SHA, of.Run.Started)
}

// tellPull brings the comment below one pull request to a text.
func tellPull(ctx context.Context, r *app.Repository, pull int, known comment, name, text string) (comment, error) {
	mark := markOf(name)
	body := mark + "\n" + cutComment(text, maxComment-utf8.RuneCountInString(mark)-1)
	sum := sha256.Sum256([]byte(body))
	now := comment{ID: known.ID, Sum: hex.EncodeToString(sum[:12])}
	if known.ID != 0 && known.Sum == now.Sum {
		return known, nil
	}
	var err error
	if now.ID == 0 {
		if now.ID, err = r.FindComment(ctx, pull, mark); err != nil {
			return comment{}, err
		}
	}
	if now.ID != 0 {
		there, err := r.EditComment(ctx, now.ID, body)
		switch {
		case err != nil:
			return comment{ID: now.ID}, err // what it says now is not known
		case there:
			return now, nil
		}
		if now.ID, err = r.FindComment(ctx, pull, mark); err != nil || now.ID != 0 { // it was deleted; a further one may be there
			return comment{ID: now.ID}, errors.Join(err, errors.New("the comment was deleted"))
		}
	}
	now.ID, err = r.PostComment(ctx, pull, body)
	return now, err
}

// markOf begins the comment of a task: it is not seen, and what it ends on is not for the task's text to say.
func markOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "<!-- kitops comment " + hex.EncodeToString(sum[:12]) + " -->"
}

// cutComment shortens a text to so many characters, at the end of a line where there is one in its second half.
func cutComment(text string, limit int) string {
	count := utf8.RuneCountInString(text)
	if count <= limit {
		return text
	}
	note := fmt.Sprintf("\n\n(cut by kitops: GitHub takes %d characters)", maxComment)
	cut := string([]rune(text)[:limit-utf8.RuneCountInString(note)])
	if end := strings.LastIndexByte(cut, '\n'); end > len(cut)/2 {
		cut = cut[:end]
	}
	return cut + note
}
