package doctor

import (
	"context"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/status/github"
)

// shownLog tells of the logs of check runs on a public repository, which may have become one since the task was written.
func (d *Doctor) shownLog(ctx context.Context, t settings.Task, r *wiring.Repository) {
	if t.GitHub == nil || t.GitHub.Report != settings.ReportCheck || t.GitHub.CheckLog == "" {
		return
	}
	if private, err := r.Private(ctx); err != nil || private {
		return // an error was said
	}
	switch prefix := "task " + t.Name + ": "; t.GitHub.CheckLog {
	case github.LogPublic:
		d.say(app.Warn, prefix+"everybody can read the end of what its actions print: the repository is public, and github.check_log, too", "github.check_log: tail shows it on private repositories only")
	case github.LogTail:
		d.say(app.OK, prefix+"its check runs have no log, since the repository is public; github.check_log: public would show it to everybody", "")
	}
}
