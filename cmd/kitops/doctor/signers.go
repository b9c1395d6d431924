package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller/git"
)

const (
	shownSigners = 20
	signedHeads  = 5 // whose signers are told, of a task
)

// signers tells whose signatures count, and which keys need another soon.
func (d *Doctor) signers(ctx context.Context, s settings.Settings, w *wiring.Wiring) {
	for _, t := range s.Tasks {
		if t.Verify == nil {
			continue
		}
		prefix := "task " + t.Name + ": "
		names, expiring, err := w.Signers(ctx, t)
		if err != nil {
			d.fail(prefix+"whose signatures count", err, "mend the file that verify names, or have this machine reach GitHub")
			continue
		}
		if more := len(names) - shownSigners; more > 0 {
			names = append(names[:shownSigners], "others")
		}
		d.say(app.OK, prefix+"runs what is signed by "+strings.Join(names, ", "), "")
		for _, key := range expiring {
			d.say(app.Warn, prefix+key, "put a newer one beside it: what is signed by it will not run")
		}
	}
}

// signed tells who signed what a task would run, and what is to be done where that does not count.
func (d *Doctor) signed(ctx context.Context, prefix string, t settings.Task, heads []git.Revision, tags git.Tags, w *wiring.Wiring) {
	if t.Verify == nil {
		return
	}
	if t.Versions != nil {
		heads = highest(t.Versions, heads)
	}
	for _, head := range heads[:min(len(heads), signedHeads)] {
		name := fmt.Sprintf("%shead %.7s of %s", prefix, head.SHA, head.Name())
		if object := tags.Of(head); object != "" {
			name, head.SHA = fmt.Sprintf("%stag %s at %.7s", prefix, head.Name(), head.SHA), object
		}
		signer, err := w.SignerOf(ctx, t, head, false)
		var unsigned *git.UnsignedError
		switch {
		case err == nil:
			d.say(app.OK, fmt.Sprintf("%s is signed by %s, key %s", name, signer.Name, signer.Key), "")
		case errors.As(err, &unsigned):
			d.say(app.Warn, name+" does not run: "+unsigned.Reason, d.howToSign(ctx, t, head, unsigned, w))
		default:
			d.say(app.Warn, name+": who signed it is not known: "+err.Error(), "")
		}
	}
	if more := len(heads) - signedHeads; more > 0 {
		d.say(app.OK, fmt.Sprintf("%s%d more heads, whose signers are not told here", prefix, more), "")
	}
}

// howToSign is what helps a revision that is not signed as it must be. GitHub's own signature is told apart.
func (d *Doctor) howToSign(ctx context.Context, t settings.Task, head git.Revision, unsigned *git.UnsignedError, w *wiring.Wiring) string {
	if unsigned.UnknownKey && !t.Verify.Web && git.WebFlowURL(t.URL) != "" {
		if signer, err := w.SignerOf(ctx, t, head, true); err == nil {
			return signer.Name + " has signed it, as all that is merged or edited on its web pages: web_flow: true has that count, and trusts whoever may merge there"
		}
	}
	return "have it signed by one of those keys, or add the key that signed it"
}

// highest leaves of all tags the version that runs.
func highest(v *git.Versions, heads []git.Revision) []git.Revision {
	tags := slices.DeleteFunc(slices.Clone(heads), func(r git.Revision) bool { return !r.IsTag() })
	top := v.Choose(tags, "", func(string) bool { return false }).Tag
	return slices.DeleteFunc(slices.Clone(heads), func(r git.Revision) bool { return r.IsTag() && r != top })
}
