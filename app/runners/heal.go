package runners

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// heal decides whether a session is of use after an error.
func (l *listener) heal(err error) {
	_, nonsense := errors.AsType[*malformed](err)
	status := statusOf(err)
	if nonsense {
		l.spoilt++
	}
	passing := status == 0 || status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
	if l.spoilt >= 3 || !nonsense && !passing {
		l.session, l.spoilt = nil, 0 // another is begun, with what is known
	}
}

// tell says once what is wrong, and that it is over.
func (l *listener) tell(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := ""
	if err != nil {
		text = err.Error()
		if refused(err, "SessionConflict") || statusOf(err) == http.StatusConflict {
			text = l.conflict(text)
		}
	}
	switch text {
	case l.told:
	case "":
		l.o.Log.Info("listening for jobs again")
	default:
		l.o.Log.Warn("runners: cannot listen for jobs, tried again", "err", text)
	}
	l.told = text
}

// conflict says who holds the session, by the refusal that names its owner.
func (l *listener) conflict(refusal string) string {
	const mend = "end it, or give runners: another name: ("
	if strings.Contains(refusal, l.o.Owner) {
		return "a kitops of this host holds the session of this scale set. GitHub ends that of one which was killed while it began; where another runs, " + mend + refusal + ")"
	}
	return "another program listens for the jobs of this scale set: " + mend + refusal + ")"
}

// state is the trouble that there is, and how many more jobs GitHub counts than it told of.
func (l *listener) state() (trouble string, more int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told, l.more
}

// leave ends the session, so that another may begin at once.
func (l *listener) leave(ctx context.Context) {
	if l.session == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
	defer cancel()
	if err := l.service.closeSession(ctx, l.session.set, l.session.ID); err != nil {
		l.o.Log.Warn("runners: the session is not ended, the next start ends it", "err", err)
		return
	}
	_ = l.change(ctx, func(m *Listening) { m.Session = "" }) // else it is ended once more
}
