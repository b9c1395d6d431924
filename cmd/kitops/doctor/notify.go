package doctor

import (
	"context"
	"log/slog"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/status/notify"
)

// notifications names who is notified, and sends them a trial if that is asked for.
func (d *Doctor) notifications(ctx context.Context, s settings.Settings) {
	sender := &notify.Sender{Log: slog.New(slog.DiscardHandler)}
	for _, target := range s.Targets() {
		if !d.NotifyTrial {
			d.say(app.OK, "notifications go to "+target.String()+"; --notify-trial sends one", "")
			continue
		}
		if err := sender.Try(ctx, target); err != nil {
			d.fail("notifications", err, "try again, or look at what the task file says of it")
			continue
		}
		d.say(app.OK, "a trial has gone to "+target.String(), "")
	}
}
